"""What tests of the page are given: a browser, and pages that must not complain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.browsing import PATIENCE, Complaints, Stage, chromium, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def shop() -> Iterator[Stage]:
    with stage() as started:
        yield started


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        yield context.new_page()


@pytest.fixture
def page(tab: Page, complaints: Complaints) -> Iterator[Page]:
    """An empty page; the test fails when the browser complains of anything."""
    tab.set_viewport_size({"width": 1280, "height": 860})
    tab.emulate_media(color_scheme="light")
    with complaints.of(tab):
        yield tab
        leave(tab)
    assert complaints.said == []


def leave(page: Page) -> None:
    """Close the page at the server, so that nothing of a test is left."""
    if page.url.startswith("http"):
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
    page.goto("about:blank")
