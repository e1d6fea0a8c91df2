"""The screen in a real headless Chromium: every level, both languages, one browser for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from service.alarms.catalogue import catalogue
from service.alarms.desk import Desk as AlarmDesk
from service.clock import utc_text
from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_people import PASSWORD, account
from tests.service.page_world import commissioned, make_state
from tests.service.test_page import Desk

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)
PANELS = ("#/", "#/loop/coating", "#/loop/profile", "#/loop/mixing")
"""What has to fit the panel PC without scrolling."""
KOREAN = (*PANELS, "#/alarms", "#/engineering/limits", "#/records/explain")
"""Every level once more in the other language."""
LIKE_OTHERS = (
    "#/loop/profile", "#/loop/mixing", "#/engineering/tags", "#/engineering/model",
    "#/engineering/what-if", "#/records/trail", "#/records/kpi",
)  # fmt: skip
"""Made of the same parts as another sheet, and long: axe looks at the other one."""
ROUTES = {
    "#/": ("Limited by: Die pressure: high limit", "제한 요인: 다이 압력: 상한"),
    "#/loop/coating": ("What the gate changed", "최근 10분간 게이트가 변경한 것"),
    "#/loop/profile": ("Bolt 12", "볼트 12"),
    "#/loop/mixing": ("Viscosity at 25 °C", "25 °C 점도"),
    "#/alarms": ("Alarms", "경보"),
    "#/engineering/limits": ("In force: version 1", "적용 중: 버전 1"),
    "#/engineering/tags": ("no answer from the device", "no answer from the device"),
    "#/engineering/model": ("coating.pump.slip", "coating.pump.slip"),
    "#/engineering/what-if": ("Numbers to try", "시험할 값"),
    "#/engineering/interlock": ("Wishes", "희망값"),
    "#/records/explain": ("the hash fits", "해시가 내용 및 이전 행과 일치"),
    "#/records/trail": ("commissioning", "commissioning"),
    "#/records/profile": ("Last scan", "마지막 스캔"),
    "#/records/kpi": ("Share clamped by the gate", "게이트 제한 비율"),
    "#/records/exports": ("Batches", "배치"),
}


class World:
    """A state directory, its command door, the page's server and the browser; and an old one."""

    def __init__(
        self, desk: Desk, browser: Browser, address: str, old: Path, sealed: Mapping[str, Any]
    ) -> None:
        self.desk, self.browser, self.address, self.old = desk, browser, address, old
        self.sealed = sealed

    def open(self, language: str = "en") -> Seen:
        return Seen(self.browser, self.address, language)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """In the coating loop the gate clamped a move, and now the line speed cannot be read."""
    state = tmp_path_factory.mktemp("screen") / "s"
    now = datetime.now(UTC)
    sealed = make_state(
        state, 60, loops=("coating", "profile", "mixing"), ends=now, hasty=40, blind=2
    )
    commissioned(state, sealed, utc_text(now))
    account(state, "kim", "Kim Yuna", "operator", PASSWORD)
    old = state.parent / "old"
    make_state(old, 5)
    desk = Desk(state)
    with page_server(state) as address, chromium() as browser:
        yield World(desk, browser, address, old, sealed)
    desk.close()


@pytest.fixture
def seen(world: World) -> Iterator[Seen]:
    seen = world.open()
    yield seen
    seen.context.close()


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Name for signing in").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("dialog").get_by_role("button", name="Sign in").click()
    page.locator("#person", has_text="Kim Yuna").wait_for()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_level_stands_in_both_languages_and_asks_only_its_own_server(
    world: World, language: str
) -> None:
    seen = world.open(language)
    axe = Axe()
    for route, texts in ROUTES.items():
        if language == "ko" and route not in KOREAN:
            continue  # the catalogue's tests say that every text is there
        page = seen.go(route)
        page.get_by_text(texts[language == "ko"]).first.wait_for()
        if language == "en" and route not in LIKE_OTHERS:
            found = axe.run(page)
            assert found.violations_count == 0, f"{route}: {found.generate_report()}"
        assert page.locator("html").get_attribute("lang") == language
        assert route not in PANELS or max(seen.overflow()) <= 0, f"{route} scrolls"
    assert seen.problems == []
    assert seen.hosts == {world.address.split("//")[1]}
    seen.context.close()


@pytest.mark.requirement("FS-08")
def test_the_timed_questions_are_answered_on_the_faceplate_without_scrolling(seen: Seen) -> None:
    """What mode, what limits it, what gave up and why, why the mode, what did the gate change."""
    page = seen.go("#/loop/coating")
    page.locator(".mode", has_text="HOLD").wait_for()
    assert seen.visible("Requested: AUTO")
    assert "IL-07" in page.locator(".head .why").inner_text()
    assert "no answer from the device" in page.locator(".head .why").inner_text()
    assert seen.visible("Die pressure: high limit")
    assert seen.visible("Die pressure by 0.200 bar")
    assert seen.visible("Rank 5 of 5")
    changed = page.locator(".changed")
    assert "IL-02 Coating gap" in changed.inner_text()
    assert seen.visible("What the gate changed in the last 10 minutes")
    box = changed.locator("li", has_text="IL-02").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 768
    assert seen.problems == []


def test_the_faceplate_shows_values_limits_predictions_and_the_gate(seen: Seen) -> None:
    page = seen.go("#/loop/coating")
    page.locator(".mode", has_text="HOLD").wait_for()
    row = page.locator("table.cvs tr", has_text="Die pressure").inner_text()
    assert "≤ 9.5" in row
    assert "gave up" in row
    gap = page.locator("table.mvs tr", has_text="Coating gap").inner_text()
    assert "240 … 340" in gap
    assert page.locator("canvas").count() == 2
    rules = page.locator("ol.rules li")
    assert rules.count() == 21
    assert "▲" not in rules.nth(0).inner_text()
    held = page.locator("ol.rules li.warn")
    assert "Line speed" in held.inner_text()
    page.get_by_role("button", name="Coating gap").click()
    page.locator(".trend .label", has_text="Coating gap").wait_for()


def test_off_is_one_click_and_auto_asks_to_sign_in_and_why(seen: Seen, world: World) -> None:
    world.desk.asked.clear()
    page = seen.go("#/loop/coating")
    page.get_by_role("button", name="OFF").click()
    page.locator("#message", has_text="OFF asked for").wait_for()
    assert world.desk.modes[0]["mode"] == "OFF"
    assert world.desk.modes[0]["who"] == "not signed in"
    page.get_by_role("button", name="AUTO").click()
    page.get_by_label("Name for signing in").fill("kim")
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("dialog").get_by_role("button", name="Sign in").click()
    page.locator("#person", has_text="Kim Yuna").wait_for()
    page.locator("#person").evaluate(
        "one => one.textContent = 'Maximiliana Sternberg · qa-approver'"
    )
    assert seen.overflow()[1] <= 0, "whoever sits there, the head fits"
    page.get_by_role("button", name="AUTO").click()
    page.get_by_label("Reason").fill("batch 7 begins")
    assert len(world.desk.modes) == 1, "nothing is asked before the person confirms"
    page.get_by_role("button", name="Ask").click()
    page.locator("#message", has_text="AUTO asked for").wait_for()
    asked = world.desk.modes[1]
    assert (asked["mode"], asked["who"], asked["why"]) == ("AUTO", "Kim Yuna", "batch 7 begins")


def test_old_data_and_a_dead_engine_are_said_on_every_level(world: World) -> None:
    with page_server(world.old) as address:  # nobody answers at its door
        seen = Seen(world.browser, address, "en")
        for route in ("#/", "#/loop/coating", "#/records/explain"):
            page = seen.go(route)
            page.locator("#banner", has_text="The engine does not answer").wait_for()
            assert "▲ Old data: Coat weight" in page.locator("#banner .data").inner_text()
        seen.context.close()


def test_the_simulator_answers_what_one_plays(seen: Seen) -> None:
    page = seen.go("#/engineering/interlock/coating")
    page.get_by_label("Interlocks ok", exact=True).uncheck()
    page.locator("h2.alarm", has_text="shed").wait_for()
    assert "interlocks_ok" in page.locator("ol.rules li.alarm").first.inner_text()
    assert seen.problems == []


def test_one_click_explains_what_the_gate_changed(seen: Seen) -> None:
    page = seen.go("#/loop/coating")
    page.locator(".changed a", has_text="IL-02").click()
    page.get_by_text("What was written").wait_for()
    assert "△ clamped" in page.locator("h2", has_text="Verdict of the gate").inner_text()
    number = page.get_by_label("Record").input_value()
    page.get_by_role("button", name="← Cycle before").click()
    page.wait_for_url(lambda url: not url.endswith(f"/{number}"))
    page.get_by_text("What was written").wait_for()
    assert int(page.get_by_label("Record").input_value()) < int(number)
    assert seen.problems == []


def test_the_first_alarm_stands_on_every_level_and_a_person_answers_it(
    seen: Seen, world: World
) -> None:
    """As the engine's own desk tells it: the hold came first, the bad reading followed."""
    desk = AlarmDesk(catalogue(world.sealed), {}, 0.0)
    hold = {"coating.hold": "IL-07 coater.line_speed: no answer from the device"}
    for now_s in (0.0, 8.0, 40.0, 80.0):
        found = hold if now_s < 40.0 else {**hold, "coating.reading": "coater.line_speed is bad"}
        utc = f"2026-11-28T03:0{int(now_s) // 60}:{int(now_s) % 60:02d}.000Z"
        desk.look("coating", found, now_s, utc, idle=False)
    world.desk.alarms = desk.standing()
    world.desk.asked.clear()
    page = seen.go("#/")
    page.locator("#banner .text", has_text="Coat weight: Holding").wait_for()
    assert "Active: 2 · Not acknowledged: 2" in page.locator("#banner").inner_text()
    assert "Coat weight: Holding" in page.locator("#card-coating .alarm").inner_text()
    page.locator("#banner .text").click()
    page.get_by_text("look at the instrument named").wait_for()
    assert page.get_by_role("button", name="Acknowledge").count() == 0, "nobody is signed in"
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    sign_in(page)
    row = page.locator("tr", has_text="Bad reading")
    row.get_by_role("button", name="Acknowledge").click()
    page.locator("#message", has_text="coating.reading: acknowledge").wait_for()
    row.get_by_role("button", name="Shelve").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("the gauge is being cleaned")
    page.get_by_role("dialog").get_by_label("Minutes").fill("30")
    page.get_by_role("dialog").get_by_role("button", name="Shelve").click()
    page.locator("#message", has_text="coating.reading: shelve").wait_for()
    asked = [one for one in world.desk.asked if one["do"] == "alarm"]
    assert [(one["what"], one["who"]) for one in asked] == [
        ("acknowledge", "Kim Yuna"), ("shelve", "Kim Yuna"),
    ]  # fmt: skip
    assert (asked[1]["why"], asked[1]["minutes"]) == ("the gauge is being cleaned", 30.0)
    world.desk.alarms = []
    assert seen.problems == []


def test_edited_limits_are_shown_on_the_head(seen: Seen, world: World) -> None:
    page = seen.go("#/")
    page.locator("#seal", has_text="Limits: v3").wait_for()
    world.desk.notices = ["limits.yaml was edited on the disk; version 3 stays in force"]
    page.locator("#seal", has_text="△ Limits: v3").wait_for()
    assert "stays in force" in str(page.locator("#seal").get_attribute("title"))
    world.desk.notices = []
