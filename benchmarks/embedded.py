"""B6, B8 and B10: runs on the embedded server, with an app in a process of its own.

The server keeps its file on disk, as `inngest-asgi dev` does. Which of the cores does what is left
to the system: app, server and whoever sends the events are three processes.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.load import BenchmarkError, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVENTS = 2_000
STEPS = 100
"""Of the function that `bench/many` starts."""
AT_ONCE = 100
"""Events of one request."""

_GIVE_UP = 120.0
_PAUSE = 0.01


@dataclass(frozen=True, slots=True)
class Embedded:
    """A server that knows the app."""

    port: int
    process: int

    def wait_for_app(self) -> None:
        """Wait until the app has registered.

        Raises:
            BenchmarkError: it does not.
        """
        self._until(lambda: bool(json.loads(self._ask("GET", "/dev"))["functions"]))

    def rate(self, events: int = EVENTS) -> float:
        """Send events, wait until their runs are done, and return how many were in a second."""
        before, began = self._completed(), time.perf_counter()
        for _ in range(events // AT_ONCE):
            self._ask("POST", "/e/bench", [{"name": "bench/one"}] * AT_ONCE)
        self._until(lambda: self._completed() >= before + events)
        return events / (time.perf_counter() - began)

    def seconds_of_one(self) -> float:
        """Return how long a run of a hundred steps takes, from its event to its end."""
        before, began = self._completed(), time.perf_counter()
        self._ask("POST", "/e/bench", {"name": "bench/many"})
        self._until(lambda: self._completed() > before)
        return time.perf_counter() - began

    def megabytes(self) -> float:
        """Return how much memory the server has."""
        pages = int(Path(f"/proc/{self.process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_seconds(self) -> float:
        """Return how long the server has computed so far."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _until(self, done: Callable[[], bool]) -> None:
        give_up = time.perf_counter() + _GIVE_UP
        while not done():
            if time.perf_counter() > give_up:
                raise BenchmarkError("The embedded server did not get its work done.")
            time.sleep(_PAUSE)

    def _completed(self) -> int:
        text = self._ask("GET", "/metrics")
        lines = (line.rpartition(" ") for line in text.splitlines() if 'ompleted"' in line)
        return sum(int(float(count)) for _, _, count in lines)

    def _ask(self, method: str, path: str, document: Any = None) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_GIVE_UP)
        body = None if document is None else json.dumps(document)
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        if response.status != 200:
            raise BenchmarkError(f"The embedded server answered {response.status}: {text[:200]}")
        return text


@contextmanager
def embedded() -> Iterator[Embedded]:
    """Run an app and a server that keeps everything on disk, for as long as the context lasts."""
    port, app_port = free_port(), free_port()
    origin = f"http://127.0.0.1:{port}"
    app = ["-m", "uvicorn", "--no-access-log", "--log-level", "warning", "--port", str(app_port)]
    with (
        tempfile.TemporaryDirectory() as folder,
        _process(app_port, *app, "benchmarks.sides.durable:app", INNGEST_DEV=origin),
    ):
        url = f"http://127.0.0.1:{app_port}/api/inngest"
        server = ["-m", "benchmarks.sides.embedded", str(Path(folder, "bench.db")), str(port), url]
        with _process(port, *server) as process:
            one = Embedded(port, process.pid)
            one.wait_for_app()
            yield one


@contextmanager
def _process(port: int, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, env={**os.environ, **environment}) as process:
        try:
            wait_for(port, process)
            yield process
        finally:
            process.kill()
