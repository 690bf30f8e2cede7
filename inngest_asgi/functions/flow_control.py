"""Options by which a server queues, limits, groups or cancels runs; what they do is its affair."""

from __future__ import annotations

from typing import Any, Literal

from inngest_asgi.functions.event_types import EventType  # noqa: TC001 - pydantic evaluates it
from inngest_asgi.functions.option import Deadline, Option, Period


class Batch(Option):
    """Collect events and start one run for many of them.

    It cannot be combined with cancel, debounce, singleton or priority.

    Args:
        max_size: a run starts at the latest with this many events; at least 2.
        timeout: a run starts at the latest after this time; at least one second.
        key: an expression; events of different keys are collected apart.
        if_exp: an expression; an event it is false for gets a run of its own at once.
    """

    max_size: int
    timeout: Period
    key: str | None = None
    if_exp: str | None = None


class Cancel(Option):
    """Cancel runs when another event arrives.

    Args:
        event: the name of that event, or its `EventType`.
        if_exp: an expression over `event`, which started the run, and `async`, the new one.
        timeout: how long after its start a run may be cancelled so: a duration, or a `datetime`
            with its time zone. Servers stop at one year.
    """

    event: str | EventType[Any]
    if_exp: str | None = None
    timeout: Deadline | None = None


class Concurrency(Option):
    """Limit how many steps are in progress at the same time; sleeping runs do not count.

    Args:
        limit: the number of steps; 0 means no limit.
        key: an expression; each of its values has a limit of its own.
        scope: what shares the limit: this function ("fn", the default), or every function that
            has the same key in the environment ("env") or the account ("account").
    """

    limit: int
    key: str | None = None
    scope: Literal["fn", "env", "account"] | None = None


class Debounce(Option):
    """Wait until events stop coming, then start one run with the last of them.

    Args:
        period: how long no event must come; one second to seven days.
        key: an expression; events of different keys are waited for apart.
        timeout: start at the latest this long after the first event.
    """

    period: Period
    key: str | None = None
    timeout: Period | None = None


class Priority(Option):
    """Let some runs start as if they had been queued earlier, or later.

    Args:
        run: an expression that gives seconds, from -43200 to 43200; more is earlier.
    """

    run: str


class RateLimit(Option):
    """Start at most so many runs in a period; events beyond that are dropped.

    Args:
        limit: the number of runs, at least 1.
        period: at most 24 hours.
        key: an expression; each of its values has a limit of its own.
    """

    limit: int
    period: Period
    key: str | None = None


class Singleton(Option):
    """Allow one run at a time.

    Args:
        mode: "skip" drops the new event; "cancel" cancels the current run and starts a new one.
        key: an expression; each of its values may have a run.
    """

    mode: Literal["skip", "cancel"]
    key: str | None = None


class Throttle(Option):
    """Start at most so many runs in a period; runs beyond that wait.

    Args:
        limit: the number of runs, at least 1.
        period: at least one second; servers count whole seconds.
        burst: how many more may start at once after a quiet time.
        key: an expression; each of its values has a limit of its own.
    """

    limit: int
    period: Period
    burst: int | None = 1
    key: str | None = None


class Timeouts(Option):
    """Cancel runs that take too long.

    Args:
        start: how long a run may wait for its first step.
        finish: how long a run may take from its start.
    """

    start: Period | None = None
    finish: Period | None = None
