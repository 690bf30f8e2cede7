"""What an application tells of itself: its headers, its URL, its registration, its inspection."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from inngest_asgi.crypto.keys import bearer_token, event_key_hash
from inngest_asgi.routes.messages import Standing
from inngest_asgi.routes.origin import public_url, rebuilt_url
from inngest_asgi.wire.introspection import Inspection
from inngest_asgi.wire.names import (
    FRAMEWORK,
    REQUEST_VERSION,
    SDK_HEADER,
    Header,
    ServerKind,
)
from inngest_asgi.wire.registration import Registration

if TYPE_CHECKING:
    from inngest_asgi.client.inngest import Inngest
    from inngest_asgi.functions.collection import FunctionIndex
    from inngest_asgi.routes.messages import Request
    from inngest_asgi.routes.options import Options


class Facts:
    """The facts of one application, as they are when they are asked for.

    Args:
        client: the application's client.
        index: the functions it serves.
        options: how it is served.
    """

    def __init__(self, client: Inngest, index: FunctionIndex, options: Options) -> None:
        self.index = index
        self._client = client
        self._options = options
        self._framework = FRAMEWORK

    @property
    def framework(self) -> str:
        """What it is served by: its host's name, where it has one (http.md 4)."""
        return self._framework

    @framework.setter
    def framework(self, name: str) -> None:
        self._framework = name
        self.__dict__.pop("headers", None)

    @cached_property
    def headers(self) -> Standing:
        """What every response says of us; read once, for where an application runs is settled."""
        settings = self._client.settings
        told = {Header.ENV: settings.env, Header.PLATFORM: settings.platform}
        headers = {
            Header.SDK_HANDLED: "true",
            Header.SDK: SDK_HEADER,
            Header.FRAMEWORK: self.framework,
            Header.REQUEST_VERSION: REQUEST_VERSION,
            # A line break would start a header of its own.
            **{name: text for name, text in told.items() if text and text.isprintable()},
        }
        return Standing(headers)

    def url(self, request: Request, *, trusted: bool) -> str:
        """Return the URL under which servers reach the application.

        Args:
            request: the request that asks for it.
            trusted: whether to believe what it says of proxies.
        """
        settings, options = self._client.settings, self._options
        return public_url(
            request, origin=options.origin(settings), path=options.path(settings), trusted=trusted
        )

    def url_told(self, url: str) -> str:
        """Return the URL that a server knows, with what was configured in place of its parts.

        Args:
            url: one that `is_url`.
        """
        settings, options = self._client.settings, self._options
        return rebuilt_url(url, origin=options.origin(settings), path=options.path(settings))

    def registration(self, url: str) -> Registration:
        """Return what registers the application at a URL."""
        client = self._client
        return Registration(
            url=url,
            app_id=client.app_id,
            functions=self.index.records(url),
            framework=self.framework,
            capabilities=self._capabilities(),
            app_version=client.app_version,
            env=client.env,
            platform=client.settings.platform,
        )

    def inspection(self) -> Inspection:
        """Return what GET tells.

        Raises:
            ConfigError: a signing key is not hexadecimal, or a variable is wrong.
        """
        client, options = self._client, self._options
        return Inspection(
            mode=ServerKind.CLOUD if client.is_production else ServerKind.DEV,
            function_count=len(self.index.functions),
            app_id=client.app_id,
            api_origin=client.api_origin,
            event_api_origin=client.event_api_origin,
            framework=self.framework,
            capabilities=self._capabilities(),
            is_streaming=options.streams(client.settings),
            env=client.env,
            serve_origin=options.origin(client.settings),
            serve_path=options.serve_path or client.settings.serve_path,
            event_key_hash=_hashed(client.event_key),
            signing_key_hash=_bearer(client.signing_key),
            signing_key_fallback_hash=_bearer(client.signing_key_fallback),
        )

    def _capabilities(self) -> dict[str, str]:
        """Return what a server may rely on; it grows as the application learns to do more."""
        in_band = {"in_band_sync": "v1"} if self._client.settings.allow_in_band_sync else {}
        return in_band | {"trust_probe": "v1"}


def _hashed(event_key: str | None) -> str | None:
    return event_key_hash(event_key) if event_key else None


def _bearer(signing_key: str | None) -> str | None:
    """Return the hashed key without its prefix, which alone would tell nothing apart."""
    return bearer_token(signing_key).rpartition("-")[2] if signing_key else None
