"""What the application asks of the Inngest API: to register it, for a run's state, and calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from inngest_asgi.client.messages import Outgoing, client_headers, remedy
from inngest_asgi.client.retries import with_retries
from inngest_asgi.errors import ApiError
from inngest_asgi.wire.calls import event_fault
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import Header, SyncKind
from inngest_asgi.wire.registration import read_registered

if TYPE_CHECKING:
    from inngest_asgi.client.connections import Connections
    from inngest_asgi.client.messages import Answer
    from inngest_asgi.clock import Clock
    from inngest_asgi.settings import Settings
    from inngest_asgi.wire.registration import Registered

_SERVER_TEXT = 300
_KEY_REFUSED = ", so it does not take the signing key; check INNGEST_SIGNING_KEY"
_REASONS = {401: _KEY_REFUSED, 403: _KEY_REFUSED}


@dataclass(frozen=True, slots=True)
class Api:
    """Calls to the Inngest API, authorised with the signing key, then with the fallback."""

    settings: Settings
    connections: Connections
    clock: Clock

    async def register(
        self, body: dict[str, Any], *, sync_id: str | None, server_kind: str | None
    ) -> Registered:
        """Register the application (http.md 7.1); one attempt, because the server asks again.

        Args:
            body: what `wire.registration.Registration.out_of_band` made.
            sync_id: the `deployId` of the request that asked for it.
            server_kind: what that request said its server is.

        Returns:
            What the server said; a refusal is in its `error`.

        Raises:
            ApiError: no answer came; the message says what to start or set.
            ConfigError: a signing key is not hexadecimal.
        """
        query = f"?deployId={quote(sync_id, safe='')}" if sync_id else ""
        headers = {
            "content-type": "application/json",
            Header.FRAMEWORK: body["framework"],
            Header.SYNC_KIND: SyncKind.OUT_OF_BAND,
        }
        if server_kind:
            headers[Header.EXPECTED_SERVER_KIND] = server_kind
        outgoing = self._outgoing("POST", f"/fn/register{query}", headers, dumps(body))
        try:
            answer = await self.connections.exchange(outgoing)
        except ApiError as error:
            raise ApiError(
                f"The application was not registered. {error} {remedy(self.settings)}"
            ) from error
        return read_registered(answer.status, answer.document())

    async def fetch_steps(self, run_id: str) -> dict[str, Any]:
        """Return the memos of a run whose state is too large for a call (http.md 11.2).

        Raises:
            ApiError: they could not be had.
        """
        steps = await self._fetch(run_id, "actions")
        if not isinstance(steps, dict):
            raise ApiError(f"The steps of run {run_id!r} came as {type(steps).__name__}.")
        return steps

    async def fetch_batch(self, run_id: str) -> list[dict[str, Any]]:
        """Return the events of a run whose state is too large for a call (http.md 11.2).

        Raises:
            ApiError: they could not be had.
        """
        events = await self._fetch(run_id, "batch")
        if not isinstance(events, list):
            raise ApiError(f"The events of run {run_id!r} did not come as a list.")
        fault = next(filter(None, (event_fault(one, "events[]") for one in events)), None)
        if fault is not None:
            raise ApiError(f"The events of run {run_id!r} did not come as events: {fault}.")
        return events

    async def ask(
        self, method: str, path: str, *, env: str | None = None, body: bytes = b""
    ) -> Answer:
        """Make one attempt at a call of the REST API (server-api.md 4), whatever its answer.

        Args:
            method: of HTTP.
            path: with what varies in it quoted.
            env: the branch environment, instead of the one configured.
            body: a JSON document; empty for none.

        Raises:
            ApiError: no answer came; the message says what to start or set.
            ConfigError: the URL, a key or the environment cannot be used.
        """
        headers = {"content-type": "application/json"} if body else {}
        try:
            return await self.connections.exchange(self._outgoing(method, path, headers, body, env))
        except ApiError as error:
            raise ApiError(f"{error} {remedy(self.settings)}") from error

    def refusal(self, answer: Answer, what: str) -> ApiError:
        """Return the error for an answer that is no success.

        Args:
            answer: the answer.
            what: what could not be done, to begin the message with: "Run 'x' was not cancelled".
        """
        document = answer.document()
        said = document.get("error") if isinstance(document, dict) else None
        reason = _REASONS.get(answer.status, "")
        text = _quoted(said) if isinstance(said, str) and said else ""
        origin = self.settings.api_origin
        return ApiError(f"{what}: {origin} answered {answer.status}{reason}{text}.", answer.status)

    async def _fetch(self, run_id: str, what: str) -> Any:
        outgoing = self._outgoing("GET", f"/v0/runs/{quote(run_id, safe='')}/{what}", {}, b"")
        answer = await with_retries(lambda: self.connections.exchange(outgoing), self.clock)
        if not answer.ok:
            raise ApiError(
                f"The {what} of run {run_id!r} were refused by {outgoing.origin} "
                f"with status {answer.status}.",
                answer.status,
            )
        return answer.document()

    def _outgoing(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        env: str | None = None,
    ) -> Outgoing:
        return Outgoing(
            method=method,
            url=self.settings.api_origin + path,
            headers=client_headers(self.settings, env) | headers,
            body=body,
            signing_keys=self.settings.signing_keys,
        )


def _quoted(said: str) -> str:
    return f"; it says: {said[:_SERVER_TEXT].removesuffix('.')}"
