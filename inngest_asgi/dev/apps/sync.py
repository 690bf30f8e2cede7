"""Asks apps to register, at the start and ever after (http.md 7.1), and says why one did not."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.answers import Answer, NoAnswer, refused_by_keys
from inngest_asgi.dev.apps.registration import refused
from inngest_asgi.dev.calls import ping_request
from inngest_asgi.dev.patience import within
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from collections.abc import Callable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registry import Registry
    from inngest_asgi.dev.commits import Commits
    from inngest_asgi.dev.options import DevOptions
    from inngest_asgi.dev.outbound import Outbound

PATIENCE = 10.0
"""Seconds an app has to answer."""

_SHOWN = 300

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What came of asking an app to register.

    `error` is None when it did; else a sentence for its developer. `functions` counts those the
    server now knows of it.
    """

    url: str
    app_name: str
    functions: int
    error: str | None

    @property
    def ok(self) -> bool:
        """Whether the app is registered."""
        return self.error is None


@dataclass(slots=True)
class Sync:
    """Keeps apps registered."""

    clock: Clock
    outbound: Outbound
    registry: Registry
    commits: Commits
    options: DevOptions

    async def sync(self, url: str, *, quiet: bool = False) -> SyncResult:
        """Ask the app at `url` to register.

        Args:
            url: where it serves Inngest.
            quiet: the caller tells what went wrong, so it is not logged.

        Raises:
            RequestError: it is not a URL, or one of an app that connects.
        """
        if url.startswith(("ws://", "wss://")):
            raise refused("Apps that connect register by themselves; start one of their workers.")
        app, before = await self.registry.add_url(url, self.commits), self.registry.latest
        self.registry.take_refusal(app.url)
        error = _error(app.url, await self._ping(app.url))
        refusal = self.registry.take_refusal(app.url)
        if error is None and refusal is not None:  # some SDKs answer 200 all the same
            error = f"The app at {app.url} was refused: {refusal}"
        current = self.registry.app_at(app.url) or app
        if error is None and not current.checksum:
            latest = self.registry.latest
            if latest is not None and latest is not before:
                await self.registry.remove(app.url, self.commits)
                current = latest  # it calls itself by another URL than we did
            else:
                error = f"The app at {app.url} answered, but did not register its functions here."
        if error is not None and error != current.error:
            if not quiet:
                _log.warning("%s", error)
            await self.registry.note_error(current, error, self.commits)
        count = sum(one.app_id == current.id for one in self.registry.functions)
        return SyncResult(current.url, current.name, count, error)

    async def keep_syncing(self, seconds: float, after_each: Callable[[], None]) -> None:
        """Sync all known apps for ever, with pauses of `seconds`; workers come by themselves."""
        while True:
            await self.clock.sleep(seconds)
            urls = [app.url for app in self.registry.apps if app.url.startswith("http")]
            await asyncio.gather(*map(self.sync, urls))
            after_each()

    async def _ping(self, url: str) -> Answer | NoAnswer:
        request = ping_request(url, now=self.clock.time(), options=self.options)
        answer = await within(self.clock, PATIENCE, self.outbound.send(request))
        if answer is not None:
            return answer
        message = f"The app at {url} did not answer within {PATIENCE:.0f} seconds."
        return NoAnswer("http_unreachable", message)


def _error(url: str, answer: Answer | NoAnswer) -> str | None:
    """Say in words why an app did not register; None when it says it did."""
    if isinstance(answer, NoAnswer):
        return answer.message
    refusal = refused_by_keys(answer, url)
    if refusal is not None:
        return refusal
    if Header.SDK not in answer.headers:
        return (
            f"{url} answered with status {answer.status}, but not as an Inngest app: "
            "the X-Inngest-SDK header is missing. Check the path of the URL."
        )
    if not 200 <= answer.status < 300:
        said = _message(answer.body) or "it gave no reason"
        return f"The app at {url} could not register (status {answer.status}): {said}"
    return None


def _message(body: bytes) -> str:
    try:
        document: Any = loads(body)
    except CodecError:
        return ""
    fields = document if isinstance(document, dict) else {}
    text = fields.get("message") or fields.get("error") or ""
    return text[:_SHOWN] if isinstance(text, str) else ""
