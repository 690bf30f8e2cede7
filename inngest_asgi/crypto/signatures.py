"""Signing and verifying bodies as http.md 5 says; the current time is an argument."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from hmac import compare_digest
from typing import TYPE_CHECKING

from inngest_asgi.crypto.keys import hmac_key
from inngest_asgi.errors import CodecError, SignatureError
from inngest_asgi.wire.codec import canonical
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable

TOLERANCE = 300
"""Seconds a signature may be old, or ahead of us."""

CANONICAL_LIMIT = 4 * 1024 * 1024
"""Bytes of a body that may be brought into canonical form; servers send no more (http.md 16)."""

_BLOCK = 64  # bytes that SHA-256 takes at a time

# No leading zero: the MAC is over body and time put together, so a zero must not change sides.
_HEADER = re.compile(r"t=([1-9][0-9]{0,11})&s=([0-9a-f]{64})", re.ASCII)


def sign(body: bytes, signing_key: str, now: float) -> str:
    """Return the header value `t=<unix seconds>&s=<hex HMAC-SHA256>` over the raw body."""
    stamp = str(int(now))
    return f"t={stamp}&s={_mac(body, stamp, signing_key)}"


def verify(
    body: bytes,
    header: str | None,
    signing_keys: Iterable[str],
    now: float,
    *,
    only_as_sent: bool = False,
) -> str:
    """Return the key that signed `body`, trying the given keys in order.

    Servers send canonical JSON, so the raw bytes are tried first; only when they do not match
    is the body brought into canonical form (RFC 8785) and tried again. That is slow, a fifth of
    a second for a megabyte, and strangers can ask for it: bodies above `CANONICAL_LIMIT` are not.

    Args:
        body: the request body as received.
        header: the value of X-Inngest-Signature, if there was one.
        signing_keys: the current key, then the fallback.
        now: the current time in Unix seconds.
        only_as_sent: leave the canonical form out, so that it is quick for any body.

    Raises:
        SignatureError: no header, a malformed one, one that is more than five minutes away from
            `now`, or no key that matches.
    """
    if header is None:
        raise SignatureError(
            "The request is not signed: it has no X-Inngest-Signature header.",
            code=ErrorCode.HEADER_MISSING,
        )
    found = _HEADER.fullmatch(header)
    if found is None:
        raise SignatureError("The X-Inngest-Signature header is not `t=<seconds>&s=<hex>`.")
    stamp, given = found.groups()
    if abs(now - int(stamp)) > TOLERANCE:
        raise SignatureError(
            "The signature is more than five minutes away from this machine's clock; "
            "check that both clocks are right."
        )
    keys = list(signing_keys)
    key = _matching_key(body, stamp, given, keys)
    if key is None and not only_as_sent:
        key = _matching_key(_canonical_or_refuse(body), stamp, given, keys)
    if key is None:
        raise SignatureError("The signature matches none of this application's signing keys.")
    return key


def _matching_key(body: bytes, stamp: str, given: str, keys: list[str]) -> str | None:
    for key in keys:
        if compare_digest(_mac(body, stamp, key), given):
            return key
    return None


def _mac(body: bytes, stamp: str, signing_key: str) -> str:
    """Return the HMAC-SHA256 of body and time (RFC 2104), in hex.

    It is `hmac.new(key, body + stamp, "sha256").hexdigest()` with the key taken once.
    """
    keyed_inner, keyed_outer = _keyed(signing_key)
    inner, outer = keyed_inner.copy(), keyed_outer.copy()
    inner.update(body)
    inner.update(stamp.encode())
    outer.update(inner.digest())
    return outer.hexdigest()


@lru_cache(maxsize=16)
def _keyed(signing_key: str) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the two hashes of a MAC that took the key and no text yet.

    Taking a key costs more than a small body does, and so do the copies of `hmac.HMAC`.
    """
    key = hmac_key(signing_key)
    if len(key) > _BLOCK:
        key = hashlib.sha256(key).digest()
    key = key.ljust(_BLOCK, b"\0")
    return (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in key)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in key)),
    )


def _canonical_or_refuse(body: bytes) -> bytes:
    if len(body) > CANONICAL_LIMIT:
        raise SignatureError(
            "The signature matches none of this application's signing keys; a body of more than "
            "4 MB has to be signed as it is, it is not brought into canonical form."
        )
    try:
        return canonical(body) if body else body
    except CodecError:
        raise SignatureError(
            "The signature matches none of this application's signing keys."
        ) from None
