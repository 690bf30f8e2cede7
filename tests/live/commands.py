"""`inngest-asgi` as a process of its own, whose output is read while it runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from tests.house.source import ROOT

if TYPE_CHECKING:
    import signal
    from pathlib import Path
    from types import TracebackType

PATIENCE = 20.0
"""Seconds within which anything that is waited for must happen."""

_START = "import sys; from inngest_asgi.cli import main; sys.argv[0] = 'inngest-asgi'; main()"


class Command:
    """A started command; it is killed at the end of the block, if it still runs."""

    def __init__(self, *arguments: str, folder: Path, start: str = _START, **env: str) -> None:
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-c", start, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Command:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self.ended()

    @property
    def output(self) -> str:
        """What it has written so far, errors included."""
        with self._news:
            return "".join(self._lines)

    def wait_for(self, text: str) -> None:
        """Wait until it has written a text."""
        with self._news:
            came = self._news.wait_for(lambda: text in "".join(self._lines), PATIENCE)
        assert came, f"{text!r} did not appear in:\n{self.output}"

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait until it has ended, and return its exit code."""
        code = self._process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
