"""Reading JSON, and its canonical form: what comes out, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import canonical, loads
from tests.wire.test_codec import nested


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param(b'{"a":[1,null]}', {"a": [1, None]}, id="bytes"),
        pytest.param("[]", [], id="text"),
        pytest.param(b' \n{"a":1,"a":2}\t', {"a": 2}, id="the last of two keys"),
        pytest.param(b"-0", 0, id="minus zero"),
        pytest.param(b"18446744073709551616", 2.0**64, id="beyond 64 bits"),
        pytest.param(b'"\\u0000"', "\0", id="zero character"),
        pytest.param(b"[" * 1000 + b"]" * 1000, nested(999, []), id="1000 deep"),
    ],
)
def test_json_is_read(text: bytes | str, value: Any) -> None:
    # Compared as text: Python compares nested lists recursively.
    assert repr_of(loads(text)) == repr_of(value)


def repr_of(value: Any) -> str:
    depth = 0
    while isinstance(value, list) and len(value) == 1:
        value, depth = value[0], depth + 1
    return f"{depth} {value!r}"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="unfinished"),
        pytest.param(b"[1,]", id="comma"),
        pytest.param(b"{}{}", id="two"),
        pytest.param(b"'a'", id="single quotes"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"Infinity", id="infinity"),
        pytest.param(b"1e400", id="too large a float"),
        pytest.param(b"1" * 400, id="too large an integer"),
        pytest.param(b"01", id="leading zero"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b'"\\ud800"', id="lone surrogate, escaped"),
        pytest.param(b'"\xed\xa0\x80"', id="lone surrogate, encoded"),
        pytest.param("\ud800", id="lone surrogate in text"),
        pytest.param(b'"\n"', id="control character"),
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_what_is_not_json_is_refused(text: bytes | str) -> None:
    with pytest.raises(CodecError, match="not valid JSON"):
        loads(text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param(
            b'{ "b": [true, null, "x"], "a": 1.0 }', b'{"a":1,"b":[true,null,"x"]}', id="keys"
        ),
        pytest.param(b"[]", b"[]", id="empty"),
        pytest.param(b"[1.0, -0, 0.0, -0.0]", b"[1,0,0,0]", id="whole numbers"),
        pytest.param(
            b"[1e21, 1E20, 1e-6, 1e-7]",
            b"[1e+21,100000000000000000000,0.000001,1e-7]",
            id="exponents",
        ),
        pytest.param(
            b"[4.50, 2e-3, 333333333.33333329]", b"[4.5,0.002,333333333.3333333]", id="fractions"
        ),
        pytest.param(b"9007199254740993", b"9007199254740992", id="beyond 2^53"),
        pytest.param(
            b"123456789012345678901234567890", b"1.2345678901234568e+29", id="large integer"
        ),
        pytest.param(b"-9007199254740995", b"-9007199254740996", id="negative beyond 2^53"),
        pytest.param(
            b'"\\u20ac\\u2028\\/\\u0001\\n\\u007f"',
            '"€\u2028/\\u0001\\n\x7f"'.encode(),
            id="escapes",
        ),
        pytest.param(
            '{"\ufb33":1,"\U0001f600":2,"\u20ac":3,"1":4,"\\r":5}'.encode(),
            '{"\\r":5,"1":4,"\u20ac":3,"\U0001f600":2,"\ufb33":1}'.encode(),
            id="keys by UTF-16 units",
        ),
        pytest.param(b'{"a":1,"a":2}', b'{"a":2}', id="the last of two keys"),
        pytest.param(
            b'{"b":{"d":1,"c":2},"a":[{"f":1,"e":2}]}',
            b'{"a":[{"e":2,"f":1}],"b":{"c":2,"d":1}}',
            id="nested",
        ),
    ],
)
def test_the_canonical_form(text: bytes, form: bytes) -> None:
    assert canonical(text) == form
    assert canonical(form) == form


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"nonsense", id="not JSON"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"[-Infinity]", id="infinity"),
        pytest.param(b"1e400", id="too large a float"),
        pytest.param(b"1" * 400, id="too large an integer"),
        pytest.param(b"1" * 100_000, id="endless integer"),
        pytest.param(b'"\\ud800"', id="lone surrogate"),
        pytest.param(b'{"\\udfff":1}', id="lone surrogate as key"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
    ],
)
def test_what_has_no_canonical_form(text: bytes) -> None:
    with pytest.raises(CodecError, match="canonical"):
        canonical(text)
