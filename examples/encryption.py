"""Middleware that encrypts what functions receive, record and send, wherever it travels.

    client = inngest.Inngest("shop", middleware=[encrypted_with(Fernet(key))])

What stays readable: event names, step ids, the messages of errors, the fields named in `clear`
(which expressions can then use), and what the server itself must read, such as `step.fetch`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, Protocol

import inngest_asgi as inngest
from inngest_asgi.middleware import CallNext, StepCall

MARK = "__encrypted__"


class Cipher(Protocol):
    """What does the work: `cryptography.fernet.Fernet`, or anything with these two methods."""

    def encrypt(self, data: bytes) -> bytes: ...

    def decrypt(self, token: bytes) -> bytes: ...


def encrypted_with(
    cipher: Cipher, *, clear: Collection[str] = ()
) -> Callable[[Any, object], inngest.Middleware]:
    """Return what makes the middleware.

    Args:
        cipher: encrypts and decrypts. To change keys, give one that decrypts with either.
        clear: fields of event data that stay readable.
    """

    def make(client: Any, raw_request: object) -> inngest.Middleware:
        return Encryption(client, raw_request, cipher, clear)

    return make


class Encryption(inngest.Middleware):
    def __init__(
        self, client: Any, raw_request: object, cipher: Cipher, clear: Collection[str]
    ) -> None:
        super().__init__(client, raw_request)
        self.cipher = cipher
        self.clear = clear

    # What comes in: events, results of steps, waits and invokes.

    def transform_input(
        self,
        ctx: inngest.Context[Any] | inngest.ContextSync[Any],
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None:
        for event in (ctx.event, *ctx.events):
            event.data = self.reveal(event.data)
        for memo in steps.values():
            memo.data = self.reveal(memo.data)

    # What goes out: results of steps and functions, recorded arguments, payloads, events.

    def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if result.has_output():
            result.output = self.hide(result.output)

    async def wrap_step(self, call: StepCall, call_next: CallNext) -> Any:
        opts = call.step.opts
        if "input" in opts:
            opts["input"] = [self.hide(one) for one in opts["input"]]
        if isinstance(opts.get("payload"), dict) and "data" in opts["payload"]:
            opts["payload"] = opts["payload"] | {"data": self.hide_data(opts["payload"]["data"])}
        return await call_next(call)

    async def wrap_step_handler(self, call: StepCall, call_next: CallNext) -> Any:
        # A run that is repeated from the dashboard brings back the arguments that were recorded.
        call.args = [self.reveal(one) for one in call.args]
        return await call_next(call)

    def before_send_events(self, events: list[inngest.Event[Any]]) -> None:
        for event in events:
            event.data = self.hide_data(event.to_dict().get("data"))

    def hide(self, value: Any) -> dict[str, str]:
        """Return a JSON value encrypted, as a JSON object."""
        return {MARK: self.cipher.encrypt(json.dumps(value).encode()).decode()}

    def hide_data(self, data: Any) -> Any:
        """Return event data encrypted, but for the fields that stay readable."""
        if not isinstance(data, dict) or MARK in data:
            return data
        kept = {name: value for name, value in data.items() if name in self.clear}
        return kept | self.hide({name: data[name] for name in data if name not in kept})

    def reveal(self, value: Any) -> Any:
        """Return a JSON value with all that is encrypted in it decrypted, however deep."""
        if isinstance(value, list):
            return [self.reveal(one) for one in value]
        if not isinstance(value, dict):
            return value
        if isinstance(value.get(MARK), str):
            hidden = json.loads(self.cipher.decrypt(value[MARK].encode()))
            kept = {name: self.reveal(one) for name, one in value.items() if name != MARK}
            return kept | hidden if isinstance(hidden, dict) else hidden
        return {name: self.reveal(one) for name, one in value.items()}
