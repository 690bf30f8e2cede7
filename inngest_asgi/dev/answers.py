"""What an app's answer to a call means (http.md 11.3, 11.4, 12); pure, it changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.backoff import clamped
from inngest_asgi.dev.failures import failure, function_failure, not_ready
from inngest_asgi.dev.metadata import MAX_OF_SPAN, read_update
from inngest_asgi.dev.moments import retry_after
from inngest_asgi.dev.web.documents import read
from inngest_asgi.errors import CodecError, RequestError
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import ErrorCode, Header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_STEP = 4 * 1024 * 1024
MAX_OPS = 1_000
TOO_LARGE = "output_too_large"

_STREAMED, _MORE_WORK = 201, 206
_WRONG_PATH = "Check the path of the app's URL, and that the app serves Inngest there."
_KEPT_OUT = "Something before the app asks for a login; let this server through."
_ADVICE = {
    401: _KEPT_OUT,
    403: _KEPT_OUT,
    404: _WRONG_PATH,
    405: "Whatever is at this path takes no POST. " + _WRONG_PATH,
    413: "Something before the app takes no requests of this size.",
    502: "A proxy could not reach the app. Is it running?",
    503: "The app is starting or overloaded.",
    504: "A proxy gave up waiting for the app; raise its timeout, or stream answers.",
}
_ADVICE_BY_HUNDRED = {
    2: _WRONG_PATH,
    3: "It redirects to nowhere.",
    4: _WRONG_PATH,
    5: "The app, or what is before it, broke before Inngest was reached; see the app's log.",
}
_VERSION = re.compile(r"[0-9]{1,4}")
_INPUTS = {"gateway": "body", "aigateway": "body", "deferadd": ""}
_EXPERIMENT = {
    "experimentName": "name",
    "variant": "variant",
    "selectionStrategy": "selection_strategy",
    "experimentStepID": "experiment_step_id",
}
"""Options of steps inside an experiment, and their names as metadata (steps.md 3)."""
_RUNNABLE = frozenset({"step", "steprun", "stepplanned", "steperror", "stepfailed"})
_WHITESPACE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP response; header names are in lower case. `url` is what it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """No HTTP response came, or none that could be taken; `code` as in server-api.md 11."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Op:
    """One op of a response.

    `kind` is the opcode and `wire_name` the name as the SDK sent them, `name` what to show;
    `data` is JSON.
    """

    kind: str
    id: str
    name: str
    wire_name: str
    opts: dict[str, Any]
    data: bytes
    error: dict[str, Any] | None
    seconds: float | None
    metadata: tuple[dict[str, Any], ...] = ()

    @property
    def race(self) -> bool:
        """Whether the function is called again as soon as this step is done (steps.md 8)."""
        return self.opts.get("parallelMode") == "race"

    def about(self, attempt: int) -> dict[str, Any]:
        """Return what records tell of the step, which was found in `attempt`."""
        about = {"id": self.id, "name": self.name, "op": self.kind, "attempt": attempt}
        if "input" in self.opts and self.kind.lower() in _RUNNABLE:
            about["input"] = self.opts["input"]
        if self.metadata:
            about["metadata"] = list(self.metadata)
        return about if self.seconds is None else about | {"duration": self.seconds}


@dataclass(frozen=True, slots=True)
class Reported:
    """There is more work: ops, and how a failed one may be retried."""

    ops: tuple[Op, ...]
    no_retry: bool
    retry_after: float | None
    version: int | None


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned; `output` is JSON."""

    output: bytes


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed. `final`: no attempt may follow; `retry_after`: seconds, if asked for."""

    error: dict[str, Any]
    final: bool = False
    retry_after: float | None = None


Outcome = Reported | Returned | Failed


def interpret(answer: Answer | NoAnswer, now: float) -> Outcome:
    """Say what an answer means.

    Args:
        answer: what came back from the app.
        now: Unix seconds, for dates in Retry-After.
    """
    if isinstance(answer, NoAnswer):
        return Failed(not_ready(answer.code, answer.message))
    if Header.SDK not in answer.headers:
        return _stranger(answer)
    if answer.status == _STREAMED:
        return _streamed(answer, now)
    return _direct(answer, now)


def read_op(item: Any) -> Op | Failed:
    """Read one op; `Failed`, with `TOO_LARGE` as the error's code if so, when it is none."""
    if not isinstance(item, dict) or not isinstance(item.get("op"), str):
        return _garbled("The app reported something that is not a step.")
    opts, error = item.get("opts") or {}, item.get("error")
    step_id, data = item.get("id"), dumps(item.get("data"))
    if not isinstance(opts, dict) or not isinstance(error, dict | None):
        return _garbled(f"The app reported a step ({item['op']}) whose opts or error is no object.")
    if not (isinstance(step_id, str) and step_id) and item["op"].lower() != "none":
        return _garbled(f"The app reported a step ({item['op']}) without an id.")
    name = _name(item)
    if max(len(data), _input_size(item["op"].lower(), opts)) > MAX_STEP:
        message = f"The input or output of step {name!r} is larger than {MAX_STEP >> 20} MB."
        return Failed(not_ready(TOO_LARGE, message))
    return Op(
        kind=item["op"],
        id=step_id or "",
        name=name,
        wire_name=item["name"] if isinstance(item.get("name"), str) else "",
        opts=opts,
        data=data,
        error=error,
        seconds=_seconds(item.get("timing")),
        metadata=(*_metadata(item.get("metadata")), *_experiment(opts)),
    )


def _direct(answer: Answer, now: float) -> Outcome:
    if answer.status == _MORE_WORK:
        return _reported(answer, now)
    final = answer.headers.get(Header.NO_RETRY) == "true"
    if 200 <= answer.status < 300:
        return _no_retry_despite_success() if final else _returned(answer.body)
    error = function_failure(_lenient(answer.body))
    return Failed(error, final=final, retry_after=_retry_after(answer, now))


def refused_by_keys(answer: Answer, url: str) -> str | None:
    """Say what to do about an app that takes us for a stranger; None if it does not.

    To strangers, apps in cloud mode hide their X-Inngest-SDK (http.md 4).
    """
    if Header.SDK in answer.headers or Header.SDK_HANDLED not in answer.headers:
        return None
    if answer.status == 401:
        return (
            f"The app at {url} is in cloud mode and does not accept this server's signature: use "
            "the same signing key here and there, or start the app in dev mode (INNGEST_DEV=1)."
        )
    return (
        f"The app at {url} is in cloud mode and serves nobody (status {answer.status}): start it "
        "in dev mode (INNGEST_DEV=1), or give it the signing key that this server has."
    )


def _stranger(answer: Answer) -> Failed:
    """A response without X-Inngest-SDK: something else answers at the app's URL."""
    refusal = refused_by_keys(answer, answer.url)
    if refusal is not None:
        return Failed(not_ready(ErrorCode.SIG_VERIFICATION_FAILED, refusal))
    said = f"{answer.url or 'The URL of the app'} answered with HTTP status {answer.status}"
    said += " and a web page" if _is_page(answer) else ""
    advice = _ADVICE.get(answer.status) or _ADVICE_BY_HUNDRED[min(max(answer.status // 100, 2), 5)]
    message = f"{said}, but not as an Inngest SDK: the X-Inngest-SDK header is missing. {advice}"
    if 200 <= answer.status < 300:
        return Failed(not_ready("not_sdk", message))
    return Failed(failure("Server returned a fatal error", message, code="http_not_ok"))


def _is_page(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").lower().startswith("text/html")


def _streamed(answer: Answer, now: float) -> Outcome:
    """Take the envelope off a streamed answer and read what is inside (http.md 11.4)."""
    try:
        envelope = read(answer.body.strip(_WHITESPACE))
    except CodecError as error:
        return _garbled(f"The streamed answer is not complete, or not JSON. {error}")
    if not isinstance(envelope, dict):
        return _garbled("The streamed answer is not an envelope.")
    if isinstance(envelope.get("error"), str):
        return Failed(failure("Error", envelope["error"]))
    status, headers = envelope.get("status"), envelope.get("headers") or {}
    if not isinstance(status, int) or status == _STREAMED or not isinstance(headers, dict):
        return _garbled("The streamed answer's envelope has no usable status.")
    merged = dict(answer.headers) | {str(key).lower(): str(headers[key]) for key in headers}
    return _direct(Answer(status, merged, _unwrapped(envelope.get("body"))), now)


def _unwrapped(body: Any) -> bytes:
    """Return the JSON of an enveloped body, which may be JSON or a string that holds JSON."""
    if isinstance(body, str) and (not body or _lenient(body.encode()) != body):
        return body.encode()
    return dumps(body)


def _reported(answer: Answer, now: float) -> Outcome:
    try:
        document = read(answer.body)
    except CodecError as error:
        return _garbled(f"The app reported its steps in a body that cannot be read. {error}")
    items = document if isinstance(document, list) else [document]
    if len(items) > MAX_OPS:
        message = f"The app reported {len(items)} steps at once; {MAX_OPS} is the limit."
        return Failed(failure("InngestErrFunctionOverflowed", message), final=True)
    ops = [read_op(item) for item in items]
    refused = next((op for op in ops if isinstance(op, Failed)), None)
    if refused is not None:
        return replace(refused, retry_after=_retry_after(answer, now))
    return Reported(
        ops=tuple(op for op in ops if isinstance(op, Op)),
        no_retry=answer.headers.get(Header.NO_RETRY) == "true",
        retry_after=_retry_after(answer, now),
        version=_version(answer.headers.get(Header.REQUEST_VERSION)),
    )


def _name(item: dict[str, Any]) -> str:
    userland = item.get("userland")
    given = userland.get("id") if isinstance(userland, dict) else None
    names = (item.get("displayName"), given, item.get("name"), item.get("id"))
    return next((name for name in names if isinstance(name, str) and name), "")


def _input_size(kind: str, opts: dict[str, Any]) -> int:
    """Return how large what goes into a step is; deferred functions have limits of their own."""
    key = _INPUTS.get(kind, "input")
    return len(dumps(opts[key])) if key in opts else 0


def _metadata(items: Any) -> Iterator[dict[str, Any]]:
    """Yield the metadata on an op that may be kept; a step is worth more than what is not."""
    for item in items if isinstance(items, list) else ():
        try:
            update = read_update(item)
        except RequestError:
            continue
        if len(dumps(update.values)) <= MAX_OF_SPAN:
            yield {name: item.get(name) for name in ("scope", "kind", "op", "values")}


def _experiment(opts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what is to be kept of a step that belongs to a variant of an experiment."""
    values = {
        name: opts[key] for key, name in _EXPERIMENT.items() if isinstance(opts.get(key), str)
    }
    if len(values) == len(_EXPERIMENT):
        yield {"scope": "step", "kind": "inngest.experiment", "op": "merge", "values": values}


def _seconds(timing: Any) -> float | None:
    duration = timing.get("b") if isinstance(timing, dict) else None
    return duration / 1e9 if isinstance(duration, int | float) else None


def _returned(body: bytes) -> Outcome:
    if not body.strip(_WHITESPACE):
        return Returned(b"null")
    try:
        document = read(body)
    except CodecError as error:
        return _garbled(f"The function's output cannot be read. {error}")
    return Returned(dumps(document))


def _no_retry_despite_success() -> Failed:
    """Real servers take it for a failure (http.md 11.3, DANGER)."""
    message = "The function answered that it must not be retried, and gave no error."
    return Failed(failure("NonRetriableError", message), final=True)


def _garbled(message: str) -> Failed:
    return Failed(not_ready("unknown", message))


def _retry_after(answer: Answer, now: float) -> float | None:
    asked = retry_after(answer.headers.get(Header.RETRY_AFTER, ""), now)
    return None if asked is None else clamped(asked)


def _version(text: str | None) -> int | None:
    return int(text) if text and _VERSION.fullmatch(text) else None


def _lenient(body: bytes) -> Any:
    try:
        return read(body)
    except CodecError:
        return body.decode(errors="replace")
