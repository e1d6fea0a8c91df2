"""The rest of a batch in one call: the model run on under the dosing that closes in on the target.

symbol   meaning                                          unit
x        state of the control model                       as the model
left     solvent that may still be dosed                  kg
eta      viscosity at 25 C                                Pa s
alpha    exponent of the solids                           1
"""

from __future__ import annotations

from pathlib import Path

import casadi as ca
import numpy as np

from controller.compiled import Sampled, compiled
from controller.quick import Quick
from controller.transcription import discrete_map
from plant_models.control_model import ControlModel, Expression, Vector

VISCOSITY, SOLVENT = "mixer.viscosity_25c", "mixer.solvent_sp"
STEP_S, STEPS = 60.0, 240
PLENTY_KG = 1.0e6  # stands for 'no total'


class BatchCourse:
    """Viscosity ahead of now, minute by minute for four hours."""

    def __init__(self, model: ControlModel, approach_s: float, cache: Path | None = None) -> None:
        """Write and compile the function; `note` says why it is slow, or is ''.

        `approach_s` [s] paces the dosing; machine code is kept in `cache` (default: the user's).
        """
        function = _along(model, approach_s)
        point = [model.nominal_vector(n) for n in (model.states, model.inputs, model.disturbances)]
        target = float(model.measure(*point)[model.outputs.index(VISCOSITY)])
        rest = np.array([target, model.scales[SOLVENT], 10.0])
        found = compiled([Sampled(function, [*point, rest])], cache)
        self.note = found.note
        self._along = Quick(found.functions[0])

    def ahead(
        self, x: Vector, u: Vector, p: Vector, target: float, most_kg_s: float, left_kg: float
    ) -> Vector:
        """Viscosities [Pa s] STEP_S apart, now first; shorter where the model leaves its ground.

        Dosing closes in on `target` as the loop does, within `most_kg_s` and the `left_kg` of the
        batch; the other inputs stay at `u`.
        """
        rest = np.array([target, most_kg_s, min(left_kg, PLENTY_KG)])
        course = self._along(x, u, p, rest).ravel()
        good = np.isfinite(course) & (course > 0.0)
        return course if good.all() else course[: int(np.argmin(good))]


def _along(model: ControlModel, approach_s: float) -> Expression:
    """(x, u, p, [target, most, left]) -> eta now and after each of STEPS - 1 steps."""
    x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
    left, target, most = ca.SX.sym("left"), ca.SX.sym("target"), ca.SX.sym("most")
    mass, free = (x[model.states.index(f"mixer.{name}")] for name in ("mass", "unblended"))
    eta = model.measure(x, u, p)[model.outputs.index(VISCOSITY)]
    # ln(eta/target) = alpha ln((m + F)/m)
    alpha = model.parameters["mixing.viscosity.solids_exponent"]
    needed = mass * (ca.exp(ca.fmax(0.0, ca.log(eta / target)) / alpha) - 1.0) - free
    rate = ca.fmin(ca.fmin(ca.fmax(0.0, needed) / approach_s, most), left / STEP_S)
    dose = model.inputs.index(SOLVENT)
    given = ca.vertcat(*(rate if i == dose else u[i] for i in range(len(model.inputs))))
    later = discrete_map(model, STEP_S)(x, given, p)
    step = ca.Function(
        "minute",
        [ca.vertcat(x, left), ca.vertcat(u, p, target, most)],
        [ca.vertcat(later, left - rate * STEP_S), eta],
    )
    X, U, P = (ca.MX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
    rest = ca.MX.sym("rest", 3)
    held = ca.repmat(ca.vertcat(U, P, rest[:2]), 1, STEPS)
    _, etas = step.mapaccum("minutes", STEPS, 1)(ca.vertcat(X, rest[2]), held)
    return ca.Function("batch_course", [X, U, P, rest], [etas])
