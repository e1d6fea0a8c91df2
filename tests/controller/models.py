"""Small things the controller tests share: a tiny control model, questions, requests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import casadi as ca
import numpy as np

from controller.optimizer import ShootingOptimizer
from controller.plan import PlanRequest
from controller.problem import CvAim, MvAim, Question, Shape, SoftLimit
from plant_models.coating_control import control_model as coating_model
from plant_models.control_model import ControlModel
from plant_models.parameters import Parameters

COAT, WINDOW = "coater.dry_coat_weight", "coater.film_to_gap"
PRESSURE, RESIDUAL = "coater.die_pressure", "coater.residual_solvent"
RATIO, GAP, TRIM = "coater.pump_ratio_sp", "coater.gap_sp", "coater.oven_trim_sp"
TARGET = 85.7e-3
HORIZON = 20

SEALED: dict[str, Any] = {
    "recipe": {
        "recipe": "A",
        "title": "test",
        "targets": {
            "coater.dry_coat_weight": TARGET,
            "mixer.viscosity_25c": 6.0,
            "mixer.temp": 298.15,
        },
        "nominal": {
            "solids": 0.42,
            "line_speed": 10.0 / 60.0,
            "web_width": 0.6,
            "gap": 280e-6,
            "oven_zones": [333.15, 353.15, 357.15, 357.15, 357.15],
        },
        "max_solvent_per_batch": 25.0,
    },
    "limits": {
        "setpoints": {
            RATIO: {"operating": [2.2, 3.1], "rate": 0.01},
            GAP: {"operating": [240e-6, 340e-6], "rate": 1e-6},
            TRIM: {"operating": [-8.0, 8.0], "rate": 0.05},
            "mixer.anchor_sp": {"operating": [0.25, 0.8333], "rate": 0.25 / 60.0},
            "mixer.jacket_sp": {"operating": [285.15, 307.15], "rate": 0.05},
            "mixer.solvent_sp": {"operating": [0.0, 0.025], "rate": 0.05 / 60.0},
        }
    },
    "loops": {
        "coating": {
            "period": 8.0,
            "mvs": {RATIO: "", GAP: "", TRIM: ""},
            "controller": {
                "kind": "mpc",
                "horizon": HORIZON,
                "bad_cycles": 12,
                "cvs": {
                    COAT: {"target": "recipe", "weight": 1.0, "rank": 1},
                    WINDOW: {"low": 0.65, "high": 0.95, "weight": 1.0, "rank": 3},
                    PRESSURE: {"high": 9.5e5, "weight": 1.0, "rank": 4},
                    RESIDUAL: {"high": 900e-6, "weight": 1.0, "rank": 2},
                },
                "mvs": {
                    RATIO: {"move_weight": 1.0},
                    GAP: {"move_weight": 1.0, "rest": 280e-6},
                    TRIM: {"move_weight": 1.0, "rest": 0.0},
                },
            },
        },
        "mixing": {
            "period": 20.0,
            "mvs": {"mixer.anchor_sp": "", "mixer.jacket_sp": "", "mixer.solvent_sp": ""},
            "controller": {
                "kind": "mpc",
                "horizon": 30,
                "bad_cycles": 12,
                "cvs": {
                    "mixer.viscosity_25c": {"target": "recipe", "weight": 1.0, "rank": 1},
                    "mixer.temp": {
                        "target": "recipe",
                        "low": 297.15,
                        "high": 299.15,
                        "weight": 2.0,
                        "rank": 2,
                    },
                    "mixer.torque": {"high": 360.0, "weight": 1.0, "rank": 3},
                },
                "mvs": {
                    "mixer.anchor_sp": {"move_weight": 1.0, "rest": 0.5},
                    "mixer.jacket_sp": {"move_weight": 1.0},
                    "mixer.solvent_sp": {"move_weight": 1.0, "rest": 0.0},
                },
            },
        },
    },
}
"""A sealed configuration of both loops, written by hand so that no other room is needed."""


def coating_shape(horizon: int = HORIZON) -> Shape:
    """The shape the coating loop has with the repository's configuration."""
    return Shape(
        coating_model(),
        8.0,
        horizon,
        (COAT, WINDOW, PRESSURE, RESIDUAL),
        (
            SoftLimit(WINDOW, "low"),
            SoftLimit(WINDOW, "high"),
            SoftLimit(PRESSURE, "high"),
            SoftLimit(RESIDUAL, "high"),
        ),
    )


@cache
def coating_optimizer() -> ShootingOptimizer:
    """One optimiser for all tests; call `forget` before using it."""
    return ShootingOptimizer(coating_shape())


def coating_question(
    *,
    horizon: int = HORIZON,
    applied: Mapping[str, float] | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    disturbances: Mapping[str, float] | None = None,
    cvs: Mapping[str, CvAim] | None = None,
    max_step: Mapping[str, float] | None = None,
    x0: Any = None,
) -> Question:
    """A coating question at rest; each argument changes a part of it."""
    model = coating_model()
    u = {tag: model.nominal[tag] for tag in model.inputs} | dict(applied or {})
    p = {name: model.nominal[name] for name in model.disturbances} | dict(disturbances or {})
    u_row = np.array([u[tag] for tag in model.inputs])
    p_row = np.array([p[name] for name in model.disturbances])
    boxes = {RATIO: (2.2, 3.1), GAP: (240e-6, 340e-6), TRIM: (-8.0, 8.0)} | dict(limits or {})
    steps = {RATIO: 0.08, GAP: 8e-6, TRIM: 0.4} | dict(max_step or {})
    aims = {
        COAT: CvAim(np.full(horizon, TARGET), None, None, 1.0, 1),
        WINDOW: CvAim(None, 0.65, 0.95, 1.0, 3),
        PRESSURE: CvAim(None, None, 9.5e5, 1.0, 4),
        RESIDUAL: CvAim(None, None, 900e-6, 1.0, 2),
    } | dict(cvs or {})
    rests = {RATIO: (u[RATIO], 0.0), GAP: (280e-6, 0.01), TRIM: (0.0, 0.01)}
    return Question(
        model.steady_state(u_row, p_row) if x0 is None else x0,
        np.tile(p_row, (horizon + 1, 1)),
        aims,
        {tag: MvAim(u[tag], *boxes[tag], steps[tag], 1.0, *rests[tag]) for tag in model.inputs},
    )


def request(
    loop: str,
    now_s: float,
    values: Mapping[str, float | int | bool | str],
    applied: Mapping[str, float],
    *,
    closed: bool = True,
    sequence: int = 0,
) -> PlanRequest:
    """A request with the limits of the hand-written configuration."""
    setpoints = SEALED["limits"]["setpoints"]
    period = SEALED["loops"][loop]["period"]
    mvs = SEALED["loops"][loop]["mvs"]
    return PlanRequest(
        loop=loop,
        sequence=sequence,
        now_s=now_s,
        values=dict(values),
        quality={},
        applied=dict(applied),
        limits={tag: tuple(setpoints[tag]["operating"]) for tag in mvs},
        max_step={tag: setpoints[tag]["rate"] * period for tag in mvs},
        closed=closed,
    )


def two_lags() -> ControlModel:
    """A tiny control model with one state, one input, one disturbance: dx/dt = (u + d - x)/30."""
    x, u, d = ca.SX.sym("x", 1), ca.SX.sym("u", 1), ca.SX.sym("d", 1)
    return ControlModel(
        name="lag",
        states=("x",),
        inputs=("u",),
        disturbances=("d",),
        outputs=("y",),
        rhs=ca.Function("rhs", [x, u, d], [(u + d - x) / 30.0]),
        measure=ca.Function("measure", [x, u, d], [x]),
        nominal={"x": 0.0, "u": 0.0, "d": 0.0},
        scales={"x": 1.0, "u": 1.0, "d": 1.0, "y": 1.0},
        parameters=Parameters(()),
    )
