"""`ctx`: what a function gets for one call of its run."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, cast

from typing_extensions import TypeVar

from inngest_asgi.engine.memos import recorded_error
from inngest_asgi.wire.events import Event

if TYPE_CHECKING:
    import logging

    from inngest_asgi.engine.group import Group, GroupSync
    from inngest_asgi.engine.tools import Step
    from inngest_asgi.engine.tools_sync import StepSync
    from inngest_asgi.errors import StepError
    from inngest_asgi.wire.calls import Call

T = TypeVar("T", default=dict[str, Any])

Received: TypeAlias = "tuple[Event[Any], list[Event[Any]]]"
"""The event of a call and all events of its batch, checked and rebuilt to their types."""


class CallContext(Generic[T]):
    """What both colours of context have.

    Attributes:
        run_id: the run's ULID.
        attempt: how often this very piece of work was tried before, from 0.
        max_attempts: how often it may be tried in all; None when the server says nothing.
        logger: the client's logger.
        function_id: the function's full id, "<app>-<function>".
        app_id: the application's id.
        request_id: the id of this call, if the server sent one.
    """

    def __init__(
        self,
        call: Call,
        app_id: str,
        logger: Any,
        step: Any,
        group: Any,
        received: Received | None = None,
    ) -> None:
        self._call = call
        self.run_id = call.run_id
        self.attempt = call.attempt
        self.max_attempts = call.max_attempts
        self.request_id = call.request_id
        self.function_id = call.function_id
        self.app_id = app_id
        self.logger: logging.Logger = logger
        self.step = step
        self.group = group
        if received is not None:
            self.event, self.events = received

    @cached_property
    def event(self) -> Event[T]:
        """The event that started the run; the first one of a batch.

        Its data is of the type that the function's triggers have for it; else a dictionary.
        """
        return cast("Event[T]", Event.from_raw(self._call.event))

    @cached_property
    def events(self) -> list[Event[T]]:
        """All events of a batch, in order of arrival; else the one event."""
        return [cast("Event[T]", Event.from_raw(raw)) for raw in self._call.events]

    @cached_property
    def error(self) -> StepError | None:
        """In a failure handler: the error that failed the run, rebuilt; elsewhere None."""
        if self._call.event.get("name") != "inngest/function.failed":
            return None
        data = self._call.event.get("data")
        return recorded_error(data.get("error") if isinstance(data, dict) else None)


class Context(CallContext[T]):
    """What an async function gets: `async def welcome(ctx: Context) -> ...`.

    Attributes:
        step: the steps.
        group: steps side by side.
    """

    step: Step
    group: Group


class ContextSync(CallContext[T]):
    """What a blocking function gets: `def welcome(ctx: ContextSync) -> ...`.

    Attributes:
        step: the steps.
        group: steps side by side.
    """

    step: StepSync
    group: GroupSync
