"""One table says who may do what, and every request passes it or is refused in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from starlette.exceptions import HTTPException

from service.page.access import Access, Person, in_words, require
from service.people.roles import ACTIONS, NOBODY_ROLE, ROLES, UNREGISTERED_ROLE
from tests.service.page_people import as_role

OWN = {"X-Rheostat": "1"}
EXPECTED: dict[str, str] = {
    # operator engineer qa-approver admin auditor unregistered nobody
    "view": "OEQAUR-",
    "off": "OEQAURN",
    "mode": "OE-----",
    "reset": "OEQ----",
    "acknowledge": "OE-----",
    "shelve": "OE-----",
    "suppress": "-E-----",
    "limits-propose": "-E-----",
    "limits-sign": "-EQ----",
    "limits-activate": "-EQ----",
    "what-if": "OEQ----",
    "export": "OEQ-U--",
    "enter": "OE-----",
    "check": "OEQ----",
    "review": "--Q----",
    "people": "---A---",
}
"""Written by hand and from no table of the product: a slip in that one shows here."""
COLUMNS = (*ROLES, UNREGISTERED_ROLE, NOBODY_ROLE)


def page() -> FastAPI:
    app = FastAPI()
    app.add_exception_handler(HTTPException, in_words)
    for action in ACTIONS:

        async def done(person: Person = Depends(require(action))) -> dict[str, str]:  # noqa: B008
            return {"who": person.role}

        app.get(f"/{action}")(done)
        app.post(f"/{action}")(done)
    return app


def call(app: FastAPI, method: str, path: str, **headers: str) -> tuple[int, Any]:
    async def once() -> tuple[int, Any]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://page", verify=False
        ) as client:
            answer = await client.request(method, path, headers=headers)
            return answer.status_code, answer.json()

    return asyncio.run(once())


@pytest.mark.requirement("REC-14")
@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize("action", EXPECTED)
def test_every_role_may_do_what_the_table_says_and_nothing_else(action: str) -> None:
    app = page()
    for role, letter in zip(COLUMNS, EXPECTED[action], strict=True):
        as_role(app, role)
        status, answer = call(app, "POST", f"/{action}", **OWN)
        due = 200 if letter != "-" else 401 if role == NOBODY_ROLE else 403
        assert (role, status) == (role, due)
        assert status == 200 or answer["text"].startswith("Refused: ")


def test_the_expected_table_knows_every_action() -> None:
    assert set(EXPECTED) == set(ACTIONS)


def test_an_action_that_is_in_no_table_cannot_be_built_into_a_page() -> None:
    with pytest.raises(KeyError):
        require("open-the-oven")


def test_where_reading_is_open_nobody_else_gains_anything(tmp_path: Path) -> None:
    app = page()
    as_role(app, NOBODY_ROLE, read_open=True)
    assert call(app, "GET", "/view")[0] == 200
    assert call(app, "GET", "/export")[0] == 401
    assert call(app, "POST", "/mode", **OWN)[0] == 401


@pytest.mark.requirement("SEC-08")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Rheostat": "2"},
        {"X-Rheostat": "1", "Origin": "http://evil.example"},
        {"X-Rheostat": "1", "Origin": "null"},
        {"X-Rheostat": "1", "Origin": "http://page.evil.example"},
    ],
)
def test_what_another_site_sends_is_refused_even_to_who_may(headers: dict[str, str]) -> None:
    app = page()
    as_role(app, "engineer")
    assert call(app, "POST", "/mode", **headers)[0] == 403
    assert call(app, "POST", "/off", **headers)[0] == 403
    assert call(app, "POST", "/mode", Origin="http://page", **OWN)[0] == 200


@pytest.mark.requirement("SEC-16")
def test_each_refusal_is_told_with_who_what_and_why() -> None:
    told: list[tuple[str, str, str]] = []
    app = page()
    kim = as_role(app, "auditor")

    async def refused(_: Request, person: Person, action: str, why: str) -> None:
        told.append((person.id, action, why))

    async def person_of(_: Request) -> Person:
        return kim

    app.state.access = Access(person_of=person_of, refused=refused)
    call(app, "POST", "/mode", **OWN)
    call(app, "GET", "/view")
    assert [(who, what) for who, what, _ in told] == [("kim", "mode")]
    assert "auditor" in told[0][2]
