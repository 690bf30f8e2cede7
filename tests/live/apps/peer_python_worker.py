"""The functions of peer_python.py on a worker of the official SDK, which gets them by a socket."""

from __future__ import annotations

import asyncio

from inngest.connect import connect

from tests.live.apps import peer_python

if __name__ == "__main__":
    asyncio.run(connect([(peer_python.client, peer_python.functions)]).start())
