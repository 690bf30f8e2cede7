"""Serves functions in a FastAPI application; a few lines over `inngest_asgi.attach`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import inngest_asgi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fastapi import FastAPI

    from inngest_asgi import Function, Inngest, InngestApp, Streaming


def serve(
    app: FastAPI,
    client: Inngest,
    functions: Iterable[Function[Any]],
    *,
    serve_path: str | None = None,
    serve_origin: str | None = None,
    public_path: str | None = None,
    streaming: bool | Streaming | None = None,
    enable_unauthed_sync: bool | None = None,
) -> InngestApp:
    """Serve functions under a path of a FastAPI application, whose lifespan also runs ours.

    Args:
        app: the host.
        client: the functions' client.
        functions: what to serve.
        serve_path: the path; by default INNGEST_SERVE_PATH, else "/api/inngest".
        serve_origin: see `inngest_asgi.serve`, as for the rest.
        public_path: the path servers use, where a proxy changes it.
        streaming: whether calls are answered by streams.
        enable_unauthed_sync: whether an unsigned PUT may register in cloud mode.

    Returns:
        The application that is now attached.

    Raises:
        ConfigError: an argument is wrong, or another application is attached at the path.
    """
    inngest_app = inngest_asgi.serve(
        client,
        functions,
        serve_path=serve_path,
        serve_origin=serve_origin,
        public_path=public_path,
        streaming=streaming,
        enable_unauthed_sync=enable_unauthed_sync,
    )
    inngest_asgi.attach(app, inngest_app, inngest_app.serve_path)
    return inngest_app
