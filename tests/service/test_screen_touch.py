"""The screen under a finger and under a keyboard alone, on a panel PC and a tablet both ways up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_people import PASSWORD, account
from tests.service.page_world import make_state
from tests.service.test_page import Desk

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)
SCREENS = [(1366, 768), (1024, 768), (768, 1024)]
ROUTES = ["#/", "#/loop/coating", "#/alarms", "#/engineering/interlock", "#/records/trail"]
SMALL = """least => [...document.querySelectorAll("button, a, input, select, textarea, summary")]
  .filter((one) => one.offsetParent).map((one) => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => Math.min(box.height, box.width) < least(one))
  .map(([one, box]) => `${one.tagName} ${one.textContent.slice(0, 20)} ${box.width}x${box.height}`)
"""
FINGER = "() => 43.5"
DENSE = (
    'one => one.closest(".process, .matrix, .changed") ? 22 : one.closest("#banner") ? 34 : 43.5'
)
"""On the panel PC all of a loop has to fit, so the rows of its lists stay low."""
FOCUSED = "document.activeElement.textContent"


class Touch:
    def __init__(self, desk: Desk, browser: Browser, address: str) -> None:
        self.desk, self.browser, self.address = desk, browser, address


@pytest.fixture(scope="module")
def touch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Touch]:
    state = tmp_path_factory.mktemp("touch") / "s"
    make_state(state, 30, hasty=20)
    account(state, "kim", "Kim Yuna", "operator")
    desk = Desk(state)
    with page_server(state) as address, chromium() as browser:
        yield Touch(desk, browser, address)
    desk.close()


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_a_finger_hits_what_it_means(touch: Touch, width: int, height: int) -> None:
    context = touch.browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, locale="en-GB"
    )
    page = context.new_page()
    panel = width == SCREENS[0][0]
    for route in ROUTES:
        page.goto(f"{touch.address}/{route}")
        page.locator("#view > *").first.wait_for()
        page.locator(".card, .head, .sheet").first.wait_for()
        page.get_by_text("Loading …").wait_for(state="detached")  # an empty sheet has no targets
        assert page.evaluate("matchMedia('(pointer: coarse)').matches")
        small = page.evaluate(f"({SMALL})({DENSE if panel else FINGER})")
        assert small == [], f"{route} at {width}x{height}"
        down, side = page.evaluate(
            "[document.documentElement.scrollHeight - innerHeight,"
            " document.documentElement.scrollWidth - innerWidth]"
        )
        assert side <= 0, f"{route} is wider than {width}"
        assert not panel or not route.startswith("#/loop") or down <= 0, f"{route} scrolls"
    touch.desk.asked.clear()
    page.goto(f"{touch.address}/#/loop/coating")
    page.get_by_role("button", name="OFF").tap()
    page.locator("#message", has_text="OFF asked for").wait_for()
    assert [one["mode"] for one in touch.desk.modes] == ["OFF"]
    context.close()


def tab_to(page: Page, text: str) -> None:
    for _ in range(60):
        if page.evaluate(FOCUSED) == text:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reaches {text!r}")


def test_off_and_signing_in_need_nothing_but_a_keyboard(touch: Touch) -> None:
    touch.desk.asked.clear()
    seen = Seen(touch.browser, touch.address, "en")
    page = seen.go("")
    page.locator(".card").first.wait_for()
    page.keyboard.press("F3")
    page.locator(".head .mode").wait_for()
    tab_to(page, "OFF")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "where the keyboard is has to be seen"
    page.keyboard.press("Enter")
    page.locator("#message", has_text="OFF asked for").wait_for()
    assert [(one["mode"], one["who"]) for one in touch.desk.modes] == [("OFF", "not signed in")]
    page.evaluate("document.activeElement.blur()")
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.type("kim")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.locator("#person", has_text="Kim Yuna").wait_for()
    tab_to(page, "SHADOW")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    assert len(touch.desk.modes) == 1, "Escape asks for nothing"
    assert seen.problems == []
    seen.context.close()
