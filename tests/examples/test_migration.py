"""Programs for the incumbent SDK run here once their imports are changed; names and signatures."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from inngest_adapters import fast_api
from pydantic import BaseModel

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions, DevServer
from inngest_asgi.engine.group import Group, GroupSync
from tests.examples import migrated
from tests.live.servers import serving, wait_until
from tests.routes.asking import ORDERED, app_of, called, dev_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import Receive, Scope, Send


class Embedded:
    """The embedded server as an ASGI app that starts and stops it."""

    def __init__(self) -> None:
        self._server = DevServer(DevOptions(poll_interval=0, retry_interval=0.1))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._server.app(scope, receive, send)
            return
        await receive()
        async with self._server:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run the migrated program beside the embedded server, afresh, as its own process would."""
    fresh = importlib.reload(migrated)
    with serving(Embedded()) as url:
        monkeypatch.setenv("INNGEST_DEV", url)
        with serving(fresh.app) as app_url:
            httpx.put(f"{app_url}/api/inngest").raise_for_status()
            yield fresh
    asyncio.run(fresh.inngest_client.aclose())


def check_out(program: Any, cart_id: str) -> inngest.Run:
    """Check out a cart and return the run, once it ended."""
    runs = program.inngest_client.runs
    event = inngest.Event(name="shop/cart.checked_out", data={"cart_id": cart_id})
    (event_id,) = program.inngest_client.send_sync(event)
    wait_until(lambda: bool(runs.for_event_sync(event_id)))
    run: inngest.Run = runs.wait_sync(runs.for_event_sync(event_id)[0].id)
    return run


@pytest.mark.live
def test_a_program_of_the_incumbent_runs(program: Any) -> None:
    assert check_out(program, "tea-cup").output == {"cart": "tea-cup", "total": 13}
    wait_until(lambda: program.receipts == ["Receipt for 13"])


@pytest.mark.live
def test_its_failure_handler_hears_of_a_failed_run(program: Any) -> None:
    run = check_out(program, "pot-pot")
    assert run.status is inngest.RunStatus.FAILED
    wait_until(lambda: program.alerts == ["1800 is more than we sell"])


# Names and signatures, as the incumbent (0.5) has them.

NAMES = """
Batch Cancel Concurrency Context ContextSync Debounce Event Function Inngest JSON Middleware
MiddlewareSync NonRetriableError ParallelMode Priority PydanticSerializer RateLimit RetryAfterError
SendEventsResult Serializer Singleton Step StepError StepMemos StepSync Streaming Throttle Timeouts
TransformOutputResult TriggerCron TriggerEvent
"""
CALLS = {
    "Batch": "* max_size timeout key if_exp",
    "Cancel": "* event if_exp timeout",
    "Concurrency": "* key limit scope",
    "Debounce": "* key period timeout",
    "Event": "* data id name ts",
    "Inngest": "* api_base_url app_id app_version env event_api_base_url event_key is_production "
    "logger middleware request_timeout serializer signing_key",
    "Inngest.add_middleware": "self middleware",
    "Inngest.create_function": "self * batch_events cancel concurrency debounce fn_id idempotency "
    "middleware name on_failure output_type priority rate_limit retries throttle timeouts "
    "singleton trigger",
    "Inngest.send": "self events * skip_middleware",
    "Inngest.send_sync": "self events * skip_middleware",
    "Inngest.set_logger": "self logger",
    "Middleware": "client raw_request",
    "Middleware.after_execution": "self",
    "Middleware.after_send_events": "self result",
    "Middleware.before_execution": "self",
    "Middleware.before_response": "self",
    "Middleware.before_send_events": "self events",
    "Middleware.transform_input": "self ctx function steps",
    "Middleware.transform_output": "self result",
    "NonRetriableError": "message quiet",
    "Priority": "* run",
    "PydanticSerializer.deserialize": "self obj typ",
    "PydanticSerializer.serialize": "self obj typ",
    "RateLimit": "* key limit period",
    "RetryAfterError": "message retry_after quiet",
    "SendEventsResult": "* error ids",
    "Serializer.deserialize": "self obj typ",
    "Serializer.serialize": "self obj typ",
    "Singleton": "* key mode",
    "Step.invoke": "self step_id * function data timeout v",
    "Step.invoke_by_id": "self step_id * app_id function_id data timeout v",
    "Step.run": "self step_id handler * output_type",
    "Step.send_event": "self step_id events",
    "Step.sleep": "self step_id duration",
    "Step.sleep_until": "self step_id until",
    "Step.wait_for_event": "self step_id * event if_exp timeout",
    "StepError": "message name stack",
    "StepMemos.values": "self",
    "StepSync.invoke": "self step_id * function data timeout v",
    "StepSync.invoke_by_id": "self step_id * app_id function_id data timeout v",
    "StepSync.run": "self step_id handler * output_type",
    "StepSync.send_event": "self step_id events",
    "StepSync.sleep": "self step_id duration",
    "StepSync.sleep_until": "self step_id until",
    "StepSync.wait_for_event": "self step_id * event if_exp timeout",
    "Throttle": "* key limit period burst",
    "Timeouts": "* start finish",
    "TriggerCron": "* cron jitter",
    "TriggerEvent": "* event expression",
}
"""What users call or override: what may be given by position, in order; `*`; by keyword only."""

ATTRIBUTES = {
    "Context": "attempt event events group logger run_id step",
    "ContextSync": "attempt event events group logger run_id step",
    "Function": "id local_id name get_id is_handler_async on_failure_fn_id",
    "Inngest": "app_id api_origin event_api_origin env app_version event_key signing_key "
    "signing_key_fallback is_production logger middleware",
    "StepError": "message name stack",
}


def accepted(called: Callable[..., Any]) -> tuple[list[str], set[str]]:
    """Return the names that may be given by position, in order, and all that may by keyword."""
    if isinstance(called, type) and issubclass(called, BaseModel):
        return [], set(called.model_fields)
    given = inspect.signature(called).parameters.values()
    places = [one.name for one in given if one.kind is one.POSITIONAL_OR_KEYWORD]
    return places, {*places, *(one.name for one in given if one.kind is one.KEYWORD_ONLY)}


def named(path: str) -> Any:
    found: Any = inngest
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("name", NAMES.split())
def test_a_name_of_the_incumbent_is_exported(name: str) -> None:
    assert name in inngest.__all__


@pytest.mark.parametrize(("path", "signature"), CALLS.items(), ids=list(CALLS))
def test_a_call_of_the_incumbent_is_accepted(path: str, signature: str) -> None:
    by_place, _, by_keyword = (part.split() for part in signature.partition("*"))
    places, keywords = accepted(named(path))
    assert places[: len(by_place)] == by_place
    assert set(by_keyword) <= keywords


@pytest.mark.parametrize(("name", "attributes"), ATTRIBUTES.items(), ids=list(ATTRIBUTES))
def test_an_object_of_the_incumbent_has_its_attributes(name: str, attributes: str) -> None:
    migrated_objects = {
        "Function": migrated.checkout,
        "Inngest": migrated.inngest_client,
        "StepError": inngest.StepError("no"),
    }
    found = migrated_objects.get(name)
    known = set(dir(found)) if found is not None else seen_by(name)
    assert set(attributes.split()) <= known


def seen_by(context: str) -> set[str]:
    """Return the attributes of the context a function of either colour gets."""
    client, seen = dev_client(), set[str]()
    create = client.create_function(fn_id="pay", trigger=ORDERED)
    if context == "Context":

        @create
        async def pay(ctx: inngest.Context) -> None:
            seen.update(dir(ctx))
    else:

        @create
        def pay_sync(ctx: inngest.ContextSync) -> None:
            seen.update(dir(ctx))

    assert called(app_of(client)).status == 200
    return seen


@pytest.mark.parametrize("group", [Group, GroupSync])
def test_groups_take_the_calls_of_the_incumbent(group: Any) -> None:
    places, keywords = accepted(group.parallel)
    assert (places, "parallel_mode" in keywords) == (["self", "callables"], True)


def test_fast_api_is_served_by_the_call_of_the_incumbent() -> None:
    places, keywords = accepted(fast_api.serve)
    assert places == ["app", "client", "functions"]
    options = {"enable_unauthed_sync", "public_path", "serve_origin", "serve_path", "streaming"}
    assert options <= keywords
