"""The routes beside the gateway's sockets (connect.md 3, 10, 14): start, flush, who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response
from starlette.routing import Route

from inngest_asgi.connect.frames import from_bytes, to_bytes
from inngest_asgi.connect.messages import FlushResponse, StartRequest, StartResponse
from inngest_asgi.connect.messages import Response as Reply
from inngest_asgi.dev.calls import ENVIRONMENT_ID
from inngest_asgi.dev.gateway.gateway import GROUP
from inngest_asgi.dev.gateway.listener import PATH
from inngest_asgi.dev.schedule import new_ulid
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.documents import read
from inngest_asgi.dev.web.replies import json_reply
from inngest_asgi.dev.web.views import moment
from inngest_asgi.errors import CodecError, FrameError, RequestError
from inngest_asgi.wire.names import ErrorCode

if TYPE_CHECKING:
    from starlette.requests import Request

    from inngest_asgi.dev.gateway.links import Group, Link
    from inngest_asgi.dev.web.served import Served

T = TypeVar("T")

MAX_START = 1024 * 1024
MAX_FLUSH = 8 * 1024 * 1024
"""Bytes: a flushed reply is as large as one that comes over a socket."""

_PROTOBUF = "application/octet-stream"


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for workers and for lists of them."""
    face = _Connect(server)
    listing = "/v0/connect/envs/{env}"
    return [
        Route("/v0/connect/start", face.start, methods=["POST"]),
        Route("/v0/connect/flush", face.flush, methods=["POST"]),
        Route(f"{listing}/conns", face.connections),
        Route(f"{listing}/groups/{{hash}}", face.group),
    ]


class _Connect:
    def __init__(self, server: Served) -> None:
        self._server = server

    async def start(self, request: Request) -> Response:
        """Tell a worker where the gateway is; there is only one, so none can be excluded."""
        _parsed(StartRequest, await body_of(request, MAX_START))
        gateway, address = self._server.gateway, self._server.gateway.address
        if address is None:
            text = (
                "This server has no connect gateway: it was started without a port for it "
                "(DevOptions.gateway_port, or --connect-gateway-port)."
            )
            raise RequestError(text, code="connect_no_gateway", status=501)
        connection_id = new_ulid(self._server.clock)
        reply = StartResponse(
            connection_id=connection_id,
            gateway_endpoint=f"ws://{_host(request)}:{address[1]}{PATH}",
            gateway_group=GROUP,
            session_token=gateway.tokens.make(connection_id),
            sync_token=request.headers.get("authorization", "").removeprefix("Bearer "),
        )
        return Response(to_bytes(reply), media_type=_PROTOBUF)

    async def flush(self, request: Request) -> Response:
        """Take a reply whose socket is gone; one that is known already is fine."""
        body = await body_of(request, MAX_FLUSH)
        if not body:
            raise _invalid("The request is empty; its body is the reply.")
        reply = _parsed(Reply, body)
        try:
            read(reply.system_trace_ctx)
        except CodecError as error:
            raise _invalid(f"The reply's system_trace_ctx is no JSON. {error}") from None
        await self._server.gateway.flush(reply)
        return Response(to_bytes(FlushResponse(reply.request_id)), media_type=_PROTOBUF)

    async def connections(self, request: Request) -> Response:
        wanted = request.query_params.get("app_id")
        links = [
            link
            for link in self._server.gateway.roster
            if not wanted or wanted in [group.app_id for group in link.groups]
        ]
        return json_reply({"data": [_connection_view(link) for link in links]})

    async def group(self, request: Request) -> Response:
        roster = self._server.gateway.roster
        group = roster.group(request.path_params["hash"])
        if group is None:
            raise RequestError("No worker of this group is connected.", code="", status=404)
        links = [link for link in roster if group in link.groups]
        return json_reply({"data": [_group_view(group, links)]})


def _connection_view(link: Link) -> dict[str, Any]:
    """Return a connection as lists show it, by the names of the protocol (connect.md 2.2)."""
    worker = link.role.worker
    attributes = worker.system_attributes if worker else None
    groups = {group.app_id: group.hash for group in link.groups}
    return {
        "id": link.id,
        "gateway_id": GROUP,
        "instance_id": link.instance,
        "all_worker_groups": groups,
        "synced_worker_groups": groups,
        "status": link.status,
        "last_heartbeat_at": moment(link.seen_at),
        "sdk_language": worker.sdk_language if worker else "",
        "sdk_version": worker.sdk_version if worker else "",
        "attributes": attributes
        and {
            "cpu_cores": attributes.cpu_cores,
            "mem_bytes": attributes.mem_bytes,
            "os": attributes.os,
        },
    }


def _group_view(group: Group, links: list[Link]) -> dict[str, Any]:
    return {
        "env_id": ENVIRONMENT_ID,
        "app_id": group.app_id,
        "app_name": group.app_name,
        "app_version": group.app_version,
        "hash": group.hash,
        "conns": [_connection_view(link) for link in links],
    }


def _parsed(record: type[T], body: bytes) -> T:
    try:
        return from_bytes(record, body)
    except FrameError as error:
        raise _invalid(str(error)) from None


def _invalid(message: str) -> RequestError:
    return RequestError(message, code=ErrorCode.BODY_INVALID, status=400)


def _host(request: Request) -> str:
    """Return the name by which the worker reaches this machine, as a URL has it."""
    name = request.url.hostname or "localhost"
    return f"[{name}]" if ":" in name else name
