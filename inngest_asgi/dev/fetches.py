"""Requests that steps have the server make (steps.md 4.6 and 4.7): read, built, and answered.

It sends nothing. Keys are in a `Fetch` and in what is sent, and nowhere else: not in words, not in
records, not in what is told of a failure.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from inngest_asgi.dev.answers import MAX_STEP, TOO_LARGE, Answer, NoAnswer
from inngest_asgi.dev.calls import Request
from inngest_asgi.dev.failures import failure
from inngest_asgi.dev.records import Memo
from inngest_asgi.dev.web.documents import read
from inngest_asgi.errors import CodecError
from inngest_asgi.version import VERSION
from inngest_asgi.wire.codec import dumps, loads
from inngest_asgi.wire.names import Opcode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from inngest_asgi.dev.answers import Op

_ERROR_NAMES = {Opcode.GATEWAY: "GatewayError", Opcode.AI_GATEWAY: "AIGatewayError"}
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_AGENT = ("user-agent", f"inngest-asgi-dev/{VERSION}")
_HARMLESS = frozenset(
    {"accept", "accept-language", "anthropic-version", "content-type", "user-agent"}
)
"""Headers that hold no secrets: they follow a redirect to another host."""
_LONGEST_STACK = 65_536
_SHORTEST_SECRET = 6
_HIDDEN = "[hidden]"


@dataclass(frozen=True, slots=True)
class Fetch:
    """A request that a step has the server make, keys included.

    `op` says what kind of step it is, and with that what counts as a failure.
    """

    op: Opcode
    method: str
    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Where it goes, without the query, which may hold secrets."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

    @property
    def request(self) -> Request:
        """What to send."""
        return Request(
            self.method,
            self.url,
            {},
            self.body.encode(),
            more_headers=self.headers,
            limit=MAX_STEP,
            peer=self.shown,
            elsewhere=_HARMLESS,
        )

    def to_json(self) -> bytes:
        """Write it down, for a job that may be done by a later server."""
        return dumps([self.op, self.method, self.url, self.headers, self.body])

    @classmethod
    def from_json(cls, text: bytes) -> Fetch:
        """Read what `to_json` wrote."""
        op, method, url, headers, body = loads(text)
        return cls(Opcode(op), method, url, tuple((key, value) for key, value in headers), body)

    def memo(self, step_id: str, name: str, result: dict[str, Any]) -> Memo:
        """Return what the step leaves: `result` has either data or an error (steps.md 6)."""
        return Memo(step_id, name, self.op, dumps(result))


def read_fetch(op: Op) -> Fetch:
    """Read what a step asks the server to send.

    Raises:
        ValueError: it cannot be sent; the message says why, and holds no secrets.
    """
    url = op.opts.get("url")
    if not isinstance(url, str) or not _leads_somewhere(url):
        raise ValueError("its url must start with http:// or https:// and name a host")
    url, basic = _without_login(url)
    headers = (*basic, *_headers(op.opts.get("headers") or {}))
    if op.kind.lower() == Opcode.AI_GATEWAY.lower():
        return _inference(url, headers, op.opts)
    method, body = op.opts.get("method") or "POST", op.opts.get("body")
    if not isinstance(method, str) or not _NAME.fullmatch(method):
        raise ValueError("its method must be a word such as GET")
    if not isinstance(body, str | None):
        raise ValueError("its body must be a string")
    return Fetch(Opcode.GATEWAY, method.upper(), url, _named(headers), _quoted(body or ""))


def fetch_error(op: Opcode, message: str, **more: Any) -> dict[str, Any]:
    """Return the error of a step whose request failed."""
    return failure(_ERROR_NAMES[op], message, **more)


def result_of(fetch: Fetch, answer: Answer | NoAnswer) -> dict[str, Any]:
    """Return what came of a request: an object with `data`, or with `error`."""
    if isinstance(answer, NoAnswer):
        message = _without_secrets(fetch, answer.message)
        return {"error": fetch_error(fetch.op, message, code=answer.code)}
    result = _ai_result(fetch, answer) if fetch.op is Opcode.AI_GATEWAY else _result(fetch, answer)
    if len(dumps(result)) > MAX_STEP:
        message = f"{fetch.shown} answered with more than {MAX_STEP >> 20} MB, as JSON."
        return {"error": fetch_error(fetch.op, message, code=TOO_LARGE)}
    return result


def _leads_somewhere(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _without_login(url: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Take the name and password out of a URL, as the header that they are sent in."""
    parts = urlsplit(url)
    login, _, host = parts.netloc.rpartition("@")
    if not login:
        return url, ()
    basic = base64.b64encode(unquote(login if ":" in login else f"{login}:").encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), (("authorization", f"Basic {basic}"),)


def _inference(url: str, headers: tuple[tuple[str, str], ...], opts: dict[str, Any]) -> Fetch:
    """Put the key where the provider looks for it (the table of steps.md 4.6)."""
    key, kind = opts.get("auth_key") or "", opts.get("format") or ""
    if not isinstance(key, str) or not _VALUE.fullmatch(key := key.strip()):
        raise ValueError("its auth_key must be a line of text")
    own: list[tuple[str, str]] = [("content-type", "application/json")]
    if key and kind == "gemini":
        url = f"{url}{'&' if urlsplit(url).query else '?'}key={quote(key, safe='')}"
    elif key and kind == "anthropic":
        own.append(("x-api-key", key))
    elif key:
        own.append(("authorization", key if kind == "bedrock" else f"Bearer {key}"))
    body = dumps(opts.get("body")).decode()
    return Fetch(Opcode.AI_GATEWAY, "POST", url, _named((*own, *headers)), body)


def _headers(headers: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(headers, dict):
        raise ValueError("its headers must be an object")
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if not isinstance(value, str) or not _VALUE.fullmatch(value := value.strip()):
            raise ValueError(f"its header {name!r} must be a line of text")
        yield name, value


def _named(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Say who asks, unless the step does: some services refuse those who do not."""
    given = {name.lower() for name, _ in headers}
    return headers if _AGENT[0] in given else (*headers, _AGENT)


def _quoted(body: str) -> str:
    """Return a body as the real server sends it: what is not JSON becomes a JSON string."""
    if not body:
        return ""
    try:
        loads(body)
    except CodecError:
        return dumps(body).decode()
    return body


def _result(fetch: Fetch, answer: Answer) -> dict[str, Any]:
    headers = {_canonical(name): value for name, value in answer.headers.items()}
    body = answer.body.decode(errors="replace")
    data = {"url": fetch.url, "headers": headers, "body": body, "status_code": answer.status}
    return {"data": data}


def _canonical(name: str) -> str:
    """Return a header's name as Go writes it, by which SDKs look headers up."""
    return "-".join(part.capitalize() for part in name.split("-"))


def _ai_result(fetch: Fetch, answer: Answer) -> dict[str, Any]:
    reason = f"answered with HTTP status {answer.status}"
    if answer.status <= 299:
        try:
            return {"data": read(answer.body)}
        except CodecError:
            reason = "did not answer in JSON"
    text = _without_secrets(fetch, answer.body.decode(errors="replace"))
    more = {"data": _json_or_none(text), "stack": text[:_LONGEST_STACK]}
    return {"error": fetch_error(fetch.op, f"{fetch.shown} {reason}.", **more)}


def _json_or_none(text: str) -> Any:
    try:
        return read(text.encode())
    except CodecError:
        return None


def _without_secrets(fetch: Fetch, text: str) -> str:
    """Take out what a provider, or a library, repeats of the keys that it was sent."""
    for secret in _secrets(fetch):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets(fetch: Fetch) -> list[str]:
    """Return what a text must not repeat, the longest first."""
    parts = urlsplit(fetch.url)
    found = {value for _, value in parse_qsl(parts.query)}
    found |= {pair.partition("=")[2] for pair in parts.query.split("&")}
    for name, value in fetch.headers:
        if name.lower() not in _HARMLESS:
            found |= {value, value.rpartition(" ")[2]}
    return sorted((one for one in found if len(one) >= _SHORTEST_SECRET), key=len, reverse=True)
