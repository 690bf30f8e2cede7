"""The incumbent SDK's side, in an environment of its own: `benchmarks.sides.incumbent:app`."""

from __future__ import annotations

from typing import Any

import inngest
import inngest.fast_api
from fastapi import FastAPI

from benchmarks import programs
from benchmarks.workloads import APP_ID, SIGNING_KEY

client = inngest.Inngest(
    app_id=APP_ID, is_production=True, signing_key=SIGNING_KEY, event_key="bench"
)


def _declare(fn_id: str, handler: programs.Handler) -> Any:
    trigger = inngest.TriggerEvent(event="bench/started")
    return client.create_function(fn_id=fn_id, trigger=trigger)(handler)


app = FastAPI()
inngest.fast_api.serve(
    app,
    client,
    [
        _declare("async", programs.without_steps),
        _declare("blocking", programs.without_steps_blocking),
        *(_declare(f"steps-{n}", programs.with_steps(n)) for n in programs.COUNTS),
    ],
)
