"""`ctx.step` in async functions: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import (
    loaded,
    run_op,
    run_result,
    send_event_op,
    sleep_op,
    sleep_until_op,
)
from inngest_asgi.engine.ops_remote import (
    Timeout,
    fetch_op,
    invoke_op,
    send_signal_op,
    wait_for_event_op,
    wait_for_signal_op,
)
from inngest_asgi.engine.results import PLAIN, UNSET, known_result
from inngest_asgi.engine.tools_ai import StepAI
from inngest_asgi.engine.tools_realtime import StepRealtime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from inngest_asgi.engine.received import FetchResponse, Signal
    from inngest_asgi.engine.services import Announcer, Invocable, Services, WaitedFor
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.events import Event

P = ParamSpec("P")
T = TypeVar("T")


class Step:
    """The steps of an async function. Each takes its id first, and is awaited.

    A step runs once and is recorded; in later calls of the same run its result comes from the
    record. Ids should be unique in a function; repeats are told apart by the order they start in.
    """

    __slots__ = ("_drive", "_services")

    def __init__(self, drive: Announcer, services: Services) -> None:
        self._drive = drive
        self._services = services

    @property
    def ai(self) -> StepAI:
        """Steps that ask AI providers."""
        return StepAI(self._drive)

    @property
    def realtime(self) -> StepRealtime:
        """Steps that tell subscribers, such as browsers, while the run goes on."""
        return StepRealtime(self._drive, self._services)

    @overload
    async def run(
        self,
        step_id: str,
        handler: Callable[..., Any],
        *args: Any,
        output_type: type[T],
        **kwargs: Any,
    ) -> T: ...
    @overload
    async def run(
        self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    async def run(
        self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    async def run(
        self,
        step_id: str,
        handler: Callable[..., Any],
        *args: Any,
        output_type: Any = UNSET,
        **kwargs: Any,
    ) -> Any:
        """Run a function once and record its result.

        A blocking handler runs in the executor, never on the loop. What the handler raises makes
        the step try again, until its attempts are used up.

        Args:
            step_id: the step's id.
            handler: an async or blocking function; not a coroutine.
            *args: passed to it.
            output_type: the type to check and rebuild the result with, instead of its annotation;
                by the client's serializer, if it has one.
            **kwargs: passed to it.

        Returns:
            What the handler returned, rebuilt from the record to its return annotation.

        Raises:
            StepError: the step failed for good.
            ConfigError: the id or the handler is none.
        """
        drive = self._drive
        data = drive.recall(step_id)
        if data is not MISSING and output_type is UNSET:
            if handler is drive.plain_handler:
                return data
            if known_result(handler) is PLAIN:
                drive.plain_handler = handler
                return data
        serializer = None if output_type is UNSET else self._services.serializer
        if data is not MISSING:
            return loaded(data, step_id, run_result(step_id, handler, output_type, serializer))
        op = run_op(step_id, handler, args, kwargs, output_type, serializer)
        return await drive.step(op)

    async def sleep(self, step_id: str, duration: Duration) -> None:
        """Let the run rest; nothing runs and nothing is held meanwhile.

        Args:
            step_id: the step's id.
            duration: a `timedelta`, a string such as "1h30m", or int milliseconds; at most
                366 days, and under a second rounds up to one.

        Raises:
            ConfigError: it is no duration, or negative.
        """
        await self._drive.step(sleep_op(step_id, duration))

    async def sleep_until(self, step_id: str, until: datetime) -> None:
        """Let the run rest until a moment.

        Args:
            step_id: the step's id.
            until: with its time zone; at most 366 days ahead; one that is past does not wait.

        Raises:
            ConfigError: it is not a `datetime` with a time zone.
        """
        await self._drive.step(sleep_until_op(step_id, until))

    async def send_event(
        self, step_id: str, events: Event[Any] | Sequence[Event[Any]]
    ) -> list[str]:
        """Send events once, however often the function is called.

        Args:
            step_id: the step's id.
            events: one event or several.

        Returns:
            The events' internal ids, in order.

        Raises:
            StepError: they could not be sent.
        """
        ids: list[str] = await self._drive.step(
            send_event_op(step_id, events, self._services.send_events)
        )
        return ids

    @overload
    async def wait_for_event(
        self, step_id: str, *, event: str, timeout: Timeout, if_exp: str | None = None
    ) -> Event | None: ...
    @overload
    async def wait_for_event(
        self, step_id: str, *, event: WaitedFor[T], timeout: Timeout, if_exp: str | None = None
    ) -> Event[T] | None: ...
    async def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | WaitedFor[Any],
        timeout: Timeout,
        if_exp: str | None = None,
    ) -> Event[Any] | None:
        """Let the run wait for an event.

        Only events count that come after the wait was recorded.

        Args:
            step_id: the step's id.
            event: the event's name, or its `EventType`: then its data is checked and rebuilt.
            timeout: how long to wait: a `timedelta`, a string such as "7d", int milliseconds,
                or the moment until which; at most 366 days.
            if_exp: a CEL expression over `event` (what started the run) and `async` (what
                came), such as "event.data.id == async.data.id".

        Returns:
            The event, or None when the time was over.

        Raises:
            EventValidationError: what came is not of the `EventType`.
            ConfigError: an argument is wrong.
        """
        op = wait_for_event_op(step_id, event, timeout, if_exp)
        came: Event[Any] | None = await self._drive.step(op)
        return came

    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        on_conflict: Literal["fail", "replace"] = "fail",
    ) -> Signal | None:
        """Let the run wait for a signal.

        Args:
            step_id: the step's id.
            signal: the signal's name; one run at a time can wait for it.
            timeout: how long to wait; see `wait_for_event`.
            on_conflict: what happens when another run waits for it: "fail" fails this run,
                "replace" takes its place.

        Returns:
            The signal with its data, or None when the time was over.

        Raises:
            ConfigError: an argument is wrong.
        """
        op = wait_for_signal_op(step_id, signal, timeout, on_conflict)
        came: Signal | None = await self._drive.step(op)
        return came

    async def send_signal(self, step_id: str, *, signal: str, data: Any = None) -> str | None:
        """Send a signal once, however often the function is called.

        Args:
            step_id: the step's id.
            signal: the signal's name.
            data: what goes with it; JSON.

        Returns:
            The id of the run that waited for it, or None if none did.

        Raises:
            StepError: it could not be sent.
        """
        op = send_signal_op(step_id, signal, data, self._services.send_signal)
        run_id: str | None = await self._drive.step(op)
        return run_id

    async def invoke(
        self,
        step_id: str,
        *,
        function: Invocable[T],
        data: Mapping[str, Any] | BaseModel | None = None,
        user: Mapping[str, Any] | None = None,
        v: str | None = None,
        timeout: Timeout | None = None,
    ) -> T:
        """Run another function and wait for what it returns.

        Args:
            step_id: the step's id.
            function: the function, as `create_function` returned it.
            data: a dictionary or a pydantic model, which becomes the data of its event.
            user: goes along in the event.
            v: goes along in the event.
            timeout: how long to wait; see `wait_for_event`. None is the server's limit, a year.

        Returns:
            What it returned, rebuilt to its return annotation.

        Raises:
            StepError: it failed, or did not end in time (then its `name` is
                "InngestInvokeTimeoutError").
            ConfigError: an argument is wrong.
        """
        meta = self._services.meta()
        op = invoke_op(step_id, function, data=data, user=user, v=v, timeout=timeout, meta=meta)
        output: T = await self._drive.step(op)
        return output

    async def invoke_by_id(
        self,
        step_id: str,
        *,
        function_id: str,
        app_id: str | None = None,
        data: Mapping[str, Any] | BaseModel | None = None,
        user: Mapping[str, Any] | None = None,
        v: str | None = None,
        timeout: Timeout | None = None,
    ) -> Any:
        """Run a function of another application, or one that cannot be imported; see `invoke`.

        Args:
            step_id: the step's id.
            function_id: the function's id within its application.
            app_id: its application; this one by default.
            data: becomes the data of its event.
            user: goes along in the event.
            v: goes along in the event.
            timeout: how long to wait.

        Returns:
            What it returned, as JSON data.

        Raises:
            StepError: it failed, did not end in time, or is unknown to the server.
            ConfigError: an argument is wrong.
        """
        full_id = f"{app_id or self._services.app_id}-{function_id}"
        meta = self._services.meta()
        op = invoke_op(step_id, full_id, data=data, user=user, v=v, timeout=timeout, meta=meta)
        return await self._drive.step(op)

    async def fetch(
        self,
        step_id: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> FetchResponse:
        """Have the server make an HTTP request, while nothing runs and nothing is held here.

        Args:
            step_id: the step's id.
            url: an absolute http or https URL.
            method: the HTTP method.
            headers: headers to send.
            body: text, or what is to be written as JSON.

        Returns:
            The response, whatever its status.

        Raises:
            StepError: no response came.
            ConfigError: an argument is wrong.
        """
        op = fetch_op(step_id, url, method=method, headers=headers, body=body)
        answer: FetchResponse = await self._drive.step(op)
        return answer
