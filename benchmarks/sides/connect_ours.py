"""Our worker: `python -m benchmarks.sides.connect_ours SERVER`."""

from __future__ import annotations

import asyncio
import sys

import inngest_asgi as inngest
from benchmarks import programs
from benchmarks.workloads import APP_ID
from inngest_asgi.connect import connect


def main(server: str) -> None:
    """Work until the process is ended."""
    client = inngest.Inngest(app_id=APP_ID, is_production=False, api_base_url=server)
    trigger = inngest.TriggerEvent(event="bench/started")
    client.create_function(fn_id="async", trigger=trigger)(programs.without_steps)
    asyncio.run(connect([client]).start())


if __name__ == "__main__":
    main(sys.argv[1])
