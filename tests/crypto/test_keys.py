"""What is derived from keys, by the published vectors; keys that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inngest_asgi.crypto.keys import bearer_token, event_key_hash, hmac_key
from inngest_asgi.errors import ConfigError

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "keys.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("vector", VECTORS["keys"], ids=lambda vector: vector["signing_key"])
def test_bearer_tokens_of_the_vectors(vector: dict[str, str]) -> None:
    assert bearer_token(vector["signing_key"]) == vector["bearer"]


@pytest.mark.parametrize(
    "vector", VECTORS["event_key_hash"], ids=lambda vector: vector["event_key"]
)
def test_event_key_hashes_of_the_vectors(vector: dict[str, str]) -> None:
    assert event_key_hash(vector["event_key"]) == vector["sha256"]


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        pytest.param("signkey-test-0aff", b"0aff", id="prefix"),
        pytest.param("0aff", b"0aff", id="no prefix"),
        pytest.param("signkey-a-b-12", b"b-12", id="one prefix only"),
        pytest.param("signkey-a-signkey-b-12", b"signkey-b-12", id="a prefix twice"),
        pytest.param("signkey--12", b"signkey--12", id="no environment"),
        pytest.param("SIGNKEY-test-12", b"SIGNKEY-test-12", id="capitals"),
        pytest.param("signkey-é-12", "signkey-é-12".encode(), id="no word of ASCII"),
        pytest.param("not hex é", "not hex é".encode(), id="any text"),
    ],
)
def test_the_signing_bytes_are_the_text_after_the_prefix(key: str, secret: bytes) -> None:
    assert hmac_key(key) == secret


@pytest.mark.parametrize("key", ["", "signkey-test-"], ids=["empty", "prefix only"])
def test_a_key_without_a_secret_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="nothing after"):
        hmac_key(key)
    with pytest.raises(ConfigError, match="nothing after"):
        bearer_token(key)


@pytest.mark.parametrize("secret", ["zz", "123", "12 34", "12\n", "١٢", "é", "0x12"], ids=ascii)
def test_a_bearer_needs_a_hexadecimal_key(secret: str) -> None:
    with pytest.raises(ConfigError, match="INNGEST_SIGNING_KEY") as caught:
        bearer_token(f"signkey-test-{secret}")
    assert secret not in str(caught.value)


def test_a_key_without_a_prefix_has_a_token_without_one() -> None:
    token = bearer_token("12345678")
    assert token == bearer_token("signkey-prod-12345678").removeprefix("signkey-prod-")


def test_hexadecimal_capitals_are_the_same_key() -> None:
    assert bearer_token("signkey-a-C0FFEE") == bearer_token("signkey-a-c0ffee")
