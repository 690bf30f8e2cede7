"""Builds what is sent to an app for one call of a run (http.md 11); sends nothing."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from ulid import ULID

from inngest_asgi.crypto.signatures import sign
from inngest_asgi.dev.records import DeferState
from inngest_asgi.wire.codec import Fragment, canonical, dump_text, dumps
from inngest_asgi.wire.names import WHOLE_FUNCTION, Header

if TYPE_CHECKING:
    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.records import Function, Job, Run

ACCOUNT_ID = "00000000-0000-4000-a000-000000000000"
ENVIRONMENT_ID = "00000000-0000-4000-b000-000000000000"
MAX_BODY = 4 * 1024 * 1024
MAX_INLINE_STATE = MAX_BODY - 1024
MAX_ANSWER = 8 * 1024 * 1024

_STEP_KEYS = ("stepId", "step")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to an app, or to whoever a step has the server ask.

    Args:
        method: in upper case.
        url: absolute.
        headers: by name.
        body: what is sent; b"" for nothing.
        more_headers: those besides, even of the same names.
        limit: bytes of an answer that are taken.
        peer: who is asked, for messages; the app at `url` when empty.
        elsewhere: names, in lower case, of the headers that a redirect to another host may see;
            None for all of them.
    """

    method: str
    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    more_headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    limit: int = MAX_ANSWER
    peer: str = ""
    elsewhere: frozenset[str] | None = None

    @property
    def whom(self) -> str:
        """Who is asked, in words."""
        return self.peer or f"The app at {self.url}"


def call_request(
    run: Run, job: Job, function: Function, request_id: str, *, now: float, options: DevOptions
) -> Request:
    """Return the POST that calls a function.

    Args:
        run: the run, with the memos to send.
        job: what is to be done; its step is the target.
        function: what to call.
        request_id: a new ULID.
        now: Unix seconds, for the signature.
        options: what kind of server this is, and the key that signs the body, which is then in
            canonical form.
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
        **trace_headers(run, function, request_id),
    }
    return _signed("POST", _targeted(function.url, job.step_id), headers, body, now, options)


def ping_request(url: str, *, now: float, options: DevOptions) -> Request:
    """Return the PUT that asks an app to register (http.md 7.1)."""
    return _signed("PUT", url, {}, dumps({"url": url}), now, options)


def trace_headers(run: Run, function: Function, request_id: str) -> dict[str, str]:
    """Return the W3C trace context of a call (http.md 4).

    All calls of a run are in one trace, which follows from the run's id; each call is a span of
    its own, which follows from the request's.
    """
    span = ULID.from_str(request_id).bytes[-8:].hex()
    parent = f"00-{ULID.from_str(run.id).bytes.hex()}-{span}-01"
    state = f"inngest@app={function.app_id},inngest@fn={function.id}"
    reference = quote(dump_text({"tp": parent, "ts": state}), safe="")
    return {
        Header.TRACEPARENT: parent,
        Header.TRACESTATE: f"{state},inngest@traceref={reference}",
    }


def _signed(
    method: str, url: str, headers: dict[str, str], body: bytes, now: float, options: DevOptions
) -> Request:
    headers = {
        "content-type": "application/json",
        Header.SERVER_KIND: options.kind,
        **headers,
    }
    if options.signing_key is not None:
        body = canonical(body)
        headers[Header.SIGNATURE] = sign(body, options.signing_key, now)
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
    events = [Fragment(event.body) for event in run.events]
    order = list(run.memos)
    defers = {"defers": defer_document(run)} if run.defers else {}
    return {
        "event": events[0],
        "events": [] if use_api else events,
        "steps": {} if use_api else memo_document(run),
        **defers,
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
    """Return the results of a run's finished steps by hashed id (steps.md 6).

    Among them is the input of a step that is to run with other arguments, until it has.
    """
    results = {step_id: Fragment(memo.value) for step_id, memo in run.memos.items()}
    return {step_id: Fragment(given) for step_id, given in run.inputs.items()} | results


def defer_document(run: Run) -> dict[str, Any]:
    """Return what a run deferred by hashed id, so that it is not reported again (http.md 11.2)."""
    return {
        step_id: {"abortable": defer.state is DeferState.ADDED}
        for step_id, defer in run.defers.items()
    }


def _plan_only(run: Run, job: Job) -> bool:
    """Whether new steps must be planned: also while any other step is unfinished, so that none
    of them runs twice (steps.md 8.1)."""
    return run.force_plan or any(step_id != job.step_id for step_id in run.pending)


@lru_cache(maxsize=1_024)
def _targeted(url: str, step_id: str | None) -> str:
    """Put the target into the query, under the name the SDK chose for it (http.md 8)."""
    target = step_id or WHOLE_FUNCTION
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    if not any(key in _STEP_KEYS for key, _ in query):
        query.append((_STEP_KEYS[0], target))
    changed = [(key, target if key in _STEP_KEYS else value) for key, value in query]
    return urlunsplit(parts._replace(query=urlencode(changed)))
