"""A worker inside a program of one's own, with two applications on one connection.

inngest-asgi dev
INNGEST_DEV=1 python -m examples.connect_worker
inngest-asgi send mails/written --data '{"to": "ann@example.com"}'
"""

from __future__ import annotations

import asyncio

import inngest_asgi as inngest
from inngest_asgi.connect import ConnectionState, Worker, connect

mails = inngest.Inngest(app_id="mails")
audit = inngest.Inngest(app_id="audit")
WRITTEN = inngest.TriggerEvent(event="mails/written")


@mails.create_function(fn_id="send", trigger=WRITTEN)
async def send(ctx: inngest.Context) -> str:
    """Send a mail."""
    return await ctx.step.run("send", lambda: f"sent to {ctx.event.data['to']}")


@audit.create_function(fn_id="note", trigger=WRITTEN)
def note(ctx: inngest.ContextSync) -> str:
    """Note that there was one."""
    return ctx.step.run("note", lambda: f"noted {ctx.event.data['to']}")


async def main() -> None:
    """Run until Ctrl-C or SIGTERM, and say how it goes."""
    worker = connect([mails, audit], max_worker_concurrency=100, shutdown_timeout="60s")
    telling = asyncio.create_task(tell(worker))
    await worker.start()
    await telling


async def tell(worker: Worker) -> None:
    """Print what becomes of the worker."""
    async for state in worker.states():
        print(f"{state}: {worker.get_connection_id() or 'no connection'}")
        if state is ConnectionState.CLOSED:
            print(f"{worker.counters.replies} requests answered")


if __name__ == "__main__":
    asyncio.run(main())
