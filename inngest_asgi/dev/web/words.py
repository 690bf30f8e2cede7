"""Says in words what a function's configuration means, and what it did; pure, it checks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.records import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from inngest_asgi.dev.records import Record

_SCOPES = {"env": " across all apps", "account": " across all apps"}


def flow_words(config: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a sentence for each kind of flow control of a function, with its short name."""
    found = []
    for key, say in _WORDS.items():
        value = config.get(key)
        if value:
            found += [{"kind": _KINDS[key], "text": text} for text in say(value)]
    return found


def held_words(record: Record) -> dict[str, Any]:
    """Return why an event started no run of a function, or not at once."""
    details = record.details
    reason = details["reason"]
    waits = record.kind is Happening.EVENT_WAITING
    return {
        "at": record.at,
        "function": details["function"],
        "text": _HELD.get(reason, reason),
        "run": details.get("run"),
        "until": details["until"] if waits else None,
    }


def _concurrency(value: Any) -> Iterator[str]:
    if isinstance(value, dict) and ("fn" in value or "step" in value):
        for limit in value.get("fn") or ():
            yield _limited(limit, "run", "runs", ", sleeps included")
        value = value.get("step") or ()
    for limit in value if isinstance(value, list | tuple) else (value,):
        record = limit if isinstance(limit, dict) else {"limit": limit}
        if record.get("limit"):
            yield _limited(record, "step", "steps")


def _limited(limit: Mapping[str, Any], one: str, many: str, more: str = "") -> str:
    count, scope = limit.get("limit", 0), _SCOPES.get(limit.get("scope") or "", "")
    noun = one if count == 1 else many
    return f"At most {count} {noun} at a time{_per_key(limit)}{scope}{more}"


def _throttle(value: Mapping[str, Any]) -> Iterator[str]:
    burst = value.get("burst") or 0
    more = f", with bursts of {burst} more" if burst > 1 else ""
    rate = _rate(value)
    yield f"Starts {rate}{more}; the others wait"


def _rate_limit(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"Starts {_rate(value)}; events beyond that start nothing"


def _rate(value: Mapping[str, Any]) -> str:
    return f"at most {_times(value.get('limit') or 1)} per {value.get('period')}{_per_key(value)}"


def _debounce(value: Mapping[str, Any]) -> Iterator[str]:
    limit = f", but at most {value['timeout']} after the first" if value.get("timeout") else ""
    quiet = f"once no event came for {value.get('period')}{_per_key(value)}"
    yield f"Starts {quiet}{limit}, with the last event"


def _batch(value: Mapping[str, Any]) -> Iterator[str]:
    only = f", of events where {value['if']}" if value.get("if") else ""
    size, wait = value.get("maxSize"), value.get("timeout")
    yield f"Takes up to {size} events at once, or what came within {wait}{_per_key(value)}{only}"


def _singleton(value: Mapping[str, Any]) -> Iterator[str]:
    what = "cancels the one before" if value.get("mode") == "cancel" else "starts nothing"
    yield f"One run at a time{_per_key(value)}; a new event {what}"


def _priority(value: Mapping[str, Any]) -> Iterator[str]:
    yield f"Moves ahead in the queue by {value.get('run')} seconds"


def _idempotency(value: str) -> Iterator[str]:
    yield f"Starts once in 24 hours per {value}"


def _cancel(value: list[Mapping[str, Any]]) -> Iterator[str]:
    for one in value:
        matching = f" where {one['if']}" if one.get("if") else ""
        within = f", within {one['timeout']}" if one.get("timeout") else ""
        yield f"Cancelled by {one.get('event')}{matching}{within}"


def _timeouts(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("start"):
        yield f"Cancelled unless it starts within {value['start']}"
    if value.get("finish"):
        yield f"Cancelled unless it ends within {value['finish']} of its start"


def _per_key(value: Mapping[str, Any]) -> str:
    return f" per {value['key']}" if value.get("key") else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_WORDS: dict[str, Callable[[Any], Iterator[str]]] = {
    "concurrency": _concurrency,
    "throttle": _throttle,
    "rateLimit": _rate_limit,
    "debounce": _debounce,
    "batchEvents": _batch,
    "singleton": _singleton,
    "priority": _priority,
    "idempotency": _idempotency,
    "cancel": _cancel,
    "timeouts": _timeouts,
}
_HELD = {
    "own_end": "Its own runs led to this end of a run: it would start itself for ever",
    "repeated": "An event with this id started it within the last 24 hours",
    "rate_limit": "It is rate limited",
    "idempotency": "It ran for the same idempotency key within the last 24 hours",
    "singleton": "A run of it had not ended, and there may be one only",
    "older": "A newer event was being debounced",
    "newer": "It is debounced, and a newer event took the place of this one",
    "debounce": "It is debounced: the last event counts",
    "batch": "It runs in batches: the event waits for others",
}
_KINDS = {
    "concurrency": "concurrency",
    "throttle": "throttle",
    "rateLimit": "rate limit",
    "debounce": "debounce",
    "batchEvents": "batch",
    "singleton": "singleton",
    "priority": "priority",
    "idempotency": "idempotency",
    "cancel": "cancel on",
    "timeouts": "time-outs",
}
