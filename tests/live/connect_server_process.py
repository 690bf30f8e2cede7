"""Runs an embedded server with a gateway: `python connect_server_process.py DB PORT GATEWAY_PORT`.

It is `inngest-asgi dev`, but for its pace: heartbeats and leases are short, so that tests need not
wait for them. SIGTERM drains it, SIGKILL does not.
"""

from __future__ import annotations

import sys

from inngest_asgi.cli.dev import Plan, dev
from inngest_asgi.dev import DevOptions

HEARTBEAT = 0.3
EXTENSION = 1.0
"""Seconds between two extensions of a lease, which lasts four times as long."""


def main(db: str, port: str, gateway_port: str) -> None:
    options = DevOptions(
        db=db,
        poll_interval=0,
        retry_interval=0.2,
        gateway_port=int(gateway_port),
        heartbeat_interval=HEARTBEAT,
        extend_lease_interval=EXTENSION,
    )
    dev(Plan(options=options, host="127.0.0.1", port=int(port), json=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
