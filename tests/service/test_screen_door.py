"""The page's door in a real headless Chromium: from a one-time code to being signed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from service.people.accounts import Accounts
from service.people.store import PeopleStore
from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_people import CHEAP, PASSWORD
from tests.service.page_world import make_state
from tests.service.test_page import Desk

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 30.0
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.05)
    assert holds()


@pytest.mark.requirement("SEC-09")
@pytest.mark.requirement("SEC-16")
def test_a_person_sets_an_account_up_signs_in_and_what_failed_is_told_the_engine(
    tmp_path: Path,
) -> None:
    state = tmp_path / "s"
    make_state(state, 5, read="signed-in")
    code = Accounts(PeopleStore(state), CHEAP).add("nora", "Nora New", "operator", time.time())
    desk = Desk(state)
    try:
        with page_server(state) as address, chromium() as browser:
            seen = Seen(browser, address, "en")
            page = seen.page
            page.goto(address)
            page.get_by_text("Sign in to see this line.").wait_for()
            assert Axe().run(page).violations_count == 0
            assert page.locator("nav").count() == 0, "nothing of the line is shown to a stranger"
            page.get_by_role("button", name="Set up an account").click()
            page.get_by_label("Name for signing in").fill("nora")
            page.get_by_label("One-time code").fill(code)
            page.get_by_label("New password").fill(PASSWORD)
            page.get_by_label("The same password again").fill("another")
            page.get_by_role("button", name="Confirm").click()
            page.get_by_text("The two passwords differ.").wait_for()
            assert seen.problems == []
            page.get_by_label("The same password again").fill(PASSWORD)
            page.get_by_role("button", name="Confirm").click()
            page.get_by_text("key: ed25519:").wait_for()
            page.locator("dialog").get_by_role("button", name="Sign in").click()
            page.get_by_label("Name for signing in").fill("nora")
            page.get_by_label("Password").fill("wrong")
            page.locator("dialog").get_by_role("button", name="Sign in").click()
            page.get_by_text("Name or password is wrong").wait_for()
            page.get_by_label("Password").fill(PASSWORD)
            page.locator("dialog").get_by_role("button", name="Sign in").click()
            page.locator("#person", has_text="Nora New").wait_for()
            seen.problems.clear()  # the browser itself writes down every 401
            page.locator("#person").click()
            page.get_by_role("button", name="Sign out").click()
            page.get_by_text("Sign in to see this line.").wait_for()
            assert seen.problems == []
            until(lambda: {"account", "refused"} <= {one["do"] for one in desk.asked})
    finally:
        desk.close()
    told = [one for one in desk.asked if one["do"] == "refused"]
    assert [(one["who"], one["action"], one["why"]) for one in told] == [
        ("nora", "sign-in", "wrong password")
    ]
