"""B5, run in a side's environment: calls in process, so that only the SDK is measured.

`python -m benchmarks.replay MODULE` prints JSON: milliseconds a call takes, by number of memos.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.programs import COUNTS
from benchmarks.workloads import replay

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from benchmarks.workloads import Workload

_SECONDS = 0.5
_AT_LEAST = 3


def main(module: str) -> None:
    """Measure the application of a module."""
    app = importlib.import_module(module).app
    measured = asyncio.run(_measure(app))
    sys.stdout.write(json.dumps(measured))


async def _measure(app: Any) -> dict[str, float]:
    return {str(count): await _milliseconds(app, replay(count)) for count in COUNTS}


async def _milliseconds(app: Any, workload: Workload) -> float:
    times: list[float] = []
    await _call(app, workload)
    give_up = time.perf_counter() + _SECONDS
    while time.perf_counter() < give_up or (len(times) < _AT_LEAST and times[0] < _SECONDS):
        start = time.perf_counter()
        await _call(app, workload)
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


async def _call(app: Any, workload: Workload) -> None:
    path, _, query = workload.target.partition("?")
    headers = {**workload.headers(), "Content-Length": str(len(workload.body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": workload.body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"The application answered {message['status']}.")

    await app(scope, receive, send)


if __name__ == "__main__":
    main(sys.argv[1])
