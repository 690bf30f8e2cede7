"""Turns what a user declares into a `Function`; refuses what a server would refuse later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from pydantic import PydanticUserError

from inngest_asgi.engine.context import Context, ContextSync
from inngest_asgi.engine.results import UNSET
from inngest_asgi.engine.serializers import result_type
from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.functions.function import Function
from inngest_asgi.functions.handlers import checked_handler
from inngest_asgi.functions.record import flow_control_record
from inngest_asgi.functions.triggers import (
    AnyTrigger,
    Trigger,
    TriggerEvent,
    as_triggers,
    event_types,
    trigger_records,
)

if TYPE_CHECKING:
    from inngest_asgi.engine.results import ResultType
    from inngest_asgi.engine.serializers import Serializer
    from inngest_asgi.functions.flow_control import (
        Batch,
        Cancel,
        Concurrency,
        Debounce,
        Priority,
        RateLimit,
        Singleton,
        Throttle,
        Timeouts,
    )
    from inngest_asgi.functions.option import Record

R = TypeVar("R")

AsyncHandler: TypeAlias = Callable[[Context[Any]], Awaitable[R]]
BlockingHandler: TypeAlias = Callable[[ContextSync[Any]], R]
FailureHandler: TypeAlias = AsyncHandler[Any] | BlockingHandler[Any]
"""An `on_failure` handler; it need not have the colour of its function."""

_MOST_RETRIES = 20
_FAILED_EVENT = "inngest/function.failed"


def declare(
    app_id: str,
    *,
    fn_id: str,
    trigger: AnyTrigger | Sequence[AnyTrigger],
    name: str | None = None,
    description: str | None = None,
    retries: int | None = None,
    batch_events: Batch | None = None,
    cancel: Cancel | Sequence[Cancel] | None = None,
    concurrency: int | Concurrency | Sequence[int | Concurrency] | None = None,
    debounce: Debounce | None = None,
    idempotency: str | None = None,
    priority: Priority | None = None,
    rate_limit: RateLimit | None = None,
    singleton: Singleton | None = None,
    throttle: Throttle | None = None,
    timeouts: Timeouts | None = None,
    on_failure: FailureHandler | None = None,
    output_type: Any = UNSET,
    middleware: Sequence[Callable[[Any, Any], Any]] | None = None,
) -> Declaration:
    """Return the decorator that makes a function of its handler.

    The options are those of `Inngest.create_function`, which explains them.

    Raises:
        ConfigError: an option is wrong; the message names the function and the field.
    """
    identity = _identity(app_id, fn_id, name, description)
    where = identity.where
    options = {
        "idempotency": idempotency,
        "batch_events": batch_events,
        "rate_limit": rate_limit,
        "throttle": throttle,
        "debounce": debounce,
        "priority": priority,
        "concurrency": concurrency,
        "cancel": cancel,
        "singleton": singleton,
        "timeouts": timeouts,
    }
    return Declaration(
        identity=identity,
        field=f"{where}: the handler",
        triggers=(triggers := as_triggers(trigger, where)),
        retries=_checked_retries(retries, where),
        config=_config(identity, triggers) | flow_control_record(options, where),
        failure=None if on_failure is None else _failure(identity, on_failure, middleware),
        output_type=output_type,
        middleware=middleware,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a function is called, by servers and by people."""

    app_id: str
    local_id: str
    name: str
    description: str | None = None

    @property
    def id(self) -> str:
        """The id a server knows the function by (http.md 8)."""
        return f"{self.app_id}-{self.local_id}"

    @property
    def where(self) -> str:
        """How errors begin that are about this function."""
        return f"Function {self.id!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A function that lacks only its handler: the decorator that takes it."""

    identity: Identity
    field: str
    triggers: tuple[Trigger, ...]
    retries: int | None
    config: Record
    failure: Function[Any] | None = None
    output_type: Any = UNSET
    serializer: Serializer | None = None
    middleware: Sequence[Callable[[Any, Any], Any]] | None = None

    @overload
    def __call__(self, handler: AsyncHandler[R], /) -> Function[R]: ...

    @overload
    def __call__(self, handler: BlockingHandler[R], /) -> Function[R]: ...

    def __call__(self, handler: Callable[..., Any], /) -> Function[Any]:
        """Return the function that `handler` carries out.

        Raises:
            ConfigError: it cannot be called with a context, or `output_type` is no type.
        """
        return Function(
            id=self.identity.id,
            app_id=self.identity.app_id,
            local_id=self.identity.local_id,
            name=self.identity.name,
            description=self.identity.description,
            handler=handler,
            is_handler_async=checked_handler(handler, self.field),
            triggers=self.triggers,
            event_types=event_types(self.triggers, self.identity.where),
            retries=self.retries,
            output=self._output(handler),
            failure=self.failure,
            config=self.config,
            middleware=tuple(self.middleware or ()),
        )

    def _output(self, handler: Callable[..., Any]) -> ResultType:
        try:
            return result_type(handler, self.output_type, self.serializer)
        except PydanticUserError as error:
            raise ConfigError(
                f"{self.identity.where}: output_type is {self.output_type!r}, of which pydantic "
                "can make nothing; pass a type it knows, such as a BaseModel or list[int]."
            ) from error


def _identity(app_id: str, fn_id: str, name: str | None, description: str | None) -> Identity:
    checks.text(fn_id, f"App {app_id!r}, function {fn_id!r}: fn_id")
    identity = Identity(app_id=app_id, local_id=fn_id, name=fn_id if name is None else name)
    checks.text(identity.name, f"{identity.where}: name")
    if description is not None and not isinstance(description, str):
        raise ConfigError(f"{identity.where}: description is {description!r}; pass a string.")
    return replace(identity, description=description)


def _checked_retries(retries: int | None, where: str) -> int | None:
    if retries is None:
        return None
    return checks.whole(retries, f"{where}: retries", least=0, most=_MOST_RETRIES)


def _config(identity: Identity, triggers: tuple[Trigger, ...]) -> Record:
    records = trigger_records(triggers, identity.where)
    return {"id": identity.id, "name": identity.name, "triggers": records}


def _failure(
    parent: Identity,
    handler: FailureHandler,
    middleware: Sequence[Callable[[Any, Any], Any]] | None,
) -> Function[Any]:
    """Return the function that a server runs when a run of its parent has failed for good."""
    identity = Identity(
        app_id=parent.app_id,
        local_id=f"{parent.local_id}-failure",
        name=f"{parent.name} (failure)",
    )
    failed = f"event.data.function_id == {_cel_string(parent.id)}"
    triggers = (TriggerEvent(event=_FAILED_EVENT, expression=failed),)
    declaration = Declaration(
        identity=identity,
        field=f"{parent.where}: on_failure",
        triggers=triggers,
        retries=0,
        config=_config(identity, triggers),
        middleware=middleware,
    )
    return declaration(handler)


def _cel_string(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
