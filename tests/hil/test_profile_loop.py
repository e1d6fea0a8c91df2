"""The loop across the web in the real cycle, behind the real gate, on a wrong lip."""

from __future__ import annotations

from typing import Any

import pytest

from hil.scenario import Scenario, load_scenario
from hil.simulate import run_scenario
from hil.virtual_line import default_sealed


def played(kind: str, **plant: float) -> dict[str, Any]:
    """Twenty minutes with the lip's loop alone; the PLC keeps the coat weight by itself."""
    scenario = load_scenario("cd-profile").model_dump() | {
        "duration_min": 20, "settle_min": 14, "events": [], "loops": ["profile"], "plant": plant,
    }  # fmt: skip
    return run_scenario(Scenario.model_validate(scenario), 3, kind, default_sealed())


@pytest.mark.slow
def test_the_profile_is_halved_and_no_bolt_leaves_its_box() -> None:
    standing, moved = played("hold"), played("mpc")
    before, after = standing["loops"]["profile"], moved["loops"]["profile"]
    assert after["cd_two_sigma_percent"] < 0.5 * before["cd_two_sigma_percent"]
    assert before["bolt_travel_um_h"] == 0.0
    assert after["lip_bending_um"] <= 10.0
    assert after["lip_mean_um"] < 0.1
    assert after["setpoint_frames"] > 100
    assert after["limit_breaches"] == before["limit_breaches"] == 0
    assert set(moved["modes"]["profile"]) == {"AUTO"}


@pytest.mark.slow
def test_a_bolt_that_does_not_move_bends_the_lip_no_further_than_allowed() -> None:
    found = played("mpc", **{"coater.cd.stuck_bolt": 6.0})["loops"]["profile"]
    assert found["lip_bending_um"] <= 10.0
    assert found["limit_breaches"] == 0
