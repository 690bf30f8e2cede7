"""Sessions of events: what servers keep of them, and what a run passes on."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.sessions import carried, checked_meta, sessions_of


@pytest.mark.parametrize(
    "meta",
    [
        pytest.param(None, id="none"),
        pytest.param({"source": "mail"}, id="other"),
        pytest.param({"sessions": None}, id="null"),
        pytest.param({"sessions": {}}, id="empty"),
        pytest.param({"sessions": {"k" * 128: "i" * 512}}, id="longest"),
        pytest.param({"sessions": {str(n): "x" for n in range(5)}}, id="most"),
        pytest.param({"sessions": {"chat": None}}, id="ended"),
    ],
)
def test_meta_that_servers_keep_stays_as_it_is(meta: dict[str, Any] | None) -> None:
    assert checked_meta(meta) == meta


@pytest.mark.parametrize(
    ("number", "text"),
    [
        pytest.param(42, "42", id="int"),
        pytest.param(2**70, str(2**70), id="large"),
        pytest.param(1.5, "1.5", id="float"),
        pytest.param(2.0, "2", id="whole-float"),
    ],
)
def test_numbers_become_strings(number: float, text: str) -> None:
    assert checked_meta({"sessions": {"chat": number}}) == {"sessions": {"chat": text}}


def test_the_given_meta_is_not_changed() -> None:
    meta = {"sessions": {"chat": 42}}
    checked_meta(meta)
    assert meta == {"sessions": {"chat": 42}}


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        pytest.param(["chat"], "pass a dictionary", id="list"),
        pytest.param({str(n): "x" for n in range(6)}, "6 entries; 5", id="too-many"),
        pytest.param({"": "x"}, "key ''", id="empty-key"),
        pytest.param({5: "x"}, "key 5", id="key-not-a-string"),
        pytest.param({"\u00e9" * 65: "x"}, "1 to 128 bytes", id="long-key"),
        pytest.param({"chat": "\u00e9" * 257}, "514 bytes; 512", id="long-id"),
        pytest.param({"chat": True}, "is True", id="bool"),
        pytest.param({"chat": ["x"]}, r"is \['x'\]", id="list-as-id"),
        pytest.param({"chat": float("nan")}, "is nan", id="nan"),
    ],
)
def test_what_servers_would_drop_is_refused(sessions: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checked_meta({"sessions": sessions})


@pytest.mark.parametrize(
    ("events", "sessions"),
    [
        pytest.param([{}], {}, id="no-meta"),
        pytest.param([{"meta": None}, {"meta": []}], {}, id="odd-meta"),
        pytest.param([{"meta": {"sessions": "x"}}], {}, id="odd-sessions"),
        pytest.param([{"meta": {"sessions": {"a": "1", "b": None, "c": 3}}}], {"a": "1"}, id="ids"),
        pytest.param(
            [{"meta": {"propagated_sessions": {"a": "1", "b": "2", "c": "3"}}}],
            {"a": "1", "b": "2", "c": "3"},
            id="propagated",
        ),
        pytest.param(
            [
                {
                    "meta": {
                        "propagated_sessions": {"a": "1", "b": "2", "c": "3"},
                        "sessions": {"a": "9", "b": None},
                    }
                }
            ],
            {"a": "9", "c": "3"},
            id="own-first",
        ),
        pytest.param(
            [{"meta": {"sessions": {"a": "1"}}}, {"meta": {"sessions": {"a": "2", "b": "2"}}}],
            {"a": "1", "b": "2"},
            id="batch",
        ),
    ],
)
def test_the_sessions_of_a_run(events: list[dict[str, Any]], sessions: dict[str, str]) -> None:
    assert sessions_of(events) == sessions


@pytest.mark.parametrize(
    ("meta", "sent"),
    [
        pytest.param(None, {"propagated_sessions": {"a": "1", "b": "2"}}, id="no-meta"),
        pytest.param(
            {"source": "mail"},
            {"source": "mail", "propagated_sessions": {"a": "1", "b": "2"}},
            id="other",
        ),
        pytest.param(
            {"sessions": {"a": "9"}},
            {"sessions": {"a": "9"}, "propagated_sessions": {"b": "2"}},
            id="own-wins",
        ),
        pytest.param(
            {"sessions": {"a": None}},
            {"sessions": {"a": None}, "propagated_sessions": {"b": "2"}},
            id="ended",
        ),
        pytest.param(
            {"sessions": {"a": "9", "b": "9"}}, {"sessions": {"a": "9", "b": "9"}}, id="all-own"
        ),
        pytest.param(
            {"propagated_sessions": {"b": "9"}},
            {"propagated_sessions": {"a": "1", "b": "9"}},
            id="own-propagated",
        ),
    ],
)
def test_what_a_run_sends_carries_its_sessions(
    meta: dict[str, Any] | None, sent: dict[str, Any]
) -> None:
    assert carried(meta, {"a": "1", "b": "2"}) == sent


@pytest.mark.parametrize("meta", [None, {"source": "mail"}], ids=["none", "some"])
def test_without_sessions_meta_stays_as_it_is(meta: dict[str, Any] | None) -> None:
    assert carried(meta, {}) is meta
