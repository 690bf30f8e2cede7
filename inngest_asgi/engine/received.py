"""What waits and requests give to user code, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inngest_asgi.wire.codec import loads


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal that a run waited for.

    Attributes:
        name: the signal's name.
        data: what was sent with it; None if nothing was.
    """

    name: str
    data: Any


@dataclass(frozen=True, slots=True)
class FetchResponse:
    """What a server answered to a request that Inngest made (step.fetch).

    Attributes:
        status_code: the HTTP status; one that tells of an error does not fail the step.
        headers: the response's headers.
        body: the body as text.
        url: where it came from, after redirects.
    """

    status_code: int
    headers: dict[str, str]
    body: str
    url: str

    def json(self) -> Any:
        """Return the body parsed as JSON.

        Raises:
            CodecError: it is not JSON.
        """
        return loads(self.body)
