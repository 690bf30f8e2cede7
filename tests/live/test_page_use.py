"""The page in a real browser: by keyboard, on a narrow screen, in the dark, and for all eyes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.live.browsing import PATIENCE, Stage

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.live, pytest.mark.browser]
expect.set_options(timeout=PATIENCE)

# What is seen of a text: its colour over the first background behind it that is not see-through.
# Half-transparent backgrounds are mixed with what is behind them.
TOO_FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const mix = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((one) => one / 255)
      .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !element.checkVisibility({ opacityProperty: true })) continue;
    if (element.closest(".sr, .skip, :disabled")) continue;
    const behind = [];
    for (let one = element; one; one = one.parentElement) {
      behind.unshift(getComputedStyle(one).backgroundColor);
    }
    const back = mix(["white", ...behind]);
    const front = mix([`rgb(${back})`, getComputedStyle(element).color]);
    const [low, high] = [light(back), light(front)].sort((one, other) => one - other);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} ${element.className}: ${node.textContent.trim().slice(0, 40)}`);
  }
  return [...new Set(found)];
}"""  # noqa: E501 - JavaScript
SIDEWAYS = "() => document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture(scope="module")
def order(shop: Stage) -> str:
    return shop.finished(shop.send("shop/charge", {"amount": 7}))


@pytest.fixture(scope="module")
def views(shop: Stage, order: str) -> dict[str, str]:
    """The text to wait for by the address of each view."""
    failed = shop.finished(shop.send("shop/rows.uploaded", {"amount": "twelve"}))
    return {
        "runs": "Charge card",
        f"runs/{order}": "shop-charge",
        f"runs/{failed}": "row 7 has no number",
        "events": "shop/charge",
        "functions": "Nightly report",
        "apps": "In sync",
    }


def shown(page: Page, text: str) -> Locator:
    """Return the first element that shows a text, and is no option of a closed list."""
    return page.locator("main :not(option)").get_by_text(text).locator("visible=true").first


def test_nothing_is_cut_off_on_a_narrow_screen(
    page: Page, shop: Stage, views: dict[str, str]
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    wide = {}
    for path, text in views.items():
        page.goto(f"{shop.url}/#/{path}")
        expect(shown(page, text)).to_be_visible()
        wide[path] = page.evaluate(SIDEWAYS)
    assert wide == dict.fromkeys(views, False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(scheme: str, page: Page, shop: Stage, views: dict[str, str]) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    faint = []
    for path, text in views.items():
        page.goto(f"{shop.url}/#/{path}")
        expect(shown(page, text)).to_be_visible()
        faint += page.evaluate(TOO_FAINT)
    assert faint == []


def test_the_theme_follows_the_system_until_one_is_chosen(page: Page, shop: Stage) -> None:
    background = "() => getComputedStyle(document.body).backgroundColor"
    page.emulate_media(color_scheme="dark")
    page.goto(shop.url)
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    page.get_by_role("button", name="Theme: as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    page.reload()
    assert light != dark
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Theme: dark").click()
    assert page.evaluate(background) == light
    assert page.evaluate("() => localStorage.length") == 0


def test_the_whole_way_to_a_step_and_back_by_keyboard(page: Page, shop: Stage, order: str) -> None:
    page.goto(shop.url)
    expect(page.locator(".rows .row").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("charge")
    expect(page.locator(".rows .row")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"[data-key='{order}'] .row")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".lane").first).to_be_visible()
    page.locator(".lane").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Step")).to_contain_text("charged")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Step")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r"#/runs\?q=charge$"))


def test_arrow_keys_walk_the_rows(page: Page, shop: Stage, views: dict[str, str]) -> None:
    page.goto(shop.url)
    rows = page.locator(".rows .row")
    expect(rows.first).to_be_visible()
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    page.keyboard.press("Home")
    expect(rows.first).to_be_focused()


def test_the_first_stop_of_tab_skips_to_the_content(page: Page, shop: Stage) -> None:
    page.goto(shop.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_what_is_focused_is_seen(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    expect(page.locator(".lane").first).to_be_visible()
    unseen = []
    for _ in range(25):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
              const one = document.activeElement;
              const style = getComputedStyle(one);
              const seen = one === document.body || style.outlineStyle !== "none";
              return seen ? [] : [one.outerHTML.slice(0, 80)];
            }"""
        )
    assert unseen == []


def test_escape_closes_a_dialog_and_gives_the_focus_back(page: Page, shop: Stage) -> None:
    page.goto(f"{shop.url}/#/events")
    page.get_by_role("button", name="Send event").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.get_by_label("Event", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Send event")).to_be_focused()


def test_a_run_stays_on_the_step_that_is_looked_at(page: Page, shop: Stage, order: str) -> None:
    page.goto(f"{shop.url}/#/runs/{order}")
    page.locator(".lane").last.click()
    expect(page.get_by_role("complementary", name="Step")).to_contain_text("charged")
    page.reload()
    expect(page.get_by_role("complementary", name="Step")).to_contain_text("charged")


def test_a_chosen_step_comes_into_sight_on_a_narrow_screen(
    page: Page, shop: Stage, order: str
) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(f"{shop.url}/#/runs/{order}")
    page.locator(".lane").last.click()
    side = page.get_by_role("complementary", name="Step")
    expect(side.get_by_text("Kind")).to_be_in_viewport()
