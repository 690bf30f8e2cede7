"""Tickets: which gates a run's event leads to."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.dev.flow.gcra import Rate
from inngest_asgi.dev.flow.rules import read_rules
from inngest_asgi.dev.flow.tickets import Ticket, make_ticket

KEY = "event.data.user"


def ticket(data: dict[str, Any], **config: Any) -> Ticket:
    return make_ticket("f", read_rules("f", config), {"data": data}, 0.0)


def test_keys_become_part_of_names() -> None:
    found = ticket(
        {"user": "ann"},
        concurrency={
            "fn": [{"limit": 1, "key": KEY}],
            "step": [{"limit": 5}, {"limit": 2, "key": KEY, "scope": "env"}],
        },
        throttle={"limit": 1, "period": "1s", "key": KEY},
        singleton={"mode": "skip", "key": KEY},
    )
    assert found.calls == (("calls f", 5), ("calls env = ann", 2))
    assert found.runs == (f"runs f {KEY} = ann", 1)
    assert found.throttle == ("throttle f = ann", Rate(1, 1))
    assert found.singleton == "singleton f = ann"


def test_limits_that_meet_in_one_name_are_one_gate_with_the_lower_limit() -> None:
    limits = [
        {"limit": 5, "key": KEY, "scope": "env"},
        {"limit": 2, "key": "event.data.other", "scope": "env"},
    ]
    found = ticket({"user": "ann", "other": "ann"}, concurrency=limits)
    assert found.calls == (("calls env = ann", 2),)


@pytest.mark.parametrize(
    ("singleton", "name"),
    [
        ({"mode": "skip"}, "singleton f"),
        ({"mode": "skip", "key": "event.data.missing"}, None),
        ({"mode": "skip", "key": "false"}, None),
        (None, None),
    ],
    ids=["no-key", "missing", "false", "none"],
)
def test_a_key_that_is_false_is_no_singleton(singleton: Any, name: str | None) -> None:
    assert ticket({}, singleton=singleton).singleton == name


@pytest.mark.parametrize(
    ("priority", "head_start"),
    [("120", 120), ("-120", -120), ("1000000", 43_200), ("-1000000", -43_200), ("'a'", 0)],
    ids=["earlier", "later", "earliest", "latest", "no-number"],
)
def test_priority_is_clamped(priority: str, head_start: float) -> None:
    assert ticket({}, priority={"run": priority}).head_start == head_start
