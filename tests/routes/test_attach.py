"""Mounted in and attached to Starlette and FastAPI: paths, slashes, URLs, lifespans, schemas."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import fastapi
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

import inngest_asgi as inngest
from tests.routes.asking import (
    ORDERED,
    Api,
    app_of,
    ask,
    asked,
    called,
    dev_client,
    started,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp

HOSTS = [pytest.param(Starlette, id="starlette"), pytest.param(fastapi.FastAPI, id="fastapi")]
PATHS = ["/api/inngest", "/api/inngest/"]

each_host = pytest.mark.parametrize("host", HOSTS)


def named_app(name: str, api: Api | None = None) -> inngest.InngestApp:
    client = inngest.Inngest(name, is_production=False, http_client=api.http if api else None)

    @client.create_function(fn_id="pay", trigger=ORDERED)
    async def pay(ctx: inngest.Context) -> str:
        return name

    return inngest.serve(client)


def registered_url(app: ASGIApp, api: Api, path: str, **scope: Any) -> str:
    answer = asked(app, "PUT", path, **scope)
    assert answer.status == 200, answer
    url = json.loads(api.request.content)["url"]
    assert isinstance(url, str)
    return url


@each_host
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_attached_it_answers_with_and_without_the_slash(host: Any, path: str, method: str) -> None:
    app = host()
    inngest.attach(app, app_of(dev_client(Api())))
    expected = {"GET": 200, "PUT": 200, "POST": 400, "DELETE": 405}
    assert asked(app, method, path).status == expected[method]


@each_host
@pytest.mark.parametrize("path", PATHS)
def test_attached_it_runs_functions(host: Any, path: str) -> None:
    app = host()
    inngest.attach(app, named_app("shop"))
    assert called(app, path=path).document == "shop"


@each_host
@pytest.mark.parametrize("path", PATHS)
def test_attached_it_registers_one_url_whatever_the_slash(host: Any, path: str) -> None:
    api, app = Api(), host()
    inngest.attach(app, app_of(dev_client(api)))
    assert registered_url(app, api, path) == "https://app.example/api/inngest"


@each_host
@pytest.mark.parametrize("path", ["/durable", "/durable/", "/deep/er/path"])
def test_it_can_be_attached_anywhere(host: Any, path: str) -> None:
    api, app = Api(), host()
    inngest.attach(app, app_of(dev_client(api)), path)
    bare = path.rstrip("/")
    assert registered_url(app, api, f"{bare}/") == f"https://app.example{bare}"
    assert asked(app, "GET", "/api/inngest").status == 404


@each_host
def test_the_hosts_other_routes_are_left_alone(host: Any) -> None:
    async def hello(request: Request) -> JSONResponse:
        return JSONResponse("hello")

    app = host(routes=[Route("/hello", hello), Route("/{any:path}", hello)])
    inngest.attach(app, named_app("shop"))
    assert asked(app, "GET", "/hello").document == "hello"
    assert asked(app, "GET", "/api").document == "hello"
    assert called(app).document == "shop"


@each_host
def test_health_is_below_the_path(host: Any) -> None:
    app = host()
    inngest.attach(app, app_of(dev_client()))
    assert asked(app, "GET", "/api/inngest/health/live").document == {"live": True}
    assert asked(app, "GET", "/api/inngest/health/ready").document["ready"] is True


@each_host
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("prefix", ["/pre", ""], ids=["kept", "stripped"])
def test_attached_behind_a_proxy_the_root_path_is_in_the_url(
    host: Any, path: str, prefix: str
) -> None:
    api, app = Api(), host()
    inngest.attach(app, app_of(dev_client(api)))
    url = registered_url(app, api, prefix + path, root_path="/pre")
    assert url == "https://app.example/pre/api/inngest"


@each_host
@pytest.mark.parametrize("path", PATHS)
def test_a_host_with_an_attached_application_can_be_mounted(host: Any, path: str) -> None:
    api, inner, outer = Api(), host(), host()
    inngest.attach(inner, app_of(dev_client(api)))
    outer.mount("/v1", inner)
    assert registered_url(outer, api, f"/v1{path}") == "https://app.example/v1/api/inngest"


@each_host
def test_a_host_mounted_at_the_root_keeps_the_path(host: Any) -> None:
    api, inner = Api(), host()
    inngest.attach(inner, app_of(dev_client(api)))
    outer = Starlette(routes=[Mount("/", app=inner)])
    assert registered_url(outer, api, "/api/inngest") == "https://app.example/api/inngest"


@each_host
def test_two_applications_can_be_attached_to_one_host(host: Any) -> None:
    app = host()
    inngest.attach(app, named_app("shop"))
    inngest.attach(app, named_app("bank"), "/api/inngest/bank")
    assert called(app, path="/api/inngest").document == "shop"
    assert called(app, path="/api/inngest/bank", fn_id="bank-pay").document == "bank"
    assert called(app, path="/api/inngest/bank/", fn_id="bank-pay").document == "bank"


@each_host
@pytest.mark.parametrize("path", PATHS)
def test_a_second_application_on_the_same_path_is_refused(host: Any, path: str) -> None:
    app = host()
    inngest.attach(app, named_app("shop"))
    with pytest.raises(inngest.ConfigError, match="'/api/inngest'"):
        inngest.attach(app, named_app("bank"), path)
    assert called(app).document == "shop"


@each_host
@pytest.mark.parametrize("path", ["", "/", "//", "api/inngest"])
def test_a_path_that_is_none_is_refused(host: Any, path: str) -> None:
    with pytest.raises(inngest.ConfigError, match="attach: path"):
        inngest.attach(host(), named_app("shop"), path)


def test_attached_it_is_not_in_the_schema() -> None:
    app = fastapi.FastAPI()
    inngest.attach(app, named_app("shop"))
    assert app.openapi()["paths"] == {}
    (ours,) = [one for one in app.routes if isinstance(one, Route) and one.path == "/api/inngest"]
    assert ours.include_in_schema is False


@each_host
def test_mounted_it_runs_functions_under_the_path_with_a_slash(host: Any) -> None:
    app = host()
    app.mount("/api/inngest", named_app("shop"))
    assert called(app, path="/api/inngest/").document == "shop"
    assert called(app, path="/api/inngest").status == 307


@each_host
@pytest.mark.parametrize("path", ["/api/inngest/", "/api/inngest/odd"])
def test_mounted_it_registers_the_mount_without_a_slash(host: Any, path: str) -> None:
    api, app = Api(), host()
    app.mount("/api/inngest", app_of(dev_client(api)))
    assert registered_url(app, api, path) == "https://app.example/api/inngest"


@each_host
def test_mounted_an_origin_and_a_path_can_be_told(host: Any) -> None:
    api, app = Api(), host()
    inngest_app = app_of(dev_client(api), serve_origin="https://o.example", serve_path="/hook")
    app.mount("/api/inngest", inngest_app)
    assert registered_url(app, api, "/api/inngest/") == "https://o.example/hook"


@each_host
@pytest.mark.parametrize("path", PATHS)
def test_attached_servers_are_told_the_hosts_name(host: Any, path: str) -> None:
    app, api = host(), Api()
    inngest.attach(app, app_of(dev_client(api)))
    name = host.__name__.lower()
    assert asked(app, "PUT", path).headers["x-inngest-framework"] == name
    assert json.loads(api.request.content)["framework"] == name


def test_a_host_made_from_fastapi_is_fastapi() -> None:
    class Company(fastapi.FastAPI):
        pass

    inngest_app = named_app("shop")
    inngest.attach(Company(), inngest_app)
    assert inngest_app.framework == "fastapi"


# Lifespans.


def host_with_lifespan(host: Any, log: list[str], *, fails: str = "") -> Any:
    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[dict[str, str]]:
        log.append("host in")
        if fails == "at start":
            raise RuntimeError(fails)
        try:
            yield {"pool": "open"}
        finally:
            log.append("host out")
            if fails == "at stop":
                raise RuntimeError(fails)

    return host(lifespan=lifespan)


async def phase_of(app: ASGIApp) -> str:
    answer = await ask(app, "GET", "/api/inngest/health/ready")
    phase = answer.document["lifespan"]
    assert isinstance(phase, str)
    return phase


@each_host
def test_the_lifespans_of_both_run_and_the_hosts_state_is_kept(host: Any) -> None:
    log: list[str] = []

    async def run() -> None:
        app = host_with_lifespan(host, log)
        inngest.attach(app, named_app("shop"))
        async with started(app) as state:
            assert state == {"pool": "open"}
            log.append(await phase_of(app))
        log.append(await phase_of(app))

    asyncio.run(run())
    assert log == ["host in", "running", "host out", "stopped"]


@each_host
def test_a_host_without_a_lifespan_gets_ours(host: Any) -> None:
    async def run() -> list[str]:
        app = host()
        inngest.attach(app, named_app("shop"))
        async with started(app):
            phases = [await phase_of(app)]
        return [*phases, await phase_of(app)]

    assert asyncio.run(run()) == ["running", "stopped"]


@each_host
def test_two_attached_applications_both_run(host: Any) -> None:
    async def run() -> list[str]:
        app = host()
        apps = [named_app("shop"), named_app("bank")]
        inngest.attach(app, apps[0], "/shop")
        inngest.attach(app, apps[1], "/bank")
        async with started(app):
            answers = [await ask(one, "GET", "/health/ready") for one in apps]
        return [answer.document["lifespan"] for answer in answers]

    assert asyncio.run(run()) == ["running", "running"]


@each_host
def test_a_host_that_cannot_start_does_not_start_us(host: Any) -> None:
    app = host_with_lifespan(host, [], fails="at start")
    inngest.attach(app, named_app("shop"))

    async def run() -> str:
        with pytest.raises(RuntimeError, match="at start"):
            async with started(app):
                pass
        return await phase_of(app)

    assert asyncio.run(run()) == "not started"


@each_host
def test_a_host_that_cannot_stop_does_not_keep_us_from_stopping(host: Any) -> None:
    app = host_with_lifespan(host, [], fails="at stop")
    inngest.attach(app, named_app("shop"))

    async def run() -> str:
        with pytest.raises(RuntimeError, match="at stop"):
            async with started(app):
                pass
        return await phase_of(app)

    assert asyncio.run(run()) == "stopped"


@each_host
def test_our_lifespan_can_be_the_hosts_own(host: Any) -> None:
    async def run() -> list[str]:
        inngest_app = named_app("shop")
        app = host(lifespan=inngest_app.lifespan)
        app.mount("/api/inngest", inngest_app)
        async with started(app):
            phases = [await phase_of(app)]
        return [*phases, await phase_of(app)]

    assert asyncio.run(run()) == ["running", "stopped"]


@each_host
def test_mounted_alone_the_lifespan_does_not_run_and_calls_work_all_the_same(host: Any) -> None:
    async def run() -> str:
        app = host()
        app.mount("/api/inngest", named_app("shop"))
        async with started(app):
            return await phase_of(app)

    assert asyncio.run(run()) == "not started"


def test_what_is_no_host_is_refused_with_a_sentence() -> None:
    with pytest.raises(inngest.ConfigError, match="pass a Starlette or FastAPI application"):
        inngest.attach(dev_client(), app_of(dev_client()))  # type: ignore[arg-type]


def test_a_client_is_not_what_is_attached() -> None:
    with pytest.raises(inngest.ConfigError, match=r"pass what serve\(\) returned"):
        inngest.attach(Starlette(), dev_client())  # type: ignore[arg-type]
