"""Signatures, calls and expressions from anywhere: read or refused, never anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inngest_asgi.crypto.signatures import TOLERANCE, sign, verify
from inngest_asgi.dev.cel.expressions import ExpressionError, compile_expression
from inngest_asgi.errors import RequestError, SignatureError
from inngest_asgi.wire.calls import Call, parse_call
from tests.hardening.second_opinions import canonical_text, mac
from tests.hardening.values import json_values
from tests.routes.asking import FALLBACK, KEY, NOW, STRANGE, call

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "expressions.json").read_text(encoding="utf-8")
)
EXPRESSIONS: list[str] = [one["expression"] for one in VECTORS["cases"]]
SECRET = b"0123456789abcdef0123456789abcdef"

headers = st.text(max_size=90) | st.from_regex(r"t=[0-9]{0,14}&s=[0-9a-f]{0,66}")
changes = st.fixed_dictionaries({}, optional=dict.fromkeys(call(), json_values))
ctx_changes = st.fixed_dictionaries({}, optional=dict.fromkeys(call()["ctx"], json_values))
snippets = st.sampled_from(
    [*EXPRESSIONS, "event.data", "async.data.x", "==", "+", "(", ")", "[", "]", "'", "1u", "has("]
)


@given(st.binary(max_size=50), st.integers(1, 10**11), st.binary(min_size=1, max_size=80))
def test_signatures_are_those_of_a_second_implementation(
    body: bytes, now: int, secret: bytes
) -> None:
    key = f"signkey-test-{secret.hex()}"
    assert sign(body, key, now) == f"t={now}&s={mac(body, now, secret.hex().encode())}"


@given(json_values, st.integers(0, 4), st.sampled_from([KEY, FALLBACK]))
def test_a_signature_over_the_canonical_form_holds_for_any_way_to_write_it(
    value: Any, indent: int, key: str
) -> None:
    header = sign(canonical_text(value).encode(), key, NOW)
    written = json.dumps(value, indent=indent).encode()
    assert verify(written, header, (KEY, FALLBACK), NOW) == key


@given(st.binary(max_size=50), st.integers(-TOLERANCE, TOLERANCE), st.data())
def test_one_changed_byte_breaks_a_signature(body: bytes, age: int, data: st.DataObject) -> None:
    header = sign(body, KEY, NOW - age)
    assert verify(body, header, (STRANGE, KEY), NOW) == KEY
    at = data.draw(st.integers(0, len(body)))
    changed = body[:at] + data.draw(st.sampled_from([b"x", b"0", b"\xff"])) + body[at:]
    with pytest.raises(SignatureError):
        verify(changed, header, (KEY, FALLBACK), NOW)


@given(st.binary(max_size=20), headers)
def test_any_header_is_a_signature_or_refused(body: bytes, header: str) -> None:
    with pytest.raises(SignatureError) as caught:
        verify(body, header, (KEY, FALLBACK), NOW)
    assert caught.value.status == 401


def parsed(document: Any) -> Call | None:
    try:
        return parse_call(document, "shop-pay", None)
    except RequestError as error:
        assert (error.status, error.code) == (400, "body_invalid")
        return None


@given(json_values)
def test_any_document_is_a_call_or_refused(document: Any) -> None:
    parsed(document)


@given(changes, ctx_changes)
def test_a_call_with_odd_fields_is_read_or_refused(
    changed: dict[str, Any], ctx_changed: dict[str, Any]
) -> None:
    document = call() | {"ctx": call()["ctx"] | ctx_changed} | changed
    found = parsed(document)
    if found is not None:
        assert isinstance(found.event["name"], str)
        assert found.attempt >= 0
        assert set(found.order) >= set(found.steps)


@given(st.lists(snippets, max_size=4).map(" ".join) | st.text(max_size=30), json_values)
@example("((((((((((" * 30, None)
@example("event." + "a." * 500 + "a", None)
@example("event.data.list.all(x, x > 0)", [1, "a", None])
def test_any_text_is_an_expression_or_refused_and_never_fails(text: str, data: Any) -> None:
    try:
        expression = compile_expression(text)
    except ExpressionError as error:
        assert str(error).startswith("The expression ")
        return
    events: list[dict[str, Any]] = [VECTORS["event"], {"name": "x", "data": data}]
    for event in events:
        assert expression.matches(event, other=event, now=NOW) in (True, False)
        expression.value(event, now=NOW)
        key = expression.key(event, other=event, now=NOW)
        assert key is None or isinstance(key, str)


@given(st.sampled_from(EXPRESSIONS), st.integers(0, 200), st.text(max_size=3), st.integers(0, 5))
def test_a_damaged_expression_is_read_or_refused(text: str, at: int, junk: str, gone: int) -> None:
    at = at % (len(text) + 1)
    try:
        expression = compile_expression(text[:at] + junk + text[at + gone :])
    except ExpressionError:
        return
    assert expression.matches(VECTORS["event"], now=NOW) in (True, False)
