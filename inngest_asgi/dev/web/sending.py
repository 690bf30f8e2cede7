"""The route that events are sent to (http.md 13 to 15): JSON or a form, under an event key."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.routing import Route

from inngest_asgi.dev.web.auth import event_key_refusal
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import json_reply
from inngest_asgi.errors import CodecError, RequestError, SendEventsError
from inngest_asgi.wire.codec import loads
from inngest_asgi.wire.names import Header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served

_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_TEXTS = frozenset({"name", "id", "v"})
_DOCUMENTS = frozenset({"data", "user", "meta", "ts"})


def routes(server: Served) -> list[Route]:
    """Return the routes for events; the second one is for those who forgot their key."""

    async def events(request: Request) -> Response:
        refusal = event_key_refusal(server.options, request.path_params.get("key", ""))
        return refusal or await _take(server, request)

    return [
        Route("/e/{key}", events, methods=["POST"]),
        Route("/e/", events, methods=["POST"]),
    ]


def events_of(body: bytes, content_type: str) -> list[Any]:
    """Return what is sent as events; whether it is events shows when they are taken.

    Raises:
        CodecError: it is not JSON.
    """
    kind = content_type.partition(";")[0].strip().lower()
    # curl -d says "form" of whatever it sends; no form begins like a JSON document.
    if kind == _FORM and not body.lstrip().startswith((b"{", b"[")):
        pairs = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        return [_form_event(pairs)]
    if kind == _MULTIPART:
        return [_form_event(list(_parts(body, content_type)))]
    document = loads(body)
    return document if isinstance(document, list) else [document]


async def _take(server: Served, request: Request) -> Response:
    seed = request.headers.get(Header.EVENT_ID_SEED)
    try:
        body = await body_of(request)
        documents = events_of(body, request.headers.get("content-type", ""))
        ids = await server.ingest.accept(documents, seed)
    except SendEventsError as error:
        return _refusal(str(error), ids=error.ids)
    except CodecError as error:
        return _refusal(str(error))
    except RequestError as error:
        return _refusal(str(error), error.status)
    return json_reply({"ids": ids, "status": 200})


def _refusal(message: str, status: int = 400, ids: Iterable[str] = ()) -> Response:
    return json_reply({"ids": list(ids), "status": status, "error": message}, status=status)


def _form_event(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the one event that a form is: fields that events do not have belong to its data.

    Raises:
        CodecError: what must be JSON in it is not.
    """
    event: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, text in pairs:
        if name in _TEXTS:
            event[name] = text
        elif name in _DOCUMENTS:
            event[name] = loads(text)
        else:
            rest[name] = [*_several(rest[name]), text] if name in rest else text
    data = event.get("data", {})
    return event | {"data": rest | data} if isinstance(data, dict) else event


def _several(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def _parts(body: bytes, content_type: str) -> Iterator[tuple[str, str]]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", errors="replace")
    for part in BytesParser(policy=policy.HTTP).parsebytes(head + body).iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            yield name, content.decode(errors="replace")
