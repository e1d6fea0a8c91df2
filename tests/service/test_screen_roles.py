"""What the screen offers each role, in one browser: as the table of roles written by hand says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Page

from records.store import RecordStore
from service.alarms.catalogue import catalogue
from service.alarms.desk import Desk as AlarmDesk
from service.people.roles import ACTIONS
from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_people import PASSWORD, account
from tests.service.page_security.test_access import EXPECTED
from tests.service.page_world import commissioned, make_state
from tests.service.test_page import Desk
from tests.service.test_screen_people import with_batch

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)
UTC = "2026-11-28T03:00:00.000Z"
PEOPLE = {
    "O": "operator", "E": "engineer", "Q": "qa-approver", "A": "admin", "U": "auditor", "N": "",
}  # fmt: skip
CONTROLS = {
    "view": ("#/", ".card"),
    "off": ("#/loop/coating", "[data-mode=OFF]:enabled"),
    "mode": ("#/loop/coating", "[data-mode=AUTO]:enabled"),
    "reset": ("#/loop/coating", "[data-reset]:enabled"),
    "acknowledge": ("#/alarms", "button:text-is('Acknowledge')"),
    "shelve": ("#/alarms", "button:text-is('Shelve')"),
    "suppress": ("#/alarms", "button:text-is('Out of service')"),
    "limits-propose": ("#/engineering/limits", "button[aria-label^='Change: ']"),
    "limits-sign": ("#/engineering/limits", ".proposal button:text-is('Sign')"),
    "limits-activate": ("#/engineering/limits", ".proposal button:text-is('Activate')"),
    "what-if": ("#/engineering/what-if", "button.strong:enabled:text('Play')"),
    "export": ("#/records/exports", "a:text-is('CSV')"),
    "enter": ("#/records/exports/7", "button:text-is('Enter a lot')"),
    "check": ("#/records/exports/7", "button:text-is('Check')"),
    "review": ("#/records/trail", "button:text-is('Sign a review')"),
    "people": ("#/account/me", ".tabs a:text-is('Accounts')"),
}
"""Action to the sheet where it is, and the control that a role which may do it can use."""
STANDS = {
    "#/": ".card", "#/loop/coating": ".head .mode", "#/alarms": "td >> text=Holding",
    "#/engineering/limits": ".proposal", "#/engineering/what-if": "text=Numbers to try",
    "#/records/exports": "text=Record (JSON)", "#/records/exports/7": ".lots td",
    "#/records/trail": ".batches",
    "#/account/me": ".tabs",
}  # fmt: skip
"""What says that a sheet is complete, for whoever looks."""
ASKS_FIRST = {"mode": "AUTO", "reset": "Reset", "what-if": "Play 60 cycles"}
"""Always there: whoever has not signed in is asked to."""


class Line(NamedTuple):
    state: Path
    seen: Seen
    page: Page


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line being commissioned that everybody may look at: an alarm, a batch, five people."""
    state = tmp_path_factory.mktemp("roles") / "s"
    sealed = make_state(state, 30)
    register = {}
    for role in filter(None, PEOPLE.values()):
        made = account(state, role, role.title(), role)
        entry = {"name": made.name, "role": role, "key": made.public, "revoked": None}
        register[role] = entry
    commissioned(state, {**sealed, "people": register}, UTC)
    with_batch(state, tmp_path_factory.mktemp("batch"))
    lot = {"entry": "lot", "batch": 7, "material": "PSA", "lot": "A1", "person": "x", "who": "X"}
    store = RecordStore(state / "records.sqlite")
    store.append("entry", "", UTC, lot)
    store.close()
    desk, alarms = Desk(state), AlarmDesk(catalogue(sealed), {}, 0.0)
    for now_s in (0.0, 40.0):
        alarms.look("coating", {"coating.hold": "IL-07"}, now_s, UTC, idle=False)
    desk.alarms = alarms.standing()
    with page_server(state) as address, chromium() as browser:
        seen = Seen(browser, address, "en")
        seen.page.route("**/favicon.ico", lambda route: route.fulfill(status=204))  # of /metrics
        seen.go("")
        yield Line(state, seen, seen.page)
    desk.close()


def post(line: Line, path: str, body: dict[str, Any]) -> int:
    """Ask the page's server with the browser's cookies; return the status."""
    answer = line.page.context.request.post(
        line.seen.address + path, data=body, headers={"X-Rheostat": "1"}
    )
    return answer.status


def be(line: Line, role: str) -> None:
    """Let somebody in `role` be the one who sits there; '' is nobody."""
    line.page.goto(f"{line.seen.address}/metrics")  # a screen that still asks would be refused
    assert post(line, "/api/session/end", {}) == 200
    if role:
        assert post(line, "/api/session", {"person": role, "password": PASSWORD}) == 200
    line.seen.go("")
    line.page.locator("#person", has_text=role.title() or "Sign in").wait_for()


def test_every_action_of_the_table_has_its_control() -> None:
    assert set(CONTROLS) == set(ACTIONS)


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
def test_each_role_is_offered_what_the_table_gives_it_and_nothing_else(line: Line) -> None:
    be(line, "engineer")
    change = {"place": ["limits", "setpoints", "coater.gap_sp", "operating"], "new": [250.0, 330.0]}
    assert post(line, "/api/limits/propose", {"changes": [change], "reason": "lip"}) == 200
    wrong = []
    for letter, role in PEOPLE.items():
        be(line, role)
        for route, stands in STANDS.items():
            line.page.evaluate(f"location.hash = '{route}'")
            line.page.locator(stands).first.wait_for()
            for action, (where, control) in CONTROLS.items():
                if where != route:
                    continue
                offered = line.page.locator(control).count() > 0
                may = letter in EXPECTED[action] or (letter == "N" and action in {"view"})
                asks = letter == "N" and action in ASKS_FIRST
                if offered != (may or asks):
                    wrong.append(f"{role or 'nobody'}: {action} is {offered=}")
    assert wrong == []
    for action, name in ASKS_FIRST.items():
        line.page.evaluate(f"location.hash = '{CONTROLS[action][0]}'")
        line.page.get_by_role("button", name=name).click()
        dialog = line.page.get_by_role("dialog")
        dialog.get_by_label("Name for signing in").wait_for()
        dialog.get_by_role("button", name="Cancel").click()
    assert line.seen.problems == []
