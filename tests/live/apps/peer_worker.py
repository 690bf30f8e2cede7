"""A worker on the official Python SDK: `python peer_worker.py SERVER INSTANCE SECONDS`.

It is run in the environment of that SDK, so it imports nothing of ours.
"""

from __future__ import annotations

import asyncio
import datetime
import sys
from typing import Any

import inngest
from inngest.connect import connect


def main(server: str, instance: str, seconds: float) -> None:
    """Work until the process is ended; a step takes so many seconds."""
    client = inngest.Inngest(app_id="peer", is_production=False, api_base_url=server)

    async def steps(ctx: Any) -> list[object]:
        async def work() -> str:
            sys.stdout.write(f"{instance} works\n")
            sys.stdout.flush()
            await asyncio.sleep(seconds)
            return instance

        first = await ctx.step.run("first", work)
        await ctx.step.sleep("nap", datetime.timedelta(seconds=1))
        return [first, ctx.attempt]

    trigger = inngest.TriggerEvent(event="peer/steps")
    function = client.create_function(fn_id="steps", trigger=trigger)(steps)
    asyncio.run(connect([(client, [function])], instance_id=instance).start())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
