"""Flow control as it stands in a registration (http.md 8), with the rules servers hold it to.

A rule is checked when a function is declared, so that no registration is refused for it later.
"""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from inngest_asgi.errors import ConfigError
from inngest_asgi.functions import checks
from inngest_asgi.functions.event_types import name_of
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
from inngest_asgi.wire.durations import wire_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from inngest_asgi.functions.option import Record

_MOST_CANCELS = 5
_MOST_CONCURRENCIES = 2
_LONGEST_RATE_PERIOD = timedelta(hours=24)
_LONGEST_DEBOUNCE = timedelta(days=7)
_NOT_WITH_BATCH = ("cancel", "debounce", "singleton", "priority")


def flow_control_record(options: Mapping[str, Any], where: str) -> Record:
    """Return the registered fields of the options that are set.

    Args:
        options: options by the names users give them; None and empty lists count as not given.
        where: the function, named in errors: "Function 'shop-pay'".

    Raises:
        ConfigError: an option of the wrong kind, a value that servers refuse, or two options
            that exclude each other.
    """
    given = {name: option for name, option in options.items() if option not in (None, [], ())}
    _check_combinations(given, where)
    records = {}
    for name, option in given.items():
        key, write = _WRITERS[name]
        records[key] = write(option, f"{where}: {name}")
    return {key: record for key, record in records.items() if record}


def _check_combinations(given: Mapping[str, Any], where: str) -> None:
    if "batch_events" in given:
        for name in _NOT_WITH_BATCH:
            if name in given:
                raise ConfigError(
                    f"{where}: batch_events and {name} exclude each other; remove one of them."
                )
    if "idempotency" in given and "rate_limit" in given:
        # Servers turn idempotency into a rate limit of its own (http.md 8).
        warnings.warn(
            f"{where}: idempotency takes the place of rate_limit, which has no effect.",
            stacklevel=3,
        )


def _batch(option: Any, field: str) -> Record:
    batch = checks.of_kind(option, Batch, field)
    # Servers read this duration alone with Go's parser, which knows no days (http.md 8).
    timeout = checks.period(batch.timeout, f"{field}.timeout", largest="h")
    return checks.present(
        {
            "maxSize": checks.whole(batch.max_size, f"{field}.max_size", least=2),
            "timeout": timeout,
            "key": checks.expression(batch.key, f"{field}.key"),
            "if": checks.expression(batch.if_exp, f"{field}.if_exp"),
        }
    )


def _cancels(option: Any, field: str) -> list[Record]:
    items = checks.listed(option, field, most=_MOST_CANCELS)
    return [_cancel(checks.of_kind(item, Cancel, name), name) for item, name in items]


def _cancel(cancel: Cancel, field: str) -> Record:
    if isinstance(cancel.timeout, datetime):
        timeout: str | None = wire_moment(cancel.timeout, field=f"{field}.timeout")
    else:
        timeout = checks.period(cancel.timeout, f"{field}.timeout")
    return checks.present(
        {
            "event": checks.event_name(name_of(cancel.event), f"{field}.event"),
            "if": checks.expression(cancel.if_exp, f"{field}.if_exp"),
            "timeout": timeout,
        }
    )


def _concurrencies(option: Any, field: str) -> list[Record]:
    items = checks.listed(option, field, most=_MOST_CONCURRENCIES)
    return [_concurrency(item, name) for item, name in items]


def _concurrency(option: Any, field: str) -> Record:
    if isinstance(option, int):
        return {"limit": checks.whole(option, field, least=0)}
    concurrency = checks.of_kind(option, Concurrency, field)
    key = checks.expression(concurrency.key, f"{field}.key")
    if concurrency.scope in ("env", "account") and key is None:
        raise ConfigError(
            f"{field}.key is missing; a limit of the scope {concurrency.scope!r} is shared by the "
            "functions that have the same key."
        )
    limit = checks.whole(concurrency.limit, f"{field}.limit", least=0)
    return checks.present({"limit": limit, "key": key, "scope": concurrency.scope})


def _debounce(option: Any, field: str) -> Record:
    debounce = checks.of_kind(option, Debounce, field)
    period = checks.period(debounce.period, f"{field}.period", most=_LONGEST_DEBOUNCE)
    return checks.present(
        {
            "period": period,
            "key": checks.expression(debounce.key, f"{field}.key"),
            "timeout": checks.period(debounce.timeout, f"{field}.timeout"),
        }
    )


def _priority(option: Any, field: str) -> Record:
    priority = checks.of_kind(option, Priority, field)
    return {"run": checks.expression(priority.run, f"{field}.run")}


def _rate_limit(option: Any, field: str) -> Record:
    rate = checks.of_kind(option, RateLimit, field)
    return checks.present(
        {
            "limit": checks.whole(rate.limit, f"{field}.limit", least=1),
            "period": checks.period(rate.period, f"{field}.period", most=_LONGEST_RATE_PERIOD),
            "key": checks.expression(rate.key, f"{field}.key"),
        }
    )


def _singleton(option: Any, field: str) -> Record:
    singleton = checks.of_kind(option, Singleton, field)
    key = checks.expression(singleton.key, f"{field}.key")
    return checks.present({"mode": singleton.mode, "key": key})


def _throttle(option: Any, field: str) -> Record:
    throttle = checks.of_kind(option, Throttle, field)
    burst = throttle.burst
    return checks.present(
        {
            "limit": checks.whole(throttle.limit, f"{field}.limit", least=1),
            "period": checks.period(throttle.period, f"{field}.period"),
            "burst": None if burst is None else checks.whole(burst, f"{field}.burst", least=0),
            "key": checks.expression(throttle.key, f"{field}.key"),
        }
    )


def _timeouts(option: Any, field: str) -> Record:
    timeouts = checks.of_kind(option, Timeouts, field)
    return checks.present(
        {
            "start": checks.period(timeouts.start, f"{field}.start"),
            "finish": checks.period(timeouts.finish, f"{field}.finish"),
        }
    )


_WRITERS: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "idempotency": ("idempotency", checks.expression),
    "batch_events": ("batchEvents", _batch),
    "rate_limit": ("rateLimit", _rate_limit),
    "throttle": ("throttle", _throttle),
    "debounce": ("debounce", _debounce),
    "priority": ("priority", _priority),
    "concurrency": ("concurrency", _concurrencies),
    "cancel": ("cancel", _cancels),
    "singleton": ("singleton", _singleton),
    "timeouts": ("timeouts", _timeouts),
}
