"""The shape of a control model: named CasADi expressions, small enough to optimise over.

A controller sees only this. `rhs` and `measure` are functions of column vectors whose entries
stand in the order of the name tuples:

symbol  names           meaning
x       states          what the plant remembers
u       inputs          the manipulated variables (setpoints we write)
p       disturbances    everything given from outside: measured disturbances and estimated offsets
y       outputs         what is controlled, limited or measured
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray

from plant_models.parameters import Parameters

Vector = NDArray[np.float64]
Expression = Any
"""A CasADi SX (or a plain number): CasADi has no types of its own."""


@dataclass(frozen=True, slots=True)
class ControlModel:
    """dx/dt = rhs(x, u, p), y = measure(x, u, p); all SI.

    `nominal` gives an operating point for every name (states, inputs, disturbances), `scales` a
    typical size for every name including outputs, so that a solver sees numbers near one.
    """

    name: str
    states: tuple[str, ...]
    inputs: tuple[str, ...]
    disturbances: tuple[str, ...]
    outputs: tuple[str, ...]
    rhs: Expression  # casadi.Function (x, u, p) -> dx/dt
    measure: Expression  # casadi.Function (x, u, p) -> y
    nominal: Mapping[str, float]
    scales: Mapping[str, float]
    parameters: Parameters

    def nominal_vector(self, names: tuple[str, ...]) -> Vector:
        """The nominal values of `names`, in their order."""
        return np.array([self.nominal[name] for name in names], dtype=float)

    def scale_vector(self, names: tuple[str, ...]) -> Vector:
        """The scales of `names`, in their order."""
        return np.array([self.scales[name] for name in names], dtype=float)

    def derivative(self, x: Vector, u: Vector, p: Vector) -> Vector:
        """dx/dt as a numpy vector."""
        return np.asarray(self.rhs(x, u, p), dtype=float).ravel()

    def observe(self, x: Vector, u: Vector, p: Vector) -> dict[str, float]:
        """The outputs by name."""
        values = np.asarray(self.measure(x, u, p), dtype=float).ravel()
        return dict(zip(self.outputs, (float(v) for v in values), strict=True))

    def steady_state(self, u: Vector, p: Vector, guess: Vector | None = None) -> Vector:
        """The state where dx/dt = 0 under constant `u` and `p`, by Newton steps in scaled states.

        Raises:
            ArithmeticError: no rest point was found from the guess (default: nominal).
        """
        x = self.nominal_vector(self.states) if guess is None else np.array(guess, dtype=float)
        scale = self.scale_vector(self.states)
        symbol = ca.SX.sym("x", len(self.states))
        flow = self.rhs(symbol, u, p)
        newton = ca.Function("newton", [symbol], [flow, ca.jacobian(flow, symbol)])
        for _ in range(60):
            residual, jacobian = (np.asarray(part, dtype=float) for part in newton(x))
            step = np.linalg.solve(jacobian * scale, -residual.ravel()) * scale
            limit = float(np.max(np.abs(step) / scale))
            x = x + step * min(1.0, 1.0 / max(limit, 1e-30))
            if limit < 1e-10:
                return x
        raise ArithmeticError(
            f"{self.name}: no rest point found for inputs {dict(zip(self.inputs, u, strict=True))};"
            " start from a guess nearer to the operating point"
        )
