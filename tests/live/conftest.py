"""What tests of the page are given: a browser, and pages that must not complain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.live.browsing import PATIENCE, Complaints, Stage, chromium, stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page


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
def profile(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def page(profile: BrowserContext, complaints: Complaints) -> Iterator[Page]:
    """A page of its own; the test fails when the browser complains of anything."""
    page = profile.new_page()
    complaints.of(page)
    yield page
    page.close()
    assert complaints.said == []
