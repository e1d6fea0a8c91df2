"""The loop across the web: bolts inside the gate's box, standing when nothing is seen, in order."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from controller.cd_control import SPREAD, ProfileController, believed_response
from controller.cd_filter import Vector
from controller.cd_settings import PROFILE_MODEL
from controller.factory import build_controller
from controller.plan import SOLVED, PlanRequest
from plant_models.parameters import Parameters
from tests.controller.models import SEALED, TARGET

BOLTS, BOXES, UM = 12, 22, 1.0e-6
TAGS = [f"lip.bolt{n}_sp" for n in range(1, BOLTS + 1)]
METRES_A_CYCLE = 8.0 / 6.0


def sealed(**controller: Any) -> dict[str, Any]:
    """The test line with a profile loop; its bolts in the order JSON sorts them."""
    line = copy.deepcopy(SEALED)
    line["loops"]["profile"] = {
        "period": 8.0,
        "mvs": dict.fromkeys(sorted(TAGS), ""),
        "controller": {
            "kind": "mpc",
            "horizon": 2,
            "bad_cycles": 3,
            "cvs": {SPREAD: {"high": 0.012, "weight": 1.0, "rank": 1}},
            "mvs": {tag: {"move_weight": 1.0} for tag in sorted(TAGS)},
            **controller,
        },
    }
    return line


def request(
    cycle: int, applied: dict[str, float], profile: Vector | None, scan: int | None = None
) -> PlanRequest:
    """One cycle of a line at 10 m/min; `profile` [1] is what the last traverse showed."""
    values: dict[str, float | int | bool | str] = {
        "coater.web_length": 1000.0 + METRES_A_CYCLE * cycle,
        "coater.gauge_scan": cycle + 1 if scan is None else scan,
        "coater.gauge_forward": cycle % 2 == 0,
        "coater.gauge_scan_age": 1.0,
    }
    if profile is not None:
        shown = TARGET * (1.0 + profile)
        values |= {f"coater.gauge_box{box + 1}": float(shown[box]) for box in range(BOXES)}
    return PlanRequest(
        loop="profile",
        sequence=cycle,
        now_s=8.0 * cycle,
        values=values,
        quality={},
        applied=applied,
        limits=dict.fromkeys(TAGS, (-50.0 * UM, 50.0 * UM)),
        max_step=dict.fromkeys(TAGS, 5.0 * UM),
        closed=True,
    )


def slope() -> Vector:
    across: Vector = 0.01 * np.linspace(-1.0, 1.0, BOXES)
    return across


def lip(bolts: dict[str, float]) -> Vector:
    """The bolts in their order across the web [um]."""
    across: Vector = np.array([bolts[tag] / UM for tag in TAGS])
    return across


def played(cycles: int, gain: float = 1.0, delay: int = 18) -> tuple[dict[str, float], list[float]]:
    """Bolts and traces of a plant that answers `gain` times as strongly, `delay` cycles late."""
    controller = profile_loop(sealed())
    G = gain * 0.01 * believed_response(Parameters(PROFILE_MODEL), 0.6, BOLTS)
    applied, laid, left = dict.fromkeys(TAGS, 0.0), [np.zeros(BOLTS)] * delay, []
    for cycle in range(cycles):
        there = slope() + G @ laid[-delay]
        there -= there.mean()
        left.append(float(there.std()))
        plan = controller.plan(request(cycle, applied, there))
        assert plan.status == SOLVED
        assert plan.proposal is not None
        applied = dict(plan.proposal.setpoints)
        laid.append(laid[-1] + 0.0645 * (lip(applied) - laid[-1]))  # 120 s of lag
    return applied, left


def profile_loop(line: dict[str, Any]) -> ProfileController:
    inner = build_controller("profile", line).inner
    assert isinstance(inner, ProfileController)
    return inner


@pytest.mark.parametrize("gain", [0.7, 1.0, 1.3])
def test_a_standing_profile_is_taken_away_whatever_the_gain(gain: float) -> None:
    applied, left = played(160, gain)
    assert left[-1] < 0.15 * left[0]
    assert max(left[60:]) < 0.6 * left[0]  # no swinging
    assert abs(lip(applied).mean()) < 1e-3


def test_bolts_are_numbers_and_not_words() -> None:
    applied, _ = played(120)
    way = lip(applied)
    assert way[0] > 0.0 > way[-1]  # thin where box 1 is, thick at box 22
    assert np.corrcoef(way, -np.arange(BOLTS))[0, 1] > 0.9


def test_no_proposal_leaves_the_box_or_moves_faster_than_allowed() -> None:
    controller = profile_loop(sealed())
    applied, rng = dict.fromkeys(TAGS, 49.0 * UM), np.random.default_rng(2)
    for cycle in range(40):
        plan = controller.plan(request(cycle, applied, 0.2 * rng.standard_normal(BOXES)))
        assert plan.proposal is not None
        for tag, value in plan.proposal.setpoints.items():
            assert -50.0 * UM <= value <= 50.0 * UM
            assert abs(value - applied[tag]) <= 5.0 * UM
        applied = dict(plan.proposal.setpoints)


def test_bolts_stand_before_the_first_and_long_after_the_last_traverse() -> None:
    controller = profile_loop(sealed())
    applied = dict.fromkeys(TAGS, 2.0 * UM)
    first = controller.plan(request(0, applied, None, scan=0))
    assert first.proposal is not None
    assert dict(first.proposal.setpoints) == applied
    assert "no traverse yet" in first.notes[0]
    for cycle in range(1, 6):
        controller.plan(request(cycle, applied, slope()))
    for cycle in range(6, 9):  # bridged
        moved = controller.plan(request(cycle, applied, slope(), scan=6))
        assert moved.notes == []
    held = controller.plan(request(9, applied, slope(), scan=6))
    assert held.proposal is not None
    assert dict(held.proposal.setpoints) == applied
    assert "for 4 cycles" in held.notes[0]


def test_without_a_read_back_there_is_no_proposal() -> None:
    controller = profile_loop(sealed())
    asked = request(0, dict.fromkeys(TAGS[1:], 0.0), slope())
    plan = controller.plan(asked)
    assert plan.proposal is None
    assert "lip.bolt1_sp" in plan.status


def test_boxes_that_are_no_numbers_are_left_out() -> None:
    controller = profile_loop(sealed())
    applied, odd = dict.fromkeys(TAGS, 0.0), slope()
    odd[3], odd[7] = math.nan, -1.0  # no number; a box that was not measured
    for cycle in range(4):
        plan = controller.plan(request(cycle, applied, odd))
    assert plan.proposal is not None
    assert plan.estimate["profile.points"] == BOXES - 2


def test_it_forgets_and_answers_again_with_the_same_bits() -> None:
    controller = profile_loop(sealed())
    applied = dict.fromkeys(TAGS, 0.0)
    answers = []
    for _ in range(2):
        controller.forget()
        for cycle in range(5):
            plan = controller.plan(request(cycle, applied, slope()))
        answers.append(plan)
    assert answers[0] == answers[1]
    observed = profile_loop(sealed())
    for cycle in range(4):
        observed.observe(request(cycle, applied, slope()))
    assert observed.plan(request(4, applied, slope())) == answers[0]


def test_a_counter_that_is_set_back_and_a_speed_of_nothing_do_no_harm() -> None:
    controller = profile_loop(sealed())
    applied = dict.fromkeys(TAGS, 0.0)
    for cycle in (0, 1, 2):
        controller.plan(request(cycle, applied, slope()))
    back = request(3, applied, slope())
    back = replace(back, values={**back.values, "coater.web_length": 3.0})
    plan = controller.plan(back)
    assert plan.proposal is not None


def test_only_bolts_belong_to_a_lip_and_hold_and_pi_let_them_stand() -> None:
    line = sealed()
    line["loops"]["profile"]["controller"]["mvs"]["coater.gap_sp"] = {"move_weight": 1.0}
    with pytest.raises(ValueError, match="no bolt of the lip"):
        build_controller("profile", line)
    for kind in ("hold", "pi"):
        standing = build_controller("profile", sealed(kind=kind))
        plan = standing.plan(request(0, dict.fromkeys(TAGS, 3.0 * UM), slope()))
        assert plan.proposal is not None
        assert set(plan.proposal.setpoints.values()) == {3.0 * UM}
