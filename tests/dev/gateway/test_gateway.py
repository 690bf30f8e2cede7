"""Workers come in, are refused, drain and go: both roles joined in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from inngest_asgi.connect.messages import AppConfiguration, AuthData, GatewayClosing, SyncFailed
from inngest_asgi.dev import RunStatus
from inngest_asgi.errors import DevServerError
from tests.dev.fakes import Call, FakeApp, Reply, World, output, world
from tests.dev.gateway.fakes import FakeWorker, response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from inngest_asgi.connect.protocol.closing import Close

PAID = [{"event": "shop/paid"}]


def shop(*names: str, name: str = "shop") -> FakeApp:
    app = FakeApp(name)
    for one in names or ("pay",):
        app.add(one, lambda call: output(call.function))
    return app


def acted(act: Callable[[World], Awaitable[None]], app: FakeApp | None = None, **more: Any) -> None:
    async def main() -> None:
        async with world(app or shop(), sync=False, **more) as here:
            await act(here)

    asyncio.run(main())


def ended(close: Close | None) -> tuple[int, str] | None:
    return None if close is None else (int(close.code), close.reason)


def test_a_worker_registers_its_app() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, version="v3").ready()
        (app,) = here.server.apps
        assert (app.name, app.url, app.sdk) == ("shop", "ws://connect?app_name=shop", "py:v1.0.0")
        assert (app.framework, app.app_version) == ("connect", "v3")
        assert [one.slug for one in here.server.functions] == ["shop-pay"]
        assert worker.role.connected

    acted(act)


def test_a_worker_may_bring_several_apps() -> None:
    other = FakeApp("bakery").add("bake", lambda call: output("bread"), event="bakery/asked")

    async def act(here: World) -> None:
        worker = await FakeWorker(here, here.app, other).ready()
        runs = [await here.run_one("shop/paid"), await here.run_one("bakery/asked")]
        assert [run.output for run in runs] == [b'"shop-pay"', b'"bread"']
        assert [one.app_name for one in worker.requests] == ["shop", "bakery"]

    acted(act)


@pytest.mark.parametrize(
    ("functions", "code", "reason"),
    [
        (b"{", "connect_invalid_function_config", "no JSON"),
        (b'[{"id":"a"}]', "config_invalid", "Function 'a'"),
        (b'[{"name":"a"}]', "config_invalid", "no id"),
    ],
    ids=["no-json", "no-steps", "no-id"],
)
def test_a_worker_whose_app_is_refused_hears_why(functions: bytes, code: str, reason: str) -> None:
    async def act(here: World) -> None:
        worker = FakeWorker(here)
        bad = replace(worker.introduction, apps=(AppConfiguration("shop", functions),))
        worker.role._introduction = bad
        await worker.ready()
        (failed,) = [one for one in worker.heard if isinstance(one, SyncFailed)]
        assert reason in failed.message
        assert (failed.code, ended(worker.closed)) == (code, (1008, code))
        assert list(here.server.gateway.roster) == []

    acted(act)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"auth_data": AuthData("no token")}, "connect_authentication_failed"),
        ({"instance_id": ""}, "connect_worker_hello_invalid_payload"),
        ({"connection_id": "me"}, "connect_worker_hello_invalid_payload"),
        ({"apps": ()}, "connect_worker_hello_invalid_payload"),
        (
            {"apps": tuple(AppConfiguration(str(at), b"[]") for at in range(11))},
            "connect_too_many_apps_per_connection",
        ),
    ],
    ids=["token", "no-instance", "connection-id", "no-apps", "too-many-apps"],
)
def test_who_may_not_come_in(more: dict[str, Any], reason: str) -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, **more).ready()
        assert ended(worker.closed) == (1008, reason)

    acted(act)


def test_a_worker_that_says_nothing_is_closed() -> None:
    async def act(here: World) -> None:
        link = here.server.gateway.accept(lambda: None)
        await here.pass_time(6)
        assert ended(link.closing) == (1008, "connect_worker_hello_timeout")
        assert (link.id, link.instance, link.status) == ("", "", "DISCONNECTED")

    acted(act)


def test_a_worker_whose_heartbeats_stop_is_closed_and_its_work_is_not_lost() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here, answers=False).ready()
        event_id = await here.send()
        await here.server.settle()
        worker._beating.cancel()
        await here.pass_time(51)
        assert ended(worker.closed) == (1008, "CONSECUTIVE_HEARTBEATS_MISSED")
        back = await FakeWorker(here, answers=False).ready()
        back.say(response(worker.requests[0], output("done")))
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        assert run.status is RunStatus.COMPLETED

    acted(act)


def test_what_is_heard_of_again_gets_what_waited_for_it() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        worker._beating.cancel()
        await here.pass_time(25)
        event_id = await here.send()
        await here.server.settle()
        assert worker.requests == []
        worker.role.tick(here.clock.time())
        worker._exchange()
        await here.server.settle()
        (run,) = await here.server.runs_of(event_id)
        assert run.status is RunStatus.COMPLETED

    acted(act)


def test_both_versions_of_an_app_get_what_they_list() -> None:
    async def act(here: World) -> None:
        old, new = shop("pay", "old"), shop("pay", "new")
        first = await FakeWorker(here, old, version="1", instance_id="old").ready()
        held = await here.send()
        first.answers = True
        await here.finish(held)
        second = await FakeWorker(here, new, version="2", instance_id="new").ready()
        assert [one.slug for one in here.server.functions] == ["shop-new", "shop-pay"]
        for _ in range(30):
            await here.finish(await here.send())
        assert first.requests
        assert len(second.requests) > len(first.requests)

    acted(act)


def test_an_old_version_that_comes_back_counts() -> None:
    async def act(here: World) -> None:
        for version, names in (("1", ("pay",)), ("2", ("ship",)), ("1", ("pay",))):
            worker = await FakeWorker(here, shop(*names), version=version).ready()
            worker.die()
        assert [one.slug for one in here.server.functions] == ["shop-pay"]
        assert here.server.apps[0].app_version == "1"

    acted(act)


def test_a_second_worker_of_a_version_is_of_the_same_group() -> None:
    async def act(here: World) -> None:
        await FakeWorker(here, instance_id="a").ready()
        await FakeWorker(here, instance_id="b").ready()
        one, other = here.server.gateway.roster
        assert one.groups == other.groups

    acted(act)


def test_a_worker_that_leaves_while_it_is_registered_is_not_let_in() -> None:
    async def act(here: World) -> None:
        worker = FakeWorker(here)
        await asyncio.sleep(0)
        worker.die()
        await worker.ready()
        assert list(here.server.gateway.roster) == []

    acted(act)


def test_a_refused_worker_that_left_is_not_told() -> None:
    async def act(here: World) -> None:
        worker = FakeWorker(here)
        bad = replace(worker.introduction, apps=(AppConfiguration("shop", b"{"),))
        worker.role._introduction = bad
        await asyncio.sleep(0)
        worker.die()
        await worker.ready()
        assert worker.heard == []

    acted(act)


def test_a_server_that_cannot_save_an_app_says_that_it_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def act(here: World) -> None:
        async def broken(*_: object) -> None:
            raise DevServerError("The disk is full.")

        monkeypatch.setattr(here.server.registry, "register", broken)
        worker = await FakeWorker(here).ready()
        assert ended(worker.closed) == (1011, "connect_internal_error")

    acted(act)


def test_when_the_server_stops_workers_are_sent_away_and_nobody_comes_in() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        registering = FakeWorker(here, instance_id="late")
        await asyncio.sleep(0)
        await here.server.gateway.close()
        await here.server.settle()
        later = await FakeWorker(here, instance_id="later").ready()
        endings = [ended(one.closed) for one in (worker, registering, later)]
        assert endings == [(1001, "connect_gateway_closing")] * 3
        assert GatewayClosing() in worker.heard

    acted(act)


def test_whoever_watches_hears_of_workers() -> None:
    told: list[str] = []

    async def act(here: World) -> None:
        with here.server.gateway.watched(lambda: told.append("news")):
            worker = await FakeWorker(here).ready()
            came = len(told)
            worker.pause()
            paused = len(told)
            worker.die()
            assert 0 < came < paused < len(told)
        told.clear()
        await FakeWorker(here).ready()
        assert told == []

    acted(act)


def test_a_worker_without_manual_readiness_gets_requests_at_once() -> None:
    async def act(here: World) -> None:
        await FakeWorker(here, worker_manual_readiness_ack=False).ready()
        assert (await here.run_one()).status is RunStatus.COMPLETED

    acted(act)


def test_a_function_that_awaits_is_answered_when_it_is_done() -> None:
    async def slowly(call: Call) -> Reply:
        await asyncio.sleep(0)
        return output("slow")

    async def act(here: World) -> None:
        await FakeWorker(here).ready()
        assert (await here.run_one()).output == b'"slow"'

    acted(act, FakeApp().add("pay", slowly))


def test_a_status_report_changes_nothing() -> None:
    async def act(here: World) -> None:
        worker = await FakeWorker(here).ready()
        worker.role.report(("a",), stopping=False)
        worker._exchange()
        assert (await here.run_one()).status is RunStatus.COMPLETED

    acted(act)
