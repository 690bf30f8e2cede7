"""The page in a real browser, over a store of 10,000 runs."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from inngest_asgi.dev import DevOptions, RunStatus
from inngest_asgi.dev.records import App, Changes, Function, Run, StoredEvent
from inngest_asgi.dev.store.store import Store
from inngest_asgi.wire.codec import dumps
from tests.live.browsing import PATIENCE, Stage, server_at

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

pytestmark = [pytest.mark.live, pytest.mark.browser]
expect.set_options(timeout=PATIENCE)

RUNS = 10_000
SOON = 2.0
"""Seconds within which a list must stand: a tenth of it is usual here, where two programs share two
processors. A list that asked for all runs, or drew them, takes several times as long."""


@pytest.fixture(scope="module", autouse=True)
def many(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    path = str(tmp_path_factory.mktemp("large") / "dev.db")
    asyncio.run(fill(path))
    with server_at(DevOptions(db=path, poll_interval=0, keep=None)) as url:
        yield Stage(url)


async def fill(path: str) -> None:
    """Write the runs through the store, as a server would have."""
    store = await Store.open(path)
    names = ("Charge card", "Send mail", "Import rows", "Trial reminder")
    functions = [made(number, name) for number, name in enumerate(names)]
    await store.save(Changes(apps=[App("shop", "shop", "http://localhost:9")], functions=functions))
    for begin in range(0, RUNS, 2_000):
        changes = Changes()
        for number in range(begin, begin + 2_000):
            event, run = started(number, functions[number % len(functions)])
            changes.events.append(event)
            changes.new_runs.append(run)
        await store.save(changes)
    await store.close()


def made(number: int, name: str) -> Function:
    slug = f"shop-{name.lower().replace(' ', '-')}"
    triggers = [{"event": f"shop/event.{number}"}]
    return Function(f"f-{number}", "shop", slug, name, "http://localhost:9", 1, triggers, {})


def started(number: int, function: Function) -> tuple[StoredEvent, Run]:
    at = 1_700_000_000.0 + number
    name = f"shop/event.{function.id[-1]}"
    event_id, run_id = (f"01HF{kind}{number:021d}" for kind in "EZ")
    body = dumps({"name": name, "data": {"number": number}, "id": event_id, "ts": int(at * 1000)})
    event = StoredEvent(event_id, event_id, name, int(at * 1000), at, body)
    status = RunStatus.FAILED if number % 50 == 0 else RunStatus.COMPLETED
    run = Run(run_id, function.id, event, at, status, at + 0.01, at + 0.3, b'{"message": "no"}')
    return event, run


def seconds_until_shown(page: Page, text: str) -> float:
    """Wait until the first row has a text, and return how long that took."""
    began = time.perf_counter()
    expect(page.locator(".rows .row").first).to_contain_text(text)
    return time.perf_counter() - began


def test_the_first_rows_stand_soon_and_no_others_are_drawn(page: Page, many: Stage) -> None:
    page.goto(many.url, wait_until="commit")
    assert seconds_until_shown(page, "Trial reminder") < SOON
    assert page.locator(".rows .row").count() <= 150
    expect(page.get_by_role("button", name="All")).to_contain_text(f"{RUNS:,}")


def test_filters_and_search_look_through_all_of_them(page: Page, many: Stage) -> None:
    page.goto(many.url)
    page.get_by_role("button", name="Failed").click()
    assert seconds_until_shown(page, "Import rows") < SOON
    page.get_by_role("button", name="All").click()
    page.get_by_role("searchbox").fill(f"01HFZ{17:021d}")
    expect(page.locator(".rows .row")).to_have_count(1)


def test_one_scrolls_on_and_on_while_news_come_in_above(page: Page, many: Stage) -> None:
    page.goto(many.url)
    rows = page.locator(".rows .row")
    expect(rows.first).to_be_visible()
    page.evaluate(
        """async () => {
          const until = Date.now() + 8000;
          while (document.querySelectorAll(".rows .row").length < 1000 && Date.now() < until) {
            window.scrollTo(0, document.body.scrollHeight);
            await new Promise((done) => setTimeout(done, 20));
          }
        }"""
    )
    assert rows.count() >= 1000
    order = rows.evaluate_all("(all) => all.map((one) => one.parentElement.dataset.key)")
    assert order == sorted(set(order), reverse=True)
    page.evaluate("() => window.scrollTo(0, 0)")
    many.send("shop/event.1", {})
    began = time.perf_counter()
    expect(rows.first).to_contain_text("Send mail")
    assert time.perf_counter() - began < SOON
