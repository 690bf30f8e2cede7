"""What is derived from keys: the HMAC key, the bearer token, hashes to show. Never logs a key."""

from __future__ import annotations

import binascii
import hashlib
import re

from inngest_asgi.errors import ConfigError

_PREFIX = re.compile(r"^signkey-\w+-", re.ASCII)


def hmac_key(signing_key: str) -> bytes:
    """Return the bytes that sign: the key's text without its `signkey-<env>-` (http.md 5.1).

    Raises:
        ConfigError: nothing is left, so that anybody could sign.
    """
    secret = _PREFIX.sub("", signing_key, count=1)
    if not secret:
        raise ConfigError(
            "The signing key has nothing after its `signkey-<env>-` prefix; "
            "copy it again from the server (INNGEST_SIGNING_KEY)."
        )
    return secret.encode()


def bearer_token(signing_key: str) -> str:
    """Return the token for `Authorization: Bearer`: the prefix and a SHA-256 (http.md 6).

    Raises:
        ConfigError: what follows the prefix is not hexadecimal, or is nothing.
    """
    found = _PREFIX.match(signing_key)
    prefix = found.group() if found else ""
    digits = hmac_key(signing_key)
    try:
        secret = binascii.unhexlify(digits)
    except ValueError:
        raise ConfigError(
            "The signing key is not hexadecimal after its `signkey-<env>-` prefix; "
            "copy it again from the server (INNGEST_SIGNING_KEY)."
        ) from None
    return prefix + hashlib.sha256(secret).hexdigest()


def event_key_hash(event_key: str) -> str:
    """Return the SHA-256 of an event key's text, in hex; introspection shows a part of it."""
    return hashlib.sha256(event_key.encode()).hexdigest()
