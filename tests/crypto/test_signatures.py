"""Signing and verifying, by the published vectors and against forged or broken headers."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from inngest_asgi.crypto.signatures import CANONICAL_LIMIT, TOLERANCE, sign, verify
from inngest_asgi.errors import ConfigError, SignatureError

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "signatures.json").read_text(encoding="utf-8")
)
KEY: str = VECTORS["key"]
NOW: int = VECTORS["timestamp"]
OTHER = "signkey-other-ffff"
GOOD = sign(b"{}", KEY, NOW)
DIGEST = GOOD.partition("&s=")[2]


def checked(body: bytes, header: str | None, *keys: str, now: float = NOW) -> str:
    return verify(body, header, keys or (KEY,), now)


def refused(body: bytes, header: str | None, *keys: str, now: float = NOW) -> SignatureError:
    with pytest.raises(SignatureError) as caught:
        checked(body, header, *keys, now=now)
    return caught.value


@pytest.mark.parametrize("vector", VECTORS["canonical"], ids=lambda vector: vector["body"][:20])
def test_signatures_of_the_vectors(vector: dict[str, str]) -> None:
    body = vector["body"].encode()
    assert sign(body, KEY, NOW) == vector["signature"]
    assert checked(body, vector["signature"]) == KEY


@pytest.mark.parametrize(
    "vector", VECTORS["needs_canonicalising"], ids=lambda vector: vector["received"]
)
def test_bodies_of_the_vectors_are_brought_into_canonical_form(vector: dict[str, str]) -> None:
    assert sign(vector["canonical"].encode(), KEY, NOW) == vector["signature"]
    assert checked(vector["received"].encode(), vector["signature"]) == KEY


@pytest.mark.parametrize("vector", VECTORS["reject"], ids=lambda vector: vector["why"])
def test_the_vectors_to_reject_are_rejected(vector: dict[str, Any]) -> None:
    error = refused(vector["body"].encode(), vector["signature"], now=vector["now"])
    assert (error.status, error.code) == (401, "sig_verification_failed")


@pytest.mark.parametrize("size", [1, 63, 64, 65, 200], ids=lambda size: f"{size}-bytes")
def test_keys_of_any_size_sign_as_the_standard_library_does(size: int) -> None:
    key = "k" * size
    mac = hmac.new(key.encode(), f"{{}}{NOW}".encode(), hashlib.sha256).hexdigest()
    assert sign(b"{}", key, NOW) == f"t={NOW}&s={mac}"


def test_raw_bytes_are_signed_when_signing() -> None:
    assert sign(b"{ }", KEY, NOW) != sign(b"{}", KEY, NOW)


def test_a_signature_over_raw_bytes_is_taken_too() -> None:
    body = b'{ "b": 1 }'
    assert checked(body, sign(body, KEY, NOW)) == KEY


def test_parts_of_seconds_are_dropped() -> None:
    assert sign(b"", KEY, NOW + 0.9) == sign(b"", KEY, NOW)


def test_no_header_has_a_code_of_its_own() -> None:
    error = refused(b"{}", None)
    assert (error.status, error.code) == (401, "header_missing")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("t=&s=", id="no values"),
        pytest.param(f"s={DIGEST}&t={NOW}", id="other order"),
        pytest.param(f"t={NOW}&s={DIGEST}&x=1", id="more"),
        pytest.param(f"t={NOW}&s={DIGEST}&s={DIGEST}", id="twice"),
        pytest.param(f"t={NOW},s={DIGEST}", id="comma"),
        pytest.param(f" {GOOD}", id="space before"),
        pytest.param(f"{GOOD} ", id="space after"),
        pytest.param(f"{GOOD}\n", id="newline"),
        pytest.param(f"t={NOW}&s={DIGEST.upper()}", id="capitals"),
        pytest.param(f"T={NOW}&S={DIGEST}", id="capital names"),
        pytest.param(f"t={NOW}&s={DIGEST[:-1]}", id="short digest"),
        pytest.param(f"t={NOW}&s={DIGEST}0", id="long digest"),
        pytest.param(f"t={NOW}&s={'é' * 64}", id="letters"),
        pytest.param(f"t={NOW}&s={'१' * 64}", id="Arabic digest"),
        pytest.param("t=١٧٣٥٦٨٩٦٠٠&s=" + DIGEST, id="Arabic time"),
        pytest.param(f"t=-{NOW}&s={DIGEST}", id="minus"),
        pytest.param(f"t=+{NOW}&s={DIGEST}", id="plus"),
        pytest.param(f"t= {NOW}&s={DIGEST}", id="space"),
        pytest.param(f"t={NOW}.0&s={DIGEST}", id="decimals"),
        pytest.param(f"t=1e9&s={DIGEST}", id="exponent"),
        pytest.param(f"t=0{NOW}&s={DIGEST}", id="leading zero"),
        pytest.param(f"t=0x1&s={DIGEST}", id="hexadecimal time"),
        pytest.param(f"t={'9' * 13}&s={DIGEST}", id="too many digits"),
        pytest.param(f"t={'9' * 100_000}&s={DIGEST}", id="very many digits"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("\0" * 100, id="zeros"),
    ],
)
def test_a_malformed_header_is_refused(header: str) -> None:
    assert "`t=<seconds>&s=<hex>`" in str(refused(b"{}", header))


@pytest.mark.parametrize("away", [TOLERANCE, -TOLERANCE, 0], ids=["late", "early", "now"])
def test_five_minutes_both_ways_are_tolerated(away: int) -> None:
    assert checked(b"{}", GOOD, now=NOW + away) == KEY


@pytest.mark.parametrize("away", [300.5, -300.5, 1e12, -1e12, float("inf")], ids=str)
def test_more_than_five_minutes_are_not(away: float) -> None:
    assert "five minutes" in str(refused(b"{}", GOOD, now=NOW + away))


def test_a_zero_cannot_move_from_the_body_to_the_time() -> None:
    signed = sign(b"10", KEY, NOW)
    refused(b"1", signed.replace("t=", "t=0"))


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        pytest.param((KEY, OTHER), KEY, id="current"),
        pytest.param((OTHER, KEY), KEY, id="fallback"),
    ],
)
@pytest.mark.parametrize("body", [b"{}", b"{ }"], ids=["canonical", "not canonical"])
def test_the_key_that_signed_is_returned(keys: tuple[str, ...], key: str, body: bytes) -> None:
    assert checked(body, GOOD, *keys) == key


def test_keys_may_be_given_once_only() -> None:
    assert verify(b"{ }", GOOD, (key for key in (OTHER, KEY)), NOW) == KEY


@pytest.mark.parametrize("keys", [(), (OTHER,)], ids=["none", "other"])
def test_no_key_that_matches(keys: tuple[str, ...]) -> None:
    with pytest.raises(SignatureError, match="none of this application's signing keys"):
        verify(b"{}", GOOD, keys, NOW)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"nonsense", id="not JSON"),
        pytest.param(b"\xff", id="not text"),
        pytest.param(b"NaN", id="NaN"),
        pytest.param(b"1e999", id="infinity"),
        pytest.param(b"9" * 5_000, id="endless integer"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'"\\ud800"', id="lone surrogate"),
    ],
)
def test_a_body_without_a_canonical_form_is_refused(body: bytes) -> None:
    assert "none of this application's signing keys" in str(refused(body, GOOD))


@pytest.mark.parametrize(
    "body", [b"nonsense", b"\xff", b"[" * 100_000], ids=["text", "bytes", "deep"]
)
def test_a_signed_body_need_not_be_json(body: bytes) -> None:
    assert checked(body, sign(body, KEY, NOW)) == KEY


def test_the_prefix_of_the_key_does_not_sign() -> None:
    assert sign(b"{}", "signkey-a-00", NOW) == sign(b"{}", "signkey-b-00", NOW)


def test_nobody_can_sign_with_an_empty_key() -> None:
    with pytest.raises(ConfigError, match="nothing after"):
        verify(b"{}", GOOD, ["signkey-test-"], NOW)


@pytest.mark.parametrize(
    ("body", "header", "now"),
    [
        pytest.param(b"[]", GOOD, NOW, id="wrong"),
        pytest.param(b"{}", f"{GOOD}0", NOW, id="malformed"),
        pytest.param(b"{}", GOOD, 0, id="old"),
        pytest.param(b"{}", None, NOW, id="missing"),
    ],
)
def test_no_refusal_shows_a_key(body: bytes, header: str | None, now: int) -> None:
    message = str(refused(body, header, now=now))
    assert "0123456789abcdef" not in message
    assert DIGEST not in message


def test_the_largest_body_of_a_server_is_brought_into_canonical_form() -> None:
    body = b"[0]".ljust(CANONICAL_LIMIT)
    assert checked(body, sign(b"[0]", KEY, NOW), KEY) == KEY


def test_a_larger_body_is_not_brought_into_canonical_form() -> None:
    body = b"[0]".ljust(CANONICAL_LIMIT + 1)
    refusal = refused(body, sign(b"[0]", KEY, NOW), KEY)
    assert "more than 4 MB has to be signed as it is" in str(refusal)


def test_a_body_of_any_size_is_verified_as_it_is() -> None:
    body = b"x" * (CANONICAL_LIMIT + 1)
    assert checked(body, sign(body, KEY, NOW), KEY) == KEY
