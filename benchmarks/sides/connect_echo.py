"""B7's limit: sends each frame back: `python -m benchmarks.sides.connect_echo SOCKET`."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main(url: str) -> None:
    """Echo until the socket is gone."""
    async with connect(url, compression=None) as socket:
        with contextlib.suppress(ConnectionClosed):
            async for frame in socket:
                await socket.send(frame)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
