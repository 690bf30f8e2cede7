"""`ctx.step` in blocking functions: announces ops, holds no logic of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, overload

from inngest_asgi.engine.ops import run_op, send_event_op, sleep_op, sleep_until_op
from inngest_asgi.engine.ops_remote import (
    Timeout,
    fetch_op,
    invoke_op,
    send_signal_op,
    wait_for_event_op,
    wait_for_signal_op,
)
from inngest_asgi.engine.results import UNSET
from inngest_asgi.engine.tools_ai import StepAISync
from inngest_asgi.engine.tools_realtime import StepRealtimeSync

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from inngest_asgi.engine.received import FetchResponse, Signal
    from inngest_asgi.engine.services import (
        AnnouncerSync,
        Invocable,
        Services,
        WaitedFor,
    )
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.events import Event

P = ParamSpec("P")
T = TypeVar("T")


class StepSync:
    """The steps of a blocking function: those of `Step`, called without `await`."""

    __slots__ = ("_drive", "_services")

    def __init__(self, drive: AnnouncerSync, services: Services) -> None:
        self._drive = drive
        self._services = services

    @property
    def ai(self) -> StepAISync:
        """Steps that ask AI providers."""
        return StepAISync(self._drive)

    @property
    def realtime(self) -> StepRealtimeSync:
        """Steps that tell subscribers, such as browsers, while the run goes on."""
        return StepRealtimeSync(self._drive, self._services)

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
        serializer = None if output_type is UNSET else self._services.serializer
        return self._drive.step(run_op(step_id, handler, args, kwargs, output_type, serializer))

    def sleep(self, step_id: str, duration: Duration) -> None:
        """Let the run rest; see `Step.sleep`. No thread is held meanwhile."""
        self._drive.step(sleep_op(step_id, duration))

    def sleep_until(self, step_id: str, until: datetime) -> None:
        """Let the run rest until a moment; see `Step.sleep_until`."""
        self._drive.step(sleep_until_op(step_id, until))

    def send_event(self, step_id: str, events: Event[Any] | Sequence[Event[Any]]) -> list[str]:
        """Send events once and return their ids; see `Step.send_event`."""
        ids: list[str] = self._drive.step(
            send_event_op(step_id, events, self._services.send_events)
        )
        return ids

    @overload
    def wait_for_event(
        self, step_id: str, *, event: str, timeout: Timeout, if_exp: str | None = None
    ) -> Event | None: ...
    @overload
    def wait_for_event(
        self, step_id: str, *, event: WaitedFor[T], timeout: Timeout, if_exp: str | None = None
    ) -> Event[T] | None: ...
    def wait_for_event(
        self,
        step_id: str,
        *,
        event: str | WaitedFor[Any],
        timeout: Timeout,
        if_exp: str | None = None,
    ) -> Event[Any] | None:
        """Let the run wait for an event; see `Step.wait_for_event`."""
        op = wait_for_event_op(step_id, event, timeout, if_exp)
        came: Event[Any] | None = self._drive.step(op)
        return came

    def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,
        on_conflict: Literal["fail", "replace"] = "fail",
    ) -> Signal | None:
        """Let the run wait for a signal; see `Step.wait_for_signal`."""
        op = wait_for_signal_op(step_id, signal, timeout, on_conflict)
        came: Signal | None = self._drive.step(op)
        return came

    def send_signal(self, step_id: str, *, signal: str, data: Any = None) -> str | None:
        """Send a signal once, however often the function is called; see `Step.send_signal`."""
        op = send_signal_op(step_id, signal, data, self._services.send_signal)
        run_id: str | None = self._drive.step(op)
        return run_id

    def invoke(
        self,
        step_id: str,
        *,
        function: Invocable[T],
        data: Mapping[str, Any] | BaseModel | None = None,
        user: Mapping[str, Any] | None = None,
        v: str | None = None,
        timeout: Timeout | None = None,
    ) -> T:
        """Run another function and wait for what it returns; see `Step.invoke`."""
        meta = self._services.meta()
        op = invoke_op(step_id, function, data=data, user=user, v=v, timeout=timeout, meta=meta)
        output: T = self._drive.step(op)
        return output

    def invoke_by_id(
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
        """Run a function of another application; see `Step.invoke_by_id`."""
        full_id = f"{app_id or self._services.app_id}-{function_id}"
        meta = self._services.meta()
        op = invoke_op(step_id, full_id, data=data, user=user, v=v, timeout=timeout, meta=meta)
        return self._drive.step(op)

    def fetch(
        self,
        step_id: str,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> FetchResponse:
        """Have the server make an HTTP request; see `Step.fetch`."""
        op = fetch_op(step_id, url, method=method, headers=headers, body=body)
        answer: FetchResponse = self._drive.step(op)
        return answer
