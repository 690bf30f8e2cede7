"""Durable functions inside a FastAPI application: a sign-up answers at once and goes on for days.

inngest-asgi run examples.fastapi_app:app
curl localhost:8000/signups --json '{"email": "ann@example.com", "plan": "team"}'
"""

from __future__ import annotations

from typing import Literal

from fastapi import FastAPI
from pydantic import BaseModel

import inngest_asgi as inngest

client = inngest.Inngest(app_id="signups")


class Signup(BaseModel):
    """Who signs up for what."""

    email: str
    plan: Literal["free", "team"]


@client.create_function(
    fn_id="onboard", trigger=inngest.TriggerEvent(event="signups/signed.up"), retries=3
)
async def onboard(ctx: inngest.Context) -> list[str]:
    """Open the account, then write to its owner: once now, once a little later."""
    signup = Signup.model_validate(ctx.event.data)
    account = await ctx.step.run("open the account", open_account, signup)
    welcome = await ctx.step.run("say welcome", write, signup.email, f"Welcome, {account}!")
    await ctx.step.sleep("let them look around", "2s")  # "3d" when it is no example
    question = await ctx.step.run("ask", write, signup.email, "How do you like it?")
    return [welcome, question]


async def open_account(signup: Signup) -> str:
    """Open an account and return its name."""
    return f"{signup.email.partition('@')[0]}-{signup.plan}"


def write(email: str, text: str) -> str:
    """Write a mail; blocking code like this runs in a thread."""
    return f"{email}: {text}"


app = FastAPI()
inngest.attach(app, inngest.serve(client))


@app.post("/signups", status_code=202)
async def sign_up(signup: Signup) -> dict[str, list[str]]:
    """Answer at once; the function does the work."""
    event = inngest.Event(name="signups/signed.up", data=signup.model_dump())
    return {"events": await client.send(event)}
