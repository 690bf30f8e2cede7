"""`ctx.step` in blocking functions: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from inngest_asgi.engine.ops import SendEvents, run_op, send_event_op, sleep_op, sleep_until_op
from inngest_asgi.engine.results import UNSET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from inngest_asgi.engine.drive_sync import DriveSync
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.events import Event

P = ParamSpec("P")
T = TypeVar("T")


class StepSync:
    """The steps of a blocking function: those of `Step`, called without `await`."""

    __slots__ = ("_drive", "_send")

    def __init__(self, drive: DriveSync, send: SendEvents) -> None:
        self._drive = drive
        self._send = send

    @overload
    def run(
        self,
        step_id: str,
        handler: Callable[..., Any],
        *args: Any,
        output_type: type[T],
        **kwargs: Any,
    ) -> T: ...
    @overload
    def run(
        self, step_id: str, handler: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    @overload
    def run(
        self, step_id: str, handler: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...
    def run(
        self,
        step_id: str,
        handler: Callable[..., Any],
        *args: Any,
        output_type: Any = UNSET,
        **kwargs: Any,
    ) -> Any:
        """Run a function once and record its result; see `Step.run`.

        A blocking handler runs on the function's own thread, an async one on the event loop of
        the application.
        """
        return self._drive.step(run_op(step_id, handler, args, kwargs, output_type))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Let the run rest; see `Step.sleep`. No thread is held meanwhile."""
        self._drive.step(sleep_op(step_id, duration))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """Let the run rest until a moment; see `Step.sleep_until`."""
        self._drive.step(sleep_until_op(step_id, until))

    def send_event(self, step_id: str, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        """Send events once and return their ids; see `Step.send_event`."""
        ids: list[str] = self._drive.step(send_event_op(step_id, events, self._send))
        return ids
