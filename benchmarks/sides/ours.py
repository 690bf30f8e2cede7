"""Our side: `uvicorn benchmarks.sides.ours:app`."""

from __future__ import annotations

import inngest_asgi as inngest
from benchmarks import programs
from benchmarks.workloads import APP_ID, SIGNING_KEY

client = inngest.Inngest(
    app_id=APP_ID, is_production=True, signing_key=SIGNING_KEY, event_key="bench"
)


def _declare(fn_id: str, handler: programs.Handler) -> None:
    trigger = inngest.TriggerEvent(event="bench/started")
    client.create_function(fn_id=fn_id, trigger=trigger)(handler)


_declare("async", programs.without_steps)
_declare("blocking", programs.without_steps_blocking)
for _count in programs.COUNTS:
    _declare(f"steps-{_count}", programs.with_steps(_count))

app = inngest.serve(client)
