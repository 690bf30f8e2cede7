"""What flow control knows of one run until it ends, worked out once from its event; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.flow.keys import NO_GROUP, key_of, seconds_of
from inngest_asgi.dev.flow.rules import PRIORITY_RANGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inngest_asgi.dev.flow.gcra import Rate
    from inngest_asgi.dev.flow.rules import Limit, Pace, Rules, Singleton

    Event = Mapping[str, Any]


@dataclass(slots=True)
class Ticket:
    """The gates of a run, each by name and with what holds for it there.

    Args:
        function_id: its function's UUID.
        calls: gates for each of its calls.
        runs: the gate it is inside from its start to its end.
        throttle: the gate its start passes.
        head_start: seconds by which it goes before others.
        singleton: what only one run may hold at a time; None when it holds nothing.
        started: whether its first job was begun.
    """

    function_id: str
    calls: tuple[tuple[str, int], ...]
    runs: tuple[str, int] | None
    throttle: tuple[str, Rate] | None
    head_start: float
    singleton: str | None
    started: bool = False


def make_ticket(function_id: str, rules: Rules, event: Event, now: float) -> Ticket:
    """Return the ticket of a run.

    Args:
        function_id: its function's UUID.
        rules: the function's.
        event: the event that started the run, the first one of a batch.
        now: Unix seconds.
    """
    gates: dict[str, int] = {}
    for limit in rules.calls:
        name = grouped(limit, event, now)
        gates[name] = min(limit.limit, gates.get(name, limit.limit))
    runs, throttle = rules.runs, rules.throttle
    shift = seconds_of(rules.priority, event, now) if rules.priority else 0.0
    return Ticket(
        function_id=function_id,
        calls=tuple(gates.items()),
        runs=None if runs is None else (grouped(runs, event, now), runs.limit),
        throttle=None if throttle is None else (grouped(throttle, event, now), throttle.rate),
        head_start=min(max(shift, -PRIORITY_RANGE), PRIORITY_RANGE),
        singleton=group_of(rules.singleton, event, now),
    )


def grouped(rule: Limit | Pace | Singleton, event: Event, now: float) -> str:
    """Return the name under which all that has the event's key counts together."""
    return f"{rule.name} = {key_of(rule.key, event, now)}" if rule.key else rule.name


def group_of(rule: Pace | Singleton | None, event: Event, now: float) -> str | None:
    """Return the same where a key that is false means no limit; None for no limit."""
    if rule is None or (rule.key and key_of(rule.key, event, now) == NO_GROUP):
        return None
    return grouped(rule, event, now)
