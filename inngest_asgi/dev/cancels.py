"""The jobs that end a run before its time (server-api.md 9); they are only made here, not done.

Whoever wants a run cancelled saves a job made here, `Changes(jobs=[cancel_job(...)])`; the
executor does the rest. A run that has ended meanwhile is left as it is.
"""

from __future__ import annotations

from inngest_asgi.dev.failures import cancelled
from inngest_asgi.dev.records import Job, JobKind
from inngest_asgi.wire.codec import dumps


def cancel_job(run_id: str, now: float, reason: str) -> Job:
    """Return the job that cancels a run at once.

    Args:
        run_id: the run.
        now: Unix seconds.
        reason: a sentence for the run's error, such as "The run was cancelled by the API."
    """
    value = dumps(cancelled(reason))
    return Job(f"{run_id}-cancel", run_id, JobKind.CANCEL, None, now, value=value)
