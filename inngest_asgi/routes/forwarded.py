"""What proxies say of the URL they were asked for (X-Forwarded-*), and how much of it to believe.

Anybody can write such headers, and a registration with a wrong host sends a server's calls, with
all their data, to a stranger. So they are believed of requests that are signed, and in dev mode.
Of others only that they came by https, which proxies that end TLS say; that leads nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inngest_asgi.routes.messages import Request

_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_PORT = re.compile("[1-9][0-9]{0,4}")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What is believed: scheme, host (its port included) and the path's beginning."""

    scheme: str | None = None
    host: str | None = None
    prefix: str = ""


def forwarded(request: Request, *, trusted: bool) -> Forwarded:
    """Return what proxies say of a request; whatever is malformed was not said.

    Args:
        request: the request as it arrived.
        trusted: whether it is signed, or arrived in dev mode.
    """
    scheme = _first(request, "x-forwarded-proto").lower()
    if not trusted:
        return Forwarded(scheme="https" if scheme == "https" else None)
    prefix = _first(request, "x-forwarded-prefix")
    return Forwarded(
        scheme=scheme if scheme in _DEFAULT_PORTS else None,
        host=_host(request, scheme),
        prefix=prefix.rstrip("/") if _PREFIX.fullmatch(prefix) else "",
    )


def _host(request: Request, scheme: str) -> str | None:
    found = _HOST.fullmatch(_first(request, "x-forwarded-host"))
    if found is None:
        return None
    host = found.group()
    port = _first(request, "x-forwarded-port")
    has_port = found.group(2) or port == _DEFAULT_PORTS.get(scheme)
    return host if has_port or not _PORT.fullmatch(port) else f"{host}:{port}"


def _first(request: Request, name: str) -> str:
    """Return what the proxy nearest to the caller said; those behind it add theirs at the end."""
    return (request.header(name) or "").partition(",")[0].strip()
