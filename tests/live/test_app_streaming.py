"""Streams over real sockets: the first byte at once, spaces, envelopes, callers who hang up."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Mount

import inngest_asgi as inngest
from inngest_asgi.cli.serving import listening, origin_of, served
from inngest_asgi.clock import SystemClock
from inngest_asgi.dev import DevOptions, DevServer, RunStatus
from tests.live.servers import serving, wait_until
from tests.routes.asking import KEY, ORDERED, app_of, body_of, call, dev_client
from tests.runtime.running import COLOURS, Colour

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

pytestmark = pytest.mark.live

BODY = body_of(call())
PATH = "/api/inngest/?fnId=shop-pay&stepId=step"

each_colour = pytest.mark.parametrize("colour", COLOURS, ids=lambda one: one.name)


class QuickClock(SystemClock):
    """A clock on which waiting takes a hundredth of the time."""

    __slots__ = ()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 100)


def direct(app: inngest.InngestApp) -> ASGIApp:
    return app


def attached(app: inngest.InngestApp) -> ASGIApp:
    host = FastAPI()
    inngest.attach(host, app)
    return host


def behind_middleware(app: inngest.InngestApp) -> ASGIApp:
    async def passed_on(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return response

    return Starlette(
        routes=[Mount("/api/inngest", app=app)],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=passed_on)],
    )


each_way = pytest.mark.parametrize("way", [direct, attached, behind_middleware])


@dataclass
class Work:
    """A function that waits until it is let through, and says how it ended."""

    client: inngest.Inngest = field(default_factory=dev_client)
    began: threading.Event = field(default_factory=threading.Event)
    through: threading.Event = field(default_factory=threading.Event)
    ended: list[str] = field(default_factory=list)

    def declare(self, colour: Colour) -> Work:
        create = self.client.create_function(fn_id="pay", trigger=ORDERED)
        if colour.name == "async":

            @create
            async def pay(ctx: inngest.Context) -> str:
                self.began.set()
                try:
                    await asyncio.to_thread(self.through.wait, 10)
                except asyncio.CancelledError:
                    self.ended.append("cancelled")
                    raise
                self.ended.append("done")
                return "done"
        else:

            @create
            def pay_sync(ctx: inngest.ContextSync) -> str:
                self.began.set()
                assert self.through.wait(10)
                self.ended.append("done")
                return "done"

        return self


@contextmanager
def streaming(
    work: Work, way: Any = direct, *, parser: str = "auto", **options: Any
) -> Iterator[str]:
    """Serve the work's function in streams, with a space every 30 ms; gives the URL to call."""
    given = {"streaming": True, "clock": QuickClock()} | options
    with serving(way(app_of(work.client, **given)), http=parser, lifespan="auto") as url:
        try:
            yield url + PATH
        finally:
            work.through.set()


@contextmanager
def called(url: str) -> Iterator[tuple[httpx.Response, Iterator[bytes]]]:
    with httpx.stream("POST", url, content=BODY, timeout=10) as answer:
        yield answer, answer.iter_raw()


def envelope(chunks: Iterator[bytes]) -> Any:
    return json.loads(b"".join(chunks).strip())


@each_way
@each_colour
def test_the_answer_begins_at_once_and_goes_on(colour: Colour, way: Any) -> None:
    work = Work().declare(colour)
    with streaming(work, way) as url, called(url) as (answer, chunks):
        assert answer.status_code == 201
        assert [next(chunks).strip() for _ in range(3)] == [b"", b"", b""]
        assert work.ended == []
        work.through.set()
        assert envelope(chunks)["body"] == '"done"'


@pytest.mark.parametrize("parser", ["h11", "httptools"])
def test_every_parser_sends_it_chunked(parser: str) -> None:
    work = Work().declare(COLOURS[0])
    with streaming(work, parser=parser) as url, called(url) as (answer, chunks):
        assert answer.headers["transfer-encoding"] == "chunked"
        assert next(chunks) == b" "
        work.through.set()
        assert envelope(chunks)["status"] == 200


def test_a_connection_serves_the_next_call() -> None:
    work = Work().declare(COLOURS[0])
    work.through.set()
    with streaming(work) as url, httpx.Client() as client:
        statuses = [client.post(url, content=BODY).status_code for _ in range(5)]
    assert statuses == [201] * 5


@each_way
@each_colour
def test_a_caller_who_hangs_up_does_not_end_the_work(
    colour: Colour, way: Any, caplog: pytest.LogCaptureFixture
) -> None:
    work = Work().declare(colour)
    with streaming(work, way) as url:
        with called(url) as (_, chunks):
            next(chunks)
            assert work.began.wait(10)
        threading.Event().wait(0.2)  # some spaces that nobody reads
        assert work.ended == []
        work.through.set()
        wait_until(lambda: work.ended == ["done"])
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


@each_way
@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "plain"])
def test_a_caller_who_hangs_up_ends_the_work_if_that_is_wanted(
    streams: bool,  # noqa: FBT001
    way: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    work = Work().declare(COLOURS[0])
    with streaming(work, way, cancel_on_disconnect=True, streaming=streams) as url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, content=BODY, timeout=0.02 if streams else 0.5)
        assert work.began.wait(10)
        wait_until(lambda: work.ended == ["cancelled"])
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []


# With the embedded server at the other end.


class Diary:
    """The functions of an application that a real server drives, in both colours."""

    def __init__(self, server_url: str, **options: Any) -> None:
        self.client = inngest.Inngest("shop", api_base_url=server_url, **options)
        self.tried = {"async": 0, "blocking": 0}

        @self.client.create_function(fn_id="async", trigger=ORDERED)
        async def pay(ctx: inngest.Context) -> list[str]:
            steps = [ctx.step.run(name, str, name) for name in "ab"]
            return [*await asyncio.gather(*steps), await ctx.step.run("try", self._try, "async")]

        @self.client.create_function(fn_id="blocking", trigger=ORDERED)
        def pay_sync(ctx: inngest.ContextSync) -> list[str]:
            first = ctx.step.run("a", str, "a")
            return [first, "b", ctx.step.run("try", self._try, "blocking")]

    def _try(self, name: str) -> str:
        self.tried[name] += 1
        threading.Event().wait(0.1)  # long enough for spaces
        if self.tried[name] == 1:
            raise inngest.RetryAfterError("once more", 1000)
        return "c"


async def runs_of(server: DevServer, key: str | None) -> list[tuple[RunStatus, bytes | None]]:
    """Serve both ends, start the application's functions, and see their runs through."""
    with listening(0, option="", what="the server") as socket, ExitStack() as stack:
        async with served(server.app, socket):
            diary = Diary(origin_of(socket), is_production=False, signing_key=key)
            app = app_of(diary.client, streaming=True, clock=QuickClock())
            url = await asyncio.to_thread(stack.enter_context, serving(app))
            synced = await server.sync(f"{url}/api/inngest")
            assert synced.ok, synced.error
            event_id = await server.send({"name": "shop/ordered"})
            async with asyncio.timeout(20):
                async for _ in server.watch(event_id=event_id):
                    pass
            await asyncio.to_thread(stack.close)
            return [(run.status, run.output) for run in await server.runs_of(event_id)]


@pytest.mark.parametrize("key", [None, KEY], ids=["unsigned", "signed"])
def test_the_embedded_server_reads_streams(key: str | None) -> None:
    async def main() -> list[tuple[RunStatus, bytes | None]]:
        async with DevServer(DevOptions(poll_interval=0, signing_key=key)) as server:
            return await runs_of(server, key)

    done = (RunStatus.COMPLETED, b'["a","b","c"]')
    assert asyncio.run(main()) == [done, done]
