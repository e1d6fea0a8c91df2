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

import casadi as ca
import numpy as np
from scipy.linalg.lapack import dpbsv

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
        stage = _stage(step, look, unit).map(length)
        rows = look.size1_out(0)
        z, u, ambient = sample
        once = [z, z, u, ambient, np.zeros(rows), np.ones(rows), np.eye(self._n)]
        given = [np.tile(value.reshape(len(value), -1), (1, length)) for value in once]
        found = compiled([Sampled(stage, given)])
        self.note = found.note
        self._stages = Quick(found.functions[0])
        self._low = np.tril_indices(self._n)

    def estimate(
        self,
        arrival: Belief,
        path: Vector,
        u: Vector,
        ambient: Vector,
        y: Vector,
        weight: Vector,
        W: Vector,
    ) -> Vector:
        """The window's states after one step from `path` [N+1, n]; raises LinAlgError.

        `u`, `ambient`, `y` and `weight` (1/r) have a row for each step; `W`, the inverses of Q (of
        states in units), stand side by side.
        """
        n, steps, unit = self._n, len(u), self._unit
        columns = (path[:-1].T, path[1:].T, u.T, ambient.T, y.T, weight.T, W)
        for place, value in zip(self._stages.inputs, columns, strict=True):
            place[:, : value.shape[1]] = value
        self._stages.run()  # columns beyond `steps` repeat what was there: nobody looks at them
        here, there, g_here, g_there = (
            part[:, : part.shape[1] // self.length * steps] for part in self._stages.outputs
        )
        band, g = np.zeros((2 * n, n * (steps + 1)), order="F"), np.zeros((n, steps + 1), order="F")
        precision = np.linalg.inv(arrival.P / np.outer(unit, unit))
        i, j = self._low
        band[i - j, j] = precision[i, j]
        g[:, 0] = precision @ ((path[0] - arrival.z) / unit)
        band[:, : n * steps] += here
        band[:n, n:] += there
        g[:, :-1] += g_here
        g[:, 1:] += g_there
        _, step, fault = dpbsv(band, -g.ravel(order="F"), lower=1, overwrite_ab=1, overwrite_b=1)
        if fault != 0 or not np.isfinite(step).all():
            raise np.linalg.LinAlgError("the window has no single best estimate")
        moved: Vector = path + step.reshape(steps + 1, n) * unit
        return moved


def _stage(step: Expression, look: Expression, unit: Vector) -> Expression:
    """One step's share of the normal equations, each block as LAPACK's lower band storage has it.

    Blocks here with beside (there, here) below it, and there; then the gradients here and there.
    """
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
        _banded(ca.vertcat(ca.mtimes(F.T, WF), -WF)),
        _banded(W + ca.mtimes(H.T, H)),
        -ca.mtimes(F.T, drift),
        drift - ca.mtimes(H.T, surprise),
    ]
    inputs = [z, z_next, u, ambient, y, weight, W]
    return ca.Function("window_stage", inputs, [ca.densify(block) for block in blocks])


def _banded(block: Expression) -> Expression:
    """Each column pushed up until it begins with the diagonal."""
    columns = [ca.vertcat(block[c:, c], ca.SX.zeros(c)) for c in range(block.size2())]
    return ca.horzcat(*(ca.densify(column) for column in columns))
