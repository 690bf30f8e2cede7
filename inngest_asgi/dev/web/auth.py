"""Who may ask the server what, once it has keys (server-api.md 2); it knows no routes' work."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from inngest_asgi.crypto.keys import bearer_token, hmac_key
from inngest_asgi.dev.web.replies import json_reply
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.names import ServerKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from inngest_asgi.dev.options import DevOptions

_REFUSAL = "Authentication failed"
_KEYED = ("/fn/", "/v0/", "/v1/", "/v2/", "/api/v2/", "/ui/")
_OPEN = re.compile(
    r"/v1/(checkpoint|http/runs)/[^/]+/output"  # a token of its own is in the query
    r"|/ui/assets/.*"  # the page's files: it asks for the key once it is there
    r"|/v1/realtime/(connect|sse)"  # nobody gets anywhere there without one, either
)
_CHECKPOINTS = ("/v1/checkpoint", "/v1/http/runs")


class Keyed:
    """Lets only those with the signing key through to the API, if there is a key.

    Also, nobody finds `GET /dev` on a cloud server, so that no SDK takes it for a dev server.
    """

    def __init__(self, app: ASGIApp, options: DevOptions) -> None:
        self._app = app
        self._cloud = options.is_cloud
        self._accepted = _accepted(options.signing_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        path = _route_path(scope)
        if self._accepted and _is_keyed(path):
            given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
            if not _is_one_of(_bare(given.removeprefix("Bearer ")), self._accepted):
                return _unauthorized(path)
        if self._cloud and path == "/dev":
            text = "There is nothing at /dev."
            return json_reply({"error": text, "data": None, "status": 404}, status=404)
        return None


def event_key_refusal(options: DevOptions, key: str) -> Response | None:
    """Return the answer to whoever sends events with a key that may not; None if it may."""
    if key and (not options.event_keys or _is_one_of(key, options.event_keys)):
        return None
    return json_reply({"status": 401, "message": "", "error": "Event key not found"}, status=401)


def kind_refusal(options: DevOptions, expected: str | None) -> str | None:
    """Return why an app that expects a server of some kind is refused; None if it is not."""
    if not expected or expected == options.kind:
        return None
    fix = "INNGEST_DEV=1" if options.kind == ServerKind.DEV.value else "INNGEST_DEV unset"
    return (
        f"The app expects a {expected} server, and this is a {options.kind} server: "
        f"start the app in {options.kind} mode ({fix})."
    )


def _route_path(scope: Scope) -> str:
    """Return the path that routes see: without the prefix under which the server is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _is_keyed(path: str) -> bool:
    return (path == "/dev" or path.startswith(_KEYED)) and not _OPEN.fullmatch(path)


def _is_one_of(given: str, accepted: Iterable[str]) -> bool:
    """Whether it is an accepted key, told in a time that tells nothing of them."""
    text = given.encode()
    return any(hmac.compare_digest(text, key.encode()) for key in accepted)


def _accepted(signing_key: str | None) -> tuple[str, ...]:
    """Return the key itself, which some SDKs send, and its hash, which others do; both bare."""
    return (_bare(signing_key), _bare(bearer_token(signing_key))) if signing_key else ()


def _bare(key: str) -> str:
    """Return a key without its `signkey-<env>-`; "" when nothing is left."""
    try:
        return hmac_key(key).decode()
    except ConfigError:
        return ""


def _unauthorized(path: str) -> Response:
    if path.startswith(_CHECKPOINTS):
        return json_reply({"error": _REFUSAL, "data": None, "status": 401}, status=401)
    return PlainTextResponse(_REFUSAL, 401)
