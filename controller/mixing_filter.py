"""The mixing filter's algebra as machine code: model, slopes and covariance in one call each.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
e       surprise: reading minus prediction        as the reading
s       slope of the reading, dh/dz
r       noise of the reading, one spread          as the reading
"""

from __future__ import annotations

from dataclasses import dataclass

import casadi as ca
import numpy as np

from controller.compiled import Sampled, compiled
from controller.kalman import Belief
from controller.mixing_channels import CHANNELS, WALKERS, filter_functions
from controller.quick import Quick
from plant_models.control_model import ControlModel, Expression, Vector


@dataclass(frozen=True, slots=True)
class Taken:
    """The belief after a reading, its surprise and the spread that was expected of it."""

    belief: Belief
    surprise: float
    spread: float


class MixingFilter:
    """An extended Kalman filter (Jazwinski 1970) that takes one reading at a time.

    The covariance after a reading is Joseph's form, multiplied out:
    P - K s'P - P s K' + K (s'P s + r^2) K'.
    """

    def __init__(self, model: ControlModel, period_s: float) -> None:
        """Write and compile the functions; `note` says why they are slow, or is ''."""
        step, look = filter_functions(model, period_s)
        n, nu = len(model.states) + len(WALKERS), len(model.inputs)
        z, P = ca.SX.sym("z", n), ca.SX.sym("P", n, n)
        u, ambient, Q = ca.SX.sym("u", nu), ca.SX.sym("ambient"), ca.SX.sym("Q", n, n)
        z_next, F = step(z, u, ambient)
        spread = ca.mtimes([F, P, F.T]) + Q
        parts = [
            ca.Function("predict", [z, P, u, ambient, Q], [z_next, ca.densify(spread)]),
            ca.Function(
                "look", [z, u, ambient], [ca.densify(part) for part in look(z, u, ambient)]
            ),
            *(_take(row, look, z, P, u, ambient) for row in range(len(CHANNELS))),
        ]
        x = model.nominal_vector(model.states)
        rest = [model.nominal[name] for name in WALKERS]
        at = np.array([*x, *rest])
        point = [
            model.nominal_vector(model.inputs),
            np.array([model.nominal["mixer.ambient_temp"]]),
        ]
        unit = np.eye(n) * 1e-4
        given = [[at, unit, *point, unit], [at, *point]]
        given += [[at, unit, *point, np.zeros(1), np.ones(1)] for _ in CHANNELS]
        found = compiled([Sampled(f, values) for f, values in zip(parts, given, strict=True)])
        self.note = found.note
        self._predict, self._look, *takes = (Quick(function) for function in found.functions)
        self._takes = dict(zip(CHANNELS, takes, strict=True))

    def predict(self, belief: Belief, u: Vector, ambient_k: float, Q: Vector) -> Belief:
        """The belief one period later; `Q` is what may change in it."""
        function = self._predict
        _tell(function, belief, u, ambient_k)
        function.inputs[4][...] = Q
        function.run()
        z, P = function.outputs
        return Belief(z[:, 0].copy(), P.copy())

    def take(
        self, belief: Belief, u: Vector, ambient_k: float, channel: str, read: float, noise: float
    ) -> Taken:
        """What a reading of `channel` with `noise` (one spread) would make of the belief."""
        function = self._takes[channel]
        _tell(function, belief, u, ambient_k)
        function.inputs[4][0, 0], function.inputs[5][0, 0] = read, noise
        function.run()
        z, P, told = function.outputs
        return Taken(Belief(z[:, 0].copy(), P.copy()), float(told[0, 0]), float(told[1, 0]))

    def look(self, z: Vector, u: Vector, ambient_k: float) -> tuple[Vector, Vector]:
        """All channels at a state, and their slopes dh/dz."""
        self._look(z, u, np.array([ambient_k]))
        told, slopes = self._look.outputs
        return told.ravel().copy(), slopes.copy()


def _tell(function: Quick, belief: Belief, u: Vector, ambient_k: float) -> None:
    """Write the first four inputs where they stand: `Quick`'s own call copies more than needed."""
    z, P, inputs, ambient = function.inputs[:4]
    z[:, 0], P[...], inputs[:, 0], ambient[0, 0] = belief.z, belief.P, u, ambient_k


def _take(
    row: int, look: Expression, z: Expression, P: Expression, u: Expression, ambient: Expression
) -> Expression:
    read, noise = ca.SX.sym("read"), ca.SX.sym("noise")
    told, slopes = look(z, u, ambient)
    s, e = slopes[row, :].T, read - told[row]
    Ps = ca.mtimes(P, s)
    variance = ca.dot(s, Ps) + noise**2
    K = Ps / variance
    cross = ca.mtimes(K, Ps.T)
    after = P - cross - cross.T + variance * ca.mtimes(K, K.T)
    outputs = [z + K * e, ca.densify(after), ca.vertcat(e, ca.sqrt(variance))]
    return ca.Function(f"take_{row}", [z, P, u, ambient, read, noise], outputs)
