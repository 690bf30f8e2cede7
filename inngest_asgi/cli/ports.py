"""Chooses the gateway's port where nobody did; it opens nothing for good."""

from __future__ import annotations

import socket


def gateway_port(asked: int | None, *, port: int, app_port: int, host: str) -> int:
    """Return the port for workers.

    Args:
        asked: what the command was told; it is taken as it is.
        port: the server's own. The gateway's is the next one if that is free, so that workers find
            it again after a restart; where that is not to be had, or this one is 0, any will do,
            because workers are told.
        app_port: the application's, which is not to be taken.
        host: the address to listen on.
    """
    if asked is not None:
        return asked
    beside = port + 1 if port else 0
    return beside if beside != app_port and _is_free(host, beside) else 0


def _is_free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError):
            return False
        return True
