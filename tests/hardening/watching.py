"""The application that is flooded, and the eye that is kept on what it answers and logs."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import BaseModel

import inngest_asgi as inngest
from inngest_asgi.testing import ManualClock
from tests.routes.asking import (
    EVENT_KEY,
    FALLBACK,
    KEY,
    NOW,
    SECRETS,
    Answer,
    ask,
    cloud_client,
    dev_client,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hardening.malformed import Sent

STATUSES = frozenset({200, 206, 400, 401, 403, 404, 405, 413, 500})
CODES_OF_500 = frozenset({"function_not_found", "step_unexpected", "registration_failed"})
"""Why a 500 may be answered to a server that asks for what is not there, or refuses us."""

API_FAILED = "internal_server_error"
UNEXPECTED = "Something unexpected went wrong"
TRACEBACK = "Traceback (most recent call last)"
_PATIENCE = 60


class HastyClock(ManualClock):
    """A clock that stands still, where every sleep ends after some turns of the loop."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(_PATIENCE):
            await asyncio.sleep(0)


class Order(BaseModel):
    """The data of the event that one function takes."""

    order: int


class Payment(BaseModel):
    """What one step gives."""

    id: str


ORDERED = inngest.EventType("shop/ordered", Order)
OF_ANY_KIND = inngest.TriggerEvent(event="shop/ordered")


class Curious(inngest.Middleware):
    """Looks at everything it is shown, in hooks of both colours, and changes nothing."""

    seen = ""

    async def transform_input(self, ctx: Any, function: Any, steps: inngest.StepMemos) -> None:
        self.seen = repr([(one.data, one.error) for one in steps.values()])

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        self.seen = repr((result.output, result.error, result.step))

    async def wrap_step(self, call: Any, call_next: Any) -> Any:
        return await call_next(call)

    def on_step_error(self, record: Any) -> None:
        self.seen = repr(record)


def flooded(*, production: bool, streaming: bool = False) -> inngest.InngestApp:
    """Return an application whose functions use every step, and let nothing pass that is theirs.

    Args:
        production: whether it runs in cloud mode.
        streaming: whether calls are answered by streams; then middleware looks on, too.
    """
    http = httpx.AsyncClient(transport=httpx.MockTransport(_api))
    keys: dict[str, Any] = {
        "signing_key": KEY,
        "signing_key_fallback": FALLBACK,
        "event_key": EVENT_KEY,
    }
    make = cloud_client if production else dev_client
    client = make(**keys, http_client=http, middleware=[Curious] if streaming else None)
    _declare(client)
    return inngest.serve(client, clock=HastyClock(NOW), streaming=streaming)


async def asked_by(sent: Sent, app: inngest.InngestApp) -> Answer:
    """Make a request; of a streamed answer, return the one in its envelope (http.md 11.4)."""
    answer = await ask(
        app, sent.method, sent.path, query=sent.query, body=sent.body, headers=sent.headers
    )
    if answer.status != 201:
        return answer
    envelope = json.loads(answer.body)
    headers = answer.headers | envelope["headers"]
    return Answer(envelope["status"], headers, envelope["body"].encode())


def problems(answer: Answer, sent: Sent, *, production: bool) -> list[str]:
    """Return what is wrong with an answer."""
    found = list(_problems_of_any(answer))
    if production and not sent.trusted:
        found += _problems_of_a_strangers(answer)
    return found


@contextmanager
def watched_logs() -> Iterator[list[str]]:
    """Collect what is wrong with what is logged by anything: tracebacks, keys."""
    found: list[str] = []
    handler = _Complaints(found)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield found
    finally:
        root.removeHandler(handler)


def secrets_in(text: str) -> list[str]:
    """Return a complaint for every key a text holds."""
    return [f"a key is shown: {text[:300]!r}" for one in SECRETS if one in text]


class _Complaints(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.exc_info or TRACEBACK in text:
            self._found.append(f"a traceback is logged: {text}")
        self._found.extend(secrets_in(text))


def _problems_of_any(answer: Answer) -> Iterator[str]:
    text = answer.body.decode(errors="replace")
    yield from secrets_in(f"{answer.headers} {text}")
    if answer.status not in STATUSES:
        yield f"status {answer.status}: {text}"
    if TRACEBACK in text:
        yield f"a traceback is answered: {text}"
    if answer.status == 200 and not answer.body:
        return  # the trust probe (http.md 11.1)
    try:
        document = json.loads(answer.body)
    except ValueError:
        yield f"no JSON: {text!r}"
        return
    if answer.status >= 500:
        yield from _problems_of_500(document)
    elif answer.status >= 400 and not isinstance(document.get("code"), str):
        yield f"a refusal without a code: {text}"


def _problems_of_500(document: dict[str, Any]) -> Iterator[str]:
    code, message = document["code"], document["message"]
    if code not in CODES_OF_500 and (code != API_FAILED or message.startswith(UNEXPECTED)):
        yield f"an undocumented 500: {document}"


def _problems_of_a_strangers(answer: Answer) -> Iterator[str]:
    document = json.loads(answer.body or b"null")
    if answer.status == 206 or not answer.body or "x-inngest-signature" in answer.headers:
        yield f"a stranger was served: {answer}"
    if answer.status >= 400 and not document.keys() <= {"code", "message"}:
        yield f"a stranger was told too much: {answer}"
    if any(name.startswith("x-inngest-") for name in answer.headers.keys() - {_HANDLED}):
        yield f"a stranger was told who we are: {answer}"


_HANDLED = "x-inngest-sdk-handled"


def _api(request: httpx.Request) -> httpx.Response:
    """Answer as an Inngest API does; what it answers hangs on the length of what it is asked."""
    if request.url.path.endswith("/actions"):
        return httpx.Response(200, json={})
    if request.url.path.endswith("/batch"):
        return httpx.Response(200, json=[{"name": "shop/ordered", "data": {"order": 1}}])
    answers = [
        httpx.Response(200, json={"ok": True, "modified": True}),
        httpx.Response(400, json={"error": "no"}),
        httpx.Response(401, json={"error": "no"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(404),
    ]
    return answers[len(request.content) % len(answers)]


def _declare(client: inngest.Inngest) -> None:
    @client.create_function(fn_id="pay", trigger=OF_ANY_KIND, on_failure=_failed)
    async def pay(ctx: inngest.Context) -> Any:
        try:
            await ctx.step.run("a", lambda *_: "done")
            await asyncio.gather(*(ctx.step.run("b", lambda *_: 1) for _ in range(2)))
            await ctx.step.sleep("nap", "1h")
            event = await ctx.step.wait_for_event("event", event=ORDERED, timeout="1h")
            await ctx.step.wait_for_event("event", event="shop/ordered", timeout="1h")
            signal = await ctx.step.wait_for_signal("signal", signal="s", timeout="1h")
            await ctx.step.invoke_by_id("invoke", function_id="other")
            response = await ctx.step.fetch("fetch", "http://x/")
            await ctx.step.run("typed", lambda *_: Payment(id="7"), output_type=Payment)
        except (inngest.StepError, inngest.NonRetriableError) as error:
            return type(error).__name__
        return [event is None, signal is None, repr(response), repr(ctx.event.data)]

    @client.create_function(fn_id="bill", trigger=OF_ANY_KIND)
    def bill(ctx: inngest.ContextSync) -> Any:
        try:
            ctx.step.run("a", lambda *_: "done")
            ctx.group.parallel([lambda: ctx.step.run("b", lambda *_: 1)] * 2)
            ctx.step.sleep("nap", "1h")
            event = ctx.step.wait_for_event("event", event=ORDERED, timeout="1h")
            return [repr(event), repr(ctx.events)]
        except (inngest.StepError, inngest.NonRetriableError) as error:
            return type(error).__name__

    @client.create_function(fn_id="typed", trigger=ORDERED)
    async def typed(ctx: inngest.Context[Order]) -> str:
        return repr(ctx.event.data)


async def _failed(ctx: inngest.Context) -> str:
    return repr(ctx.error)
