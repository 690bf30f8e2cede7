"""The tokens that workers show at the gateway (connect.md 3); it keeps nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.options import DevOptions

VALID = 300.0
"""Seconds from the start request within which a worker must show its token."""

_ALGORITHM = "HS256"
_ISSUER = "connect.inngest.com"
_AUDIENCE = "gateway.connect.inngest.com"
_DEV_SECRET = "this-does-not-need-to-be-secret"  # noqa: S105 - as its text says (server-api.md 1)
# PyJWT reads the machine's time, so the times in a token are compared here, with the clock's.
_CHECKS = {"verify_exp": False, "verify_iat": False, "require": ["exp"]}


class Tokens:
    """Makes session tokens and tells whether one is good.

    Args:
        clock: what the time is.
        options: a server with a signing key has a secret; one without lets in whoever reaches it.
    """

    def __init__(self, clock: Clock, options: DevOptions) -> None:
        self._clock = clock
        # Only this server reads its tokens; a digest is as long as the algorithm wants its secret.
        text = f"connect:{options.signing_key or _DEV_SECRET}"
        self._secret = hashlib.sha256(text.encode()).digest()

    def make(self, connection_id: str) -> str:
        """Return a token for one connection."""
        now = int(self._clock.time())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "jti": connection_id,
            "iat": now,
            "exp": now + int(VALID),
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def is_good(self, token: str) -> bool:
        """Tell whether a token was made here, and not too long ago."""
        options: Any = _CHECKS
        try:
            claims = jwt.decode(
                token,
                self._secret,
                [_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                options=options,
            )
            return self._clock.time() < float(claims["exp"])
        except (jwt.InvalidTokenError, TypeError, ValueError):
            return False
