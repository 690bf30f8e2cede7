"""Runs an embedded server until it is killed: `python dev_server_process.py DB PORT APP_URL`."""

from __future__ import annotations

import asyncio
import sys

import uvicorn

from inngest_asgi.dev import DevOptions, DevServer


async def main(db: str, port: str, app_url: str) -> None:
    options = DevOptions(db=db, app_urls=(app_url,), poll_interval=0, retry_interval=0.2)
    async with DevServer(options) as server:
        config = uvicorn.Config(server.app, port=int(port), log_level="error", access_log=False)
        await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
