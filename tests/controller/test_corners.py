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
@pytest.mark.parametrize("kind", ["mpc", "pi"])
def test_gain_and_delay_wrong_at_once_are_survived(gain: float, metres: float, kind: str) -> None:
    """Gain +/-10 % with delay +/-20 %: on target, no limit cycle, and calm after an upset."""
    sealed = copy.deepcopy(SEALED)
    sealed["loops"]["coating"]["controller"]["kind"] = kind
    controller, plant = build_controller("coating", sealed), DelayPlant(gain=gain, metres=metres)
    ratio, coats = 2.45, []
    for cycle in range(320):
        if cycle == 120:
            plant.per *= 1.02  # an upset nobody measures
        coats.append(plant.run(ratio))
        ratio = proposal(controller, plant.ask(ratio))[RATIO]
    late, swing = np.array(coats[-60:]), np.array(coats[120:])
    assert np.mean(late) == pytest.approx(TARGET, rel=1.5e-3)
    assert np.ptp(late) < 2e-3 * TARGET
    assert np.min(swing) > 0.985 * TARGET  # the 2 % upset is not overshot by as much again


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
