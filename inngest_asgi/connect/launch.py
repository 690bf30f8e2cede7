"""Puts a worker together; imported when one starts, for it brings websockets and protobuf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inngest_asgi.connect.exchange import Exchange
from inngest_asgi.connect.identity import introduction
from inngest_asgi.connect.notes import Notes
from inngest_asgi.connect.opening import Opening
from inngest_asgi.connect.shell import Means, Shell

if TYPE_CHECKING:
    import asyncio

    from inngest_asgi.clock import Clock
    from inngest_asgi.connect.calls import Calls
    from inngest_asgi.connect.counters import Counters
    from inngest_asgi.connect.options import ConnectOptions
    from inngest_asgi.connect.watching import Board
    from inngest_asgi.runtime.execute import Runtime


def shell_of(
    runtimes: tuple[Runtime, ...],
    options: ConnectOptions,
    loop: asyncio.AbstractEventLoop,
    *,
    calls: Calls,
    board: Board,
    counters: Counters,
    clock: Clock,
    hosted: bool,
) -> Shell:
    """Return what lives on the worker's own loop.

    Args:
        runtimes: the applications; what they share is that of the first.
        options: how to connect.
        loop: the worker's own, which need not run yet.
        calls: the user's side.
        board: where everybody looks.
        counters: what is counted.
        clock: time and chance.
        hosted: whether a host's lifespan runs the worker: then refused keys do not end it, and
            others like it may run beside it.

    Raises:
        ConfigError: a variable is wrong.
    """
    client = runtimes[0].client
    exchange, notes = Exchange(client.settings), Notes(client.logger)
    means = Means(
        exchange=exchange,
        opening=Opening(exchange, options, client.settings, notes),
        shutdown_seconds=options.shutdown_seconds,
        calls=calls,
        board=board,
        counters=counters,
        notes=notes,
        clock=clock,
        gives_up=not hosted,
    )
    return Shell(loop, introduction(runtimes, options, clock, hosted=hosted), means)
