"""Flow control under any load: no limit is ever exceeded, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from inngest_asgi.dev.alarm import Alarm
from inngest_asgi.dev.flow.rates import Rates
from inngest_asgi.dev.flow.rules import Rules, read_rules
from inngest_asgi.dev.flow.tickets import grouped, make_ticket
from inngest_asgi.dev.flow.turnstile import Turnstile
from inngest_asgi.dev.jobs import Jobs
from inngest_asgi.dev.records import Job, JobKind
from inngest_asgi.testing import ManualClock

_KEYS = ("", "event.data.a", "event.data.b")

limits = st.builds(
    lambda limit, key, scope: {"limit": limit, "key": key, "scope": scope if key else "fn"},
    st.integers(1, 3),
    st.sampled_from(_KEYS),
    st.sampled_from(["fn", "env", "account"]),
)
throttles = st.fixed_dictionaries(
    {"limit": st.integers(1, 3), "period": st.sampled_from(["1s", "10s", "90s"])},
    optional={"burst": st.integers(0, 2), "key": st.sampled_from(_KEYS)},
)
configs = st.fixed_dictionaries(
    {},
    optional={
        "concurrency": st.fixed_dictionaries(
            {}, optional={"fn": st.lists(limits, max_size=1), "step": st.lists(limits, max_size=2)}
        ),
        "throttle": throttles,
        "priority": st.just({"run": "event.data.p"}),
    },
)


@dataclass
class Load:
    """A run: when it comes, its event, and how long each of its calls takes."""

    at: float
    function: int
    data: dict[str, Any]
    calls: list[float]


loads = st.lists(
    st.builds(
        Load,
        st.integers(0, 20).map(float),
        st.integers(0, 1),
        st.fixed_dictionaries(
            {"a": st.integers(0, 2), "b": st.booleans(), "p": st.integers(-9, 9)}
        ),
        st.lists(st.integers(0, 15).map(float), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Simulation:
    """Plays loads through the queue, with a clock that skips ahead."""

    rules: list[Rules]
    clock: ManualClock = field(default_factory=lambda: ManualClock(1_000.0))
    inside: Counter[str] = field(default_factory=Counter)
    starts: dict[str, list[float]] = field(default_factory=dict)
    ended: int = 0

    async def play(self, runs: list[Load]) -> None:
        alarm = Alarm(self.clock)
        self.turnstile = Turnstile(self.clock, alarm, Rates({}))
        self.jobs = Jobs(self.clock, alarm, self.turnstile, self._pump)
        self._calls: set[asyncio.Future[None]] = set()
        self._runs: dict[str, Load] = {}
        self._done = asyncio.Event()
        self._left = len(runs)
        arrivals = [self._arrive(str(number), run) for number, run in enumerate(runs)]
        await self.clock.until(asyncio.gather(self._done.wait(), *arrivals))
        alarm.close()
        assert not self.turnstile._slots
        assert not any(gate._lines for gate in self.turnstile._turns.values())

    async def _arrive(self, run_id: str, run: Load) -> None:
        await self.clock.sleep(run.at)
        self._runs[run_id] = run
        ticket = make_ticket(f"f{run.function}", self._rules(run), _event(run), self.clock.time())
        self.turnstile.add(run_id, ticket)
        self._next(run_id, 0)

    def _next(self, run_id: str, number: int) -> None:
        now = self.clock.time()
        self.jobs.put([Job(f"{run_id}-{number}", run_id, JobKind.CALL, None, now)])

    def _pump(self) -> None:
        while (job := self.jobs.take()) is not None:
            call = asyncio.ensure_future(self._call(job))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)

    async def _call(self, job: Job) -> None:
        run, number = self._runs[job.run_id], int(job.id.partition("-")[2])
        if not number:
            self._check_start(run)
        names = {grouped(limit, _event(run), 0.0) for limit in self._rules(run).calls}
        self._enter(run, names)
        await self.clock.sleep(run.calls[number])
        self.inside.subtract(names)
        self.jobs.drop(job)
        if number + 1 < len(run.calls):
            self._next(job.run_id, number + 1)
        else:
            self._end(job.run_id, run)
        self.jobs.release(job)

    def _check_start(self, run: Load) -> None:
        rules, now = self._rules(run), self.clock.time()
        if rules.runs is not None:
            name = grouped(rules.runs, _event(run), 0.0)
            self.inside[name] += 1
            assert self.inside[name] <= rules.runs.limit
        if rules.throttle is not None:
            name, rate = grouped(rules.throttle, _event(run), 0.0), rules.throttle.rate
            times = self.starts.setdefault(name, [])
            times.append(now)
            for (first, begin), (last, end) in combinations(enumerate(times), 2):
                assert last - first + 1 <= rate.capacity + (end - begin) / rate.interval + 1e-3

    def _enter(self, run: Load, names: set[str]) -> None:
        self.inside.update(names)
        for limit in self._rules(run).calls:
            assert self.inside[grouped(limit, _event(run), 0.0)] <= limit.limit

    def _end(self, run_id: str, run: Load) -> None:
        limit = self._rules(run).runs
        if limit is not None:
            self.inside[grouped(limit, _event(run), 0.0)] -= 1
        self.turnstile.remove(run_id)
        self._left -= 1
        if not self._left:
            self._done.set()

    def _rules(self, run: Load) -> Rules:
        return self.rules[run.function]


def _event(run: Load) -> dict[str, Any]:
    return {"data": run.data}


@given(st.tuples(configs, configs), loads)
def test_no_limit_is_exceeded_and_every_run_ends(
    registered: tuple[dict[str, Any], ...], runs: list[Load]
) -> None:
    rules = [read_rules(f"f{number}", config) for number, config in enumerate(registered)]
    asyncio.run(Simulation(rules).play(runs))
