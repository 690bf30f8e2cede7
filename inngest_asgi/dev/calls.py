"""Builds what is sent to an app for one call of a run (http.md 11); sends nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from inngest_asgi.crypto.signatures import sign
from inngest_asgi.wire.codec import Fragment, canonical, dumps
from inngest_asgi.wire.names import WHOLE_FUNCTION, Header, ServerKind

if TYPE_CHECKING:
    from inngest_asgi.dev.records import Function, Job, Run

ACCOUNT_ID = "00000000-0000-4000-a000-000000000000"
MAX_BODY = 4 * 1024 * 1024
MAX_INLINE_STATE = MAX_BODY - 1024

_STEP_KEYS = ("stepId", "step")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to an app."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes


def call_request(
    run: Run, job: Job, function: Function, request_id: str, *, now: float, key: str | None
) -> Request:
    """Return the POST that calls a function.

    Args:
        run: the run, with the memos to send.
        job: what is to be done; its step is the target.
        function: what to call.
        request_id: a new ULID.
        now: Unix seconds, for the signature.
        key: signs the body, which is then in canonical form; None: not signed.
    """
    body = _body(run, job, function, request_id)
    headers = {
        Header.STEP_ID: job.step_id or WHOLE_FUNCTION,
        Header.REQUEST_VERSION: str(run.request_version),
        Header.RUN_ID: run.id,
        Header.ACCOUNT_ID: ACCOUNT_ID,
        Header.REQUEST_ID: request_id,
        Header.GENERATION_ID: str(job.generation),
        Header.JOB_ID: job.id,
    }
    return _signed("POST", _targeted(function.url, job.step_id), headers, body, now, key)


def ping_request(url: str, *, now: float, key: str | None) -> Request:
    """Return the PUT that asks an app to register (http.md 7.1)."""
    return _signed("PUT", url, {}, dumps({"url": url}), now, key)


def _signed(
    method: str, url: str, headers: dict[str, str], body: bytes, now: float, key: str | None
) -> Request:
    headers = {
        "content-type": "application/json",
        Header.SERVER_KIND: ServerKind.DEV,
        **headers,
    }
    if key is not None:
        body = canonical(body)
        headers[Header.SIGNATURE] = sign(body, key, now)
    return Request(method, url, headers, body)


def _body(run: Run, job: Job, function: Function, request_id: str) -> bytes:
    if run.memo_bytes <= MAX_INLINE_STATE:
        body = dumps(_document(run, job, function, request_id, use_api=False))
        if len(body) <= MAX_BODY:
            return body
    return dumps(_document(run, job, function, request_id, use_api=True))


def _document(
    run: Run, job: Job, function: Function, request_id: str, *, use_api: bool
) -> dict[str, Any]:
    event = Fragment(run.event.body)
    order = list(run.memos)
    return {
        "event": event,
        "events": [] if use_api else [event],
        "steps": {} if use_api else memo_document(run),
        "ctx": {
            "fn_id": function.id,
            "run_id": run.id,
            "env": "",
            "step_id": job.step_id or WHOLE_FUNCTION,
            "attempt": job.attempt,
            "max_attempts": function.max_attempts,
            "stack": {"stack": order, "current": len(order)},
            "qi_id": base64.b64encode(f"{job.id}::dev".encode()).decode(),
            "request_id": request_id,
            "generation_id": job.generation,
            "job_id": job.id,
            "disable_immediate_execution": _plan_only(run, job),
            "use_api": use_api,
        },
        "version": run.request_version,
        "use_api": use_api,
    }


def memo_document(run: Run) -> dict[str, Fragment]:
    """Return the results of a run's finished steps by hashed id (steps.md 6)."""
    return {step_id: Fragment(memo.value) for step_id, memo in run.memos.items()}


def _plan_only(run: Run, job: Job) -> bool:
    """Whether new steps must be planned: also while any other step is unfinished, so that none
    of them runs twice (steps.md 8.1)."""
    return run.force_plan or any(step_id != job.step_id for step_id in run.pending)


def _targeted(url: str, step_id: str | None) -> str:
    """Put the target into the query, under the name the SDK chose for it (http.md 8)."""
    target = step_id or WHOLE_FUNCTION
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(key in _STEP_KEYS for key, _ in query):
        query.append((_STEP_KEYS[0], target))
    changed = [(key, target if key in _STEP_KEYS else value) for key, value in query]
    return urlunsplit(parts._replace(query=urlencode(changed)))
