"""Event types as users write them: what must type-check, and what must not.

Nothing here runs. mypy reads it with the rest of the project: `assert_type` proves what is
inferred, and an ignored error that no longer occurs is an error itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

from pydantic import BaseModel
from typing_extensions import TypedDict

import inngest_asgi as inngest


class Signup(BaseModel):
    user_id: str


@dataclass
class Left:
    reason: str


class Renamed(TypedDict):
    name: str


signed_up = inngest.EventType("user/signed.up", Signup, version="1")
left = inngest.EventType("user/left", Left)
renamed = inngest.EventType("user/renamed", data=Renamed)
untyped = inngest.EventType("user/seen")
either: inngest.EventType[Signup | Left] = inngest.EventType("user/changed", Signup | Left)
client = inngest.Inngest("shop", schemas=[signed_up, left, untyped])

assert_type(signed_up, inngest.EventType[Signup])
assert_type(left, inngest.EventType[Left])
assert_type(renamed, inngest.EventType[Renamed])
assert_type(untyped, inngest.EventType[dict[str, Any]])

assert_type(signed_up(Signup(user_id="u1"), id="x", ts=5), inngest.Event[Signup])
assert_type(signed_up({"user_id": "u1"}).data, Signup)
assert_type(untyped().data, dict[str, Any])
assert_type(either(Left(reason="")).data, Signup | Left)
assert_type(inngest.Event(name="user/left", data=Left(reason="")).data, Left)
assert_type(inngest.Event(name="user/left").data, dict[str, Any])

signed_up(Left(reason=""))  # type: ignore[arg-type]
signed_up(Signup(user_id="u1"), "dedupe-1")  # type: ignore[call-arg]
inngest.EventType("user/left", Left, "1")  # type: ignore[call-overload]
inngest.EventType()  # type: ignore[call-overload]


@client.create_function(fn_id="welcome", trigger=signed_up)
async def welcome(ctx: inngest.Context[Signup]) -> str:
    assert_type(ctx.event, inngest.Event[Signup])
    assert_type(ctx.events, list[inngest.Event[Signup]])
    ctx.event.data.nothing  # type: ignore[attr-defined]  # noqa: B018
    return ctx.event.data.user_id


@client.create_function(
    fn_id="goodbye",
    trigger=[inngest.TriggerEvent(event=left, expression="event.data.reason != ''"), signed_up],
    cancel=inngest.Cancel(event=signed_up),
)
def goodbye(ctx: inngest.ContextSync[Left | Signup]) -> None:
    assert_type(ctx.event.data, Left | Signup)


async def send() -> list[str]:
    return await client.send([signed_up(Signup(user_id="u1")), left(Left(reason="")), untyped()])


@client.create_function(fn_id="alert", trigger=inngest.internal_events.function_failed)
async def alert(ctx: inngest.Context[inngest.internal_events.FunctionFailed]) -> str:
    assert_type(ctx.event.data.event.data, dict[str, Any])
    return ctx.event.data.error.message
