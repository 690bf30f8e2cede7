"""`ctx.step` in async functions: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from inngest_asgi.engine.memos import MISSING
from inngest_asgi.engine.ops import (
    SendEvents,
    rebuilt,
    run_op,
    run_result,
    send_event_op,
    sleep_op,
    sleep_until_op,
)
from inngest_asgi.engine.results import UNSET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from inngest_asgi.engine.drive import Drive
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.events import Event

P = ParamSpec("P")
T = TypeVar("T")


class Step:
    """The steps of an async function. Each takes its id first, and is awaited.

    A step runs once and is recorded; in later calls of the same run its result comes from the
    record. Ids should be unique in a function; repeats are told apart by the order they start in.
    """

    __slots__ = ("_drive", "_send")

    def __init__(self, drive: Drive, send: SendEvents) -> None:
        self._drive = drive
        self._send = send

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
            output_type: the type to check and rebuild the result with, instead of its annotation.
            **kwargs: passed to it.

        Returns:
            What the handler returned, rebuilt from the record to its return annotation.

        Raises:
            StepError: the step failed for good.
            ConfigError: the id or the handler is none.
        """
        memo = self._drive.recall(step_id)
        if memo is not MISSING:
            return rebuilt(memo, step_id, run_result(step_id, handler, output_type))
        return await self._drive.step(run_op(step_id, handler, args, kwargs, output_type))

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
        ids: list[str] = await self._drive.step(send_event_op(step_id, events, self._send))
        return ids
