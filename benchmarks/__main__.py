"""Runs every benchmark, prints one table and writes it to benchmarks/results.md."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchmarks import load, starting
from benchmarks.connecting import connected
from benchmarks.embedded import EVENTS, STEPS, embedded
from benchmarks.programs import COUNTS
from benchmarks.report import Row, table
from benchmarks.workloads import large_state, replay, without_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.load import Side
    from benchmarks.workloads import Workload

T = TypeVar("T")

OURS, INCUMBENT, BARE = "ours", "incumbent", "bare Starlette"

_PARTS = ("http", "replays", "connect", "server", "starts")
_RESULTS = Path(__file__).with_name("results.md")
_RUNS_FOR_MEMORY = 20_000
_PACKAGES = [
    "fastapi",
    "httptools",
    "inngest",
    "orjson",
    "protobuf",
    "pydantic",
    "starlette",
    "uvicorn",
    "uvloop",
    "websockets",
]


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    ours = Path(sys.executable)
    sides = {
        OURS: load.Side(OURS, "benchmarks.sides.ours", ours),
        INCUMBENT: load.Side(INCUMBENT, "benchmarks.sides.incumbent", options.incumbent),
        BARE: load.Side(BARE, "benchmarks.sides.bare", ours),
    }
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "http": lambda: _http(sides, options.rounds, options.seconds),
        "replays": lambda: _replays(sides, options.rounds),
        "connect": lambda: _connect(sides, options.rounds, options.seconds),
        "server": lambda: _server(options.rounds),
        "starts": lambda: _starts(sides, 2 * options.rounds + 1),
    }
    try:
        rows = [
            row for name, part in parts.items() if options.only in (None, name) for row in part()
        ]
    except load.BenchmarkError as error:
        sys.exit(f"make bench: {error}")
    if options.only is not None:
        sys.stdout.write(f"{table(rows)}\n")
        return
    page = _page(table(rows), sides, options)
    _RESULTS.write_text(page)
    sys.stdout.write(page)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--incumbent", type=Path, required=True, help="its environment's python")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each side (5)")
    parser.add_argument("--seconds", type=int, default=3, help="of load in each turn (3)")
    parser.add_argument("--only", choices=_PARTS, help="measure one part, and write no results")
    return parser.parse_args()


def _in_turn(measures: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Let the sides measure one after the other, as many rounds as asked."""
    taken: dict[str, list[T]] = {name: [] for name in measures}
    for _ in range(rounds):
        for name, measure in measures.items():
            taken[name].append(measure())
    return taken


# B1 to B4: calls over HTTP.


def _http(sides: Mapping[str, Side], rounds: int, seconds: int) -> Iterator[Row]:
    server_core, load_core = load.check_machine()
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(load.serving(side, server_core))
            for name, side in sides.items()
        }

        def measure(workload: Workload, *names: str, seconds: int = seconds) -> dict[str, float]:
            for name in names:
                load.check(servers[name], workload)
            rate = partial(load.requests_per_second, core=load_core, seconds=seconds)
            taken = _in_turn({n: partial(rate, servers[n], workload) for n in names}, rounds)
            return {name: statistics.median(rates) for name, rates in taken.items()}

        yield _rate("B1", "no steps", measure(without_steps(), *sides), of_limit=1, of_incumbent=8)
        blocking = measure(without_steps(blocking=True), OURS, INCUMBENT)
        yield _rate("B2", "no steps, blocking function", blocking, of_incumbent=4)
        memos = measure(replay(100), *sides)
        yield _rate("B3", "100 memos (10.8 kB)", memos, of_limit=0.7, of_incumbent=20)
        # Longer, for one round of the connections takes the incumbent three seconds.
        state = measure(large_state(), *sides, seconds=3 * seconds)
        yield _rate("B4", "1 MB of state", state, of_limit=1.5)


def _rate(
    name: str,
    what: str,
    rates: Mapping[str, float],
    *,
    of_limit: float | None = None,
    of_incumbent: float | None = None,
) -> Row:
    return Row(
        name=name,
        what=what,
        unit="req/s",
        ours=rates[OURS],
        incumbent=rates[INCUMBENT],
        limit=rates.get(BARE),
        of_limit=of_limit,
        of_incumbent=of_incumbent,
    )


# B5: replay in process.


def _replays(sides: Mapping[str, Side], rounds: int) -> Iterator[Row]:
    measures = {
        name: partial(_milliseconds, side.python, "benchmarks.replay", side.module)
        for name, side in sides.items()
    }
    measures["engine"] = partial(_milliseconds, sides[OURS].python, "benchmarks.engine_alone")
    taken = _in_turn(measures, rounds)
    for count in COUNTS:
        median = {
            name: statistics.median(one[str(count)] for one in times)
            for name, times in taken.items()
        }
        yield _time(
            "B5",
            f"{count:,} memos, a call in process",
            ours=median[OURS],
            incumbent=median[INCUMBENT],
            limit=median[BARE],
        )
        yield _time(
            "B5",
            f"{count:,} memos, the engine alone",
            ours=median["engine"],
            at_most=count / 1000,
        )


def _milliseconds(python: Path, *module: str) -> dict[str, float]:
    done = subprocess.run([python, "-m", *module], capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(done.stdout)
    return times


# B7: calls over sockets.


def _connect(sides: Mapping[str, Side], rounds: int, seconds: int) -> Iterator[Row]:
    cores = load.check_machine()
    measures = {
        name: partial(
            connected,
            sides[name].python,
            f"benchmarks.sides.connect_{module}",
            cores=cores,
            seconds=seconds,
        )
        for name, module in ((OURS, "ours"), (INCUMBENT, "incumbent"), (BARE, "echo"))
    }
    taken = _in_turn(measures, rounds)
    rates = {name: statistics.median(one.rate for one in taken[name]) for name in taken}
    yield _rate("B7", "no steps, over connect (limit: an echo)", rates, of_incumbent=5)
    late = {name: statistics.median(one.p99 for one in taken[name]) for name in taken}
    yield _time(
        "B7",
        "99 of 100 at half that load are answered within",
        ours=late[OURS],
        incumbent=late[INCUMBENT],
        limit=late[BARE],
        at_most=20,
    )


# B6, B8 and B10: the embedded server.


def _server(rounds: int) -> Iterator[Row]:
    with embedded() as server:
        server.rate()
        server.rate()
        before = server.megabytes()
        rates = [server.rate() for _ in range(max(rounds, _RUNS_FOR_MEMORY // EVENTS))]
        growth = server.megabytes() - before
        seconds = [server.seconds_of_one() for _ in range(rounds)]
    yield _time(
        "B6",
        f"a run of {STEPS} steps on the embedded server, a call each",
        ours=1000 * statistics.median(seconds),
        at_most=1000,
    )
    yield Row(
        name="B8",
        what=f"{EVENTS:,} events until their runs are done, embedded server, on disk",
        unit="runs/s",
        ours=statistics.median(rates),
        at_least=500,
    )
    yield Row(
        name="B10",
        what=f"memory of the embedded server after {EVENTS * len(rates):,} more runs",
        unit="MB more",
        less_is_better=True,
        ours=growth,
        at_most=5,
    )


# B9: starting.


def _starts(sides: Mapping[str, Side], rounds: int) -> Iterator[Row]:
    ours, incumbent = sides[OURS].python, sides[INCUMBENT].python
    taken = _in_turn(
        {
            OURS: partial(starting.ours, ours),
            INCUMBENT: partial(starting.incumbent, incumbent),
            BARE: partial(starting.foundation, ours),
        },
        rounds,
    )
    importing = {n: statistics.median(s.importing for s in taken[n]) for n in taken}
    yield _time(
        "B9",
        "import (limit: starlette, pydantic)",
        ours=importing[OURS],
        incumbent=importing[INCUMBENT],
        limit=importing[BARE],
        at_most=120,
    )
    constructing = {n: statistics.median(s.constructing for s in taken[n]) for n in taken}
    yield _time(
        "B9",
        "making a client",
        ours=constructing[OURS],
        incumbent=constructing[INCUMBENT],
        at_most=1,
    )


def _time(
    name: str,
    what: str,
    *,
    ours: float,
    incumbent: float | None = None,
    limit: float | None = None,
    at_most: float | None = None,
) -> Row:
    return Row(
        name=name,
        what=what,
        unit="ms",
        less_is_better=True,
        ours=ours,
        incumbent=incumbent,
        limit=limit,
        at_most=at_most,
    )


# What is written.


def _page(shown: str, sides: Mapping[str, Side], options: argparse.Namespace) -> str:
    about = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench`: each figure is the median of "
        f"{options.rounds} turns, the sides in turn; ratios above 1 mean that we are faster. "
        "The limit is a bare Starlette route that parses JSON and returns JSON.",
        f"HTTP: wrk with {load.CONNECTIONS} keep-alive connections on one core, one uvicorn worker "
        f"(uvloop, httptools) on another, {options.seconds} s a turn; cloud mode, signed bodies.",
        "Connect: worker and gateway on a core each, 32 requests under way; half that load is "
        "requests at a steady pace; the limit sends the same frames back.",
        "Embedded server: app, server and load are three processes of uvicorn and asyncio, on "
        "whichever core is free; the file is on disk, each run is two calls.",
        f"Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}.",
        *(f"{name}: {_versions(sides[name].python)}." for name in (OURS, INCUMBENT)),
    ]
    listed = "\n".join(f"- {line}" for line in about)
    return f"# Results\n\n{shown}\n\n{listed}\n"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _versions(python: Path) -> str:
    script = (
        "import sys; from importlib.metadata import distributions as d; "
        "print('Python', sys.version.split()[0]); "
        f"[print(o.name, o.version) for o in d() if o.name in {_PACKAGES!r}]"
    )
    done = subprocess.run([python, "-c", script], capture_output=True, text=True, check=True)
    return ", ".join(sorted(done.stdout.splitlines(), key=str.lower))


if __name__ == "__main__":
    main()
