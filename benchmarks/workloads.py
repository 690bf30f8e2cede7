"""The signed calls every side answers; standard library only, for any side's environment."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from typing import Any

APP_ID = "bench"
PATH = "/api/inngest"
SIGNING_KEY = "signkey-prod-" + "0123456789abcdef" * 4

_SMALL = {"n": 7}
_LARGE_STATE = 1_000_000
_LARGE_MEMOS = 10


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of call: the function it calls, and the body it carries."""

    function: str
    body: bytes

    @property
    def target(self) -> str:
        """The path and query of the call."""
        return f"{PATH}?fnId={APP_ID}-{self.function}&stepId=step"

    def headers(self) -> dict[str, str]:
        """Return the call's headers, signed now: signatures are good for five minutes."""
        stamp = str(int(time.time()))
        key = SIGNING_KEY.removeprefix("signkey-prod-").encode()
        mac = hmac.new(key, self.body + stamp.encode(), hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-Inngest-Server-Kind": "cloud",
            "X-Inngest-Signature": f"t={stamp}&s={mac}",
        }


def without_steps(*, blocking: bool = False) -> Workload:
    """Return the call of a function that has no steps."""
    return Workload("blocking" if blocking else "async", _body({}))


def replay(memos: int) -> Workload:
    """Return the call of a function whose steps, this many, are all remembered."""
    steps = {_id(f"step-{n}"): {"data": _SMALL} for n in range(memos)}
    return Workload(f"steps-{memos}", _body(steps))


def large_state() -> Workload:
    """Return a call whose memos are a megabyte of records, as steps that read tables leave."""
    row: dict[str, Any] = {
        "id": 1001,
        "sku": "SKU-48213",
        "customer": {"name": "Ada Byron", "email": "ada@example.com", "since": 2019},
        "lines": [{"quantity": 2, "price": 19.95}, {"quantity": 1, "price": 249.5}],
        "tags": ["priority", "gift"],
        "paid": True,
        "note": None,
    }
    rows = [row] * (_LARGE_STATE // _LARGE_MEMOS // len(_compact(row)))
    steps = {_id(f"step-{n}"): {"data": rows} for n in range(_LARGE_MEMOS)}
    return Workload(f"steps-{_LARGE_MEMOS}", _body(steps))


def _body(steps: dict[str, Any]) -> bytes:
    """Return a request's body in canonical form, as servers send it."""
    event = {"data": {"order": 1001}, "id": "01J0000000000000000000BNCH", "name": "bench/started"}
    ctx = {
        "attempt": 0,
        "disable_immediate_execution": False,
        "env": "prod",
        "fn_id": "01J00000-0000-0000-0000-00000000FUNC",
        "max_attempts": 4,
        "qi_id": "",
        "run_id": "01J00000000000000000000RUN",
        "stack": {"current": len(steps), "stack": list(steps)},
        "use_api": False,
    }
    body = {"ctx": ctx, "event": event, "events": [event], "steps": steps}
    return _compact({**body, "use_api": False, "version": 1})


def _id(step_id: str) -> str:
    return hashlib.sha1(step_id.encode(), usedforsecurity=False).hexdigest()


def _compact(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
