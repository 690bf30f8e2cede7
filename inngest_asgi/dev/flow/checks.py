"""Which flow control a function may register (http.md 8, server-api.md 11); it applies none."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.dev.moments import parse_moment
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_CANCELS = 5
MAX_CONCURRENCY_KEYS = 2

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_NOT_IN_GO = re.compile(r"[wd]")
_NOT_WITH_BATCH = ("cancel", "debounce", "singleton", "priority")


def invalid(message: str, code: str = "config_invalid") -> RequestError:
    """Return the error of a function whose configuration is refused."""
    return RequestError(message, code=code, status=400)


def checked_flow_control(config: dict[str, Any]) -> None:
    """Check every option of a function that governs when its runs start and end.

    Args:
        config: the function's record in its usual form.

    Raises:
        RequestError: 400, with the code of http.md 8.
    """
    for key, check in _CHECKS.items():
        if key in config:
            check(config[key])
    clash = [key for key in _NOT_WITH_BATCH if config.get(key)]
    if config.get("batchEvents") and clash:
        raise invalid(f"batchEvents cannot be combined with {clash[0]}.", "combo_unsupported")


def _batch(value: Any) -> None:
    batch = _record("batchEvents", value)
    size = batch.get("maxSize")
    if not isinstance(size, int) or isinstance(size, bool) or size < 2:
        raise invalid("batchEvents.maxSize must be at least 2.", "batch_size_invalid")
    text = batch.get("timeout")
    if not isinstance(text, str) or _NOT_IN_GO.search(text):
        message = "batchEvents.timeout is required, in units up to hours, such as '60s'."
        raise invalid(message, "batch_timeout_invalid")
    _duration("batchEvents.timeout", text, _SECOND, None, code="batch_timeout_invalid")
    _expression("batchEvents.key", batch.get("key"), "batch_key_expression_invalid")
    _expression("batchEvents.if", batch.get("if"), "batch_if_expression_invalid")


def _rate_limit(value: Any) -> None:
    limit = _record("rateLimit", value)
    if not _is_count(limit.get("limit")) or limit["limit"] < 1:
        raise invalid("rateLimit.limit must be at least 1.")
    _duration("rateLimit.period", limit.get("period"), None, _DAY)
    _expression("rateLimit.key", limit.get("key"))


def _throttle(value: Any) -> None:
    throttle = _record("throttle", value)
    for key in ("limit", "burst"):
        if not _is_count(throttle.get(key, 0)):
            raise invalid(f"throttle.{key} must be a whole number.")
    _duration("throttle.period", throttle.get("period"), _SECOND, None)
    _expression("throttle.key", throttle.get("key"))


def _debounce(value: Any) -> None:
    debounce = _record("debounce", value)
    _duration("debounce.period", debounce.get("period"), _SECOND, 7 * _DAY)
    if debounce.get("timeout"):
        _duration("debounce.timeout", debounce["timeout"], None, None)
    _expression("debounce.key", debounce.get("key"))


def _priority(value: Any) -> None:
    _expression("priority.run", _record("priority", value).get("run"))


def _idempotency(value: Any) -> None:
    _expression("idempotency", value)


def _singleton(value: Any) -> None:
    singleton = _record("singleton", value)
    if singleton.get("mode") not in ("skip", "cancel"):
        raise invalid("singleton.mode must be 'skip' or 'cancel'.")
    _expression("singleton.key", singleton.get("key"))


def _timeouts(value: Any) -> None:
    timeouts = _record("timeouts", value)
    for key in ("start", "finish"):
        if timeouts.get(key):
            _duration(f"timeouts.{key}", timeouts[key], None, None)


def _cancel(value: Any) -> None:
    if not isinstance(value, list) or len(value) > MAX_CANCELS:
        raise invalid(f"cancel must be an array of at most {MAX_CANCELS} matchers.")
    for item in value:
        matcher = _record("cancel", item)
        if not isinstance(matcher.get("event"), str) or not matcher["event"]:
            raise invalid("A cancel matcher needs an event.")
        _expression("cancel.if", matcher.get("if"))
        _lifetime(matcher.get("timeout"))


def _lifetime(timeout: Any) -> None:
    """Check how long a cancel matcher counts: a date, a duration, or what gives one of them."""
    if not timeout or (isinstance(timeout, str) and parse_moment(timeout) is not None):
        return
    try:
        _duration("cancel.timeout", timeout, None, None)
    except RequestError as error:
        try:
            _expression("cancel.timeout", timeout)
        except RequestError:
            raise error from None


def _concurrency(value: Any) -> None:
    if isinstance(value, dict) and ("fn" in value or "step" in value):
        function = _limits(value.get("fn"))
        if len(function) > 1:
            raise _bad_concurrency("concurrency.fn has one limit at most")
        if any(one.get("limit", 0) < 1 for one in function):
            raise _bad_concurrency("the limit of concurrency.fn must be above 0")
        value = value.get("step")
    if len(_limits(value)) > MAX_CONCURRENCY_KEYS:
        raise _bad_concurrency(f"at most {MAX_CONCURRENCY_KEYS} limits are allowed")


def _limits(value: Any) -> list[dict[str, Any]]:
    """Return limits as objects: a number, an object, or an array of objects is allowed."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    limits = [{"limit": item} if _is_count(item) else item for item in items]
    for limit in limits:
        if not isinstance(limit, dict) or not _is_count(limit.get("limit", 0)):
            raise _bad_concurrency("a limit is a whole number, or an object with one")
        scope = limit.get("scope") or "fn"
        if scope not in ("fn", "env", "account"):
            raise _bad_concurrency(f"there is no scope {scope!r}; use fn, env or account")
        if scope != "fn" and not limit.get("key"):
            raise _bad_concurrency(f"the scope {scope!r} needs a key")
        _expression("concurrency.key", limit.get("key"))
    return limits


def _bad_concurrency(what: str) -> RequestError:
    return invalid(f"concurrency: {what}.", "concurrency_limit_invalid")


def _record(key: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{key} must be an object.")
    return value


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _duration(
    key: str,
    text: Any,
    least: timedelta | None,
    most: timedelta | None,
    *,
    code: str = "config_invalid",
) -> None:
    try:
        length = parse_duration(text if isinstance(text, str) else "")
    except ValueError:
        raise invalid(f"{key} must be a duration such as '90s', not {text!r}.", code) from None
    if least is not None and length < least:
        raise invalid(f"{key} must be at least {least.total_seconds():.0f}s.", code)
    if most is not None and length > most:
        raise invalid(f"{key} must be at most {most.days * 24}h.", code)


def _expression(key: str, text: Any, code: str = "config_invalid") -> None:
    if text is None or text == "":
        return
    if not isinstance(text, str):
        raise invalid(f"{key} must be an expression.", code)
    try:
        compile_expression(text)
    except ExpressionError as error:
        raise invalid(f"{key}: {error}", code) from None


_CHECKS: dict[str, Callable[[Any], None]] = {
    "batchEvents": _batch,
    "rateLimit": _rate_limit,
    "throttle": _throttle,
    "debounce": _debounce,
    "priority": _priority,
    "idempotency": _idempotency,
    "singleton": _singleton,
    "timeouts": _timeouts,
    "cancel": _cancel,
    "concurrency": _concurrency,
}
