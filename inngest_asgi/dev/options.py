"""What the embedded server is told when it is made; it never looks for settings by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from inngest_asgi.crypto.keys import bearer_token
from inngest_asgi.errors import ConfigError
from inngest_asgi.wire.durations import Duration, to_timedelta
from inngest_asgi.wire.names import ServerKind

MEMORY = ":memory:"

_LAST_PORT = 65_535


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
        kind: what the server says it is. A "cloud" one needs keys, and apps in cloud mode.
        signing_key: signs what is sent to apps, and whoever asks the API must have it (as SDKs
            do); None means that nothing is signed or checked.
        event_keys: those that may send events; without any, every key may.
        keep: for how long runs are kept after their end, and events that no run needs any more: a
            duration; None means for ever. Runs that have not ended are always kept.
        gateway_port: where workers connect (connect.md); 0 takes any free port, None means that
            none can.
        gateway_host: the address to listen on there; this machine's own by default.
        heartbeat_interval: seconds between two heartbeats of a worker.
        extend_lease_interval: seconds in which a worker must tell that it still works on a call;
            after four times as long the call is taken for lost.
        hosts: names under which browsers reach a server without a signing key, besides localhost,
            addresses and names of this network: to all others it is not at home.

    Raises:
        ConfigError: there is no such kind, the signing key is none, a cloud server lacks keys,
            `keep` is no duration, the gateway's port is none, or an interval is not positive.
    """

    db: str = MEMORY
    app_urls: tuple[str, ...] = ()
    poll_interval: float = 5.0
    retry_interval: float | None = None
    max_calls: int = 100
    hold: bool = False
    kind: Literal["dev", "cloud"] = ServerKind.DEV.value
    signing_key: str | None = field(default=None, repr=False)
    event_keys: tuple[str, ...] = field(default=(), repr=False)
    keep: Duration | None = "7d"
    hosts: tuple[str, ...] = ()
    gateway_port: int | None = None
    gateway_host: str = "127.0.0.1"
    heartbeat_interval: float = 10.0
    extend_lease_interval: float = 30.0

    def __post_init__(self) -> None:
        if self.kind not in tuple(ServerKind):
            raise ConfigError(f"kind is {self.kind!r}; pass 'dev' or 'cloud'.")
        if not self.db:
            raise ConfigError(f"db is empty; name a file, or pass {MEMORY!r} to keep nothing.")
        if self.keep is not None:
            to_timedelta(self.keep, field="keep")
        if self.signing_key is not None:
            bearer_token(self.signing_key)
        _check_gateway(self.gateway_port, self.heartbeat_interval, self.extend_lease_interval)
        if "" in self.event_keys:
            raise ConfigError("event_keys has an empty key; leave it out.")
        if self.is_cloud and not (self.signing_key and self.event_keys):
            raise ConfigError(
                "A cloud server needs a signing_key and event_keys; pass both, or leave kind out."
            )

    @property
    def is_cloud(self) -> bool:
        """Whether apps meet the rules of production here: keys, and signatures on all calls."""
        return self.kind == ServerKind.CLOUD.value

    @property
    def keep_seconds(self) -> float | None:
        """For how long things are kept, in seconds; None means for ever."""
        if self.keep is None:
            return None
        return to_timedelta(self.keep, field="keep").total_seconds()

    @property
    def persistent(self) -> bool:
        """Whether anything outlives the server."""
        return self.db != MEMORY


def _check_gateway(port: int | None, *intervals: float) -> None:
    if port is not None and not 0 <= port <= _LAST_PORT:
        raise ConfigError(
            f"gateway_port is {port}; ports go from 0 (any free one) to {_LAST_PORT}."
        )
    if min(intervals) <= 0:
        raise ConfigError("heartbeat_interval and extend_lease_interval must be positive seconds.")
