"""The look ahead at a batch, against a plain integration in small steps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from controller.mixing_course import SOLVENT, STEP_S, STEPS, VISCOSITY, BatchCourse
from plant_models.control_model import Vector
from plant_models.mixing_control import control_model

MODEL = control_model()
APPROACH_S, TARGET, MOST = 150.0, 6.0, 0.02
U = MODEL.nominal_vector(MODEL.inputs)
P = MODEL.nominal_vector(MODEL.disturbances)
EMPTY = Path("/proc/there-is-no-cache-here")


def thick(solids: float = 0.44) -> Vector:
    x = MODEL.nominal_vector(MODEL.states)
    x[MODEL.states.index("mixer.solids")] = solids
    return x


def by_hand(left_kg: float, minutes: int, substep_s: float = 1.0) -> list[float]:
    """Classic Runge-Kutta, the dose decided anew each minute."""
    x, u, etas = thick(), U.copy(), []
    mass, free = MODEL.states.index("mixer.mass"), MODEL.states.index("mixer.unblended")
    for _ in range(minutes):
        eta = MODEL.observe(x, u, P)[VISCOSITY]
        etas.append(eta)
        alpha = MODEL.parameters["mixing.viscosity.solids_exponent"]
        needed = x[mass] * (max(1.0, eta / TARGET) ** (1.0 / alpha) - 1.0) - x[free]
        rate = min(max(0.0, needed) / APPROACH_S, MOST, left_kg / STEP_S)
        left_kg -= rate * STEP_S
        u[MODEL.inputs.index(SOLVENT)] = rate
        for _ in range(round(STEP_S / substep_s)):
            a = MODEL.derivative(x, u, P)
            b = MODEL.derivative(x + 0.5 * substep_s * a, u, P)
            c = MODEL.derivative(x + 0.5 * substep_s * b, u, P)
            d = MODEL.derivative(x + substep_s * c, u, P)
            x = x + substep_s * (a + 2.0 * b + 2.0 * c + d) / 6.0
    return etas


@pytest.mark.parametrize("left_kg", [25.0, 4.0])
def test_it_runs_as_the_model_does(left_kg: float) -> None:
    course = BatchCourse(MODEL, APPROACH_S).ahead(thick(), U, P, TARGET, MOST, left_kg)
    assert len(course) == STEPS
    assert course[:30] == pytest.approx(by_hand(left_kg, 30), rel=2e-3)


def test_without_a_total_it_comes_down_to_the_target_and_without_solvent_it_does_not() -> None:
    ahead = BatchCourse(MODEL, APPROACH_S).ahead
    assert min(ahead(thick(), U, P, TARGET, MOST, math.inf)) < 1.05 * TARGET
    assert min(ahead(thick(), U, P, TARGET, MOST, 0.0)) >= 7.9


def test_the_interpreter_tells_the_same_and_says_that_it_is_slow() -> None:
    quick, slow = BatchCourse(MODEL, APPROACH_S), BatchCourse(MODEL, APPROACH_S, EMPTY)
    given = (thick(), U, P, TARGET, MOST, 25.0)
    assert slow.note
    assert not quick.note
    assert quick.ahead(*given) == pytest.approx(slow.ahead(*given), rel=1e-9)


def test_what_is_no_number_ends_the_course() -> None:
    ahead = BatchCourse(MODEL, APPROACH_S).ahead
    lost = thick()
    lost[MODEL.states.index("mixer.solids")] = np.nan
    assert len(ahead(lost, U, P, TARGET, MOST, 25.0)) == 0
