"""A declared function: what the engine runs, and what a server is told of it; runs nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic
from urllib.parse import quote, urlencode, urlsplit

from typing_extensions import TypeVar

from inngest_asgi.wire.names import WHOLE_FUNCTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inngest_asgi.engine.context import Received
    from inngest_asgi.engine.results import ResultType
    from inngest_asgi.functions.event_types import EventTypes
    from inngest_asgi.functions.option import Record
    from inngest_asgi.functions.triggers import Trigger
    from inngest_asgi.wire.calls import Call
    from inngest_asgi.wire.codec import Fragment

R_co = TypeVar("R_co", covariant=True, default=Any)

_STEP = "step"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Function(Generic[R_co]):
    """A function as declared, generic over what it returns. Made by `declare`, not by hand.

    Attributes:
        id: the id a server knows it by, `<app>-<function>`.
        app_id: the application it belongs to.
        local_id: the id within its application, as the user gave it.
        name: shown to people.
        description: shown to people; servers have no field for it.
        handler: the user's own function, which can be called as plain Python.
        is_handler_async: whether calling the handler gives something to await.
        triggers: what starts it.
        event_types: the types of the events that start it; None when they are not checked.
        retries: how often a failed attempt is repeated; None leaves it to the server.
        output: how what it returns becomes JSON and comes back.
        failure: the function that runs when a run of this one has failed for good.
        config: its registration, but for the step that holds the URL.
        middleware: what makes its middleware, beside the client's.
    """

    id: str
    app_id: str
    local_id: str
    name: str
    description: str | None
    handler: Callable[..., Any]
    is_handler_async: bool
    triggers: tuple[Trigger, ...]
    event_types: EventTypes | None
    retries: int | None
    output: ResultType
    failure: Function[Any] | None
    config: Record
    middleware: tuple[Callable[[Any, Any], Any], ...] = ()

    def __repr__(self) -> str:
        return f"<Function {self.id}>"

    @property
    def on_failure_fn_id(self) -> str | None:
        """The id of the failure function, if there is one."""
        return None if self.failure is None else self.failure.id

    def received(self, call: Call) -> Received | None:
        """Return the events of a call, rebuilt to the types declared for them.

        Returns:
            The event and all events of the batch; None when nothing is declared of them.

        Raises:
            EventValidationError: one is not of its type; the message names function and field.
        """
        types = self.event_types
        if types is None:
            return None
        # `event` is the first of `events` (server-api.md 9), with a field or two more.
        event, *more = (types.read(raw, self._refusal(raw)) for raw in _events(call))
        return event, [event, *more]

    def get_id(self) -> str:
        """Return `id`; for code that was written for the incumbent SDK."""
        return self.id

    def dump(self, value: Any) -> Fragment:
        """Write what the handler returned as JSON.

        Raises:
            OutputError: it cannot be JSON, or is not of the explicit output type.
        """
        return self.output.dump(value, what=f"Function {self.id!r}")

    def rebuild(self, output: Any, *, what: str) -> R_co:
        """Rebuild what the function returned from parsed JSON, for `step.invoke`.

        Raises:
            OutputError: it does not validate against an explicit output type.
        """
        returned: R_co = self.output.load(output, what=what)
        return returned

    def records(self, url: str) -> list[Record]:
        """Return what is registered: this function, then its failure function (http.md 8).

        Args:
            url: where the application is served; a query it has is kept. One that begins with
                "wss:" stands for a connect worker.
        """
        step: Record = {
            "id": _STEP,
            "name": _STEP,
            "runtime": {
                "url": _call_url(url, self.id),
                "type": "ws" if url.startswith("wss:") else "http",
            },
        }
        if self.retries is not None:
            step["retries"] = {"attempts": self.retries}
        own = self.config | {"steps": {_STEP: step}}
        return [own, *(self.failure.records(url) if self.failure else ())]

    def _refusal(self, raw: Mapping[str, Any]) -> str:
        return f"Function {self.id!r} cannot take event {raw.get('name')!r} ({raw.get('id')})"


def _events(call: Call) -> list[dict[str, Any]]:
    return [call.event, *call.events[1:]]


def _call_url(url: str, fn_id: str) -> str:
    """Return the URL to call a function at: it says which one, and that no step is targeted."""
    parts = urlsplit(url)
    call = urlencode({"fnId": fn_id, "stepId": WHOLE_FUNCTION}, quote_via=quote)
    return parts._replace(query="&".join(filter(None, (parts.query, call)))).geturl()
