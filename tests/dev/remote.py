"""Functions whose steps have the server ask somebody else, and what that comes to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev import RunStatus
from inngest_asgi.wire.codec import loads
from tests.dev.fakes import Asked, Call, FakeApp, Reply, op, ops, output, sha1, world

if TYPE_CHECKING:
    from collections.abc import Callable

A = sha1("a")
AI = "https://ai.test/v1/chat"
SECRET = "sk-0123456789"
MB = 1024 * 1024


def fetch(**opts: Any) -> dict[str, Any]:
    return op("Gateway", "a", opts={"url": "http://api.test/items", **opts})


def infer(**opts: Any) -> dict[str, Any]:
    given = {"url": AI, "auth_key": SECRET, "format": "openai-chat", "body": {"model": "m"}}
    return op("AIGateway", "a", opts=given | opts)


def asking(*items: dict[str, Any], retries: int = 0) -> FakeApp:
    """An app whose function has the server do `items`, then returns the first one's memo."""
    return FakeApp().add("one", lambda call: next_reply(call, items), retries=retries)


def next_reply(call: Call, items: tuple[dict[str, Any], ...]) -> Reply:
    left = [item for item in items if item["id"] not in call.steps]
    return ops(*left) if left else output(call.steps[items[0]["id"]])


def memo(app: FakeApp, answer: Callable[[Asked], Any]) -> Any:
    """See a run through whose steps are answered so; return what its function was given."""

    async def main() -> Any:
        app.others = answer
        async with world(app) as here:
            run = await here.run_one()
            assert run.status is RunStatus.COMPLETED
            return loads(run.output or b"")

    return asyncio.run(main())


def sent(item: dict[str, Any]) -> Asked:
    app = asking(item)
    memo(app, lambda asked: Reply(200, {}, sdk=False))
    (asked,) = app.asked
    return asked


def error_of(item: dict[str, Any], answer: Callable[[Asked], Any], **more: Any) -> dict[str, Any]:
    error: dict[str, Any] = memo(asking(item, **more), answer)["error"]
    return error
