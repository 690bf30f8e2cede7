"""The encryption example: nothing of a run's data is readable on the way, everything is inside."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import inngest_asgi as inngest
from examples.encryption import MARK, Encryption, encrypted_with
from inngest_asgi.wire.codec import loads
from tests.middleware.behaviour.hooks import COLOURS, Served, served
from tests.routes.asking import Api, dev_client
from tests.runtime.running import document_of

SECRET = "s3cret"


class Base85:
    """No cipher at all, but nothing can be read in it by accident."""

    def encrypt(self, data: bytes) -> bytes:
        return base64.b85encode(data)

    def decrypt(self, token: bytes) -> bytes:
        return base64.b85decode(token)


MIDDLEWARE = encrypted_with(Base85(), clear=["user_id"])
CIPHER = Encryption(None, None, Base85(), ["user_id"])


async def pay(ctx: Any) -> Any:
    """Use every kind of step that carries data, and check that all of it can be read here."""
    assert ctx.event.data == {"user_id": 1, "card": SECRET}
    charged = await ctx.step.run("charge", charge, {"card": SECRET, "more": [SECRET]})
    assert charged == {"card": SECRET, "by": SECRET}
    await ctx.step.send_event("tell", inngest.Event(name="shop/paid", data={"card": SECRET}))
    paid = await ctx.step.wait_for_event("wait", event="shop/shipped", timeout="1d")
    assert paid.data == {"user_id": 1, "card": SECRET, "more": {"card": SECRET}}
    total = await ctx.step.invoke_by_id("total", function_id="total", data={"card": SECRET})
    assert total == [SECRET]
    return {"card": SECRET}


async def charge(order: dict[str, Any]) -> Any:
    assert order == {"card": SECRET, "more": [SECRET]}
    return {"card": order["card"], "by": SECRET}


EVENT = {"user_id": 1, **CIPHER.hide({"card": SECRET})}
SHIPPED = {
    "name": "shop/shipped",
    "data": {"user_id": 1, **CIPHER.hide({"card": SECRET}), "more": CIPHER.hide({"card": SECRET})},
}


def run(app: Served, api: Api) -> list[bytes]:
    """Play the server for a whole run; return all that was sent and answered."""
    answers: dict[str, Any] = {"wait": SHIPPED, "total": {"data": CIPHER.hide([SECRET])}}
    memos: dict[str, Any] = {}
    seen: list[bytes] = []
    while True:
        reply = app.call(memos, data=EVENT)
        seen.append(reply.body)
        if reply.status == 200:
            return seen + [request.content for request in api.requests]
        assert reply.status == 206, reply.body
        (op,) = document_of(reply)
        memos[op["name"]] = answers.get(op["name"], {"data": op.get("data")})


@pytest.mark.parametrize("colour", COLOURS)
def test_nothing_can_be_read_on_the_way(colour: str) -> None:
    api = Api({"/e/NO_EVENT_KEY_SET": (200, {"ids": ["01J"]})})
    app = served(pay, colour, client=dev_client(api, middleware=[MIDDLEWARE]))
    seen = run(app, api)
    assert len(seen) == 6
    assert not [text for text in seen if SECRET.encode() in text]
    assert CIPHER.reveal(loads(seen[-2])) == {"card": SECRET}
    assert [MARK.encode() in text for text in seen].count(True) == 5


def test_what_was_encrypted_already_is_not_encrypted_twice() -> None:
    assert CIPHER.hide_data(EVENT) is EVENT


def test_data_that_is_none_stays_so() -> None:
    assert CIPHER.hide_data(None) is None


def test_arguments_that_the_server_gives_back_are_decrypted() -> None:
    app = served(pay, client=dev_client(middleware=[MIDDLEWARE]))
    recorded = {"input": [CIPHER.hide({"card": SECRET, "more": [SECRET]})]}
    (op,) = document_of(app.call({"charge": recorded}, data=EVENT))
    assert CIPHER.reveal(op["data"]) == {"card": SECRET, "by": SECRET}
