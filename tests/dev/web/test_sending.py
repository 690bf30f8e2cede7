"""Events as they are sent: JSON or forms, as much as fits, and what is said of the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.dev.web.sending import events_of
from inngest_asgi.errors import CodecError
from tests.dev.fakes import FakeApp, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

FORM = "application/x-www-form-urlencoded"
MULTIPART = 'Multipart/Form-Data; boundary="edge"'
MB = 1024 * 1024


def multipart(*parts: tuple[str, str]) -> bytes:
    lines = [
        f'--edge\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in parts
    ]
    return "".join([*lines, "--edge--\r\n"]).encode()


@pytest.mark.parametrize(
    ("body", "content_type", "events"),
    [
        (b'{"name":"a"}', "application/json", [{"name": "a"}]),
        (b'[{"name":"a"}]', "application/json; charset=utf-8", [{"name": "a"}]),
        (b'{"name":"a"}', "text/plain", [{"name": "a"}]),
        (b'{"name":"a"}', "", [{"name": "a"}]),
        (b"name=a&data=%7B%22n%22%3A1%7D", FORM, [{"name": "a", "data": {"n": 1}}]),
        (
            b"name=a&id=7&v=2&ts=1735689600000&email=ann%40x.test&none=",
            f"{FORM}; charset=utf-8",
            [
                {
                    "name": "a",
                    "id": "7",
                    "v": "2",
                    "ts": 1735689600000,
                    "data": {"email": "ann@x.test", "none": ""},
                }
            ],
        ),
        (
            b"name=a&tag=x&tag=y&tag=z&data={}",
            FORM,
            [{"name": "a", "data": {"tag": ["x", "y", "z"]}}],
        ),
        (b"name=a&data=7", FORM, [{"name": "a", "data": 7}]),
        (b"", FORM, [{"data": {}}]),
        (b' {"name":"a"}', FORM, [{"name": "a"}]),
        (b'[{"name":"a"}]', FORM, [{"name": "a"}]),
        (
            multipart(("name", "a"), ("data", '{"n": 1}'), ("city", "Köln")),
            MULTIPART,
            [{"name": "a", "data": {"city": "Köln", "n": 1}}],
        ),
        (b"nothing", "multipart/form-data", [{"data": {}}]),
        (
            b'--edge\r\ncontent-type: multipart/mixed; boundary="in"\r\n\r\n--in--\r\n--edge--\r\n',
            MULTIPART,
            [{"data": {}}],
        ),
    ],
    ids=[
        *("object", "array", "other-type", "no-type", "form", "all-fields", "repeated"),
        *(
            "no-object",
            "empty-form",
            "curl-object",
            "curl-array",
            "multipart",
            "no-boundary",
            "nested",
        ),
    ],
)
def test_what_is_sent_as_events(body: bytes, content_type: str, events: list[Any]) -> None:
    assert events_of(body, content_type) == events


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"{", "application/json"), (b"", ""), (b"name=a&data={", FORM), (b"ts=now", FORM)],
)
def test_what_is_no_json_is_refused(body: bytes, content_type: str) -> None:
    with pytest.raises(CodecError):
        events_of(body, content_type)


def post(content: Any, path: str = "/e/key", **headers: str) -> httpx.Response:
    async def main() -> httpx.Response:
        async with world(FakeApp(), sync=False) as here:
            named = {key.replace("_", "-"): value for key, value in headers.items()}
            return await here.http.post(path, content=content, headers=named)

    return asyncio.run(main())


def test_a_form_is_an_event() -> None:
    answer = post(b"name=a&n=1", content_type=FORM)
    assert answer.status_code == 200
    assert len(answer.json()["ids"]) == 1


def test_a_form_without_a_name_is_refused_like_any_event() -> None:
    answer = post(b"n=1", content_type=FORM)
    assert answer.json() == {"ids": [], "status": 400, "error": "event name is empty"}


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    answer = post(b"[]", content_length=str(65 * MB))
    assert answer.status_code == 413
    assert answer.json() == {
        "ids": [],
        "status": 413,
        "error": "The request is larger than 64 MB; send it in several.",
    }


def test_a_body_that_turns_out_too_large_is_not_kept() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * MB

    answer = post(endless())
    assert answer.status_code == 413
    assert sent <= 66


@pytest.mark.parametrize("path", ["/fn/register", "/v1/checkpoint/x/async"])
def test_other_routes_read_no_more_either(path: str) -> None:
    answer = post(b"{}", path, content_length="99999999999999999999999")
    assert (answer.status_code, answer.json()["status"]) == (413, 413)


def test_a_compressed_body_is_refused_with_a_sentence() -> None:
    answer = post(b"\x1f\x8b", content_encoding="gzip")
    assert answer.status_code == 415
    assert answer.json()["error"].startswith("The request is compressed; send it as it is")
