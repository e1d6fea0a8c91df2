"""Every role at every route of the page, in every state of a line and of a session.

Who may do which action is `EXPECTED` of test_access.py, written by hand. Here stands, by hand as
well, which action each route is. A route or an action that is missing here fails.
O operator, E engineer, Q QA approver, A admin, U auditor, R signed in but not registered, N nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from service.page.identity import COOKIE
from service.people.roles import ACTIONS
from tests.service.page_security.test_access import EXPECTED
from tests.service.page_security.world import NAMES, PASSWORD, Browser, World
from tests.service.small_line import LOOP

PEOPLE = dict(zip("OEQAU", NAMES, strict=True))
EVERYONE = "OEQAURN"
SHA = "ab" * 32
FILLED = {
    "{sha256}": SHA, "{person}": "zoe", "{seq}": "1", "{batch}": "7", "{loop}": LOOP,
    "{name}": "plc.heartbeat",
}  # fmt: skip
OWN = "own"
"""One's own account: whoever is signed in, also where everybody may look."""


class Row(NamedTuple):
    """One request: which action of the table it is, its route, a filled-in path, a body."""

    action: str
    method: str
    route: str
    body: Mapping[str, Any] | None = None
    what: str = ""

    def path(self) -> str:
        path = self.route.replace("{what}", self.what)
        for name, value in FILLED.items():
            path = path.replace(name, value)
        return path


def mode(action: str, mode: str, reset: bool = False) -> Row:
    return Row(action, "POST", "/api/mode", {"loop": LOOP, "mode": mode, "reset": reset})


ROWS = [
    mode("off", "OFF"), mode("mode", "SHADOW"), mode("mode", "AUTO"),
    *(mode("reset", one, reset=True) for one in ("OFF", "SHADOW", "AUTO")),
    *(Row("view", "GET", f"/api/{name}") for name in (
        "line", "status", "stream", "limits", "limits/proposals", "recent", "fan", "kpi",
        "profile", "explain/{seq}", "trail", "tags", "model", "alarms", "trend", "batches", "fleet",
        "batches/{batch}/lots", "batches/{batch}/record", "batches/{batch}/report",
        "report.css", "reviews",
        "what-if/{loop}", "limits/proposals/{name}/impact",
    )),
    Row("view", "GET", "/metrics"),
    Row("view", "POST", "/api/interlock", {}),
    Row(OWN, "GET", "/api/session/mine"),
    Row(OWN, "POST", "/api/session/password", {}), Row(OWN, "POST", "/api/session/key", {}),
    Row("acknowledge", "POST", "/api/alarms/{name}/acknowledge", {}),
    Row("acknowledge", "POST", "/api/alarms/{name}/reset", {}),
    Row("shelve", "POST", "/api/alarms/{name}/shelve", {"why": "x", "minutes": 5.0}),
    Row("shelve", "POST", "/api/alarms/{name}/unshelve", {}),
    Row("suppress", "POST", "/api/alarms/{name}/suppress", {"why": "x"}),
    Row("suppress", "POST", "/api/alarms/{name}/unsuppress", {}),
    Row("limits-propose", "POST", "/api/limits/propose", {"changes": [], "reason": "x"}),
    Row("limits-sign", "POST", "/api/limits/{sha256}/sign", {"password": PASSWORD}),
    Row("limits-activate", "POST", "/api/limits/{sha256}/activate"),
    Row("what-if", "POST", "/api/what-if", {}),
    *(Row("export", "GET", f"/api/batches/{{batch}}/{name}")
      for name in ("export.csv", "export.parquet", "report.pdf")),
    Row("enter", "POST", "/api/lots", {"batch": 7, "material": "PSA", "lot": "A1"}),
    Row("enter", "POST", "/api/lots/{seq}/strike", {"why": "x"}),
    Row("check", "POST", "/api/lots/{seq}/check", {"password": PASSWORD}),
    Row("review", "POST", "/api/review",
        {"first": 1, "last": 1, "why": "x", "password": PASSWORD}),
    Row("people", "GET", "/api/people"),
    Row("people", "GET", "/api/people/sessions"),
    Row("people", "POST", "/api/people", {"person": "olga", "name": "Olga", "role": "admin"}),
    Row("people", "POST", "/api/people/{person}/role", {"role": "admin"}),
    *(Row("people", "POST", "/api/people/{person}/{what}", None, what)
      for what in ("lock", "unlock", "reset", "renew", "sign-out")),
    Row(OWN, "POST", "/api/session/end-others"),
]  # fmt: skip
STRANGERS = {
    "GET /", "GET /api/session", "POST /api/session", "POST /api/session/end",
    "POST /api/session/touch", "POST /api/session/set-up", "POST /api/session/provider",
    "POST /api/session/provider/back",
}  # fmt: skip
"""The page's own file and the ways to sign in: no action of the table."""
ENDLESS = "/api/stream"
"""Whoever may look is not told when it ends; it is asked only by those who may not."""


def letters(row: Row, *, read_open: bool) -> str:
    """Return who may, by the table written by hand."""
    if row.action == OWN:
        return "OEQAUR"
    return EXPECTED[row.action] + ("N" if read_open and row.action == "view" else "")


class People:
    """One browser for each role, with addresses of their own so that no flood is seen in them."""

    def __init__(self, world: World, subnet: int) -> None:
        self.world, self.browsers = world, dict[str, Browser]()
        who = {**PEOPLE, "R": "rita", "N": ""}
        for number, (letter, person) in enumerate(who.items()):
            browser = self.browsers[letter] = world.browser(f"10.{subnet}.0.{number}")
            if person:
                given = {"person": person, "password": PASSWORD}
                assert browser.post("/api/session", json=given).status_code == 200

    def faults(self, *, read_open: bool = False, over: bool = False) -> list[str]:
        """Return every answer that the table does not say. `over`: all sessions have ended."""
        found = []
        for row in ROWS:
            may = letters(row, read_open=read_open)
            for letter, browser in self.browsers.items():
                allowed = ("N" if over else letter) in may
                if allowed and row.route == ENDLESS:
                    continue
                status = browser(row.method, row.path(), json=row.body).status_code
                needs_more = status == 401 and allowed and browser.asked_for_a_password
                assert status != 429, "a limit of use would hide what the table does"
                if (status in (401, 403)) == allowed and not needs_more:
                    found.append(f"{letter} {row.method} {row.path()} {row.body}: {status}")
        return found


@pytest.fixture(scope="module", params=["signed", "named, open"])
def line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A line in production, and one being commissioned that everybody may look at."""
    signed = request.param == "signed"
    world = World(
        tmp_path_factory.mktemp("matrix") / "s",
        auto="signed" if signed else "named",
        read="signed-in" if signed else "open",
    )
    code = world.accounts.add("rita", "Rita Ray", "engineer", 1.8e9)
    world.accounts.set_up("rita", code, PASSWORD, 1.8e9)
    world.app.state.identity.sealed()["people"]["rita"] = {
        "name": "Rita Ray", "role": "engineer", "key": "ed25519:" + "A" * 43 + "=", "revoked": None,
    }  # fmt: skip
    yield world
    world.close()


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize("state", ["OFF", "SHADOW", "AUTO", "TRIPPED"])
def test_each_role_gets_what_the_table_says_in_each_state(line: World, state: str) -> None:
    line.engine.be(state)
    people = People(line, 20 + len(state))
    read_open = line.app.state.identity.settings["read"] == "open"
    assert people.faults(read_open=read_open) == []


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-09")
@pytest.mark.parametrize("state", ["OFF", "AUTO", "TRIPPED"])
@pytest.mark.parametrize("ending", ["idle", "expired"])
def test_a_session_that_is_over_gives_nobody_more_than_a_stranger_has(
    world: World, state: str, ending: str
) -> None:
    """Idle: nobody touched it for too long. Expired: touched all day, and older than a shift."""
    code = world.accounts.add("rita", "Rita Ray", "engineer", 1.8e9)
    world.accounts.set_up("rita", code, PASSWORD, 1.8e9)
    world.engine.be(state)
    people = People(world, 30)
    identity = world.app.state.identity
    later = identity.now_s() + (16 * 60.0 if ending == "idle" else 12 * 3600.0 + 1.0)
    if ending == "expired":
        for browser in people.browsers.values():
            identity.sessions.touch(str(browser.cookies.get(COOKIE, "")), later - 1.0)
    identity.now_s = lambda: later
    assert people.faults(over=True) == []


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
def test_every_route_and_every_action_stands_in_the_matrix(world: World) -> None:
    served = {
        f"{method.upper()} {path}"
        for path, methods in world.app.openapi()["paths"].items()
        for method in methods
    }
    assert served == STRANGERS | {f"{row.method} {row.route}" for row in ROWS}
    assert {row.action for row in ROWS} == set(ACTIONS) | {OWN}


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
def test_no_route_of_the_page_is_open_to_a_stranger_but_these(world: World) -> None:
    """Whatever routes the page has, also those that no table knows yet."""
    stranger = world.browser()
    served = []
    for path, methods in world.app.openapi()["paths"].items():
        concrete = path.replace("{sha256}", SHA).replace("{", "").replace("}", "")
        for method in methods:
            status = stranger(method.upper(), concrete, json={}).status_code
            if status not in (401, 403):
                served.append(f"{method.upper()} {path}")
    assert set(served) == STRANGERS | {"POST /api/mode"}
