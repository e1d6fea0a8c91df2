"""Figures of a made-up run whose every number is known."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hil.constraints import CONSTRAINTS, Constraint, outside
from hil.end_point import end_point_min
from hil.figures import Course, loop_figures
from hil.scenario import Scenario

MINUTES, STEP_S, SPEED_M_S = 90, 2.0, 1.0 / 6.0
TARGET = 0.0857


def scenario(*events: dict[str, Any], loop: str = "coating") -> Scenario:
    return Scenario.model_validate(
        {
            "name": "made-up",
            "title": "A made-up run",
            "why": "a test",
            "duration_min": MINUTES,
            "settle_min": 10,
            "loops": [loop],
            "mismatch": False,
            "seeds": [1],
            "line_speed_m_min": 10,
            "band_percent": {"coating": 1.0, "mixing": 5.0},
            "band_reason": "a test",
            "events": list(events),
        }
    )


def course(coat: list[float], *events: dict[str, Any], **changes: list[float]) -> Course:
    n = len(coat)
    t = [STEP_S * (i + 1) for i in range(n)]
    trace: dict[str, list[float]] = {
        "time_s": t,
        "web_m": [SPEED_M_S * at for at in t],
        "gauge_error": [0.0] * n,
        "coater.cd_sigma": [0.005] * n,
        "coater.line_speed": [SPEED_M_S] * n,
        "coating.cv": coat,
        "coating.target": [TARGET] * n,
        "coater.pump_ratio_sp": [2.6] * n,
    }
    inside = {"coater.film_to_gap": 0.8, "coater.lel": 0.2, "coater.die_pressure": 5e5}
    for constraint in CONSTRAINTS["coating"]:
        trace[constraint.truth] = [inside.get(constraint.truth, 0.0)] * n
    trace.update(changes)
    return Course("coating", scenario(*events), trace, {"coater.pump_ratio_sp": (2.2, 3.1)},
                  8.0, 25.0, 3e-4, 4e-4)  # fmt: skip


def coat_with(minutes: tuple[float, float], factor: float) -> list[float]:
    rows = [STEP_S * (i + 1) / 60.0 for i in range(int(MINUTES * 60 / STEP_S))]
    return [TARGET * (factor if minutes[0] <= at < minutes[1] else 1.0) for at in rows]


def test_metres_off_spec_are_counted_in_the_transient_and_in_all() -> None:
    two = [a if a != TARGET else b for a, b in
           zip(coat_with((30, 34), 1.02), coat_with((70, 71), 0.98), strict=True)]  # fmt: skip
    event = {"at_min": 28, "kind": "batch_change", "window_min": 20}
    found = loop_figures(course(two, event), [], {"ALLOW": 3, "HOLD": 1})
    assert found["off_spec_m"] == pytest.approx(50.0, abs=0.5)
    assert found["off_spec_transient_m"] == pytest.approx(40.0, abs=0.5)
    assert found["recovery_s"] == [pytest.approx(6 * 60 + 30, abs=32)]  # the mean of a minute
    assert found["time_to_on_spec_s"] == found["recovery_s"][0]
    assert found["peak_percent"] == pytest.approx(2.0)
    assert found["gate_interventions"] == 1
    assert found["cd_two_sigma_percent"] == pytest.approx(1.0)
    # 150 s of delay and 0.03 %^2/s (5e-4 per root second): sqrt(25e-8 * 150) = 0.61 %
    assert found["floor_percent"] == pytest.approx(0.612, abs=0.001)
    assert found["floor_feedforward_percent"] == pytest.approx(0.367, abs=0.001)


def test_bare_web_is_scrap_but_no_coat_weight() -> None:
    found = loop_figures(course(coat_with((40, 41), 0.0)), [], {})
    assert found["off_spec_m"] == pytest.approx(10.0, abs=0.4)
    assert found["sigma_percent"] == pytest.approx(0.0, abs=1e-9)
    assert found["peak_percent"] == pytest.approx(0.0, abs=1e-9)


def test_startup_waste_counts_from_the_first_coat_to_the_first_good_metre() -> None:
    coat = [a if at < 20 else b for at, a, b in zip(
        [STEP_S * (i + 1) / 60.0 for i in range(int(MINUTES * 60 / STEP_S))],
        coat_with((0, 20), 0.0), coat_with((20, 25), 0.95), strict=True)]  # fmt: skip
    start = {"at_min": 1, "kind": "start", "details": {"m_min": 10}, "window_min": 89}
    found = loop_figures(course(coat, start), [], {})
    assert found["startup_waste_m"] == pytest.approx(50.0, abs=0.5)
    never = loop_figures(course(coat_with((0, 999), 0.0), start), [], {})
    assert never["startup_waste_m"] == 0.0
    assert never["sigma_percent"] is None
    assert never["time_to_on_spec_s"] is None


def test_time_outside_constraints_is_told_soft_and_hard_apart() -> None:
    ratio = [0.8] * int(MINUTES * 60 / STEP_S)
    ratio[1000:1060] = [0.63] * 60  # two minutes soft
    ratio[1500:1510] = [0.55] * 10  # twenty seconds hard
    ratio[1600:1610] = [0.55] * 10
    found = loop_figures(course(coat_with((0, 0), 1.0), **{"coater.film_to_gap": ratio}), [], {})
    assert found["outside window_min"] == pytest.approx(2.0 + 40.0 / 60.0)
    assert found["constraint_min"] == found["outside window_min"]
    assert found["constraint_hard_min"] == pytest.approx(40.0 / 60.0)
    assert found["constraint_breaches"] == 2


def test_a_value_that_is_no_number_is_outside() -> None:
    constraint = Constraint("x", "x", (0.0, 1.0), (-math.inf, 2.0))
    assert outside(constraint, [0.5, math.nan, 1.5], 2.0).soft_s == 4.0
    assert outside(constraint, [math.nan], 2.0).breaches == 1


def test_a_batch_is_ready_when_it_is_near_calm_and_warm_for_long_enough() -> None:
    t = [10.0 * (i + 1) for i in range(720)]
    falling = [max(0.2 - at / 6000.0, 0.01) for at in t]  # inside at 10 min, calm from 29 min on
    warm = [298.15] * len(t)
    ready = end_point_min(t, falling, warm)
    assert ready == pytest.approx((0.19 * 6000.0 + 600.0 - 60.0 + 1200.0) / 60.0, abs=1.0)
    assert math.isnan(end_point_min(t, [0.2] * len(t), warm))
    assert math.isnan(end_point_min(t, falling, [300.0] * len(t)))
    assert math.isnan(end_point_min([], [], []))
