"""What the embedded server remembers, as plain records; nothing here reads, writes or decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

UNKNOWN_VERSION = -1


class RunStatus(IntEnum):
    """Where a run stands; the numbers are stored (server-api.md 4)."""

    RUNNING = 0
    COMPLETED = 1
    FAILED = 2
    CANCELLED = 3
    OVERFLOWED = 4
    SCHEDULED = 5
    UNKNOWN = 6
    SKIPPED = 7

    @property
    def label(self) -> str:
        """The word the API uses, such as "Completed"."""
        return self.name.capitalize()

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the run."""
        return self not in (RunStatus.RUNNING, RunStatus.SCHEDULED)


class JobKind(StrEnum):
    """What is to be done when a job is due."""

    CALL = "call"
    SLEEP = "sleep"
    WAIT = "wait"
    FETCH = "fetch"
    CANCEL = "cancel"

    @property
    def calls(self) -> bool:
        """Whether somebody outside is asked, and may be slow to answer."""
        return self in (JobKind.CALL, JobKind.FETCH)

    @property
    def drives(self) -> bool:
        """Whether a run with such a job will go on, so that it need not be called again."""
        return self is not JobKind.CANCEL


class MatchKind(StrEnum):
    """What a job waits for, and how it is found when that happens."""

    EVENT = "event"
    SIGNAL = "signal"
    INVOKE = "invoke"


class Happening(StrEnum):
    """What a `Record` tells."""

    EVENT_WAITING = "event_waiting"
    NOT_STARTED = "not_started"
    RUN_QUEUED = "run_queued"
    RUN_STARTED = "run_started"
    CALL_STARTED = "call_started"
    CALL_ENDED = "call_ended"
    STEP_PLANNED = "step_planned"
    STEP_RECORDED = "step_recorded"
    STEP_FAILED = "step_failed"
    STEP_SLEEPING = "step_sleeping"
    STEP_WAITING = "step_waiting"
    DEFER_ADDED = "defer_added"
    DEFER_ABORTED = "defer_aborted"
    DEFER_REFUSED = "defer_refused"
    ATTEMPT_FAILED = "attempt_failed"
    RUN_ENDED = "run_ended"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened to a run, for timelines.

    Args:
        seq: grows by one with every record of a server, across restarts.
        at: Unix seconds.
        run_id: the run it happened to; "" when it tells why an event started none.
        event_id: the internal id of the event that started the run, or did not.
        kind: what happened.
        details: by kind. `event_waiting`: function, reason ("debounce" or "batch"), window (its
            id) and until. `not_started`: function, reason, and the window that closed or the run
            in its way, if that is why. `run_queued`: function, event, due, and the window that
            closed, if one did. `call_started` / `call_ended`:
            step_id (hashed, None for the function as a whole), attempt, job_id, and at the end
            status, duration. `step_*`: id (hashed), name, op, attempt, and duration (seconds),
            error, retry_at or until (Unix seconds) where they apply; input (what it waits for) and
            child_run_id of a step that waits. `attempt_failed`: attempt,
            error, retry_at. `defer_*`: id (hashed), name, op, and function (its slug) or error.
            `run_ended`: status, output (the error of a failed run).
    """

    seq: int
    at: float
    run_id: str
    event_id: str
    kind: Happening
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class App:
    """An application that registered, or was added by its URL and has not yet."""

    id: str
    name: str
    url: str
    sdk: str = ""
    framework: str = ""
    app_version: str = ""
    checksum: str = ""
    synced_at: float | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A registered function.

    `slug` is what SDKs call its id; `url` is where its calls go; `triggers` and `config` are as
    registered (http.md 8), with keys in their usual spelling.
    """

    id: str
    app_id: str
    slug: str
    name: str
    url: str
    max_attempts: int
    triggers: list[dict[str, Any]]
    config: dict[str, Any]
    created_at: float = 0.0
    archived_at: float | None = None


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An accepted event; `body` is the JSON that functions receive.

    `repeatable` says whether another one may come with the same id: not if the server drew it.
    """

    internal_id: str
    id: str
    name: str
    ts: int
    received_at: float
    body: bytes
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Match:
    """What brings a job forward before it is due.

    Args:
        kind: what it waits for.
        key: the name of the event, of the signal, or the correlation id of the invoked run.
        expression: what must be true of an event, in CEL; "" for any.
        given: what the expression reads of the run's own event, as JSON.
    """

    kind: MatchKind
    key: str
    expression: str = ""
    given: str = ""


@dataclass(slots=True)
class Job:
    """A thing to do for a run when it is due (server-api.md 10).

    `id` is unique: adding a job whose id exists does nothing. `step_id` is the hashed id of the
    targeted or sleeping step, None for the function as a whole. `generation` grows with every
    dispatch, `leased` holds while it is being done, `gone` once it must not be done any more.

    A `WAIT` is due when it times out; what it waits for is its `match`, and makes it due at once
    with `value`, the JSON it brings. A `CANCEL` ends its run with `value`, an error as JSON, when
    it is due; one with a `match` but without a value is over when it is due, and does nothing.
    The `value` of a `FETCH` is what the server has to ask for, keys included: it is never shown.
    That of a `CALL` is the id of the request under which a worker has it.
    """

    id: str
    run_id: str
    kind: JobKind
    step_id: str | None
    due: float
    attempt: int = 0
    generation: int = 1
    race: bool = False
    name: str = ""
    leased: bool = False
    gone: bool = False
    value: bytes | None = field(default=None, repr=False)
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Memo:
    """What a finished step left: JSON in the shape of steps.md 6."""

    step_id: str
    name: str
    op: str
    value: bytes


class DeferState(StrEnum):
    """What becomes of a function that a run deferred."""

    ADDED = "added"
    ABORTED = "aborted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Defer:
    """A function to be started once a run has ended (steps.md 4.8).

    `slug` is the function, `input` a JSON object for it. One that is aborted or refused is kept,
    without its input, so that a later report of it changes nothing.
    """

    step_id: str
    slug: str
    input: bytes
    state: DeferState = DeferState.ADDED


@dataclass(slots=True)
class Run:
    """One run with all that its next call needs; `jobs` are its live jobs by id.

    `batch` holds all events of a run that was started by a batch, `event` being the first.

    A run may repeat another one, `original_run_id`. Then `inputs` may hold, by hashed step id, what
    replaces the arguments of a step: JSON in the shape of steps.md 6, sent until the step is done.

    `pending` maps each unfinished step to the set it was planned in: the function is called
    again when a set is empty (steps.md 8).
    """

    id: str
    function_id: str
    event: StoredEvent
    queued_at: float
    status: RunStatus = RunStatus.SCHEDULED
    started_at: float | None = None
    ended_at: float | None = None
    output: bytes | None = None
    request_version: int = UNKNOWN_VERSION
    force_plan: bool = False
    discoveries: int = 0
    sets: int = 0
    idle: int = 0
    pending: dict[str, int] = field(default_factory=dict)
    memos: dict[str, Memo] = field(default_factory=dict)
    memo_bytes: int = 0
    jobs: dict[str, Job] = field(default_factory=dict)
    defers: dict[str, Defer] = field(default_factory=dict)
    batch_id: str | None = None
    batch: tuple[StoredEvent, ...] = ()
    original_run_id: str | None = None
    inputs: dict[str, bytes] = field(default_factory=dict)

    @property
    def events(self) -> tuple[StoredEvent, ...]:
        """The events it was started by, in the order they arrived."""
        return self.batch or (self.event,)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the API shows it."""

    id: str
    function_id: str
    event_id: str
    status: RunStatus
    queued_at: float
    started_at: float | None
    ended_at: float | None
    output: bytes | None
    batch_id: str | None = None


class WindowKind(StrEnum):
    """Why events are collected: only the last one counts, or all of them do."""

    DEBOUNCE = "debounce"
    BATCH = "batch"


@dataclass(slots=True)
class Window:
    """Events that are collected until a function starts for them (server-api.md 9).

    Args:
        id: a ULID, which is the batch's id if it is one.
        function_id: which function starts.
        kind: what it is for.
        name: what tells the open windows of a server apart.
        opened_at: when its first event came, in Unix seconds.
        due: when it closes, in Unix seconds.
        size: how many events it holds.
        ts: the timestamp of the newest event, in milliseconds.
    """

    id: str
    function_id: str
    kind: WindowKind
    name: str
    opened_at: float
    due: float
    size: int = 0
    ts: int = 0


@dataclass(slots=True)
class Changes:
    """All that one thing that happened changes: saved together, or not at all."""

    events: list[StoredEvent] = field(default_factory=list)
    new_runs: list[Run] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    memos: list[tuple[str, int, Memo]] = field(default_factory=list)
    defers: list[tuple[str, Defer]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    gone_jobs: list[str] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    apps: list[App] = field(default_factory=list)
    gone_apps: list[str] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    rates: dict[str, float] = field(default_factory=dict)
    windows: list[Window] = field(default_factory=list)
    window_events: list[tuple[str, int, str]] = field(default_factory=list)
    gone_windows: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Start:
    """That a function was started by an event id, so that it is not again for 24 hours."""

    function_id: str
    event_id: str
    run_id: str
    at: float
