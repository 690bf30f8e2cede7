"""Asks a running server about its runs and events, and has it do things (server-api.md 4 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

from inngest_asgi.client.inngest import Inngest
from inngest_asgi.errors import ApiError
from inngest_asgi.settings import checked_origin
from inngest_asgi.wire.codec import dumps

if TYPE_CHECKING:
    from types import TracebackType

    from inngest_asgi.client.messages import Answer

_UNAUTHORIZED = 401


class Server:
    """A server at a URL; use it as an async context manager.

    Args:
        url: its origin; None means the one that the environment names, as for applications.

    Raises:
        ConfigError: the URL is none.
    """

    def __init__(self, url: str | None) -> None:
        origin = None if url is None else checked_origin(url, "--url")
        self._client = Inngest("inngest-asgi", is_production=False, api_base_url=origin)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(exc_type, exc, traceback)

    async def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Return runs, the newest first.

        Args:
            filters: as the API names them; those that are None or empty are left out.
        """
        return list(await self._data("GET", f"/v2/runs{_query(filters)}"))

    async def run(self, run_id: str) -> dict[str, Any]:
        """Return a run with its output, and its trace as `trace`."""
        run = await self._data("GET", f"/v2/runs/{_quoted(run_id)}?include_output=true")
        path = f"/v2/runs/{_quoted(run_id)}/trace?include_output=true&max_depth=10"
        trace = await self._data("GET", path)
        return {**run, "trace": trace["rootSpan"]}

    async def cancel(self, run_id: str) -> dict[str, Any]:
        """Cancel a run; return its id as `runId`."""
        return dict(await self._data("POST", f"/v2/runs/{_quoted(run_id)}/cancel"))

    async def rerun(self, run_id: str, step: str | None, input: list[Any] | None) -> dict[str, Any]:
        """Run anew what a run did, from a step on if one is named; return the new `runId`.

        Args:
            run_id: the run to repeat.
            step: the id of the first step to run again.
            input: the arguments for that step, instead of those it had.
        """
        start: dict[str, Any] = {} if step is None else {"step_id": step}
        if input is not None:
            start["input"] = input
        body = dumps({"from_step": start}) if start else b""
        return dict(await self._data("POST", f"/v2/runs/{_quoted(run_id)}/rerun", body))

    async def events(self, **filters: Any) -> list[dict[str, Any]]:
        """Return events, the newest first.

        Args:
            filters: as the API names them; those that are None are left out.
        """
        return list(await self._data("GET", f"/v1/events{_query(filters)}") or ())

    async def _data(self, method: str, path: str, body: bytes = b"") -> Any:
        answer = await self._client.api.ask(method, path, body=body)
        document = answer.document()
        if not answer.ok or not isinstance(document, dict) or "data" not in document:
            raise ApiError(f"The server refused: {_reason(answer)}.", answer.status)
        return document["data"]


def _reason(answer: Answer) -> str:
    """Return what an answer says went wrong, in whichever of the API's shapes it does."""
    document = answer.document()
    fields = document if isinstance(document, dict) else {}
    errors = fields.get("errors")
    told = errors[0].get("message") if isinstance(errors, list) and errors else fields.get("error")
    if isinstance(told, str) and told:
        return told.rstrip(".")
    if answer.status == _UNAUTHORIZED:
        return "it wants its signing key; set INNGEST_SIGNING_KEY to it"
    return f"it answered with status {answer.status}, which is none of an Inngest server's answers"


def _quoted(run_id: str) -> str:
    return quote(run_id, safe="")


def _query(filters: dict[str, Any]) -> str:
    pairs = {key: value for key, value in filters.items() if value not in (None, ())}
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""
