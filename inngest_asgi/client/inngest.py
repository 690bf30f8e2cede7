"""`Inngest`, what a program declares its functions on and sends its events with; does no I/O."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, cast

from inngest_asgi.client.api import Api
from inngest_asgi.client.connections import Connections
from inngest_asgi.client.declaring import Declaring, takes_options_of
from inngest_asgi.client.portal import blocking_loop, run_sync
from inngest_asgi.client.runs import Runs
from inngest_asgi.client.send import Sender
from inngest_asgi.client.signals import send_signal
from inngest_asgi.clock import SYSTEM_CLOCK
from inngest_asgi.engine.serializers import checked_serializer
from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.functions.collection import FunctionIndex
from inngest_asgi.functions.declare import declare
from inngest_asgi.functions.event_types import EventType, EventTypes
from inngest_asgi.middleware.colours import InAsync, InBlocking
from inngest_asgi.middleware.crossing import complete
from inngest_asgi.middleware.factories import Factory, check_factory, checked_factories
from inngest_asgi.middleware.sending import send_through
from inngest_asgi.middleware.stack import Stack
from inngest_asgi.settings import Settings
from inngest_asgi.wire.durations import to_timedelta

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from types import TracebackType

    from inngest_asgi.client.transport import HTTPClient
    from inngest_asgi.clock import Clock
    from inngest_asgi.engine.serializers import Serializer
    from inngest_asgi.functions.function import Function
    from inngest_asgi.middleware.logger import Logger
    from inngest_asgi.wire.durations import Duration
    from inngest_asgi.wire.events import Event


class Inngest:
    """An application: its name, its keys, its functions, and its way to the server.

    What is left out is read from the environment when it is needed (`INNGEST_EVENT_KEY`,
    `INNGEST_SIGNING_KEY`, `INNGEST_DEV` and so on), not when the client is made. May be shared by
    threads and event loops.

    Args:
        app_id: the application's name; stable, because runs are found by it.
        app_version: shown beside each deploy.
        env: the branch environment.
        is_production: True for cloud mode, where calls must be signed; False for dev mode.
        event_key: authorises sending.
        signing_key: authorises everything else, and proves that calls come from the server.
        signing_key_fallback: accepted too, while keys are rotated.
        api_base_url: where the API is.
        event_api_base_url: where events go.
        request_timeout: for each phase of a request (connecting, sending, waiting, reading): int
            milliseconds, a `timedelta`, or a string such as "30s".
        schemas: the types of events by name; whatever is sent with a name of theirs must be of the
            type, however it was built. Several types of one name are a union.
        middleware: `Middleware` classes, or functions of the client and the host's request that
            make one; around every function and every sending of events.
        logger: for what the library says and `ctx.logger` writes to: any object with logging
            methods; by default the standard library's "inngest_asgi".
        serializer: turns results of steps and functions that have an explicit `output_type` into
            JSON and back; see `Serializer`. By default pydantic does.
        http_client: carries the requests as it is, and is never closed; its own timeout counts.
            It belongs to the first event loop it is used on: `send` works on that loop and
            `send_sync`, which works on a loop of its own, does not beside it.
        clock: time and chance, for tests.

    Raises:
        ConfigError: the name is no name, the time-out is not a duration above zero, or something
            among the schemas is no `EventType`, or something makes no middleware or serializes
            nothing.
    """

    def __init__(
        self,
        app_id: str,
        *,
        app_version: str | None = None,
        env: str | None = None,
        is_production: bool | None = None,
        event_key: str | None = None,
        signing_key: str | None = None,
        signing_key_fallback: str | None = None,
        api_base_url: str | None = None,
        event_api_base_url: str | None = None,
        request_timeout: Duration = 30_000,
        schemas: Sequence[EventType[Any]] = (),
        middleware: Sequence[Factory] | None = None,
        logger: Logger | None = None,
        serializer: Serializer | None = None,
        http_client: HTTPClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._app_id = checks.text(app_id, "Inngest: app_id")
        self.index = FunctionIndex(app_id)
        self.settings = Settings(
            is_production_argument=is_production,
            env_argument=env,
            app_version_argument=app_version,
            event_key_argument=event_key,
            signing_key_argument=signing_key,
            signing_key_fallback_argument=signing_key_fallback,
            api_base_url=api_base_url,
            event_api_base_url=event_api_base_url,
        )
        self.set_logger(logging.getLogger("inngest_asgi") if logger is None else logger)
        self._middleware = checked_factories(middleware, "Inngest: middleware")
        self.serializer = checked_serializer(serializer)
        self._connections = Connections(_checked_timeout(request_timeout), http_client)
        self._sender = Sender(self.settings, self._connections, clock, _checked_schemas(schemas))
        self.api = Api(self.settings, self._connections, clock)
        self._runs = Runs(self.api)

    def __repr__(self) -> str:
        return f"<Inngest {self._app_id!r}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def app_id(self) -> str:
        """The application's name."""
        return self._app_id

    @property
    def app_version(self) -> str | None:
        """The application's version, as given or as the platform's variables tell it."""
        return self.settings.app_version

    @property
    def env(self) -> str | None:
        """The branch environment, as given or as the platform's variables tell it."""
        return self.settings.env

    @property
    def is_production(self) -> bool:
        """Cloud mode (the default), where calls must be signed; otherwise dev mode."""
        return self.settings.is_production

    @property
    def event_key(self) -> str | None:
        """The key that authorises sending, or None."""
        return self.settings.event_key

    @property
    def signing_key(self) -> str | None:
        """The key that calls must be signed with, or None."""
        return self.settings.signing_key

    @property
    def signing_key_fallback(self) -> str | None:
        """The key that is accepted too, while keys are rotated, or None."""
        return self.settings.signing_key_fallback

    @property
    def api_origin(self) -> str:
        """Where the API is, without a trailing slash."""
        return self.settings.api_origin

    @property
    def event_api_origin(self) -> str:
        """Where events go, without a trailing slash."""
        return self.settings.event_origin

    @property
    def functions(self) -> tuple[Function[Any], ...]:
        """Everything declared on this client, in order."""
        return self.index.functions

    @property
    def runs(self) -> Runs:
        """How runs are doing: `await client.runs.wait(run_id)`."""
        return self._runs

    @property
    def logger(self) -> logging.Logger:
        """What the library logs to; typed as what it usually is."""
        return self._logger

    def set_logger(self, logger: Logger) -> None:
        """Log to something else from now on: any object with logging methods."""
        self._logger = cast("logging.Logger", logger)

    @property
    def middleware(self) -> tuple[Factory, ...]:
        """What makes the middleware around every function, in the order of registration."""
        return self._middleware

    def add_middleware(self, middleware: Factory) -> None:
        """Put middleware around every function and every sending of events from now on.

        Args:
            middleware: a `Middleware` class, or a function that makes one.

        Raises:
            ConfigError: it makes no middleware.
        """
        check_factory(middleware, "add_middleware: the argument")
        self._middleware = (*self._middleware, middleware)

    @takes_options_of(declare)
    def create_function(self, **options: Any) -> Declaring:
        """Declare a durable function: the decorator for an `async def` or `def` handler.

        The handler takes one argument, a `Context` (or `ContextSync` if it is blocking). What it
        is annotated to return is the type of the function's output.

        Args:
            fn_id: the function's id; stable, because runs are found by it.
            trigger: what starts it: a `TriggerEvent`, an `EventType` (its events are then checked
                and typed), a `TriggerCron`, or a list of up to ten.
            name: shown to people; by default the id.
            description: shown to people.
            retries: how often a failed attempt is repeated, 0 to 20; servers take 4 by default.
            batch_events: one run for many events, see `Batch`.
            cancel: a `Cancel`, or up to five: events that end a run.
            concurrency: steps in progress at the same time: a number, a `Concurrency`, or two.
            debounce: wait until events stop coming, see `Debounce`.
            idempotency: a CEL expression: one run for each of its values within 24 hours.
            priority: which runs go first, see `Priority`.
            rate_limit: drop events beyond a rate, see `RateLimit`.
            singleton: one run at a time, see `Singleton`.
            throttle: delay runs beyond a rate, see `Throttle`.
            timeouts: end runs that take too long, see `Timeouts`.
            on_failure: a handler that runs when a run has failed for good; `ctx.error` says why.
            output_type: what the handler returns, checked strictly, by the client's serializer if
                it has one; by default its annotation.
            middleware: as that of the client, inside of it; around the failure handler, too.

        Raises:
            ConfigError: an option is unknown, missing or wrong, or the id is taken; the message
                names the function and the field.
        """
        field = f"Function '{self._app_id}-{options['fn_id']}': middleware"
        checked_factories(options.get("middleware"), field)
        declaration = replace(declare(self._app_id, **options), serializer=self.serializer)
        return Declaring(declaration, self.index.add)

    async def send(
        self,
        events: Event[Any] | Sequence[Event[Any]],
        *,
        env: str | None = None,
        skip_middleware: bool = False,
    ) -> list[str]:
        """Send events, all in one request, and return their ids.

        Failures that may pass are tried again, five times in all, without creating an event twice.
        Works on any event loop.

        Args:
            events: an `Event` or a list of them; an empty list sends nothing.
            env: the branch environment to send to, instead of the client's.
            skip_middleware: send them past the client's middleware.

        Raises:
            SendEventsError: not every event was taken; its `ids` are those that were.
            ConfigError: an event's name is empty or reserved, or something is not an event.
            CodecError: an event's data cannot be JSON.
            EventValidationError: an event is not of the type the client's schemas have for it.
        """
        if skip_middleware or not self._middleware:
            return await self._sender.send(events, env)
        stack = Stack.of(self._middleware, self, None)
        return await send_through(stack, InAsync(), self._sender.send, events, env)

    def send_sync(
        self,
        events: Event[Any] | Sequence[Event[Any]],
        *,
        env: str | None = None,
        skip_middleware: bool = False,
    ) -> list[str]:
        """Send events from blocking code, in any thread; see `send`.

        On a thread whose event loop is running it works but holds that loop up: use `send` there.
        Blocking hooks of middleware run in this thread.
        """
        if skip_middleware or not self._middleware:
            return self._send_sync(events, env)
        stack = Stack.of(self._middleware, self, None)
        colour = InBlocking(blocking_loop())
        ids: list[str] = complete(send_through(stack, colour, self._send_sync, events, env))
        return ids

    def _send_sync(self, events: Event[Any] | Sequence[Event[Any]], env: str | None) -> list[str]:
        return run_sync(self._sender.send(events, env))

    async def send_signal(
        self, name: str, data: Any = None, *, env: str | None = None
    ) -> str | None:
        """Wake the run that waits for a signal; there is one attempt.

        Args:
            name: the signal's name, such as "approval/42".
            data: JSON data for the run.
            env: the branch environment of the run, instead of the client's.

        Returns:
            The id of the run, or None when none waits for the signal.

        Raises:
            ApiError: the server refused it, or no answer came: then it may have been received.
            ConfigError: the name is no name.
            CodecError: the data cannot be JSON.
        """
        return await send_signal(self.api, name, data, env)

    def send_signal_sync(
        self, name: str, data: Any = None, *, env: str | None = None
    ) -> str | None:
        """Wake the run that waits for a signal, from blocking code; see `send_signal`."""
        return run_sync(self.send_signal(name, data, env=env))

    async def aclose(self) -> None:
        """Close the connections of this event loop and of `send_sync`.

        Not needed for a clean exit: connections close with their loops. Later use opens new ones.
        """
        await self._connections.aclose()


def _checked_timeout(request_timeout: Duration) -> timedelta:
    timeout = to_timedelta(request_timeout, field="Inngest: request_timeout")
    if not timeout:
        raise ConfigError("Inngest: request_timeout is zero; no request could ever succeed.")
    return timeout


def _checked_schemas(schemas: Sequence[EventType[Any]]) -> EventTypes:
    field = "Inngest: schemas"
    for index, one in enumerate(schemas):
        checks.of_kind(one, EventType, f"{field}[{index}]")
    return EventTypes(schemas, field=field)
