"""What the routes ask of a started server; a shape only, so that no route imports the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.annotations import Annotations
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.apps.sync import SyncResult
    from inngest_asgi.dev.cancellations import Cancellations
    from inngest_asgi.dev.checkpoints import Checkpoints
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.gateway.gateway import Gateway
    from inngest_asgi.dev.ingest import Ingest
    from inngest_asgi.dev.invokes import Invokes
    from inngest_asgi.dev.limits import Limits
    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.pauses import Pauses
    from inngest_asgi.dev.reruns import Reruns
    from inngest_asgi.dev.runs import Runs
    from inngest_asgi.dev.store.notes import Notes
    from inngest_asgi.dev.store.queries import Queries
    from inngest_asgi.dev.store.store import Store
    from inngest_asgi.dev.watch import Feed


class Served(Protocol):
    """The parts of a started server that the routes ask."""

    options: DevOptions
    clock: Clock
    store: Store
    queries: Queries
    notes: Notes
    annotations: Annotations
    registry: Registry
    runs: Runs
    feed: Feed
    commits: Commits
    ingest: Ingest
    pauses: Pauses
    invokes: Invokes
    reruns: Reruns
    checkpoints: Checkpoints
    limits: Limits
    cancellations: Cancellations
    gateway: Gateway

    @property
    def calls_in_progress(self) -> int:
        """How many calls of apps are not answered yet."""

    async def sync(self, url: str) -> SyncResult:
        """Ask the app at `url` to register, and keep asking."""
        ...
