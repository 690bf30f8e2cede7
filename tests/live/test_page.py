"""The page in a real browser: what it shows of runs, events, functions and apps."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.live.browsing import ORDER, PATIENCE, Stage, server_at

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.live, pytest.mark.browser]
expect.set_options(timeout=PATIENCE)

IMAGE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def order(shop: Stage) -> str:
    """The run of an order: with steps in parallel, a retry, a sleep, a wait and another run."""
    return shop.finished(shop.send("shop/order.placed", ORDER))


@pytest.fixture(scope="module")
def failed(shop: Stage) -> str:
    return shop.finished(shop.send("shop/rows.uploaded", {"amount": "twelve"}))


def rows(page: Page) -> Locator:
    return page.locator(".rows .row")


def lane(page: Page, name: str) -> Locator:
    return page.locator(".lane-row").filter(has_text=name)


def test_an_empty_server_says_how_to_begin(page: Page) -> None:
    with server_at() as url:
        page.goto(url)
        expect(page.get_by_text("First, an app")).to_be_visible()
        expect(page.locator(".code")).to_contain_text(f"INNGEST_DEV={url}")
        page.get_by_role("link", name="Events").click()
        expect(page.locator(".code")).to_contain_text(f"curl {url}/e/key")
        page.goto("about:blank")


def test_a_run_appears_and_completes_without_a_reload(page: Page, shop: Stage) -> None:
    page.goto(shop.url)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    run_id = shop.run_of(shop.send("shop/charge", {"amount": 7}))
    row = page.locator(f"[data-key='{run_id}']")
    expect(row).to_contain_text("Charge card")
    expect(row).to_contain_text("Completed")


def test_filters_narrow_the_list_and_are_kept_in_the_address(
    page: Page, shop: Stage, order: str, failed: str
) -> None:
    page.goto(shop.url)
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Import rows")
    page.reload()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name=re.compile("^All")).click()
    page.get_by_label("Function", exact=True).select_option(label="Fulfil order")
    expect(rows(page)).to_have_count(1)
    page.get_by_label("Time", exact=True).select_option(label="Last 5 minutes")
    expect(rows(page)).to_have_count(1)
    expect(page).to_have_url(re.compile("function=shop-fulfil-order&since=300"))


@pytest.mark.parametrize("text", ["id", "event", "name"])
def test_search_finds_runs(text: str, page: Page, shop: Stage, failed: str) -> None:
    sought = {"id": failed, "event": "rows.uploaded", "name": "import-rows"}[text]
    page.goto(shop.url)
    page.get_by_role("searchbox").fill(sought)
    expect(rows(page)).to_have_count(1)
    expect(page.locator(f"[data-key='{failed}']")).to_be_visible()


def test_a_search_without_a_hit_says_so(page: Page, shop: Stage, failed: str) -> None:
    page.goto(f"{shop.url}/#/runs?q=nothing-like-that")
    expect(page.get_by_text("No run fits these filters")).to_be_visible()


def test_a_timeline_draws_what_a_run_did(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    expect(lane(page, "book carrier").locator(".bar.attempt[data-status=failed]")).to_have_count(1)
    expect(lane(page, "book carrier").locator(".bar.delay")).to_have_count(1)
    expect(lane(page, "let it settle").locator(".bar.pause")).to_have_count(1)
    expect(lane(page, "wait for pick-up").locator(".bar.pause")).to_have_count(1)
    expect(lane(page, "charge the card").locator(".bar.child")).to_have_count(1)
    expect(page.locator(".lane-row").filter(has_text="reserve item")).to_have_count(3)


def test_bars_stand_in_the_order_of_time(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    expect(lane(page, "wait for pick-up")).to_be_visible()
    left = "(all) => all.map((one) => one.querySelector('.bar').getBoundingClientRect().left)"
    one_after_the_other = page.locator(".lane-row").filter(has_not_text="reserve item")
    places = one_after_the_other.evaluate_all(left)
    assert len(places) == 6
    assert places == sorted(places)


def test_ticks_stand_apart_when_the_timeline_becomes_narrow(
    page: Page, shop: Stage, order: str
) -> None:
    page.set_viewport_size({"width": 1200, "height": 800})
    page.goto(f"{shop.url}/#/runs/{order}")
    shorten = page.get_by_role("button", name="Shorten waits")
    if shorten.get_attribute("aria-pressed") == "true":
        shorten.click()
    lane(page, "book carrier").locator(".lane").click()
    expect(page.get_by_role("complementary", name="Step")).to_be_visible()
    page.evaluate(
        "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
    )
    edges = (
        "(all) => all.map((one) => one.getBoundingClientRect()).map((box) => [box.left, box.right])"
    )
    places = page.locator(".timeline .scale span").evaluate_all(edges)
    assert len(places) > 1
    assert all(left > right for (_, right), (left, _) in pairwise(places))


def test_an_invoked_run_is_one_click_away(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    page.get_by_label("Run that charge the card invoked").click()
    expect(page.get_by_role("heading", name="Charge card")).to_be_visible()


def test_a_step_shows_its_attempts_and_its_output(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    lane(page, "book carrier").locator(".lane").click()
    side = page.get_by_role("complementary", name="Step")
    expect(side).to_contain_text("RetryAfterError: the carrier is not ready")
    expect(side).to_contain_text('"P-1"')


def test_a_run_shows_input_output_and_log(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    expect(page.get_by_role("region", name="Input")).to_contain_text("ann@example.com")
    expect(page.get_by_role("region", name="Output")).to_contain_text('"parcel": "P-1"')
    expect(page.get_by_role("list", name="Log")).to_contain_text("Step “book carrier” failed")


def test_an_error_comes_with_its_traceback(page: Page, shop: Stage, failed: str) -> None:
    page.goto(f"{shop.url}/#/runs/{failed}")
    failure = page.get_by_role("region", name="Error").first
    expect(failure).to_contain_text("row 7 has no number")
    expect(failure.locator("pre").first).to_contain_text("in parsed")


def test_an_unknown_run_is_explained(page: Page, shop: Stage, complaints: object) -> None:
    complaints.expected = ("404",)  # type: ignore[attr-defined] # the browser tells of it, too
    page.goto(f"{shop.url}/#/runs/01JGGZP1E0RVNAAAAAAAAAAAAA")
    expect(page.get_by_text("There is no run 01JGGZP1E0RVNAAAAAAAAAAAAA.")).to_be_visible()


def test_an_event_shows_its_payload_and_what_it_started(page: Page, shop: Stage) -> None:
    event_id = shop.send("shop/charge", {"amount": 31})
    shop.finished(event_id)
    page.goto(f"{shop.url}/#/events")
    page.locator(f"[data-key='{event_id}'] .row").click()
    expect(page.get_by_role("region", name="Payload")).to_contain_text('"amount": 31')
    expect(page.get_by_role("region", name="What it started")).to_contain_text("Charge card")


def test_what_was_sent_is_shown_as_text(page: Page, shop: Stage) -> None:
    event_id = shop.send(IMAGE, {IMAGE: IMAGE})
    page.goto(f"{shop.url}/#/events")
    expect(page.locator(f"[data-key='{event_id}']")).to_contain_text(IMAGE)
    page.goto(f"{shop.url}/#/events/{event_id}")
    expect(page.get_by_role("heading", name=IMAGE)).to_be_visible()
    expect(page.locator("main img")).to_have_count(0)


def test_functions_say_what_starts_and_limits_them(page: Page, shop: Stage) -> None:
    page.goto(f"{shop.url}/#/functions")
    card = page.get_by_role("article", name="Fulfil order")
    expect(card).to_contain_text("shop/order.placed")
    expect(card).to_contain_text("At most 5 steps at a time per event.data.customer")
    expect(card).to_contain_text("Cancelled by shop/order.cancelled where async.data.id")
    expect(page.get_by_role("article", name="Nightly report")).to_contain_text("cron 0 2 1 1 *")


def test_everything_comes_from_the_server_itself(page: Page, shop: Stage, order: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{shop.url}/#/runs/{order}")
    expect(lane(page, "load order")).to_be_visible()
    assert [url for url in asked if not url.startswith(shop.url)] == []


SCALE = """async ({ from, to, busy, shorten, at }) => {
  const main = document.querySelector("script[type=module]").src;
  const { makeScale } = await import(main.replace("main.js", "scale.js"));
  const scale = makeScale(from, to, busy, { shorten, most: 8 });
  return { places: at.map(scale.place), ticks: scale.ticks.map((tick) => tick.seconds) };
}"""


def scaled(page: Page, shop: Stage, **given: object) -> dict[str, list[float]]:
    """Return where moments stand on a timeline, and what its ticks say."""
    page.goto(shop.url)
    found: dict[str, list[float]] = page.evaluate(SCALE, given)
    return found


def test_time_is_drawn_to_scale(page: Page, shop: Stage) -> None:
    at = [100, 102.5, 110]
    drawn = scaled(page, shop, **{"from": 100, "to": 110, "busy": [], "shorten": False, "at": at})
    assert drawn == {"places": [0, 0.25, 1], "ticks": [0, 2, 4, 6, 8, 10]}


def test_long_waits_are_drawn_short_in_the_same_order(page: Page, shop: Stage) -> None:
    busy = [[0, 10], [3600, 3610]]
    at = [-5, 0, 10, 1800, 3600, 3610, 4000]
    drawn = scaled(page, shop, **{"from": 0, "to": 3610, "busy": busy, "shorten": True, "at": at})
    places = drawn["places"]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == pytest.approx(1)
    assert places[4] - places[2] == pytest.approx(0.08)
    assert places[2] == pytest.approx(places[5] - places[4])


def test_large_numbers_are_not_rounded(page: Page, shop: Stage) -> None:
    event_id = shop.send("shop/large", {"number": 12345678901234567890})
    page.goto(f"{shop.url}/#/events/{event_id}")
    expect(page.get_by_role("region", name="Payload")).to_contain_text("12345678901234567890")


def test_a_focused_row_keeps_the_focus_when_its_run_goes_on(page: Page, shop: Stage) -> None:
    page.goto(shop.url)
    run_id = shop.run_of(shop.send("shop/trial"))
    row = page.locator(f"[data-key='{run_id}'] .row")
    expect(row).to_contain_text("Running")
    row.focus()
    httpx.delete(f"{shop.url}/v1/runs/{run_id}")
    expect(row).to_contain_text("Cancelled")
    expect(row).to_be_focused()


def test_lanes_of_a_run_that_goes_on_stay_what_they_are(page: Page, shop: Stage) -> None:
    run_id = shop.run_of(shop.send("shop/trial"))
    page.goto(f"{shop.url}/#/runs/{run_id}")
    expect(lane(page, "three days")).to_contain_text("sleeps until")
    page.evaluate("() => { window.first = document.querySelector('.lane'); }")
    words = lane(page, "Trial reminder").locator(".tip")
    before = words.text_content()
    expect(words).not_to_have_text(before or "")
    assert page.evaluate("() => window.first.isConnected")
