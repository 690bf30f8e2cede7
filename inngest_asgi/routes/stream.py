"""Answers that begin before they are known (http.md 11.4), and calls that end with their caller."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from inngest_asgi.errors import RequestError
from inngest_asgi.routes.messages import Request, Response
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import Send

    from inngest_asgi.clock import Clock

T = TypeVar("T")

KEEP_ALIVE_SECONDS = 3.0
"""How long the line is silent at most; proxies hang up after some ten seconds."""

_BEGUN = 201


class Streamed(Response):
    """A 201 sent at once, spaces while its work runs, then an envelope with the real response.

    A signature needs the whole body, and stands before it: so this response is not signed, but
    the one in the envelope is, over its own body, in the headers that servers merge.

    Args:
        work: becomes the response in the envelope; it starts now, and goes on to its end even
            when nobody listens any more.
        clock: for the pauses between spaces.
    """

    __slots__ = ("_clock", "_work")

    is_whole: ClassVar[bool] = False

    def __init__(self, work: Coroutine[Any, Any, Response], clock: Clock) -> None:
        super().__init__(_BEGUN, b"")
        self._work = asyncio.ensure_future(work)
        self._clock = clock

    async def send(self, send: Send) -> None:
        """Send it, as far as somebody listens; cancelled, its work is cancelled, too."""
        try:
            with suppress(OSError):  # what servers raise once the client is gone (ASGI 2.4)
                await self._write(send)
            await self._work
        finally:
            await _stop(self._work)

    async def _write(self, send: Send) -> None:
        await send(self._start())
        while not self._work.done():
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await self._wait()
        await send({"type": "http.response.body", "body": _envelope(self._work.result())})

    async def _wait(self) -> None:
        pause = asyncio.ensure_future(self._clock.sleep(KEEP_ALIVE_SECONDS))
        try:
            await asyncio.wait([self._work, pause], return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end, or cancel it when the client of its request goes away.

    What runs in a thread cannot be cancelled; then its result is dropped.

    Raises:
        RequestError: the client went away; nobody will read it.
    """
    running = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.disconnected())
    try:
        await asyncio.wait([running, gone], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            raise RequestError(
                "The client went away, and what it asked for was cancelled.",
                code=ErrorCode.CLIENT_GONE,
                status=499,
            )
        return running.result()
    finally:
        await _stop(gone)
        await _stop(running)


def _envelope(response: Response) -> bytes:
    """Write a response as servers read it from a stream; its body is text, whatever it holds.

    As JSON inside of JSON it could be mistaken: servers unwrap a string that holds JSON.
    """
    document = {
        "status": response.status,
        "headers": response.all_headers,
        "body": response.body.decode(),
    }
    return dumps(document)


async def _stop(task: asyncio.Future[Any]) -> None:
    """Cancel a task and let it clean up; one that has ended is left as it is."""
    if not task.done():
        task.cancel()
        await asyncio.wait([task])
