"""The user's side of a worker: runs requests on the loop that started it; knows no socket."""

from __future__ import annotations

import asyncio
import contextvars
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from inngest_asgi.connect.request import ConnectRequest
from inngest_asgi.errors import ApiError, ConfigError, RequestError
from inngest_asgi.wire.names import ErrorCode
from inngest_asgi.wire.replies import ErrorRecord, error_reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inngest_asgi.connect.messages import ExecutorRequest
    from inngest_asgi.runtime.execute import Runtime
    from inngest_asgi.wire.replies import Reply

    Answer = Callable[[ExecutorRequest, Reply | None], None]

_UNEXPECTED = "Something unexpected went wrong; the application's log says more."


class Calls:
    """The requests in progress. Made on the user's loop; told what to do from the worker's thread.

    User code sees the context variables that were set where this was made.

    Args:
        runtimes: what runs the calls of each application.
        answer: is called on this loop with each reply, or with None for what was cancelled.
    """

    def __init__(self, runtimes: Iterable[Runtime], answer: Answer) -> None:
        self._runtimes = {one.client.app_id: one for one in runtimes}
        self._answer = answer
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._tasks: dict[str, asyncio.Task[Reply]] = {}

    def execute(self, request: ExecutorRequest) -> bool:
        """Run a request, from any thread; False when the user's loop is closed."""
        return self._on_loop(self._begin, request)

    def cancel(self, request: ExecutorRequest, *, blocking_too: bool) -> None:
        """Cancel a request's code, from any thread.

        Args:
            request: one that was given to `execute`.
            blocking_too: whether to give up code in a thread, too. It cannot be stopped, so by
                default it is waited for, lest it runs twice at once.
        """
        function = self._runtimes[request.app_name].index.find(request.function_slug)
        if blocking_too or function is None or function.is_handler_async:
            self._on_loop(self._cancel, request.request_id)

    def _on_loop(self, callback: Callable[..., None], *args: object) -> bool:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, *args, context=self._context)
            return True
        return False

    def _begin(self, request: ExecutorRequest) -> None:
        task = self._loop.create_task(self._reply(request))
        self._tasks[request.request_id] = task
        task.add_done_callback(partial(self._end, request))

    def _cancel(self, request_id: str) -> None:
        if request_id in self._tasks:
            self._tasks[request_id].cancel()

    def _end(self, request: ExecutorRequest, task: asyncio.Task[Reply]) -> None:
        del self._tasks[request.request_id]
        self._answer(request, None if task.cancelled() else task.result())

    async def _reply(self, request: ExecutorRequest) -> Reply:
        """Run a request to its reply, whatever goes wrong, as the guard does for HTTP."""
        runtime = self._runtimes[request.app_name]
        logger = runtime.client.logger
        try:
            return await runtime.execute(
                request.request_payload,
                request.function_slug,
                request.step_id,
                partial(ConnectRequest.of, request),
                request_id=request.request_id,
            )
        except RequestError as error:
            return _refusal(type(error).__name__, str(error), error.code)
        except (ApiError, ConfigError) as error:
            logger.error("%s", error)
            return _refusal(type(error).__name__, str(error))
        except Exception:
            logger.exception("Request %s could not be answered", request.request_id)
            return _refusal(RequestError.__name__, _UNEXPECTED)


def _refusal(name: str, message: str, code: str = ErrorCode.INTERNAL_ERROR) -> Reply:
    return error_reply(500, ErrorRecord(name, message, code=code), no_retry=False)
