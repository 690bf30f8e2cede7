"""Any request at all: the answer is JSON, of a documented status, and holds no traceback or key."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hardening.flood import flood
from tests.hardening.malformed import FN_IDS, HASHED, Sent, malformed
from tests.hardening.values import json_values
from tests.hardening.watching import asked_by, flooded, problems, watched_logs
from tests.routes.asking import FALLBACK, KEY, body_of, call, signed

if TYPE_CHECKING:
    import inngest_asgi as inngest

APPS: dict[bool, inngest.InngestApp] = {one: flooded(production=one) for one in (False, True)}

latin = st.text(st.characters(max_codepoint=255), max_size=30)
names = st.sampled_from(
    [
        "x-inngest-signature",
        "x-inngest-server-kind",
        "x-inngest-sync-kind",
        "host",
        "content-length",
    ]
)
paths = st.sampled_from(["/api/inngest", "/", "/health/ready"]) | st.text(max_size=20)
bodies = (
    st.binary(max_size=100)
    | json_values.map(body_of)
    | st.fixed_dictionaries({}, optional=dict.fromkeys(call(), json_values)).map(
        lambda changed: body_of(call() | changed)
    )
)
queries = latin | st.builds(
    lambda fn_id, step_id: f"fnId={fn_id}&stepId={step_id}",
    st.sampled_from(FN_IDS) | latin,
    st.sampled_from([*HASHED, "step"]) | latin,
)
in_both_modes = pytest.mark.parametrize("production", [False, True], ids=["dev", "cloud"])


def wrong_with(sent: Sent, *, production: bool) -> list[str]:
    """Return what is wrong with the answer to a request, or with what is logged of it."""
    with watched_logs() as logged:
        answer = asyncio.run(asked_by(sent, APPS[production]))
    return problems(answer, sent, production=production) + logged


@in_both_modes
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@given(
    paths, queries, st.lists(st.tuples(names, latin), max_size=3, unique_by=lambda h: h[0]), bodies
)
def test_strangers_get_json(
    production: bool,  # noqa: FBT001
    method: str,
    path: str,
    query: str,
    headers: list[tuple[str, str]],
    body: bytes,
) -> None:
    sent = Sent(method, path, query, body, headers)
    assert not wrong_with(sent, production=production)


@in_both_modes
@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
@given(queries, bodies, st.sampled_from([KEY, FALLBACK]))
@example("fnId=shop-pay&stepId=step", body_of(call()), KEY)
def test_those_who_sign_get_json(
    production: bool,  # noqa: FBT001
    method: str,
    query: str,
    body: bytes,
    key: str,
) -> None:
    headers = list(signed(b"" if method == "GET" else body, key).items())
    sent = Sent(method, "/api/inngest", query, body, headers, trusted=True)
    assert not wrong_with(sent, production=production)


@in_both_modes
@given(st.text(max_size=10), st.integers(0, 10_000))
def test_any_method_gets_json(production: bool, method: str, seed: int) -> None:  # noqa: FBT001
    sent = malformed(Random(seed))
    sent.method = method
    assert not wrong_with(sent, production=production)


def test_a_flood_of_malformed_requests_leaves_no_traceback() -> None:
    statuses, found = asyncio.run(flood(1500, seed=2))
    assert not found
    assert {200, 206, 400, 401, 404, 405, 413, 500} <= statuses.keys()
