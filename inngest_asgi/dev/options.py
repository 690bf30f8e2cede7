"""What the embedded server is told when it is made; it never looks for settings by itself."""

from __future__ import annotations

from dataclasses import dataclass, field

MEMORY = ":memory:"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """How the embedded server works.

    Args:
        db: the file that holds everything, made when missing; ":memory:" keeps nothing.
        app_urls: serve URLs to sync at the start and ever after.
        poll_interval: seconds between syncs of the known apps; 0 means none after the start.
        retry_interval: seconds between attempts, always; None means the backoff table.
        max_calls: how many calls to apps may be in progress at once.
        hold: call no function before `DevServer.release`, so that runs of an earlier server find
            their apps registered where they are now.
        signing_key: signs what is sent to apps; None means that nothing is signed.
    """

    db: str = MEMORY
    app_urls: tuple[str, ...] = ()
    poll_interval: float = 5.0
    retry_interval: float | None = None
    max_calls: int = 100
    hold: bool = False
    signing_key: str | None = field(default=None, repr=False)

    @property
    def persistent(self) -> bool:
        """Whether anything outlives the server."""
        return self.db != MEMORY
