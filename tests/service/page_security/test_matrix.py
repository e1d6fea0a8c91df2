"""Every role at every endpoint in every state of a line, against a table written by hand.

O operator, E engineer, Q QA approver, A admin, U auditor, R signed in but not registered, N nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.service.page_security.world import NAMES, PASSWORD, Browser, World
from tests.service.small_line import LOOP

PEOPLE = dict(zip("OEQAU", NAMES, strict=True))
SHA = "ab" * 32
MODE = {"loop": LOOP, "mode": "SHADOW"}
MATRIX: list[tuple[str, str, Any, str]] = [
    ("GET", "/api/line", None, "OEQAUR"),
    ("GET", "/api/status", None, "OEQAUR"),
    ("GET", "/api/limits/proposals", None, "OEQAUR"),
    ("POST", "/api/mode", {"loop": LOOP, "mode": "OFF"}, "OEQAURN"),
    ("POST", "/api/mode", MODE, "OE"),
    ("POST", "/api/mode", MODE | {"mode": "AUTO"}, "OE"),
    ("POST", "/api/mode", MODE | {"mode": "OFF", "reset": True}, "OEQ"),
    ("POST", "/api/mode", MODE | {"mode": "AUTO", "reset": True}, "OEQ"),
    ("POST", "/api/limits/propose", {"changes": [], "reason": "x"}, "E"),
    ("POST", f"/api/limits/{SHA}/sign", {"password": PASSWORD}, "EQ"),
    ("POST", f"/api/limits/{SHA}/activate", None, "EQ"),
    ("POST", "/api/review", {"first": 1, "last": 1, "why": "x", "password": PASSWORD}, "Q"),
    ("GET", "/api/people", None, "A"),
    ("POST", "/api/people", {"person": "olga", "name": "Olga", "role": "admin"}, "A"),
    ("POST", "/api/people/nobody/lock", None, "A"),
    ("POST", "/api/people/nobody/unlock", None, "A"),
    ("POST", "/api/people/nobody/reset", None, "A"),
    ("POST", "/api/people/nobody/sign-out", None, "A"),
]
STRANGERS = {
    "GET /", "GET /api/session", "POST /api/session", "POST /api/session/end",
    "POST /api/session/touch", "POST /api/session/set-up", "POST /api/mode",
}  # fmt: skip
"""The page's own file, the ways to sign in, and OFF."""


@pytest.fixture(scope="module", params=["signed", "named, open"])
def line(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, dict[str, Browser]]]:
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
    browsers = {letter: world.sign_in(who) for letter, who in PEOPLE.items()}
    yield world, {**browsers, "R": world.sign_in("rita"), "N": world.sign_in("")}
    world.close()


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize("state", ["OFF", "SHADOW", "AUTO", "TRIPPED"])
def test_each_role_gets_what_the_table_says_in_each_state(
    line: tuple[World, dict[str, Browser]], state: str
) -> None:
    world, browsers = line
    world.engine.be(state)
    is_open = world.app.state.identity.settings["read"] == "open"
    found = []
    for method, path, body, letters in MATRIX:
        may = letters + ("N" if is_open and letters == "OEQAUR" else "")
        for letter, browser in browsers.items():
            status = browser(method, path, json=body).status_code
            refused = status in (401, 403)
            needs_more = status == 401 and letter in may and browser.asked_for_a_password
            if refused != (letter not in may) and not needs_more:
                found.append(f"{letter} {method} {path} {body}: {status}")
    assert found == []


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
    assert set(served) == STRANGERS
