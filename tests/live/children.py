"""Processes that are started, paused, told to stop and killed, and whose memory is looked at."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.house.source import ROOT

PATIENCE = 30.0
"""Seconds within which a process ends that was told to."""


@dataclass(eq=False)
class Child:
    """A process, where it writes, and how much memory it had after each fault, in kB."""

    process: asyncio.subprocess.Process
    log: Path
    memory: list[int] = field(default_factory=list)

    @classmethod
    async def start(cls, log: Path, *command: str, **env: str) -> Self:
        with log.open("wb") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                cwd=log.parent,
                env={**os.environ, "PYTHONPATH": str(ROOT), **env},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )
        return cls(process, log)

    @property
    def name(self) -> str:
        return self.log.stem

    async def end(self, number: signal.Signals) -> int:
        """Send a signal, unless it has ended, and return the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def pause(self, seconds: float) -> None:
        self.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    def measure(self) -> None:
        """Take down the memory it uses, where the system tells."""
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    self.memory.append(int(line.split()[1]))

    @property
    def losses(self) -> int:
        """How often a worker said that it lost its connection."""
        return self.log.read_text().count("has lost its connection")

    @property
    def growth(self) -> int:
        """By how much it grew in the later three quarters of its life, when it was warm."""
        warm = self.memory[len(self.memory) // 4 :]
        return warm[-1] - warm[0] if warm else 0
