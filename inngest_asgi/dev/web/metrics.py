"""What the server measures of itself, as text for Prometheus; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from inngest_asgi.dev.records import JobKind, RunStatus


def metrics_text(
    runs: Mapping[RunStatus, int], jobs: Mapping[JobKind, int], calls_in_progress: int
) -> str:
    """Return the metrics.

    Args:
        runs: how many there are, by status.
        jobs: how many are in the queue, waiting ones included, by kind.
        calls_in_progress: how many calls of apps have not been answered yet.
    """
    by_status = {status.label.lower(): runs[status] for status in sorted(runs)}
    by_kind = {kind.value: jobs[kind] for kind in sorted(jobs)}
    lines = [
        *_gauge("inngest_dev_runs", "Runs, by status.", "status", by_status),
        *_gauge("inngest_dev_queue_jobs", "Jobs in the queue, by kind.", "kind", by_kind),
        *_heading("inngest_dev_calls_in_progress", "Calls of apps that are not answered yet."),
        f"inngest_dev_calls_in_progress {calls_in_progress}",
    ]
    return "\n".join([*lines, ""])


def _gauge(name: str, about: str, label: str, values: Mapping[str, int]) -> Iterator[str]:
    yield from _heading(name, about)
    for value, count in values.items():
        yield f'{name}{{{label}="{value}"}} {count}'


def _heading(name: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} gauge"
