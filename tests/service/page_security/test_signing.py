"""A signature on the page: the person's own key, opened for one text, judged by the engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from records.act import act_of, fault_of_act
from records.reader import RecordReader
from tests.service.page_security.world import PASSWORD, World
from tests.service.small_line import LOOP

AUTO = {"loop": LOOP, "mode": "AUTO", "why": "batch 7 begins", "password": PASSWORD}


@pytest.mark.requirement("REC-06")
@pytest.mark.requirement("REC-04")
def test_auto_is_signed_with_the_persons_own_key_and_stands_in_the_records(world: World) -> None:
    olga = world.sign_in("olga")
    answer = olga.post("/api/mode", json=AUTO)
    assert answer.status_code == 200, answer.text
    (row,) = world.engine.rows("signature")
    act = act_of(row.body)
    assert (act.name, act.role, act.meaning) == (
        "Olga Stern", "operator", "coating may work in AUTO: batch 7 begins",
    )  # fmt: skip
    reader = RecordReader(world.state / "records.sqlite")
    under = reader.one(act.record)
    reader.close()
    assert under is not None
    assert fault_of_act(act, under.hash, world.people) == ""
    assert world.engine.rows("request")[-1].body["who"] == "Olga Stern"


@pytest.mark.requirement("REC-06")
def test_being_signed_in_is_not_enough_to_sign(world: World) -> None:
    olga = world.sign_in("olga")
    without = {key: value for key, value in AUTO.items() if key != "password"}
    assert olga.post("/api/mode", json=without).status_code == 401
    assert olga.post("/api/mode", json=AUTO | {"password": "another"}).status_code == 401
    assert olga.post("/api/mode", json=AUTO | {"why": ""}).status_code == 409
    assert world.engine.rows("signature") == []
    assert world.engine.rows("request") == []
    refused = world.events("refused")
    assert [(one["who"], one["action"]) for one in refused] == [("olga", "signature")]


@pytest.mark.requirement("REC-07")
@pytest.mark.requirement("IL-04")
def test_a_reset_is_signed_by_somebody_else_than_asked_for_the_mode(world: World) -> None:
    olga, emil = world.sign_in("olga"), world.sign_in("emil")
    assert olga.post("/api/mode", json=AUTO).status_code == 200
    world.engine.cycle()
    reset = {"loop": LOOP, "mode": "OFF", "reset": True, "why": "hose", "password": PASSWORD}
    own = olga.post("/api/mode", json=reset)
    assert (own.status_code, "somebody else" in own.text) == (409, True)
    assert emil.post("/api/mode", json=reset).status_code == 200
    assert world.engine.rows("request")[-1].body["who"] == "Emil Berg"


def test_off_is_one_click_signed_in_or_not_and_shadow_is_named(world: World) -> None:
    nobody, olga = world.sign_in(""), world.sign_in("olga")
    for browser, mode, who in (
        (nobody, {"mode": "OFF", "who": "Kim"}, "Kim (not signed in)"),
        (nobody, {"mode": "OFF"}, "not signed in"),
        (olga, {"mode": "OFF", "who": "Somebody"}, "Olga Stern"),
        (olga, {"mode": "SHADOW"}, "Olga Stern"),
    ):
        assert browser.post("/api/mode", json={"loop": LOOP, **mode}).status_code == 200
        assert world.engine.rows("request")[-1].body["who"] == who


@pytest.mark.requirement("SEC-07")
def test_who_is_not_in_the_register_may_look_and_no_more(tmp_path: Path) -> None:
    world = World(tmp_path / "s")
    try:
        code = world.accounts.add("nora", "Nora New", "engineer", 1.8e9)
        world.accounts.set_up("nora", code, PASSWORD, 1.8e9)
        nora = world.sign_in("nora")
        assert nora.get("/api/session").json()["person"]["role"] == "unregistered"
        assert nora.get("/api/line").status_code == 200
        assert nora.post("/api/mode", json=AUTO).status_code == 403
    finally:
        world.close()


def test_while_commissioning_a_persons_account_is_enough(tmp_path: Path) -> None:
    world = World(tmp_path / "s", auto="named")
    try:
        code = world.accounts.add("nora", "Nora New", "engineer", 1.8e9)
        world.accounts.set_up("nora", code, PASSWORD, 1.8e9)
        nora = world.sign_in("nora")
        asked = {"loop": LOOP, "mode": "AUTO"}
        assert nora.post("/api/mode", json=asked).status_code == 200
        assert nora.get("/api/session").json()["signs"]["auto"] is False
        wrong = nora.post("/api/mode", json=asked | {"password": "wrong"})
        assert wrong.status_code == 401, "a password that was asked for has to be the right one"
    finally:
        world.close()


@pytest.mark.requirement("SEC-11")
def test_a_revoked_person_is_nobody_at_once(world: World) -> None:
    olga = world.sign_in("olga")
    assert olga.get("/api/line").status_code == 200
    feed_sealed = world.app.state.identity.sealed()
    feed_sealed["people"]["olga"]["revoked"] = "2026-11-28: has left"
    assert olga.get("/api/line").status_code == 401
