"""The flow control of a function as it registered it, ready to be applied; it applies nothing.

What stands in a configuration was checked when it was registered (`checks.py`); here it is read
once, with the defaults of server-api.md 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inngest_asgi.dev.flow.gcra import Rate
from inngest_asgi.wire.durations import parse_duration

DEFAULT_CONCURRENCY = 1_000
"""Calls of one function in progress at a time, whatever it asked for."""

PRIORITY_RANGE = 43_200.0
"""Seconds by which a priority may move a run, either way."""

_DAY = 86_400.0
_BURST_SHARE = 10
"""A rate limit lets a tenth of its limit pass at once, beyond the first."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `limit` at a time. All that has the same `name` and key counts together."""

    name: str
    limit: int
    key: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """At most so many in a time, for all that has the same `name` and key."""

    name: str
    rate: Rate
    key: str = ""


@dataclass(frozen=True, slots=True)
class Debounce:
    """Start once no event came for `period` seconds, or `timeout` seconds after the first."""

    period: float
    timeout: float | None
    key: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Start for `max_size` events, or for those there are after `timeout` seconds.

    An event for which `condition` is false is not collected.
    """

    max_size: int
    timeout: float
    key: str
    condition: str


@dataclass(frozen=True, slots=True)
class Singleton:
    """One run at a time: the event is dropped, or, if it `replaces`, the run is cancelled."""

    name: str
    key: str
    replaces: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """All that governs when a function's runs start, and how many go on at once.

    Args:
        rate_limit: what is beyond it is dropped.
        debounce: only the last of many events counts.
        batch: many events start one run.
        singleton: one run at a time.
        throttle: how many runs may start in a time; those beyond it wait.
        runs: how many runs may have started and not ended.
        calls: how many calls may be in progress.
        priority: an expression for the seconds by which a run goes before others; "" for none.
        idempotent: whether the rate limit is what became of the option `idempotency`.
    """

    rate_limit: Pace | None
    debounce: Debounce | None
    batch: Batch | None
    singleton: Singleton | None
    throttle: Pace | None
    runs: Limit | None
    calls: tuple[Limit, ...]
    priority: str

    idempotent: bool

    @property
    def holds_back(self) -> bool:
        """Whether there are events that start no run, or none at once."""
        return bool(self.rate_limit or self.debounce or self.batch or self.singleton)

    @property
    def reads_events(self) -> bool:
        """Whether one must know a run's event to know what limits the run."""
        limits = (*self.calls, self.runs, self.throttle, self.singleton)
        return bool(self.priority) or any(limit is not None and limit.key for limit in limits)


def read_rules(function_id: str, config: dict[str, Any]) -> Rules:
    """Read the flow control of a function.

    Args:
        function_id: its UUID, so that the limits of functions count apart.
        config: what it registered, checked.
    """
    priority = config.get("priority") or {}
    function, steps = _concurrency(config.get("concurrency"))
    runs = [_limit("runs", function_id, one) for one in function]
    calls = [_limit("calls", function_id, one) for one in steps]
    everything = Limit(f"calls {function_id}", DEFAULT_CONCURRENCY)
    return Rules(
        rate_limit=_rate_limit(function_id, config),
        debounce=_debounce(config.get("debounce")),
        batch=_batch(config.get("batchEvents")),
        singleton=_singleton(function_id, config.get("singleton")),
        throttle=_throttle(function_id, config.get("throttle")),
        runs=runs[0] if runs else None,
        calls=tuple(limit for limit in calls if limit.limit) if calls else (everything,),
        priority=priority.get("run") or "",
        idempotent=bool(config.get("idempotency")),
    )


def _rate_limit(function_id: str, config: dict[str, Any]) -> Pace | None:
    """Return the rate limit; idempotency is one, and comes before any other (http.md 8)."""
    key = config.get("idempotency")
    if key:
        return Pace(f"idempotency {function_id} {key}", Rate(_DAY, 1), key)
    option = config.get("rateLimit")
    if not option:
        return None
    rate = Rate(
        interval=_seconds(option["period"]) / option["limit"],
        capacity=option["limit"] // _BURST_SHARE + 1,
    )
    return Pace(f"rate {function_id}", rate, option.get("key") or "")


def _throttle(function_id: str, option: dict[str, Any] | None) -> Pace | None:
    if not option:
        return None
    limit = option.get("limit") or 1
    period = float(int(_seconds(option["period"])))
    rate = Rate(period / limit, limit + (option.get("burst") or 0))
    return Pace(f"throttle {function_id}", rate, option.get("key") or "")


def _debounce(option: dict[str, Any] | None) -> Debounce | None:
    if not option:
        return None
    timeout = option.get("timeout")
    return Debounce(
        period=_seconds(option["period"]),
        timeout=_seconds(timeout) if timeout else None,
        key=option.get("key") or "",
    )


def _batch(option: dict[str, Any] | None) -> Batch | None:
    if not option:
        return None
    return Batch(
        max_size=option["maxSize"],
        timeout=_seconds(option["timeout"]),
        key=option.get("key") or "",
        condition=option.get("if") or "",
    )


def _singleton(function_id: str, option: dict[str, Any] | None) -> Singleton | None:
    if not option:
        return None
    replaces = option["mode"] == "cancel"
    return Singleton(f"singleton {function_id}", option.get("key") or "", replaces)


def _concurrency(option: Any) -> tuple[list[Any], list[Any]]:
    """Return the limits on runs, and those on calls, in any of the forms they may have."""
    if isinstance(option, dict) and ("fn" in option or "step" in option):
        return _as_list(option.get("fn")), _as_list(option.get("step"))
    return [], _as_list(option)


def _as_list(option: Any) -> list[Any]:
    items: list[Any] = option if isinstance(option, list) else [] if option is None else [option]
    return [{"limit": item} if isinstance(item, int) else item for item in items]


def _limit(kind: str, function_id: str, option: dict[str, Any]) -> Limit:
    """Return a limit; functions share one by the values of its key, not by how they write it."""
    scope, key = option.get("scope") or "fn", option.get("key") or ""
    name = f"{kind} {function_id} {key}".rstrip() if scope == "fn" else f"{kind} {scope}"
    return Limit(name, option.get("limit") or 0, key)


def _seconds(text: str) -> float:
    return parse_duration(text).total_seconds()
