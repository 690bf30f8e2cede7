"""Calls, syncs and inspections as a server makes them, and what can be broken about them by chance.

`python -m tests.hardening.flood` makes many of them; hypothesis draws the seeds of some.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from tests.routes.asking import FALLBACK, KEY, NOW, STRANGE, body_of, call, signed

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

STEP_IDS = ("a", "b", "b:1", "nap", "event", "event:1", "signal", "invoke", "fetch", "typed")
HASHED = tuple(sha1(one.encode(), usedforsecurity=False).hexdigest() for one in STEP_IDS)
FN_IDS = ("shop-pay",) * 4 + ("shop-bill",) * 2 + ("shop-typed", "pay", "shop-pay-failure", "other")

MEMOS: tuple[Any, ...] = (
    "text",
    5,
    [],
    {"data": "done"},
    {"data": None},
    {"data": {"id": "7"}},
    {"error": {"name": "ValueError", "message": "no", "stack": "Traceback", "cause": {"name": 1}}},
    {"error": "text"},
    {"input": [{"x": 1}]},
    {"input": []},
    {"name": "shop/ordered", "data": {"id": "7"}, "id": "1", "ts": 1},
    {"data": {"signal": "s", "data": 5}},
    {"data": {"status_code": 200, "headers": {}, "body": "{}", "url": "http://x/"}},
    None,
)
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**64, -(2**70), 0.5, 1e308, float("nan"),
    float("inf"), "", "step", "\x00", "\ud800", "a" * 300, "\u2028", "__proto__", [], [[]], [None],
    {}, {"": ""}, {"data": 1}, {"error": 1}, {"input": 1}, {"a": {"b": {"c": [1, 2, {"d": None}]}}},
)  # fmt: skip
ODD_BODIES: tuple[bytes, ...] = (
    b"", b" ", b"null", b"true", b"7", b'"text"', b"[]", b"{}", b"{", b'{"a"', b"[1,]", b"\xff\xfe",
    b"\xef\xbb\xbf{}", b"[" * 3000, b'{"a":' * 2000, b"1" * 5000, b"-", b"1e999", b"NaN",
    b'{"a":1,"a":2}', b"\x00", b"url=x&y=1", b'{"url":7}', b'{"url":"http://["}',
)  # fmt: skip
ODD_HEADERS: tuple[tuple[str, str], ...] = (
    ("x-inngest-server-kind", "dev"),
    ("x-inngest-server-kind", "cloud"),
    ("x-inngest-server-kind", "x" * 500),
    ("x-inngest-sync-kind", "in_band"),
    ("x-inngest-sync-kind", "out_of_band"),
    ("x-inngest-sync-kind", "\xff"),
    ("x-inngest-req-version", "abc"),
    ("content-length", "-1"),
    ("content-length", "9" * 5000),
    ("content-length", "\xb2"),
    ("content-type", "text/html; charset=\xff"),
    ("content-encoding", "gzip"),
    ("host", ""),
    ("host", "\x00\xff:99999999"),
    ("x-forwarded-host", "a, b\r\nx: y"),
    ("x-forwarded-proto", "gopher"),
    ("forwarded", "for=;host=\x22"),
    ("traceparent", "00-zz-zz-01\xff"),
    ("tracestate", "inngest@app=%zz," * 50),
    ("x-run-id", "\x00"),
    ("authorization", "Bearer x"),
    ("expect", "100-continue"),
)
ODD_QUERIES: tuple[str, ...] = (
    "probe=trust", "probe=", "probe=x", "fnId", "fnId=%zz%ff%00", "fnId=a&fnId=b", "stepId=",
    "stepId=%00", "&&&===", "a=1&" * 200, "x" * 5000, "deployId=%ff", "fnId=shop-pay;stepId=step",
)  # fmt: skip
ODD_SIGNATURES: tuple[str, ...] = (
    "", "t=&s=", "t=abc&s=def", f"t={NOW}", f"s={'0' * 64}&t={NOW}", f"t=-{NOW}&s={'0' * 64}",
    f"t={'9' * 4000}&s={'0' * 64}", f"t={NOW}&s=" + "\xe9" * 64, f"t={NOW}&s={'A' * 64}",
    f"t={NOW}&s={'0' * 63}", f"t=\xd9\xa3&s={'0' * 64}", "\xff\x00",
)  # fmt: skip
METHODS = (
    ("POST",) * 30 + ("PUT",) * 10 + ("GET",) * 5 + ("HEAD", "PATCH", "OPTIONS", "\x00", "post")
)
PATHS = ("/api/inngest",) * 30 + ("/", "", "/api/inngest/", "/x", "/health/live", "/\xff/../..")


@dataclass
class Sent:
    """One request; `trusted`: whether its signature is right."""

    method: str
    path: str
    query: str
    body: bytes | list[bytes]
    headers: list[tuple[str, str]] = field(default_factory=list)
    trusted: bool = False


def malformed(chance: Random) -> Sent:
    """Make a request that is broken in zero to five ways."""
    method = chance.choice(METHODS)
    body = _body(chance, method)
    headers, trusted = _signature(chance, b"" if method == "GET" else body)
    headers += [chance.choice(ODD_HEADERS) for _ in range(chance.choice((0, 0, 0, 1, 1, 2)))]
    names = [name for name, _ in headers]
    return Sent(
        method=method,
        path=chance.choice(PATHS),
        query=_query(chance),
        body=_in_chunks(chance, body),
        headers=headers,
        trusted=trusted and names.count("x-inngest-signature") == 1,
    )


def _body(chance: Random, method: str) -> bytes:
    if chance.random() < 0.12:
        return chance.choice(ODD_BODIES)
    url = {"url": "https://app.example/api/inngest"}
    document = url if method == "PUT" else _call(chance)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        document = _break(chance, document)
    try:
        body = body_of(document) if chance.random() < 0.8 else json.dumps(document).encode()
    except UnicodeEncodeError:
        body = b"{}"
    return _damage(chance, body) if chance.random() < 0.1 else body


def _call(chance: Random) -> dict[str, Any]:
    done = [one for one in HASHED if chance.random() < 0.5]
    chance.shuffle(done)
    return call(
        {one: chance.choice(MEMOS) for one in done},
        stack=done,
        attempt=chance.choice((0, 1, 3)),
        disable_immediate_execution=chance.random() < 0.3,
    )


def _break(chance: Random, document: Any) -> Any:
    """Replace, remove, rename or add one thing somewhere in a document."""
    if not isinstance(document, dict | list) or not document:
        return chance.choice(ODD)
    places = list(range(len(document))) if isinstance(document, list) else list(document)
    place: Any = chance.choice(places)
    changed: Any = document.copy()
    if chance.random() < 0.6 and isinstance(document[place], dict | list):
        changed[place] = _break(chance, document[place])
        return changed
    _CHANGES[chance.randrange(len(_CHANGES))](chance, changed, place)
    return changed


def _replace(chance: Random, document: Any, place: Any) -> None:
    document[place] = chance.choice(ODD)


def _remove(_: Random, document: Any, place: Any) -> None:
    del document[place]


def _wrap(_: Random, document: Any, place: Any) -> None:
    document[place] = [document[place]]


def _rename(_: Random, document: Any, place: Any) -> None:
    if isinstance(document, dict):
        document[f"{place}".upper()] = document.pop(place)
    else:
        document.append(document[place])


_CHANGES: tuple[Callable[[Random, Any, Any], None], ...] = (
    _replace,
    _replace,
    _remove,
    _wrap,
    _rename,
)


def _damage(chance: Random, body: bytes) -> bytes:
    at = chance.randrange(len(body) + 1)
    junk = chance.randbytes(chance.randrange(4))
    return body[:at] + junk + body[at + chance.randrange(3) :][: chance.choice((5, 10**6, 10**6))]


def _signature(chance: Random, body: bytes) -> tuple[list[tuple[str, str]], bool]:
    drawn = chance.random()
    if drawn < 0.5:
        return list(signed(body, chance.choice((KEY, FALLBACK))).items()), True
    if drawn < 0.6:
        return [], False
    if drawn < 0.7:
        return [("x-inngest-signature", chance.choice(ODD_SIGNATURES))], False
    if drawn < 0.8:
        return list(signed(body, STRANGE).items()), False
    if drawn < 0.9:
        return list(signed(body, at=NOW - 301).items()), False
    return list(signed(body + b" ").items()), False


def _query(chance: Random) -> str:
    step_id = chance.choice(("step", "step", *HASHED, "0" * 40))
    query = f"fnId={chance.choice(FN_IDS)}&stepId={step_id}"
    drawn = chance.random()
    if drawn < 0.75:
        return query
    odd = chance.choice(ODD_QUERIES)
    return odd if drawn < 0.85 else f"{query}&{odd}"


def _in_chunks(chance: Random, body: bytes) -> bytes | list[bytes]:
    if chance.random() < 0.9 or not body:
        return body
    at = chance.randrange(len(body))
    return [body[:at], b"", body[at:]]
