"""Serves the files of the page at `/`, so that browsers keep them until they change; no data.

The files lie in `page/`, next to this one. All but the document itself are served under a path
that names their content, so that a browser never asks again for what it has, and never mixes two
versions; the modules among them import each other by relative names and need not know of that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.web.served import Served

_FOLDER = Path(__file__).with_suffix("")
_DOCUMENT = "index.html"
_MARK = b"{{assets}}"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
# Scripts and styles come from here only, and nothing may frame the page or take its forms.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def routes(server: Served) -> list[Route]:
    """Return the routes of the page's files; whoever asks gets them, for they hold no secrets."""
    return [Route("/", _document), Route("/ui/assets/{digest}/{name}", _asset)]


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The page's files by name, and the digest of them all."""

    digest: str
    contents: dict[str, bytes]


@cache
def page_files() -> PageFiles:
    """Read the files, once for the process."""
    contents = {file.name: file.read_bytes() for file in _FOLDER.iterdir() if file.suffix in _TYPES}
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name} {len(contents[name])} ".encode() + contents[name])
    return PageFiles(digest.hexdigest()[:16], contents)


async def _document(request: Request) -> Response:
    files = page_files()
    tag = f'"{files.digest}"'
    headers = {**_ALWAYS, "etag": tag, "cache-control": "no-cache"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = files.contents[_DOCUMENT].replace(_MARK, f"ui/assets/{files.digest}".encode())
    return Response(content, headers=headers, media_type=_TYPES[".html"])


async def _asset(request: Request) -> Response:
    files, name = page_files(), request.path_params["name"]
    if request.path_params["digest"] != files.digest or name not in files.contents:
        raise HTTPException(404)
    kept = {"etag": f'"{files.digest}-{name}"', "cache-control": _FOR_EVER}
    return Response(
        files.contents[name], headers={**_ALWAYS, **kept}, media_type=_TYPES[Path(name).suffix]
    )
