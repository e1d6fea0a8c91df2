"""The whole coating controller on every corner of the mismatch, and on its last rank."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from controller.factory import build_controller
from controller.plan import PlanRequest
from tests.controller.models import COAT, GAP, RATIO, SEALED, TARGET, TRIM, WINDOW, request
from tests.controller.test_coating_estimator import DelayPlant


def proposal(controller: object, asked: PlanRequest) -> dict[str, float]:
    plan = controller.plan(asked)  # type: ignore[attr-defined]
    assert plan.proposal is not None, plan.status
    return dict(plan.proposal.setpoints)


@pytest.mark.parametrize("metres", [20.0, 30.0])
@pytest.mark.parametrize("gain", [0.9, 1.1])
@pytest.mark.parametrize(("kind", "upset"), [("mpc", 1.02), ("mpc", 0.95), ("pi", 1.02)])
def test_gain_and_delay_wrong_at_once_are_survived(
    gain: float, metres: float, kind: str, upset: float
) -> None:
    """Gain +/-10 % with delay +/-20 %: on target, no limit cycle, and calm after an upset."""
    sealed = copy.deepcopy(SEALED)
    sealed["loops"]["coating"]["controller"]["kind"] = kind
    controller, plant = build_controller("coating", sealed), DelayPlant(gain=gain, metres=metres)
    ratio, coats = 2.45, []
    for cycle in range(320):
        if cycle == 120:
            plant.per *= upset  # nobody measures it
        coats.append(plant.run(ratio))
        ratio = proposal(controller, plant.ask(ratio))[RATIO]
    late, swing = np.array(coats[-60:]), np.array(coats[120:]) / TARGET - 1.0
    assert np.mean(late) == pytest.approx(TARGET, rel=1.5e-3)
    assert np.ptp(late) < 2e-3 * TARGET
    first = upset - 1.0
    assert np.max(-swing * np.sign(first)) < 0.75 * abs(first)  # not overshot by as much again


def test_a_limit_of_the_last_rank_beats_the_rest_value() -> None:
    """The gap leaves its rest for the coating window, whose price is the lowest of all."""
    sealed = copy.deepcopy(SEALED)
    sealed["loops"]["coating"]["controller"]["cvs"][WINDOW] |= {"low": 0.85, "rank": 6}
    controller = build_controller("coating", sealed)
    values = {"coater.line_speed": 10.0 / 60.0, "coater.gauge_valid": True, COAT: TARGET}
    applied = {RATIO: 2.6, GAP: 280e-6, TRIM: 0.0}
    for cycle in range(60):
        asked = request("coating", 8.0 * cycle, values, applied)
        applied = proposal(controller, asked)
    plan = controller.plan(asked)
    assert plan.predicted[WINDOW].values[-1] == pytest.approx(0.85, abs=3e-3)
    assert applied[GAP] == pytest.approx(280e-6 * 0.765 / 0.85, rel=0.02)
    assert plan.predicted[COAT].values[-1] == pytest.approx(TARGET, rel=2e-3)


def test_a_step_that_stays_is_believed_at_once_and_a_glitch_is_not() -> None:
    controller, plant, ratio = build_controller("coating", SEALED), DelayPlant(), 2.6
    for _ in range(40):
        plant.run(ratio)
        ratio = proposal(controller, plant.ask(ratio))[RATIO]
    for _ in range(2):  # two odd readings
        plant.run(ratio)
        ratio = proposal(controller, plant.ask(ratio, **{COAT: 0.9 * TARGET}))[RATIO]
    assert plant.run(ratio) == pytest.approx(TARGET, rel=2e-3)
    plant.per *= 0.95
    coats = []
    for _ in range(30):
        coats.append(plant.run(ratio))
        ratio = proposal(controller, plant.ask(ratio))[RATIO]
    # 25 m are 19 cycles, one traverse more, three readings, two moves of at most 3 %
    assert coats[-5:] == pytest.approx([TARGET] * 5, rel=5e-3)
