"""Steady-state targets: ranks, rest values, and the push to the binding constraint."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from controller.problem import CvAim, Shape, SoftLimit
from controller.steady_targets import Free, SteadyTargetOptimizer, SteadyTargets
from plant_models.coating_control import control_model
from tests.controller.models import COAT, GAP, PRESSURE, RATIO, RESIDUAL, TARGET, TRIM, WINDOW

WEB_TEMP, SPEED = "coater.web_temp", "coater.line_speed_sp"
M_MIN = 1.0 / 60.0
FREE = {
    RATIO: Free(2.6, 2.2, 3.1, 0.4, None),
    GAP: Free(280e-6, 240e-6, 340e-6, 40e-6, 280e-6),
    TRIM: Free(0.0, -8.0, 8.0, 1.0, 0.0),
    SPEED: Free(10 * M_MIN, 6 * M_MIN, 15 * M_MIN, 0.3 * M_MIN, 10 * M_MIN),
}
CVS = {
    COAT: CvAim(np.full(20, TARGET), None, None, 1.0, 1),
    WEB_TEMP: CvAim(None, None, 358.15, 1.0, 2),
    RESIDUAL: CvAim(None, None, 900e-6, 1.0, 3),
    WINDOW: CvAim(None, 0.65, 0.95, 1.0, 4),
    PRESSURE: CvAim(None, None, 9.5e5, 1.0, 5),
}


@cache
def optimizer() -> SteadyTargetOptimizer:
    limits = (SoftLimit(WEB_TEMP, "high"), SoftLimit(RESIDUAL, "high"))
    shape = Shape(control_model(), 8.0, 20, tuple(CVS), limits)
    return SteadyTargetOptimizer(shape, {SPEED: "coater.line_speed"})


def outputs(free: dict[str, Free], **disturbances: float) -> dict[str, float]:
    model = control_model()
    p = {**model.nominal, **disturbances, "coater.line_speed": free[SPEED].applied}
    row = np.array([p[name] for name in model.disturbances])
    u = np.array([free[tag].applied for tag in model.inputs])
    return model.observe(model.steady_state(u, row), u, row)


def settled(
    push: str | None = None,
    cycles: int = 30,
    cvs: dict[str, CvAim] | None = None,
    d: dict[str, float] | None = None,
) -> tuple[SteadyTargets, dict[str, Free]]:
    """Follow the targets by at most one largest step a cycle, as the line would."""
    model, free = control_model(), dict(FREE)
    found: SteadyTargets | None = None
    if push is None:  # the operator's own speed
        free[SPEED] = replace(free[SPEED], low=10 * M_MIN, high=10 * M_MIN)
    x = model.nominal_vector(model.states)
    for _ in range(cycles):
        p = {**model.nominal, **(d or {}), "coater.line_speed": free[SPEED].applied}
        row = np.array([p[name] for name in model.disturbances])
        found = optimizer().targets(x, row, cvs or CVS, free, push, backoff=0.2)
        assert found is not None
        for tag, one in free.items():
            step = np.clip(found.targets[tag] - one.applied, -one.max_step, one.max_step)
            free[tag] = replace(one, applied=one.applied + float(step))
    assert found is not None
    return found, free


def test_with_nothing_in_the_way_everything_rests() -> None:
    found, free = settled()
    assert found.targets[GAP] == pytest.approx(280e-6, rel=1e-4)
    assert found.targets[TRIM] == pytest.approx(0.0, abs=1e-3)
    assert outputs(free)[COAT] == pytest.approx(TARGET, rel=1e-4)
    assert found.gave_up == []


def test_a_limit_moves_the_rest_value_just_as_far_as_it_must() -> None:
    _, free = settled(d={"d_residual": 0.7})
    y = outputs(free, d_residual=0.7)
    assert y[RESIDUAL] == pytest.approx(900e-6, rel=0.01)
    assert 0.2 < free[TRIM].applied < 1.5
    assert free[GAP].applied == pytest.approx(280e-6, rel=1e-3)


def test_the_lower_rank_yields_all_and_the_higher_nothing() -> None:
    d = {"d_residual": 0.9, "d_web_temp": 1.0}
    found, free = settled(d=d)
    y = outputs(free, **d)
    assert y[WEB_TEMP] == pytest.approx(358.15, abs=0.02)
    assert y[RESIDUAL] > 1000e-6
    assert [name for name, _ in found.gave_up] == [f"{RESIDUAL} high"]
    swapped = CVS | {
        WEB_TEMP: replace(CVS[WEB_TEMP], rank=3),
        RESIDUAL: replace(CVS[RESIDUAL], rank=2),
    }
    found, free = settled(cvs=swapped, d=d)
    assert outputs(free, **d)[RESIDUAL] == pytest.approx(900e-6, rel=0.01)
    assert [name for name, _ in found.gave_up] == [f"{WEB_TEMP} high"]


def test_the_speed_is_pushed_to_the_limit_that_binds_and_it_is_named() -> None:
    found, free = settled(push=SPEED, cycles=60)
    y = outputs(free)
    assert free[SPEED].applied > 10.5 * M_MIN
    assert y[WEB_TEMP] <= 358.15
    assert y[RESIDUAL] == pytest.approx(900e-6, rel=0.02)
    assert {f"{WEB_TEMP} high", f"{RESIDUAL} high"} <= set(found.binding)
    assert y[COAT] == pytest.approx(TARGET, rel=1e-3)


def test_with_room_everywhere_the_speeds_own_limit_binds() -> None:
    found, free = settled(push=SPEED, cycles=60, d={"d_residual": -1.5})
    assert free[SPEED].applied == pytest.approx(15 * M_MIN, rel=1e-3)
    assert f"{SPEED} high" in found.binding


def test_a_line_that_dries_badly_slows_down() -> None:
    d = {"d_residual": 1.0}
    found, free = settled(push=SPEED, cycles=60, d=d)
    assert free[SPEED].applied < 9.5 * M_MIN
    assert outputs(free, **d)[RESIDUAL] <= 905e-6
    assert found.gave_up == []


def test_numbers_that_are_no_rest_point_give_no_targets() -> None:
    model = control_model()
    nan = np.full(len(model.disturbances), np.nan)
    x = model.nominal_vector(model.states)
    assert optimizer().targets(x, nan, CVS, FREE) is None
