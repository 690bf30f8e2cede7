"""HTTP load: servers pinned to one core, wrk to the other."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workloads import Workload

CONNECTIONS = 16

_SCRIPT = Path(__file__).with_name("signed.lua")
_START_SECONDS = 30
_TIMEOUT = "30s"
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


class BenchmarkError(Exception):
    """Something is missing, or a side answers wrongly; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side: its name, the module of its application, and what runs it."""

    name: str
    module: str
    python: Path


@dataclass(frozen=True, slots=True)
class Server:
    """A side that is being served."""

    side: Side
    port: int


def check_machine() -> tuple[int, int]:
    """Return the two cores to use, the servers' and wrk's.

    Raises:
        BenchmarkError: wrk or taskset is missing, or there is one core only.
    """
    if shutil.which("wrk") is None:
        raise BenchmarkError("wrk is not installed: `apt-get install wrk` or `brew install wrk`.")
    if shutil.which("taskset") is None:
        raise BenchmarkError("taskset is not installed: `apt-get install util-linux`.")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("Server and load need a core each; this machine offers only one.")
    return cores[0], cores[1]


@contextmanager
def serving(side: Side, core: int) -> Iterator[Server]:
    """Serve a side with one uvicorn worker on a core, for as long as the context lasts."""
    port = free_port()
    options = ["--loop", "uvloop", "--http", "httptools", "--log-level", "warning"]
    command = ["taskset", "-c", str(core), str(side.python), "-m", "uvicorn", "--no-access-log"]
    command += ["--port", str(port), *options, f"{side.module}:app"]
    with subprocess.Popen(command) as process:
        try:
            wait_for(port, process)
            yield Server(side, port)
        finally:
            process.terminate()


def check(server: Server, workload: Workload) -> None:
    """Make one call, so that only what works is measured.

    Raises:
        BenchmarkError: the answer is not a 200.
    """
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", workload.target, workload.body, workload.headers())
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status != 200:
        raise BenchmarkError(f"{server.side.name} answered {response.status}: {text[:200]!r}")


def requests_per_second(server: Server, workload: Workload, *, core: int, seconds: int) -> float:
    """Load a server for a while and return how many calls it answered in a second.

    Raises:
        BenchmarkError: some answers were errors or came too late.
    """
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder, "body")
        body.write_bytes(workload.body)
        headers = (f"-H{name}: {value}" for name, value in workload.headers().items())
        command = ["taskset", "-c", str(core), "wrk", "--threads=1", f"--duration={seconds}s"]
        command += [f"--connections={CONNECTIONS}", f"--timeout={_TIMEOUT}", f"--script={_SCRIPT}"]
        url = f"http://127.0.0.1:{server.port}{workload.target}"
        done = subprocess.run(
            [*command, *headers, url],
            env={**os.environ, "BODY": str(body)},
            capture_output=True,
            text=True,
            check=True,
        )
    rate = _RATE.search(done.stdout)
    wrong = any(word in done.stdout for word in ("Non-2xx", "Socket errors"))
    if wrong or rate is None or float(rate.group(1)) == 0:
        raise BenchmarkError(f"wrk against {server.side.name} went wrong:\n{done.stdout}")
    return float(rate.group(1))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise BenchmarkError("A server did not start; its own message stands above.")
