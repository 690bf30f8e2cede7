"""Between the words of connect and those of HTTP, which the rest of the server uses; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from inngest_asgi.connect.messages import ExecutorRequest, ResponseStatus
from inngest_asgi.connect.protocol.closing import Reason
from inngest_asgi.dev.answers import Answer
from inngest_asgi.dev.apps.registration import refused, usual_form
from inngest_asgi.dev.calls import ACCOUNT_ID, ENVIRONMENT_ID
from inngest_asgi.dev.web.documents import read
from inngest_asgi.errors import CodecError
from inngest_asgi.wire.codec import dumps
from inngest_asgi.wire.names import WHOLE_FUNCTION, Header

if TYPE_CHECKING:
    from inngest_asgi.connect.messages import AppConfiguration, Response, WorkerConnect
    from inngest_asgi.dev.calls import Request
    from inngest_asgi.dev.records import Function, Job

_STATUSES = {ResponseStatus.DONE: 200, ResponseStatus.NOT_COMPLETED: 206}
_NOT_RETRIABLE = 400
_CONNECT = "connect"


def registration(worker: WorkerConnect, app: AppConfiguration) -> dict[str, Any]:
    """Return what an app of a worker would register over HTTP (connect.md 4).

    Raises:
        RequestError: its functions, or the worker's capabilities, are no JSON.
    """
    version = worker.sdk_version.removeprefix("v")
    return {
        "url": f"ws://{_CONNECT}?{urlencode({'app_name': app.app_name})}",
        "deployType": _CONNECT,
        "appName": app.app_name,
        "appVersion": app.app_version,
        "v": "1",
        "sdk": f"{worker.sdk_language}:v{version}",
        "framework": worker.framework,
        "capabilities": _document(app.app_name, worker.capabilities or b"{}"),
        "functions": _document(app.app_name, app.functions),
    }


def slugs_of(document: dict[str, Any]) -> frozenset[str]:
    """Return the functions of a registration that was accepted."""
    return frozenset(config["id"] for config in usual_form(document)["functions"])


def executor_request(
    request: Request, request_id: str, job: Job, function: Function
) -> ExecutorRequest:
    """Return what carries a call to a worker: the same body, unsigned (connect.md 6).

    Whose app it is for is left open until a worker is chosen.
    """
    named = (Header.TRACEPARENT, Header.TRACESTATE)
    traces = dumps({name: request.headers[name] for name in named})
    return ExecutorRequest(
        request_id=request_id,
        account_id=ACCOUNT_ID,
        env_id=ENVIRONMENT_ID,
        app_id=function.app_id,
        function_id=function.id,
        function_slug=_called(function),
        step_id=job.step_id or WHOLE_FUNCTION,
        request_payload=request.body,
        system_trace_ctx=traces,
        user_trace_ctx=traces,
        run_id=job.run_id,
        job_id=job.id,
    )


def answer_of(response: Response) -> Answer:
    """Return a reply as the HTTP response it stands for (connect.md 6.1).

    A reply that is DONE and must not be retried is how some SDKs send a final error.
    """
    status = _STATUSES.get(response.status, 500)
    headers = {
        Header.SDK: response.sdk_version or _CONNECT,
        Header.REQUEST_VERSION: str(response.request_version),
    }
    if response.no_retry:
        headers[Header.NO_RETRY] = "true"
        status = _NOT_RETRIABLE if status == 200 else status
    if response.retry_after:
        headers[Header.RETRY_AFTER] = response.retry_after
    return Answer(status, headers, response.body)


def _document(app_name: str, text: bytes) -> Any:
    try:
        return read(text)
    except CodecError as error:
        message = f"The functions or capabilities of app {app_name!r} are no JSON. {error}"
        raise refused(message, Reason.INVALID_FUNCTION_CONFIG) from None


def _called(function: Function) -> str:
    """Return what the worker knows a function by: the fnId of its URL (connect.md 4.1)."""
    return parse_qs(urlsplit(function.url).query).get("fnId", [function.slug])[0]
