"""Real uvicorn servers: on a thread of this process, and in a process of their own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

from tests.house.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

PATIENCE = 10.0
_RUNNING = re.compile(r"running on (http://127\.0\.0\.1:\d+)")


@contextmanager
def serving(app: ASGIApp, *, port: int = 0, **config: Any) -> Iterator[str]:
    """Serve on a port (0: any), on a loop and a thread of its own; gives the URL of the server."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        given: dict[str, Any] = {"lifespan": "on", "ws": "none", "log_config": None} | config
        server = uvicorn.Server(uvicorn.Config(app, **given))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert not thread.is_alive(), "the server did not stop"


@dataclass
class ServerProcess:
    """A uvicorn in a process of its own, and what it has said so far."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    url: str = ""

    def listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if found := _RUNNING.search(line):
                self.url = found.group(1)

    def terminate(self) -> int:
        """Send SIGTERM and return the exit code; it must come soon."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def server_process(target: str, *arguments: str, **environ: str) -> Iterator[ServerProcess]:
    """Run `uvicorn module:app` as users do, in dev mode."""
    command = [sys.executable, "-m", "uvicorn", target, "--port", "0", "--ws", "none", *arguments]
    environment = os.environ | {"INNGEST_DEV": "http://127.0.0.1:9", "PYTHONWARNINGS": "error"}
    environment |= environ
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = ServerProcess(process)
    listener = threading.Thread(target=server.listen)
    listener.start()
    try:
        wait_until(lambda: bool(server.url) or process.poll() is not None)
        assert server.url, "".join(server.said)
        yield server
    finally:
        process.kill()
        process.wait()
        listener.join()
        assert process.stderr is not None
        process.stderr.close()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere, at most ten seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.01)
