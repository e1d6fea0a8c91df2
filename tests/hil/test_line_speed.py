"""The line speed as a setpoint of the engine: the PLC's key, and the push to what binds."""

from __future__ import annotations

import copy
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from hil.plc_coater import M_MIN, CoaterPlc
from hil.plc_program import Value
from hil.scenario import load_scenario
from hil.scenario_run import ScenarioRun
from hil.virtual_line import default_sealed
from tests.hil.stand_in_plant import StandInPlant

SPEED, ACTIVE = "coater.line_speed_sp", "coater.line_speed_sp_active"


@cache
def pushing() -> dict[str, Any]:
    """The repository's configuration with what the how-to says to add."""
    sealed = copy.deepcopy(default_sealed())
    loop = sealed["loops"]["coating"]
    loop["mvs"][SPEED] = ACTIVE
    loop["critical"] = [*loop["critical"], ACTIVE]
    loop["controller"]["mvs"][SPEED] = {"move_weight": 1.0, "rest": 10 * M_MIN}
    loop["controller"]["economic"] = {"push": SPEED, "backoff": 0.5}
    return sealed


def run(minutes: float, *, key: bool, sealed: dict[str, Any]) -> ScenarioRun:
    scenario = load_scenario("nominal").model_copy(
        update={"loops": ["coating"], "duration_min": minutes, "settle_min": 1.0}
    )
    played = ScenarioRun(scenario, 1, "mpc", sealed)
    played.line.panel("coater", speed_remote=key)
    played.play()
    return played


def plans(played: ScenarioRun) -> list[dict[str, Any]]:
    return [body["plan"] for _, body in played.recorders["coating"].rows if "plan" in body]


def test_the_speed_climbs_to_what_binds_and_no_limit_is_broken() -> None:
    played = run(15.0, key=True, sealed=pushing())
    speed = [value / M_MIN for value in played.trace["coater.line_speed"]]
    assert max(speed) > 10.5
    steps = [abs(b - a) for a, b in pairwise(speed[300:])]
    assert max(steps) < 0.2  # ramped: 0.04 m/min a cycle, and the drive's own noise
    late = slice(-150, None)
    assert max(played.trace["coater.residual_solvent"][late]) < 1000e-6
    assert max(played.trace["coater.web_temp"][late]) < 273.15 + 85.5
    coat = played.trace["coating.cv"][late]
    assert sum(coat) / len(coat) == pytest.approx(85.7e-3, rel=0.01)
    assert played.result()["loops"]["coating"]["limit_breaches"] == 0
    notes = [note for plan in plans(played) for note in plan["notes"]]
    assert any(note.startswith(f"{SPEED} is pushed to") and "held by" in note for note in notes)


def test_a_speed_that_the_loop_does_not_push_is_left_alone() -> None:
    sealed = copy.deepcopy(pushing())
    del sealed["loops"]["coating"]["controller"]["economic"]
    played = run(3.0, key=True, sealed=sealed)
    assert played.trace["coater.line_speed"][-1] == pytest.approx(10 * M_MIN, rel=0.02)


def scan(plc: CoaterPlc, plant: StandInPlant, wire: dict[str, Value], *, key: bool) -> float:
    panel = {**plc.first_panel(), "speed_remote": key}
    for beat in range(200):
        wire |= {"coater.remote_request": beat > 0, "coater.engine_heartbeat": beat}
        plc.scan(1.0, plant.sensors(), wire, panel)
    return plc.active[SPEED] / M_MIN


@pytest.mark.parametrize(("key", "expected"), [(True, 12.0), (False, 10.0)])
def test_the_plc_follows_only_with_its_key(key: bool, expected: float) -> None:
    wire: dict[str, Value] = {SPEED: 12 * M_MIN, "coater.pump_ratio_sp": 2.6}
    wire |= {"coater.gap_sp": 280e-6, "coater.oven_trim_sp": 0.0}
    assert scan(CoaterPlc(), StandInPlant(), wire, key=key) == pytest.approx(expected, abs=0.01)
