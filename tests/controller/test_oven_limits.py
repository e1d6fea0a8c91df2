"""The oven between its two limits: product temperature and residual solvent."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest

from controller.factory import build_controller
from controller.plan import Plan
from tests.controller.models import COAT, GAP, RATIO, RESIDUAL, SEALED, TARGET, TRIM, request

WEB_TEMP = "coater.web_temp"
LINE = {"coater.line_speed": 10.0 / 60.0, "coater.web_length": 1000.0, "coater.gauge_valid": True}
APPLIED: Mapping[str, float] = {RATIO: 2.6, GAP: 280e-6, TRIM: 0.0}


def plan_after(cycles: int, **values: float) -> Plan:
    sealed = copy.deepcopy(SEALED)
    cvs = sealed["loops"]["coating"]["controller"]["cvs"]
    cvs[RESIDUAL]["rank"] = 5
    cvs[WEB_TEMP] = {"high": 358.15, "weight": 1.0, "rank": 2}
    controller = build_controller("coating", sealed)
    readings = {tag.replace("__", "."): value for tag, value in values.items()}
    applied = APPLIED
    for cycle in range(cycles):
        plan = controller.plan(
            request("coating", 8.0 * cycle, {**LINE, COAT: TARGET, **readings}, applied)
        )
        applied = {**APPLIED, **(plan.proposal.setpoints if plan.proposal else {})}
    return plan


def test_a_web_that_is_too_warm_lowers_the_oven() -> None:
    plan = plan_after(5, coater__web_temp=361.15)
    assert plan.proposal is not None
    assert plan.proposal.setpoints[TRIM] < -0.05
    assert f"{WEB_TEMP} high" in plan.binding


def test_the_estimate_meets_the_reading_of_the_web() -> None:
    assert plan_after(60, coater__web_temp=350.15).predicted[WEB_TEMP].values[0] == pytest.approx(
        350.15, abs=0.1
    )


def test_wet_and_hot_at_once_the_solvent_is_given_up_by_name() -> None:
    plan = plan_after(5, coater__web_temp=360.15, coater__residual_solvent=1500e-6)
    assert plan.proposal is not None
    assert plan.proposal.setpoints[TRIM] < 0.0
    assert dict(plan.gave_up)[f"{RESIDUAL} high"] > 100e-6


def test_without_the_thermometer_the_limit_is_predicted_and_said_so() -> None:
    assert any(note.startswith(f"{WEB_TEMP}: no good reading") for note in plan_after(3).notes)
