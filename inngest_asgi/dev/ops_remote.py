"""Ops that have the server ask somebody else: model calls and fetches (steps.md 4.6 and 4.7).

They become jobs, so that a request outlives a restart: it is then made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.dev.fetches import Fetch, fetch_error, read_fetch, result_of
from inngest_asgi.dev.records import Happening, Job, JobKind, Memo
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import Opcode

if TYPE_CHECKING:
    from inngest_asgi.dev.answers import Answer, NoAnswer, Op, Reported
    from inngest_asgi.dev.turn import Turn

_KINDS = {kind.lower(): kind for kind in (Opcode.GATEWAY, Opcode.AI_GATEWAY)}


def request_remote(turn: Turn, op: Op, reported: Reported) -> None:
    """Have the server make the request of a step; one that cannot be made fails the step."""
    try:
        fetch = read_fetch(op)
    except ValueError as error:
        _refuse(turn, op, f"Step {op.name!r} cannot be sent: {error}.")
        return
    run = turn.run
    job = Job(
        id=f"{run.id}-{op.id}",
        run_id=run.id,
        kind=JobKind.FETCH,
        step_id=op.id,
        due=turn.now,
        race=op.race,
        name=op.name,
        value=fetch.to_json(),
    )
    if turn.add(job):
        turn.tell_step(Happening.STEP_PLANNED, op, method=fetch.method, url=fetch.shown)


def fetched(turn: Turn, fetch: Fetch, answer: Answer | NoAnswer, seconds: float) -> None:
    """The request of a step is over: keep what it brought, or try again.

    Args:
        turn: of the job that made the request.
        fetch: what was asked.
        answer: what came back.
        seconds: how long it took.
    """
    result = result_of(fetch, answer)
    memo = fetch.memo(turn.job.step_id or "", turn.job.name, result)
    if "error" in result:
        turn.step_failed(memo, result["error"])
    else:
        turn.step_done(memo, duration=seconds)


def _refuse(turn: Turn, op: Op, message: str) -> None:
    kind = _KINDS[op.kind.lower()]
    error = fetch_error(kind, message)
    memo = Memo(op.id, op.name, kind, dumps({"error": error}))
    turn.step_reported(op, memo, Happening.STEP_FAILED, error=error, retry_at=None)
