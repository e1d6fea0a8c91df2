"""A moving-horizon estimate: Gauss-Newton over the last cycles, solved by a banded Cholesky.

min |z_0 - z_a|^2 / P_a + sum |z_(k+1) - f(z_k)|^2 / Q + sum |y_k - h(z_k)|^2 / r^2

symbol    meaning                                                       unit
z_0..z_N  the window's states, column by column                         as the model
z_a, P_a  arrival: what a filter believed before the window, and how    as the model
Q         what may change in one period                                 squared
y, r      readings and their noise, one spread; r infinite: none        as the reading

Rao, Rawlings & Mayne 2003. The normal equations are block-tridiagonal, so the work grows with the
window's length. Every state is divided by a typical change first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import casadi as ca
import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from controller.compiled import Sampled, compiled
from controller.kalman import Belief
from controller.quick import Quick
from plant_models.control_model import Expression, Vector


class Window:
    """The window of a model: states of `unit` size, at most `length` steps."""

    def __init__(
        self, step: Expression, look: Expression, unit: Vector, length: int, sample: list[Vector]
    ) -> None:
        """Compile the stages of `step` and `look`, both (z, u, ambient) -> (value, slope).

        `sample` is a (z, u, ambient) to compare machine code and CasADi at. `note` says why they
        are slow, or is ''.
        """
        self.length, self._unit, self._n = length, unit, len(unit)
        stage = _stage(step, look, unit)
        rows = look.size1_out(0)
        z, u, ambient = sample
        given = [z, z, u, ambient, np.zeros(rows), np.ones(rows), np.eye(self._n)]
        found = compiled([Sampled(stage, given)])
        self.note = found.note
        self._stage = Quick(found.functions[0])
        low = np.tril_indices(self._n)
        self._low, self._diagonal = low, _band(low[0], low[1])
        every = np.indices((self._n, self._n)).reshape(2, -1)
        self._beside = _band(self._n + every[0], every[1])

    def estimate(
        self,
        arrival: Belief,
        path: Vector,
        given: Sequence[tuple[Vector, ...]],
        W: Sequence[NDArray[Any]],
    ) -> Vector:
        """The window's states after one step from `path` [N+1, n]; raises LinAlgError.

        `given` are (u, ambient, y, 1/r) and `W` the inverse of Q (of states in units) per step.
        """
        n, steps, unit = self._n, len(given), self._unit
        band = np.zeros((2 * n, n * (steps + 1)), order="F")
        diagonal = np.zeros((steps + 1, n, n))
        g = np.zeros((steps + 1, n))
        precision = np.linalg.inv(arrival.P / np.outer(unit, unit))
        diagonal[0] = precision
        g[0] = precision @ ((path[0] - arrival.z) / unit)
        for k, (u, ambient, y, weight) in enumerate(given):
            self._stage(path[k], path[k + 1], u, ambient, y, weight, W[k])
            here, beside, there, g_here, g_there = self._stage.outputs
            diagonal[k] += here
            diagonal[k + 1] += there
            g[k] += g_here[:, 0]
            g[k + 1] += g_there[:, 0]
            band[self._beside[0], n * k + self._beside[1]] = beside.ravel()
        at = n * np.arange(steps + 1)[:, None] + self._diagonal[1]
        band[self._diagonal[0], at] = diagonal[:, self._low[0], self._low[1]]
        step = solveh_banded(band, -g.ravel(), lower=True, check_finite=True)
        moved: Vector = path + step.reshape(steps + 1, n) * unit
        return moved


def _stage(step: Expression, look: Expression, unit: Vector) -> Expression:
    """One step's share of the normal equations: blocks here, beside (there, here), there."""
    n, rows = len(unit), look.size1_out(0)
    z, z_next, u = ca.SX.sym("z", n), ca.SX.sym("z_next", n), ca.SX.sym("u", step.size1_in(1))
    ambient, y = ca.SX.sym("ambient"), ca.SX.sym("y", rows)
    weight, W = ca.SX.sym("weight", rows), ca.SX.sym("W", n, n)
    ahead, slope = step(z, u, ambient)
    told, sight = look(z_next, u, ambient)
    size = ca.diag(ca.DM(unit))
    F = ca.mtimes([ca.inv(size), slope, size])
    H = ca.mtimes([ca.diag(weight), sight, size])
    drift = ca.mtimes(W, (z_next - ahead) / unit)
    surprise = weight * (y - told)
    WF = ca.mtimes(W, F)
    blocks = [
        ca.mtimes(F.T, WF),
        -WF,
        W + ca.mtimes(H.T, H),
        -ca.mtimes(F.T, drift),
        drift - ca.mtimes(H.T, surprise),
    ]
    inputs = [z, z_next, u, ambient, y, weight, W]
    return ca.Function("window_stage", inputs, [ca.densify(block) for block in blocks])


def _band(rows: NDArray[Any], columns: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Where entries of the lower triangle stand in LAPACK's lower band storage."""
    return rows - columns, columns
