"""The mixing filter's algebra as machine code: model, slopes and covariance in one call.

symbol  meaning                                   unit
z       state estimate                            as the model
P       covariance of its error                   squared
y       readings, a row for each channel          as the reading
w       one over their noise; 0: none was read    1 / as the reading
e       surprise: reading minus prediction        as the reading
s       slope of the reading, dh/dz
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import casadi as ca
import numpy as np

from controller.compiled import Sampled, compiled
from controller.kalman import Belief
from controller.mixing_channels import BOUNDS, CHANNELS, LAB, READ, WALKERS, filter_functions
from controller.quick import Quick
from plant_models.control_model import ControlModel, Expression, Vector

IN_TURN = (*(CHANNELS.index(channel) for channel, _ in READ.values()), CHANNELS.index(LAB))
"""The order in which readings are taken in: what was said before makes a surprise smaller."""


class Taken(NamedTuple):
    """The belief after a cycle, each surprise over its expected spread, and the laboratory's view.

    A surprise is zero where nothing was read, and no number where the model gives none. `seen` is
    the ln viscosity at 25 C and how uncertain it is (one spread). `sound`: the belief holds
    numbers only.
    """

    belief: Belief
    surprises: Sequence[float]
    seen: tuple[float, float]
    sound: bool


class MixingFilter:
    """An extended Kalman filter (Jazwinski 1970), a whole cycle in one call.

    All readings of a cycle share one linearisation, that of the prediction. Slopes taken anew after
    each reading would disagree with each other, and the filter would believe to have learnt which
    of the viscosity's offsets is which (Huang, Mourikis & Roumeliotis 2010).
    """

    def __init__(self, model: ControlModel, period_s: float) -> None:
        """Write and compile the functions; `note` says why they are slow, or is ''."""
        step, look = filter_functions(model, period_s)
        n, rows = len(model.states) + len(WALKERS), len(CHANNELS)
        rest = [model.nominal[name] for name in WALKERS]
        at = np.array([*model.nominal_vector(model.states), *rest])
        ambient = np.array([model.nominal["mixer.ambient_temp"]])
        point = [at, np.eye(n) * 1e-4, model.nominal_vector(model.inputs), ambient]
        told = np.asarray(look(at, *point[2:])[0], dtype=float).ravel()
        readings = [told, np.ones(rows), np.full(rows, np.inf)]
        names = (*model.states, *WALKERS)
        found = compiled(
            [
                Sampled(_cycle(step, look, names), [*point, point[1], np.ones(1), *readings]),
                Sampled(_look(look, names), point),
            ]
        )
        self.note = found.note
        self._cycle, self._look = (Quick(function) for function in found.functions)
        self._y, self._weight, self._doubt = (given[:, 0] for given in self._cycle.inputs[6:9])

    def run(
        self,
        belief: Belief,
        u: Vector,
        ambient_k: float,
        Q: Vector | None,
        y: Vector,
        weight: Vector,
        doubt: Vector,
    ) -> Taken:
        """The belief one period later, with readings `y` (1/noise: `weight`, zero: none) taken in.

        `Q` is what may change in the period; None: no time passes. A surprise of more than `doubt`
        expected spreads is told and not taken in.
        """
        function = self._cycle
        _tell(function, belief, u, ambient_k)
        given = function.inputs
        given[5][0, 0] = 0.0 if Q is None else 1.0
        if Q is not None:
            given[4][...] = Q
        self._y[:], self._weight[:], self._doubt[:] = y, weight, doubt
        function.run()
        z, P, told = function.outputs
        *surprises, viscosity, spread, total = told[:, 0].tolist()
        after = Belief(z[:, 0].copy(), P.copy())
        return Taken(after, surprises, (viscosity, spread), math.isfinite(total))

    def look(self, belief: Belief, u: Vector, ambient_k: float) -> tuple[Vector, Vector]:
        """What all channels should read, and how uncertain that is (one spread each)."""
        _tell(self._look, belief, u, ambient_k)
        self._look.run()
        told, spread = self._look.outputs
        return told[:, 0].copy(), spread[:, 0].copy()


def _tell(function: Quick, belief: Belief, u: Vector, ambient_k: float) -> None:
    """Write the first four inputs where they stand: `Quick`'s own call copies more than needed."""
    z, P, inputs, ambient = function.inputs[:4]
    z[:, 0], P[...], inputs[:, 0], ambient[0, 0] = belief.z, belief.P, u, ambient_k


def _symbols(look: Expression) -> list[Expression]:
    """z, P, u, ambient."""
    n = look.size1_in(0)
    z, P = ca.SX.sym("z", n), ca.SX.sym("P", n, n)
    return [z, P, ca.SX.sym("u", look.size1_in(1)), ca.SX.sym("ambient")]


def _symmetric(P: Expression) -> Expression:
    """The lower triangle, mirrored: half of the work, and no rounding makes the halves differ."""
    return ca.densify(ca.tril2symm(ca.tril(P)))


def _where(condition: Expression, this: Expression, other: Expression) -> Expression:
    """Entry by entry `this` or `other`; what is not chosen may be no number."""
    pairs = zip(ca.vertsplit(ca.vec(this)), ca.vertsplit(ca.vec(other)), strict=True)
    chosen = ca.vertcat(*(ca.if_else(condition, a, b) for a, b in pairs))
    return ca.reshape(chosen, *this.shape)


def _cycle(step: Expression, look: Expression, names: Sequence[str]) -> Expression:
    """Model forward, then the readings one by one: for one linearisation that is all at once.

    With v = 1 + w^2 s'P s a surprise is w e/sqrt(v) of its spreads, z becomes z + P s w^2 e/v and P
    becomes P - P s s'P w^2/v. Last, the estimate is kept inside BOUNDS.
    """
    z_given, P_given, u, ambient = given = _symbols(look)
    n = len(names)
    Q, forward = ca.SX.sym("Q", n, n), ca.SX.sym("forward")
    y, w, doubt = (ca.SX.sym(name, len(CHANNELS)) for name in ("y", "w", "doubt"))
    z_next, F = step(z_given, u, ambient)
    P = _symmetric(P_given)
    ahead = _symmetric(ca.mtimes([F, P, F.T]) + Q)
    z, P = _where(forward, ca.densify(z_next), z_given), _symmetric(_where(forward, ahead, P))
    expected, slopes = look(z, u, ambient)
    moved, surprises = ca.SX.zeros(n), [ca.SX(0)] * len(CHANNELS)
    for row in IN_TURN:
        s = slopes[row, :].T
        Ps, e = ca.mtimes(P, s), y[row] - expected[row] - ca.mtimes(slopes[row, :], moved)
        v = 1.0 + w[row] ** 2 * ca.dot(s, Ps)
        surprises[row] = w[row] * e / ca.sqrt(v)
        believed = ca.fabs(surprises[row]) <= doubt[row]  # never so where there is no number
        step_of = _where(believed, ca.vertcat(w[row] ** 2 / v, e, Ps), ca.SX.zeros(n + 2))
        gain, e, Ps = step_of[0], step_of[1], step_of[2:]
        moved += Ps * (gain * e)
        P = _symmetric(P - ca.mtimes(Ps * gain, Ps.T))
    bounds = [BOUNDS.get(name, (-math.inf, math.inf)) for name in names]
    low, high = (ca.DM([pair[i] for pair in bounds]) for i in (0, 1))
    z = ca.fmin(ca.fmax(z + moved, low), high)
    total = ca.sum1(z) + ca.sum1(ca.sum2(P))  # no number as soon as one of them is none
    told = ca.vertcat(*surprises, *_seen(look, z, P, u, ambient), total)
    outputs = [z, P, told]
    return ca.Function("cycle", [*given, Q, forward, y, w, doubt], outputs)


def _seen(look: Expression, *at: Expression) -> list[Expression]:
    """The laboratory's channel at (z, P, u, ambient), and its spread."""
    told, spread = (part[CHANNELS.index(LAB)] for part in _spreads(look, *at))
    return [told, spread]


def _spreads(
    look: Expression, z: Expression, P: Expression, u: Expression, ambient: Expression
) -> list[Expression]:
    told, slopes = look(z, u, ambient)
    squared = ca.sum2(ca.mtimes(slopes, P) * slopes)
    return [ca.densify(told), ca.sqrt(ca.densify(squared))]


def _look(look: Expression, names: Sequence[str]) -> Expression:
    z, P, u, ambient = given = _symbols(look)
    return ca.Function("look", given, _spreads(look, z, _symmetric(P), u, ambient))
