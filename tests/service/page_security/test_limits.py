"""Limits change on the page as at the command line: two people, two keys, and the engine judges."""

from __future__ import annotations

from typing import Any

import pytest

from tests.service.page_security.world import PASSWORD, Browser, World
from tests.service.small_line import SP

PLACE = ["limits", "setpoints", SP, "operating"]
NARROWER = {"changes": [{"place": PLACE, "new": [2.5e-4, 8e-4]}], "reason": "die cleaned"}
SIGN = {"password": PASSWORD}


def proposed(engineer: Browser, **more: Any) -> str:
    answer = engineer.post("/api/limits/propose", json=NARROWER | more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sha256"])


@pytest.mark.requirement("REC-07")
@pytest.mark.requirement("SEC-11")
def test_an_engineer_writes_quality_approves_and_the_engine_takes_it(world: World) -> None:
    emil, quin = world.sign_in("emil"), world.sign_in("quin")
    sha = proposed(emil)
    early = emil.post(f"/api/limits/{sha}/activate")
    assert (early.status_code, "RH-2010" in early.text) == (409, True)
    assert emil.post(f"/api/limits/{sha}/sign", json=SIGN).status_code == 200
    twice = emil.post(f"/api/limits/{sha}/sign", json=SIGN)
    assert (twice.status_code, "RH-2011" in twice.text) == (409, True)
    one_key = emil.post(f"/api/limits/{sha}/activate")
    assert (one_key.status_code, "RH-2010" in one_key.text) == (409, True)
    (row,) = quin.get("/api/limits/proposals").json()
    assert row["changes"][0]["path"] == f"limits.setpoints.{SP}.operating"
    signed = quin.post(f"/api/limits/{sha}/sign", json=SIGN)
    assert [one["name"] for one in signed.json()["signatures"]] == ["Emil Berg", "Quin Vale"]
    assert quin.post(f"/api/limits/{sha}/activate").status_code == 200
    seal = world.engine.rows("seal")[-1].body
    assert seal["proposal"]["config"]["limits"]["setpoints"][SP]["operating"] == [2.5e-4, 8e-4]
    assert quin.get("/api/limits/proposals").json() == []


@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize(
    ("place", "new", "says"),
    [
        (["limits", "setpoints", SP, "proven"], [1e-5, 1e-2], "RH-2020"),
        (["limits", "setpoints", SP, "operating"], [1e-5, 1e-2], "RH-2021"),
        (["limits", "setpoints", "coater.none", "operating"], [1.0, 2.0], "no value"),
        (["sources", "coater", "protocol"], "modbus-tcp", "RH-2020"),
        (["people", "olga", "role"], "boss", "RH-2021"),
        (["loops"], None, "RH-20"),
    ],
)
def test_the_page_cannot_propose_what_the_gate_would_not_run_with(
    world: World, place: list[str], new: Any, says: str
) -> None:
    body = {"changes": [{"place": place, "new": new}], "reason": "try"}
    answer = world.sign_in("emil").post("/api/limits/propose", json=body)
    assert answer.status_code in (409, 422)
    assert says in answer.json()["text"]
    assert not list((world.state / "limits").glob("*"))


def test_a_number_that_is_none_is_refused_before_anything_is_judged(world: World) -> None:
    text = '{"changes": [{"place": ["recipe"], "new": [NaN, 1.0]}], "reason": "x"}'
    answer = world.sign_in("emil").post(
        "/api/limits/propose", content=text, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422


@pytest.mark.requirement("REC-06")
def test_a_wrong_password_signs_nothing(world: World) -> None:
    emil = world.sign_in("emil")
    sha = proposed(emil)
    assert emil.post(f"/api/limits/{sha}/sign", json={"password": "no"}).status_code == 401
    assert not list((world.state / "limits").glob("*.signature.json"))


@pytest.mark.requirement("REC-12")
def test_quality_signs_the_review_of_a_stretch_of_records(world: World) -> None:
    last = world.engine.rows("cycle")[-1].seq
    body = {"first": 1, "last": last, "why": "nothing found", "password": PASSWORD}
    answer = world.sign_in("quin").post("/api/review", json=body)
    assert answer.status_code == 200, answer.text
    (row,) = world.engine.rows("signature")
    assert row.body["meaning"] == f"I have reviewed the records 1 to {last}: nothing found"
    assert world.sign_in("emil").post("/api/review", json=body).status_code == 403
    assert world.sign_in("quin").post("/api/review", json=body | {"last": 999}).status_code == 409
