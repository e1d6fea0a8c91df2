"""The alarms on the page: who may do what with one, and how often the engine is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from service.page import alarms, asked, mode
from service.page.access import Access, in_words
from service.people.roles import Person

OWN = {"X-Rheostat": "1"}


class Engine:
    """Answers in the place of an engine, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.dead = False

    def ask(self, _: Path, message: Mapping[str, Any], __: float = 0.0) -> dict[str, Any]:
        if self.dead:
            raise OSError("nobody there")
        self.asked.append(message)
        return {"ok": message.get("alarm") != "unknown", "text": "done", "alarms": []}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr(mode, "ask", engine.ask)
    monkeypatch.setattr(asked, "ask", engine.ask)
    return engine


class Client:
    """A browser, as far as these routes see one."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app

    def get(self, path: str) -> httpx.Response:
        return self._ask("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self._ask("POST", path, **more)

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())


@pytest.fixture
def page(tmp_path: Path, engine: Engine) -> Client:
    app = FastAPI()
    app.add_exception_handler(HTTPException, in_words)

    async def person_of(request: Any) -> Person:
        return Person("kim", "Kim Yuna", request.headers.get("role", "operator"))

    app.state.access = Access(person_of=person_of)
    app.include_router(alarms.router(tmp_path))
    return Client(app)


def test_what_stands_is_told_and_many_viewers_ask_the_engine_once(
    page: Client, engine: Engine
) -> None:
    assert page.get("/api/alarms").json()["alarms"] == []
    for _ in range(20):
        page.get("/api/alarms")
    assert 1 <= len(engine.asked) <= 5
    engine.dead = True
    asyncio.run(asyncio.sleep(asked.FRESH_S))
    answer = page.get("/api/alarms")
    assert (answer.status_code, "does not answer" in answer.json()["text"]) == (503, True)


@pytest.mark.parametrize(
    ("what", "role", "status"),
    [
        ("acknowledge", "operator", 200), ("acknowledge", "auditor", 403),
        ("reset", "operator", 200), ("shelve", "operator", 200), ("unshelve", "operator", 200),
        ("shelve", "auditor", 403), ("suppress", "operator", 403), ("suppress", "engineer", 200),
        ("unsuppress", "engineer", 200), ("delete", "engineer", 404),
    ],
)  # fmt: skip
def test_each_act_takes_its_role(
    page: Client, engine: Engine, what: str, role: str, status: int
) -> None:
    given = {"why": "known", "minutes": 5.0}
    answer = page.post(f"/api/alarms/a.b/{what}", json=given, headers={**OWN, "role": role})
    assert answer.status_code == status
    if status == 200:
        (message,) = engine.asked
        assert (message["what"], message["who"], message["alarm"]) == (what, "Kim Yuna", "a.b")
    else:
        assert engine.asked == []


def test_a_person_who_is_signed_in_signs_with_their_own_name(page: Client, engine: Engine) -> None:
    given = {"who": "Somebody Else"}
    assert page.post("/api/alarms/a/acknowledge", json=given, headers=OWN).status_code == 422
    page.post("/api/alarms/a/acknowledge", json={}, headers=OWN)
    assert [message["who"] for message in engine.asked] == ["Kim Yuna"]


@pytest.mark.parametrize("bad", [{"minutes": 481.0}, {"minutes": "5"}, {"why": "x" * 301},
                                 {"minutes": -1.0}, {"surprise": 1}])  # fmt: skip
def test_what_makes_no_sense_never_reaches_the_engine(
    page: Client, engine: Engine, bad: dict[str, Any]
) -> None:
    assert page.post("/api/alarms/a/shelve", json=bad, headers=OWN).status_code == 422
    assert page.post("/api/alarms/a%20b/shelve", json={}, headers=OWN).status_code == 422
    assert page.post("/api/alarms/a/shelve", json={}).status_code == 403, "not our own page"
    assert engine.asked == []


def test_a_refusal_by_the_engine_is_told(page: Client, engine: Engine) -> None:
    answer = page.post("/api/alarms/unknown/acknowledge", json={}, headers=OWN)
    assert (answer.status_code, answer.json()["text"]) == (409, "done")
