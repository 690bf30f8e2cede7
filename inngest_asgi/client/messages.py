"""What the client asks a server and what it hears back, as plain records; does no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from inngest_asgi.errors import CodecError, ConfigError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import SDK_HEADER, Header

if TYPE_CHECKING:
    from inngest_asgi.settings import Settings


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """A request to a server.

    Args:
        method: of HTTP.
        url: where it goes.
        headers: without the one that authorises.
        body: empty for none.
        signing_keys: to authorise with: the key, then the fallback; none for no authorisation.
        shown_url: the URL as logs may show it, when `url` holds a key.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""
    signing_keys: tuple[str, ...] = ()
    shown_url: str = ""

    @property
    def origin(self) -> str:
        """Scheme, host and port, fit to be shown: no key and no password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def __repr__(self) -> str:
        return f"<Outgoing {self.method} {self.origin}>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered, whatever its status."""

    status: int
    body: bytes = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    def document(self) -> Any:
        """Return the body's JSON document, or None when it has none."""
        try:
            return loads(self.body)
        except CodecError:
            return None


def client_headers(settings: Settings, env: str | None = None) -> dict[str, str]:
    """Return the headers every request of ours carries (http.md 4).

    Raises:
        ConfigError: the environment's name cannot stand in a header.
    """
    headers = {Header.SDK: SDK_HEADER, "user-agent": SDK_HEADER}
    if settings.platform:
        headers[Header.PLATFORM] = settings.platform
    if name := env or settings.env:
        headers[Header.ENV] = name
    for header, value in headers.items():
        if not value.isprintable():
            raise ConfigError(
                f"{header}: {value!r} cannot be sent as a header; use printable characters only."
            )
    return headers


def remedy(settings: Settings) -> str:
    """Say what to do when no server answers."""
    if settings.is_production:
        return "Check the network; to use a server on this machine set INNGEST_DEV=1."
    return "Start a server with `inngest-asgi dev`, or set INNGEST_DEV to the URL of a running one."
