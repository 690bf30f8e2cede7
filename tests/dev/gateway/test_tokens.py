"""What lets a worker in, and for how long."""

from __future__ import annotations

import jwt
import pytest

from inngest_asgi.dev import DevOptions
from inngest_asgi.dev.gateway.tokens import Tokens
from inngest_asgi.testing import ManualClock

KEY = "signkey-test-" + "5e" * 16


@pytest.mark.parametrize(("age", "is_good"), [(0, True), (299, True), (300, False)])
def test_a_token_is_good_for_five_minutes(age: int, is_good: bool) -> None:  # noqa: FBT001
    clock = ManualClock()
    tokens = Tokens(clock, DevOptions())
    token = tokens.make("id")
    clock.advance(age)
    assert tokens.is_good(token) is is_good


def test_a_token_says_whose_and_for_whom_it_is() -> None:
    token = Tokens(ManualClock(), DevOptions()).make("id")
    claims = jwt.decode(token, options={"verify_signature": False})
    said = (claims["iss"], claims["aud"], claims["jti"], claims["exp"] - claims["iat"])
    assert said == ("connect.inngest.com", "gateway.connect.inngest.com", "id", 300)


@pytest.mark.parametrize("token", ["", "a.b.c", "no token"], ids=["empty", "garbage", "text"])
def test_what_is_no_token_lets_nobody_in(token: str) -> None:
    assert not Tokens(ManualClock(), DevOptions()).is_good(token)


def test_another_servers_token_lets_nobody_in() -> None:
    clock = ManualClock()
    token = Tokens(clock, DevOptions()).make("id")
    assert not Tokens(clock, DevOptions(signing_key=KEY)).is_good(token)


def test_a_token_without_an_end_lets_nobody_in() -> None:
    tokens = Tokens(ManualClock(), DevOptions())
    claims = {"iss": "connect.inngest.com", "aud": "gateway.connect.inngest.com"}
    for end in ({}, {"exp": "never"}):
        token = jwt.encode(claims | end, tokens._secret, "HS256")
        assert not tokens.is_good(token)
