"""The page in a real browser: what one does with it, and who may not."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

import inngest_asgi as inngest
from inngest_asgi.dev import DevOptions
from tests.live.browsing import ORDER, PATIENCE, Complaints, Stage, port_of, server_at
from tests.live.servers import serving, wait_until
from tests.live.working import Working

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Page
    from starlette.types import Receive, Scope, Send

pytestmark = [pytest.mark.live, pytest.mark.browser]
expect.set_options(timeout=PATIENCE)

KEY = "signkey-test-" + "5e" * 16


async def website(scope: Scope, receive: Receive, send: Send) -> None:
    """A web server that knows nothing of Inngest."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<!doctype html><title>A shop</title>"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "shop/x",}', "line 1, column 19"),
        ("[1]", "An event is an object"),
        ('{"data": {}}', '"name" is missing'),
        ('{"name": "inngest/x"}', "the server's own"),
        ('{"name": "shop/x", "data": 1}', '"data" must be an object'),
    ],
)
def test_the_form_says_what_is_wrong_with_an_event(
    text: str, problem: str, page: Page, shop: Stage
) -> None:
    page.goto(f"{shop.url}/#/events")
    page.get_by_role("button", name="Send event").click()
    page.get_by_label("Event", exact=True).fill(text)
    expect(page.locator("dialog .hint").first).to_contain_text(problem)


def test_an_event_is_sent_and_shown_with_its_run(page: Page, shop: Stage) -> None:
    page.goto(f"{shop.url}/#/events")
    page.get_by_role("button", name="Send event").click()
    field = page.get_by_label("Event", exact=True)
    field.fill('{"name": "shop/charge", "data": {"amount": 512}}')
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="shop/charge")).to_be_visible()
    expect(page.get_by_role("region", name="What it started")).to_contain_text("Completed")


def test_what_the_server_refuses_is_said_in_the_form(
    page: Page, shop: Stage, complaints: Complaints
) -> None:
    complaints.expected = ("400",)
    page.goto(f"{shop.url}/#/events")
    page.get_by_role("button", name="Send event").click()
    page.get_by_label("Event", exact=True).fill('{"name": "shop/x", "ts": 12}')
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("must be between the years 1980 and 2100")


def test_a_function_is_invoked_with_the_data_of_its_last_event(page: Page, shop: Stage) -> None:
    shop.finished(shop.send("shop/charge", {"amount": 77}))
    page.goto(f"{shop.url}/#/functions")
    page.get_by_role("button", name="Invoke Charge card").click()
    expect(page.get_by_label("Data", exact=True)).to_have_value(re.compile("77"))
    page.get_by_label("Data", exact=True).fill('{"amount": 78}')
    page.get_by_role("button", name="Invoke", exact=True).click()
    expect(page.get_by_role("region", name="Output")).to_contain_text('"charged": 78')


def test_a_run_is_run_again(page: Page, shop: Stage) -> None:
    run_id = shop.finished(shop.send("shop/charge", {"amount": 5}))
    page.goto(f"{shop.url}/#/runs/{run_id}")
    page.get_by_role("button", name="Rerun").click()
    expect(page.get_by_text("Rerun of")).to_be_visible()
    expect(page).not_to_have_url(re.compile(run_id))
    expect(page.get_by_role("region", name="Output")).to_contain_text('"charged": 5')


def test_a_run_goes_again_from_a_step_with_other_arguments(page: Page, shop: Stage) -> None:
    run_id = shop.finished(shop.send("shop/charge", {"amount": 5}))
    page.goto(f"{shop.url}/#/runs/{run_id}")
    page.locator(".lane").filter(has_text="charge").last.click()
    page.get_by_role("button", name="Rerun from here…").click()
    field = page.get_by_label("Arguments of the step, as a list")
    field.fill("{}")
    expect(page.locator("dialog .hint").first).to_contain_text("Arguments are a list")
    field.fill("[99]")
    page.get_by_role("button", name="Rerun from here", exact=True).click()
    expect(page).not_to_have_url(re.compile(run_id))
    expect(page.get_by_role("region", name="Output")).to_contain_text('"charged": 99')


def test_a_run_is_cancelled_once_that_is_confirmed(page: Page, shop: Stage) -> None:
    run_id = shop.run_of(shop.send("shop/trial"))
    page.goto(f"{shop.url}/#/runs/{run_id}")
    expect(page.locator(".lane").filter(has_text="three days")).to_contain_text("sleeps until")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator(".head .status")).to_contain_text("Cancelled")
    assert shop.run(run_id)["status"] == "Cancelled"


def test_why_an_app_is_not_in_sync_and_what_to_do(page: Page, shop: Stage) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://localhost:{nobody.getsockname()[1]}/api/inngest"
        page.goto(f"{shop.url}/#/apps")
        page.get_by_label("URL of the app").fill(dead)
        page.get_by_role("button", name="Add app").click()
        card = page.get_by_role("article", name=dead)
        expect(card).to_contain_text("cannot be reached")
        expect(card).to_contain_text("Nothing listens at that address. Start the app")
        expect(page.get_by_role("navigation")).to_contain_text("1 failing")
        page.get_by_role("button", name=f"Remove {dead}").click()
        page.get_by_role("button", name="Remove", exact=True).click()
        expect(card).to_have_count(0)


def test_an_app_tells_what_it_is_and_when_it_was_asked(page: Page, shop: Stage) -> None:
    page.goto(f"{shop.url}/#/apps")
    card = page.get_by_role("article", name="shop")
    expect(card).to_contain_text("In sync")
    expect(card).to_contain_text(re.compile(r"5 functions.*asgi:v.*last sync .*(ago|now)"))
    card.get_by_role("button", name="Sync shop now").click()
    expect(page.locator(".notices")).to_contain_text("shop is in sync.")


def test_a_website_is_no_app(page: Page, shop: Stage) -> None:
    with serving(website) as url:
        page.goto(f"{shop.url}/#/apps")
        page.get_by_label("URL of the app").fill(url)
        page.get_by_role("button", name="Add app").click()
        expect(page.locator(".trouble")).to_contain_text("Something else answers there")
        httpx.delete(f"{shop.url}/ui/apps", params={"url": url})


def test_a_server_that_goes_and_comes_back(
    page: Page, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.expected = ("ERR_", "Failed to fetch")  # that there is no server, for a while
    options = DevOptions(db=str(tmp_path / "dev.db"), poll_interval=0)
    with server_at(options) as url:
        event_id = Stage(url).send("shop/before")
        page.goto(f"{url}/#/events")
        expect(page.locator(f"[data-key='{event_id}']")).to_be_visible()
    expect(page.get_by_text("Server gone")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The server is gone")
    with server_at(options, port=port_of(url)):
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        expect(page.get_by_role("alert")).to_be_hidden()
        later = Stage(url).send("shop/after")
        expect(page.locator(f"[data-key='{later}']")).to_be_visible()
        expect(page.locator(f"[data-key='{event_id}']")).to_be_visible()
        page.goto("about:blank")


def test_a_server_with_a_key_shows_nothing_without_it(page: Page, complaints: Complaints) -> None:
    complaints.expected = ("401",)
    options = DevOptions(kind="cloud", signing_key=KEY, event_keys=("event-key",))
    with server_at(options) as url:
        httpx.post(f"{url}/e/event-key", json={"name": "shop/secret"}).raise_for_status()
        page.goto(f"{url}/#/events")
        expect(page.get_by_role("dialog")).to_contain_text("wants its signing key")
        page.locator("#signing-key").fill("signkey-test-00")
        page.get_by_role("button", name="Use it").click()
        expect(page.get_by_role("dialog")).to_contain_text("wants its signing key")
        page.locator("#signing-key").fill(KEY)
        page.get_by_role("button", name="Use it").click()
        expect(page.locator(".rows")).to_contain_text("shop/secret")
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.reload()
        expect(page.locator(".rows")).to_contain_text("shop/secret")
        assert page.evaluate("() => localStorage.length") == 0
        page.goto("about:blank")


def test_a_page_of_another_origin_does_nothing(
    page: Page, shop: Stage, complaints: Complaints
) -> None:
    complaints.expected = ("403", "ERR_", "CORS")
    attack = """async (url) => {
      const body = JSON.stringify({ name: "shop/forged" });
      const send = (path, options) => fetch(url + path, { mode: "no-cors", ...options }).catch(() => null);
      await send("/ui/events", { method: "POST", body });
      await send("/v2/events", { method: "POST", body });
      return (await fetch(url + "/ui/events").then((one) => one.text(), () => "unreadable"));
    }"""  # noqa: E501 - JavaScript
    with serving(website) as other:
        page.goto(other)
        assert page.evaluate(attack, shop.url) == "unreadable"
    names = [one["name"] for one in httpx.get(f"{shop.url}/ui/events").json()["events"]]
    assert "shop/forged" not in names


def test_an_order_is_followed_while_it_happens(page: Page, shop: Stage) -> None:
    run_id = shop.run_of(shop.send("shop/order.placed", ORDER))
    page.goto(f"{shop.url}/#/runs/{run_id}")
    sleep = page.locator(".lane").filter(has_text="let it settle")
    expect(sleep).to_contain_text("sleeps until")
    expect(sleep).to_contain_text("1.0")
    expect(page.locator(".head .status")).to_contain_text("Running")
    expect(page.locator(".lane").filter(has_text="book carrier")).to_contain_text("next attempt at")
    httpx.delete(f"{shop.url}/v1/runs/{run_id}")
    wait_until(lambda: bool(shop.run(run_id)["ended_at"]))
    expect(page.locator(".head .status")).to_contain_text("Cancelled")


def test_workers_are_shown_as_they_come_and_go(page: Page) -> None:
    with server_at(DevOptions(poll_interval=0, gateway_port=0)) as url:
        client = inngest.Inngest("till", is_production=False, api_base_url=url, app_version="v7")

        @client.create_function(fn_id="pay", trigger=inngest.TriggerEvent(event="till/paid"))
        async def pay(ctx: inngest.Context) -> None:
            """Nothing is to be done."""

        page.goto(f"{url}/#/apps")
        workers = page.get_by_role("region", name="Workers")
        with Working(client, instance_id="till-1", max_worker_concurrency=5):
            for text in ("till-1", "ready", "till, version v7", "0 of 5 calls", "heartbeat"):
                expect(workers).to_contain_text(text)
            expect(page.get_by_role("article", name="till", exact=True)).to_contain_text("In sync")
            expect(page.get_by_role("button", name="Sync till now")).to_have_count(0)
        expect(workers).not_to_contain_text("till-1")
        page.goto("about:blank")
