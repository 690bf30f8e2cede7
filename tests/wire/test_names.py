"""How we name ourselves, and that no word is written two ways."""

from __future__ import annotations

import pytest

from inngest_asgi.version import VERSION
from inngest_asgi.wire import names
from inngest_asgi.wire.names import ErrorCode, Header, Opcode

HEADERS = {name: value for name, value in vars(Header).items() if name.isupper()}


def test_we_name_ourselves_honestly() -> None:
    told = (names.SDK_HEADER, names.SDK_REGISTERED, names.SDK_LANGUAGE, names.SDK_AUTHOR)
    assert told == (f"inngest-asgi:v{VERSION}", f"asgi:v{VERSION}", "py", "inngest-asgi")


@pytest.mark.parametrize("value", HEADERS.values())
def test_headers_are_in_lower_case_as_asgi_has_them(value: str) -> None:
    assert value == value.lower()
    assert value.isascii()


def test_no_header_has_two_names() -> None:
    assert len(set(HEADERS.values())) == len(HEADERS)


@pytest.mark.parametrize("code", list(ErrorCode))
def test_codes_are_their_names_in_lower_case(code: ErrorCode) -> None:
    assert code == code.name.lower() or code is ErrorCode.INTERNAL_ERROR


@pytest.mark.parametrize("opcode", list(Opcode))
def test_opcodes_are_their_names_in_camel_case(opcode: Opcode) -> None:
    words = opcode.name.split("_")
    assert opcode == "".join(word if word == "AI" else word.capitalize() for word in words)
