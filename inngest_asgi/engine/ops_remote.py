"""Ops that the server carries out: waits, invocations, requests (steps.md 4.3 to 4.7)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeGuard

from pydantic import BaseModel

from inngest_asgi.engine.memos import memo_result
from inngest_asgi.engine.ops import Op, wire_wait
from inngest_asgi.engine.received import FetchResponse, Signal
from inngest_asgi.errors import CodecError, ConfigError, EventValidationError
from inngest_asgi.wire.codec import Fragment, dump_text, embed
from inngest_asgi.wire.durations import Duration, wire_moment
from inngest_asgi.wire.events import Event
from inngest_asgi.wire.names import Opcode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inngest_asgi.engine.services import InferAdapter, Invocable, Topic, WaitedFor

Timeout = Duration | datetime
"""How long to wait: a duration, or the moment (with its time zone) until which to wait."""

_CONFLICTS = ("fail", "replace")


def wait_for_event_op(
    step_id: str, event: str | WaitedFor[Any], timeout: Timeout, if_exp: str | None
) -> Op:
    """Build the op of step.wait_for_event.

    Raises:
        ConfigError: an argument is wrong; the message names the step and the argument.
    """
    field = f"step.wait_for_event({step_id!r})"
    name = event if isinstance(event, str) else getattr(event, "name", None)
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{field}: event is {event!r}; pass an event's name or its EventType.")
    opts = {"event": name, "timeout": _timeout(timeout, field)}
    if if_exp is not None:
        opts["if"] = if_exp

    def decode(memo: Any) -> Event[Any] | None:
        if memo is None:
            return None
        refused = f"Step {step_id!r} cannot take the event it waited for"
        if not isinstance(memo, dict):
            raise EventValidationError(f"{refused}: it is not an event.")
        return _untyped(memo, refused) if isinstance(event, str) else event.read(memo, refused)

    return Op(step_id, Opcode.WAIT_FOR_EVENT, opts=opts, decode=decode)


def wait_for_signal_op(step_id: str, signal: str, timeout: Timeout, on_conflict: str) -> Op:
    """Build the op of step.wait_for_signal.

    Raises:
        ConfigError: an argument is wrong; the message names the step and the argument.
    """
    field = f"step.wait_for_signal({step_id!r})"
    _check_signal(signal, field)
    if on_conflict not in _CONFLICTS:
        raise ConfigError(f"{field}: on_conflict is {on_conflict!r}; use 'fail' or 'replace'.")
    opts = {"signal": signal, "timeout": _timeout(timeout, field), "conflict": on_conflict}

    def decode(memo: Any) -> Signal | None:
        received = memo_result(memo, step_id)
        if received is None:
            return None
        fields = received if isinstance(received, dict) else {}
        return Signal(str(fields.get("signal", signal)), fields.get("data"))

    return Op(step_id, Opcode.WAIT_FOR_SIGNAL, opts=opts, decode=decode)


def send_signal_op(step_id: str, signal: str, data: Any, send: Callable[[str, Any], Any]) -> Op:
    """Build the op of step.send_signal: a runnable step that gives a run's id or None.

    Raises:
        ConfigError: the signal has no name.
    """
    _check_signal(signal, f"step.send_signal({step_id!r})")
    opts = {"type": "step.sendSignal", "signal": signal}
    return Op(step_id, Opcode.STEP_PLANNED, opts=opts, body=send, args=(signal, data))


def publish_op(
    step_id: str,
    topic: str | Topic,
    channel: str | None,
    data: Any,
    publish: Callable[[str, str, Any], Any],
) -> Op:
    """Build the op of step.realtime.publish: a runnable step whose result is what was published.

    Raises:
        ConfigError: there is no channel, no topic, or the topic's name is a server's own.
    """
    field = f"step.realtime.publish({step_id!r})"
    name: object = getattr(topic, "name", None)
    where: object = getattr(topic, "channel", None)
    if isinstance(topic, str):
        name, where = topic, channel
    elif channel is not None:
        raise ConfigError(
            f"{field}: channel is {channel!r}, but the topic has one; leave channel out."
        )
    if not _is_text(name) or name.startswith("$"):
        raise ConfigError(
            f"{field}: topic is {topic!r}; pass an object with a channel and a name, or a name, "
            "which must not begin with '$'."
        )
    if not _is_text(where):
        raise ConfigError(f"{field}: channel is {where!r}; name it, as in channel='user:42'.")
    opts = {"type": "step.realtime.publish"}
    return Op(step_id, Opcode.STEP_PLANNED, opts=opts, body=publish, args=(where, name, data))


def invoke_op(
    step_id: str,
    function: str | Invocable[Any],
    *,
    data: Mapping[str, Any] | BaseModel | None,
    user: Mapping[str, Any] | None,
    v: str | None,
    timeout: Timeout | None,
    meta: dict[str, Any] | None,
) -> Op:
    """Build the op of step.invoke and step.invoke_by_id.

    Args:
        step_id: the step's id.
        function: the function, or its full id.
        data: becomes the data of the event that starts it.
        user: goes along in the event.
        v: goes along in the event.
        timeout: how long to wait for it; None is the server's year.
        meta: goes along in the event.

    Raises:
        ConfigError: an argument is wrong; the message names the step and the argument.
    """
    field = f"step.invoke({step_id!r})"
    payload: dict[str, Any] = {"data": _json({} if data is None else data, f"{field}: data")}
    more: dict[str, Any] = {"user": user, "v": v, "meta": meta}
    payload |= {key: value for key, value in more.items() if value is not None}
    function_id = function if isinstance(function, str) else getattr(function, "id", None)
    if not isinstance(function_id, str):
        raise ConfigError(
            f"{field}: function is {function!r}; pass what @client.create_function(...) returned."
        )
    opts: dict[str, Any] = {"function_id": function_id, "payload": payload}
    if timeout is not None:
        opts["timeout"] = _timeout(timeout, field)

    def decode(memo: Any) -> Any:
        output = memo_result(memo, step_id)
        if isinstance(function, str):
            return output
        return function.rebuild(output, what=f"Step {step_id!r}")

    return Op(step_id, Opcode.INVOKE_FUNCTION, opts=opts, decode=decode)


def fetch_op(
    step_id: str, url: str, *, method: str, headers: Mapping[str, str] | None, body: Any
) -> Op:
    """Build the op of step.fetch.

    Raises:
        ConfigError: the URL or the method is no text, or the body cannot be JSON.
    """
    field = f"step.fetch({step_id!r})"
    if not isinstance(url, str) or not url.lower().startswith(("http://", "https://")):
        raise ConfigError(f"{field}: url is {url!r}; pass an absolute http or https URL.")
    opts: dict[str, Any] = {"url": url, "method": method.upper()}
    if headers:
        opts["headers"] = dict(headers)
    if body is not None:
        opts["body"] = body if isinstance(body, str) else _text(body, f"{field}: body")

    def decode(memo: Any) -> FetchResponse:
        answer = memo_result(memo, step_id)
        fields = answer if isinstance(answer, dict) else {}
        return FetchResponse(
            status_code=fields.get("status_code", 0),
            headers=fields.get("headers") or {},
            body=fields.get("body") or "",
            url=fields.get("url") or url,
        )

    return Op(step_id, Opcode.GATEWAY, opts=opts, decode=decode)


def infer_op(step_id: str, adapter: InferAdapter, body: Mapping[str, Any]) -> Op:
    """Build the op of step.ai.infer.

    Raises:
        ConfigError: the body cannot be JSON.
    """
    completed = dict(body)
    adapter.on_call(completed)
    _json(completed, f"step.ai.infer({step_id!r}): body")
    opts = {
        "type": "step.ai.infer",
        "url": adapter.url_infer(),
        "headers": adapter.headers(),
        "auth_key": adapter.auth_key(),
        "format": adapter.format(),
        "body": completed,
    }

    def decode(memo: Any) -> Any:
        return memo_result(memo, step_id)

    return Op(step_id, Opcode.AI_GATEWAY, opts=opts, decode=decode)


def _untyped(memo: dict[str, Any], refused: str) -> Event[Any]:
    try:
        return Event.from_raw(memo)
    except ValueError as error:
        raise EventValidationError(f"{refused}: it is {error}.") from None


def _timeout(timeout: Timeout, field: str) -> str:
    if isinstance(timeout, datetime):
        return wire_moment(timeout, field=f"{field}: timeout")
    return wire_wait(timeout, f"{field}: timeout")


def _check_signal(signal: str, field: str) -> None:
    if not isinstance(signal, str) or not signal:
        raise ConfigError(f"{field}: signal is {signal!r}; name it with a string.")


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is a string with something in it, which can stand in a URL."""
    if not isinstance(value, str) or not value:
        return False
    return value == value.encode(errors="ignore").decode()


def _json(value: Mapping[str, Any] | BaseModel, field: str) -> Fragment:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    if not isinstance(plain, dict):
        raise ConfigError(f"{field} is {value!r}; pass a dictionary or a pydantic model.")
    try:
        return embed(plain)
    except CodecError as error:
        raise ConfigError(f"{field} cannot be JSON: {error}") from error


def _text(value: Any, field: str) -> str:
    try:
        return dump_text(value)
    except CodecError as error:
        raise ConfigError(f"{field} cannot be JSON: {error}") from error
