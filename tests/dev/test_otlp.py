"""Spans of user code as exporters send them, in JSON and in protobuf."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from inngest_asgi.dev.otlp import (
    ExportedSpan,
    json_answer,
    protobuf_answer,
    read_json,
    read_protobuf,
)
from inngest_asgi.errors import RequestError

EXPECTED = ExportedSpan(
    id="00000000000000ab",
    parent_id="00000000000000aa",
    name="query",
    start=1.5,
    end=2.5,
    error="no table",
    attributes={
        "service": "shop",
        "text": "é",
        "yes": True,
        "count": -3,
        "ratio": 0.5,
        "list": [1, "b"],
        "map": {"x": 1},
        "none": None,
    },
)


def json_span(**more: Any) -> dict[str, Any]:
    return {
        "traceId": "0" * 32,
        "spanId": "00000000000000ab",
        "parentSpanId": "00000000000000aa",
        "name": "query",
        "startTimeUnixNano": "1500000000",
        "endTimeUnixNano": 2500000000,
        "status": {"code": 2, "message": "no table"},
        "attributes": [
            {"key": "text", "value": {"stringValue": "é"}},
            {"key": "yes", "value": {"boolValue": True}},
            {"key": "count", "value": {"intValue": "-3"}},
            {"key": "ratio", "value": {"doubleValue": 0.5}},
            {
                "key": "list",
                "value": {"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "b"}]}},
            },
            {
                "key": "map",
                "value": {"kvlistValue": {"values": [{"key": "x", "value": {"intValue": 1}}]}},
            },
            {"key": "none", "value": {}},
        ],
    } | more


def json_request(*spans: Any) -> dict[str, Any]:
    service = {"key": "service", "value": {"stringValue": "shop"}}
    scopes = [{"spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": scopes}]}


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value % (1 << 64))


def text(field: int, value: bytes | str) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def fixed(field: int, value: int) -> bytes:
    return varint(field << 3 | 1) + value.to_bytes(8, "little")


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def attribute(key: str, value: bytes) -> bytes:
    return text(1, key) + text(2, value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def binary_span(*attributes: bytes) -> bytes:
    return b"".join(
        [
            text(1, bytes(16)),
            text(2, bytes([0] * 7 + [0xAB])),
            text(4, bytes([0] * 7 + [0xAA])),
            text(5, "query"),
            number(6, 3),
            fixed(7, 1_500_000_000),
            fixed(8, 2_500_000_000),
            *(text(9, one) for one in attributes),
            text(15, text(2, "no table") + number(3, 2)),
            varint(16 << 3 | 5) + bytes(4),
        ]
    )


def binary_request(*spans: bytes) -> bytes:
    service = text(1, text(1, attribute("service", text(1, "shop"))))
    scopes = text(2, b"".join(text(2, span) for span in spans))
    return text(1, service + scopes)


def test_json_is_read() -> None:
    assert read_json(json_request(json_span())) == [EXPECTED]


def test_protobuf_is_read() -> None:
    span = binary_span(
        attribute("text", text(1, "é")),
        attribute("yes", number(2, 1)),
        attribute("count", number(3, -3)),
        attribute("ratio", double(4, 0.5)),
        attribute("list", text(5, text(1, number(3, 1)) + text(1, text(1, "b")))),
        attribute("map", text(6, text(1, attribute("x", number(3, 1))))),
        attribute("none", b""),
    )
    assert read_protobuf(binary_request(span)) == [EXPECTED]


def test_bytes_and_what_json_cannot_carry() -> None:
    span = binary_span(
        attribute("bytes", text(7, b"\x01\xff")), attribute("nan", double(4, float("nan")))
    )
    (read,) = read_protobuf(binary_request(span))
    assert (read.attributes["bytes"], read.attributes["nan"]) == ("01ff", None)


def test_a_span_that_went_well_has_no_error() -> None:
    (read,) = read_json(json_request(json_span(status={"code": 1, "message": "fine"})))
    assert read.error is None


@pytest.mark.parametrize("document", [{}, {"resourceSpans": None}, json_request()], ids=str)
def test_requests_without_spans(document: Any) -> None:
    assert read_json(document) == []


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"resourceSpans": [1]},
        {"resourceSpans": {"a": 1}},
        json_request(1),
        json_request({}),
        json_request(json_span(spanId=7)),
        json_request(json_span(name=7)),
        json_request(json_span(startTimeUnixNano="soon")),
        json_request(json_span(endTimeUnixNano="9" * 400)),
        json_request(json_span(attributes=[{"value": {}}])),
        json_request(json_span(attributes=[{"key": "a", "value": {"intValue": "x"}}])),
        json_request(json_span(attributes=[{"key": "a", "value": {"arrayValue": 1}}])),
    ],
    ids=lambda value: str(value)[:60],
)
def test_json_that_is_no_request_is_refused(document: Any) -> None:
    with pytest.raises(RequestError, match="no OTLP request") as refusal:
        read_json(document)
    assert refusal.value.status == 400


def nested(depth: int) -> bytes:
    value = number(3, 1)
    for _ in range(depth):
        value = text(5, text(1, value))
    return value


@pytest.mark.parametrize(
    "body",
    [
        b"\x0a",
        b"\x0a\x05abc",
        b"\x80" * 11,
        b"\x0b",
        number(1, 7),
        binary_request(binary_span(attribute("a", text(1, b"\xff")))),
        binary_request(binary_span(attribute("deep", nested(40)))),
        binary_request(text(2, "id") + number(7, 1) + text(7, "soon")),
    ],
    ids=["cut", "short", "endless", "group", "number", "text", "deep", "time"],
)
def test_protobuf_that_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError, match="no OTLP request"):
        read_protobuf(body)


def test_answers_count_what_was_rejected() -> None:
    assert (json_answer(0), protobuf_answer(0)) == ({}, b"")
    assert json_answer(300)["partialSuccess"]["rejectedSpans"] == "300"
    body = protobuf_answer(300)
    assert body.startswith(b"\x0a")
    assert b"\x08\xac\x02\x12" in body
    assert body.endswith(json_answer(1)["partialSuccess"]["errorMessage"].encode())
