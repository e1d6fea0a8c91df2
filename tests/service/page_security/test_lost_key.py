"""The drill for a key that is lost: its person works again, and the old key opens nothing."""

from __future__ import annotations

from typing import Any

import pytest

from records.act import Act, fault_of_act, sign_act
from service.page.identity import person_in_force
from tests.service.page_security.world import PASSWORD, World
from tests.service.small_line import LOOP

NEW = "seven green lanterns hum"
UTC = "2026-11-29T03:00:00+00:00"


def in_force(world: World) -> dict[str, Any]:
    config: dict[str, Any] = world.engine.rows("seal")[-1].body["proposal"]["config"]
    return config


@pytest.mark.requirement("SEC-17")
@pytest.mark.requirement("SEC-11")
def test_drill_a_forgotten_password_costs_a_signed_change_and_nothing_else(world: World) -> None:
    ada, emil, quin = (world.sign_in(who) for who in ("ada", "emil", "quin"))
    stolen = world.accounts.key_of("olga", PASSWORD, 1.8e9)
    code = ada.post("/api/people/olga/reset").json()["code"]
    setting_up = {"person": "olga", "code": code, "password": NEW}
    assert (
        world.browser("10.12.0.1").post("/api/session/set-up", json=setting_up).status_code == 200
    )
    olga = world.browser("10.12.0.2")
    assert olga.post("/api/session", json={"person": "olga", "password": NEW}).status_code == 200
    auto = {"loop": LOOP, "mode": "AUTO", "why": "batch 7", "password": NEW}
    assert olga.post("/api/mode", json=auto).status_code == 403, "the new key is not registered"
    account = world.accounts.one("olga")
    change = {"place": ["people", "olga", "key"], "new": account.public}
    given = {"changes": [change], "reason": "olga forgot her password"}
    proposed = emil.post("/api/limits/propose", json=given)
    assert proposed.status_code == 200, proposed.text
    sha = proposed.json()["sha256"]
    for browser in (emil, quin):
        signed = browser.post(f"/api/limits/{sha}/sign", json={"password": PASSWORD})
        assert signed.status_code == 200, signed.text
    assert quin.post(f"/api/limits/{sha}/activate").status_code == 200
    config = in_force(world)
    assert person_in_force(account, config).role == "operator"
    row = world.engine.rows("cycle")[-1]
    act = Act(row.seq, row.hash, "olga", "Olga Stern", "operator", "batch 7", UTC)
    own = sign_act(act, world.accounts.key_of("olga", NEW, 1.8e9))
    assert fault_of_act(own, row.hash, config["people"]) == ""
    old = sign_act(act, stolen)
    assert "not genuine" in fault_of_act(old, row.hash, config["people"])
