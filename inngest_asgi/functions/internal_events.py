"""The events a server sends of its own accord, as event types; they can be triggers, not sent.

    @client.create_function(fn_id="alert", trigger=internal_events.function_failed)
    async def alert(ctx: Context[internal_events.FunctionFailed]) -> None: ...

Servers may add fields; `data.model_extra` holds those that are not known here.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic evaluates it
from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from inngest_asgi.functions.event_types import EventType
from inngest_asgi.wire.events import Event


def _received(value: Any) -> Any:
    return Event.from_raw(value) if isinstance(value, dict) else value


def _listed(value: Any) -> Any:
    return [] if value is None else value


ReceivedEvent = Annotated[Event, BeforeValidator(_received)]
"""An event inside another one, taken as it comes."""


class ErrorDetails(BaseModel):
    """The error that ended a run.

    Attributes:
        name: its class.
        message: what it says.
        stack: its traceback, if it was recorded.
        cause: the error that caused it, as it was recorded.
        summary: name and message in one line.
    """

    model_config = ConfigDict(extra="allow")

    name: str = "Error"
    message: str = ""
    stack: str | None = None
    cause: Any = None
    summary: str | None = Field(default=None, alias="error")


class _EndOfRun(BaseModel):
    model_config = ConfigDict(extra="allow")

    function_id: str
    run_id: str
    event: ReceivedEvent
    events: Annotated[list[ReceivedEvent], BeforeValidator(_listed)] = []
    correlation_id: str | None = None
    status: str | None = Field(default=None, validation_alias=AliasPath("_inngest", "status"))


class FunctionFinished(_EndOfRun):
    """A run has ended, well or not (server-api.md 6).

    Attributes:
        function_id: the function, "<app>-<function>".
        run_id: its run.
        event: what started the run; the first one of a batch.
        events: all events of a batch.
        correlation_id: tells the run that invoked this one.
        status: how it ended, such as "Completed".
        result: what the function returned.
        error: why it failed or was cancelled; None when it returned.
    """

    result: Any = None
    error: ErrorDetails | None = None


class FunctionFailed(_EndOfRun):
    """A run has failed for good (server-api.md 6).

    Attributes:
        function_id: the function, "<app>-<function>".
        run_id: its run.
        event: what started the run; the first one of a batch.
        events: all events of a batch.
        correlation_id: tells the run that invoked this one.
        status: "Failed".
        error: why.
    """

    error: ErrorDetails


class FunctionCancelled(FunctionFailed):
    """A run was cancelled, and `error` says how; its fields are those of a failure."""


class ScheduledTimer(BaseModel):
    """A schedule has come due (server-api.md 6).

    Attributes:
        cron: the schedule, as it was registered.
        scheduled_at: the time that it names.
        fire_at: when it was to fire, jitter included.
    """

    model_config = ConfigDict(extra="allow")

    cron: str
    scheduled_at: datetime | None = Field(default=None, alias="scheduledAt")
    fire_at: datetime | None = Field(default=None, alias="fireAt")


function_finished = EventType("inngest/function.finished", FunctionFinished)
"""Every run, at its end."""

function_failed = EventType("inngest/function.failed", FunctionFailed)
"""Runs that failed for good; for one function's, `on_failure` is simpler."""

function_cancelled = EventType("inngest/function.cancelled", FunctionCancelled)
"""Runs that were cancelled."""

function_invoked = EventType("inngest/function.invoked")
"""Functions that were called directly; the data is what the caller gave, and `_inngest`."""

scheduled_timer = EventType("inngest/scheduled.timer", ScheduledTimer)
"""Schedules that come due, of any function."""
