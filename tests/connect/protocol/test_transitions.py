"""The tables of what may be said when: consistent with each other and with connect.md 4 to 9."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from inngest_asgi.connect.messages import (
    ConnectionReady,
    ExecutorRequest,
    Message,
    Unknown,
    WorkerConnect,
)
from inngest_asgi.connect.protocol.transitions import (
    FROM_GATEWAY,
    FROM_WORKER,
    GATEWAY,
    WORKER,
    Phase,
)

if TYPE_CHECKING:
    from inngest_asgi.connect.protocol.transitions import Table

both = pytest.mark.parametrize("table", [WORKER, GATEWAY], ids=["worker", "gateway"])


def test_every_message_comes_from_one_end() -> None:
    assert set(get_args(Message)) - {Unknown} == FROM_GATEWAY | FROM_WORKER
    assert not FROM_GATEWAY & FROM_WORKER


@both
def test_every_message_has_its_place(table: Table) -> None:
    assert {message for _, message in table} == FROM_GATEWAY | FROM_WORKER


@both
def test_nothing_is_said_once_it_is_over(table: Table) -> None:
    over = {Phase.REFUSED, Phase.ENDED}
    assert not [phase for phase, _ in table if phase in over]


@both
def test_the_way_to_work_leads_through_the_handshake(table: Table) -> None:
    before = {phase for (phase, _), after in table.items() if after is Phase.ACCEPTED}
    assert before - {Phase.ACCEPTED} == {Phase.SYNCING}
    assert table[Phase.INTRODUCING, WorkerConnect] is Phase.SYNCING
    assert table[Phase.SYNCING, ConnectionReady] is Phase.ACCEPTED


def test_a_worker_says_nothing_but_its_name_before_it_is_accepted() -> None:
    early = {Phase.GREETING, Phase.INTRODUCING, Phase.SYNCING}
    said = {message for phase, message in WORKER if phase in early and message in FROM_WORKER}
    assert said == {WorkerConnect}


def test_a_gateway_sends_requests_to_ready_workers_only() -> None:
    assert [phase for phase, message in GATEWAY if message is ExecutorRequest] == [Phase.READY]


def test_what_a_gateway_may_say_at_work_a_worker_may_hear() -> None:
    working = {Phase.READY, Phase.PAUSED, Phase.DRAINING}
    said = {key for key in GATEWAY if key[0] in working and key[1] in FROM_GATEWAY}
    assert said <= set(WORKER)


def test_what_a_worker_may_say_a_gateway_may_hear() -> None:
    said = {key for key in WORKER if key[1] in FROM_WORKER}
    assert said <= set(GATEWAY)
