"""People at the screen, in a real Chromium: sign-in, signed AUTO, limits changed by two people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_security.world import PASSWORD, World
from tests.service.screen_people import Screen
from tests.service.small_line import LOOP

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    world = World(tmp_path_factory.mktemp("signed") / "s")
    with page_server(world.state) as address, chromium() as browser:
        seen = Seen(browser, address.replace("127.0.0.1", "localhost"), "en")
        seen.go("")
        yield Screen(world, seen)
    world.close()


def test_nobody_sees_the_line_before_signing_in(screen: Screen) -> None:
    page = screen.seen.go("")
    page.get_by_text("Sign in to see this line.").wait_for()
    assert page.locator(".card").count() == 0


@pytest.mark.requirement("SEC-09")
def test_an_operator_signs_auto_with_the_password(screen: Screen) -> None:
    page = screen.sign_in("olga")
    screen.show(f"#/loop/{LOOP}")
    page.get_by_role("button", name="AUTO").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("the line is warm")
    dialog.get_by_label("Password, as your signature").fill("not the password")
    dialog.get_by_role("button", name="Sign").click()
    dialog.locator(".alarm", has_text="wrong").wait_for()
    assert screen.world.engine.rows("signature") == []
    dialog.get_by_label("Password, as your signature").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign").click()
    page.locator("#message", has_text="AUTO asked for").wait_for()
    signature = screen.world.engine.rows("signature")[-1].body
    assert (signature["name"], "the line is warm" in signature["meaning"]) == ("Olga Stern", True)


def test_an_auditor_is_told_in_words_and_sees_no_way_to_change(screen: Screen) -> None:
    page = screen.sign_in("aude")
    screen.show(f"#/loop/{LOOP}")
    shadow = page.get_by_role("button", name="SHADOW")
    assert shadow.is_disabled()
    assert shadow.get_attribute("title") == "Not for the role auditor"
    screen.show("#/engineering/limits")
    page.get_by_text("In force: version 1").wait_for()
    assert page.get_by_role("button", name="Change").count() == 0


@pytest.mark.requirement("REC-07")
def test_a_limit_is_changed_by_two_people_on_the_screen(screen: Screen) -> None:
    page = screen.sign_in("emil")
    screen.show("#/engineering/limits")
    page.get_by_role("button", name="Change: limits.setpoints.coater.gap_sp.operating").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("High limit").fill("0.0008")
    dialog.get_by_label("Low limit").fill("0.0002")
    dialog.get_by_role("button", name="Take over").click()
    page.get_by_role("button", name="Propose", exact=True).click()
    dialog.get_by_label("Reason").fill("the lip was reground")
    dialog.get_by_role("button", name="Propose").click()
    for person in ("emil", "quin"):
        if person != "emil":
            screen.sign_in(person)
            screen.show("#/engineering/limits")
        card = page.locator(".proposal", has_text="the lip was reground")
        card.get_by_role("button", name="Sign").click()
        dialog.get_by_label("Password, as your signature").fill(PASSWORD)
        dialog.get_by_role("button", name="Sign").click()
        page.locator("#message", has_text="signed by").wait_for()
    page.locator(".proposal", has_text="Quin Vale (qa-approver)").wait_for()
    page.locator(".proposal").get_by_role("button", name="Activate").click()
    dialog.get_by_role("button", name="Activate").click()
    page.get_by_text("In force: version 2").wait_for()
    row = page.locator("tr[title='limits.setpoints.coater.gap_sp.operating']")
    assert "the lip was reground" in row.inner_text()
    assert "0.0008" in row.inner_text()
