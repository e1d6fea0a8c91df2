"""The horizon as one quadratic programme in steps around a plan, solved by HPIPM.

HPIPM (Frison & Diehl 2020) is an interior-point method whose work grows linearly with the horizon.
Its verdict is not asked for: the optimality conditions are recomputed from what it returned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import casadi as ca
import numpy as np

from controller.stage_functions import Sizes
from plant_models.control_model import Expression

NO_BOUND: Final = 1.0e4  # tenths of scale; larger numbers make HPIPM stall
QUICK: Final[dict[str, Any]] = {"mode": "speed", "iter_max": 50, "mu0": 1.0}
CAREFUL: Final[dict[str, Any]] = {"mode": "robust", "iter_max": 100}
"""Options of HPIPM: the first for every step, the other where the first was not good enough."""


def course_function(size: Sizes, ahead: Expression) -> Expression:
    """(z0, V, M, data) -> N states in columns, cost: the plan run forward."""
    z0, V, M, data = _plan_symbols(size, ahead.size1_in(3))
    ends, costs = ahead.mapaccum("along", size.steps, 1)(z0, V, M, data)
    return ca.Function("course", [z0, V, M, data], [ends, ca.sum2(costs)])


def improve_function(
    size: Sizes, tangent: Expression, low: Sequence[bool], manner: Mapping[str, Any] = QUICK
) -> Expression:
    """(z0, V, M, Z, data, lower, upper) -> steps of the moves, stationarity, missed, gap.

    V, M, Z are positions, moves and states of the plan, one column a step; `lower` and `upper` are
    bounds of the step's unknowns in the same columns. `low` says of each soft limit whether it is
    a lower one, `manner` how HPIPM works. Only the steps are HPIPM's word: the largest slope left
    at its optimum (as a share of the largest at the plan), the worst violation and the duality gap
    are computed here.
    """
    z0, V, M, data = _plan_symbols(size, tangent.size1_in(4))
    Z = ca.MX.sym("Z", size.nx, size.steps)
    lower, upper = (ca.MX.sym(name, size.step, size.steps) for name in ("lower", "upper"))
    starts = ca.horzcat(z0, Z[:, :-1])
    h, g, a, b = tangent.map(size.steps)(starts, V, M, Z, data)
    # the first instant is given, the last one leads nowhere
    values = ca.vertcat(ca.vec(a)[size.zeta * (1 + size.zeta + size.nl) :], -np.ones(size.zeta))
    H = ca.MX(hessian_pattern(size), ca.vec(h))
    A = ca.MX(rows_pattern(size), values)
    lba, uba = _row_bounds(size, b, low)
    lbx, ubx, g = ca.vec(lower), ca.vec(upper), ca.vec(g)
    found = _qp(size, manner)(h=H, g=g, a=A, lbx=lbx, ubx=ubx, lba=lba, uba=uba)
    d, on_rows, on_bounds = found["x"], found["lam_a"], found["lam_x"]
    # CasADi's interface returns no multipliers of the dynamics: they are added in `_stationarity`
    left = ca.mtimes(H, d) + g + ca.mtimes(A.T, on_rows) + on_bounds
    slope = _stationarity(size, ca.reshape(left, size.step, size.steps), a)
    stationarity = slope / (1.0 + ca.norm_inf(g))
    row = ca.mtimes(A, d)
    missed = ca.fmax(ca.mmax(ca.fmax(lba - row, row - uba)), ca.mmax(ca.fmax(lbx - d, d - ubx)))
    gap = _gap(on_rows, row, lba, uba) + _gap(on_bounds, d, lbx, ubx)
    moves = ca.reshape(d, size.step, size.steps)[: size.nu, :]
    return ca.Function(
        "improve", [z0, V, M, Z, data, lower, upper], [moves, stationarity, missed, gap]
    )


def _stationarity(size: Sizes, left: Expression, a: Expression) -> Expression:
    """The largest slope that is left in a move or slack once the dynamics are eliminated.

    The dynamics' multipliers follow backwards: pi_k = left_k + A_k' pi_(k+1).
    """
    tall = size.zeta + size.nl
    pi, here = ca.SX.sym("pi", size.zeta), ca.SX.sym("a", a.size1())
    state, move = ca.SX.sym("state", size.zeta), ca.SX.sym("move", size.nu)
    cut = size.zeta * (1 + tall)
    zeta_columns = ca.reshape(here[:cut], 1 + tall, size.zeta)[1 : 1 + size.zeta, :]
    move_columns = ca.reshape(here[cut : cut + tall * size.nu], tall, size.nu)[: size.zeta, :]
    slope = move + ca.mtimes(move_columns.T, pi)
    back = ca.Function(
        "back", [pi, here, state, move], [state + ca.mtimes(zeta_columns.T, pi), slope]
    ).mapaccum("backwards", size.steps, 1)
    of_states = left[size.inputs :, :]
    # from the last step to the first, whose beginning is given
    before = ca.horzcat(ca.MX.zeros(size.zeta, 1), of_states[:, :-1])
    _, slopes = back(of_states[:, -1], _flip(a), _flip(before), _flip(left[: size.nu, :]))
    worst = ca.norm_inf(ca.vec(slopes))
    if size.nl:
        worst = ca.fmax(worst, ca.norm_inf(ca.vec(left[size.nu : size.inputs, :])))
    return worst


def _flip(columns: Expression) -> Expression:
    return columns[:, ::-1]


def _plan_symbols(size: Sizes, rows: int) -> tuple[Expression, Expression, Expression, Expression]:
    return (
        ca.MX.sym("z0", size.nx),
        ca.MX.sym("V", size.nu, size.steps),
        ca.MX.sym("M", size.nu, size.steps),
        ca.MX.sym("data", rows, size.steps),
    )


def _row_bounds(
    size: Sizes, left: Expression, low: Sequence[bool]
) -> tuple[Expression, Expression]:
    """Dynamics hold exactly; each soft limit bounds its row on its own side."""
    left = ca.fmax(-NO_BOUND, ca.fmin(NO_BOUND, left))
    side = np.array(low, dtype=float)[:, None] * np.ones((1, size.steps))
    zero = ca.MX.zeros(size.zeta, size.steps)
    lower = ca.vertcat(zero, side * left - (1.0 - side) * NO_BOUND)
    upper = ca.vertcat(zero, (1.0 - side) * left + side * NO_BOUND)
    return ca.vec(lower), ca.vec(upper)


def _gap(
    multiplier: Expression, value: Expression, low: Expression, high: Expression
) -> Expression:
    """How far bounds and multipliers are from excluding each other, summed up."""
    at_high, at_low = ca.fmax(multiplier, 0.0), ca.fmax(-multiplier, 0.0)
    return ca.dot(at_high, ca.fabs(high - value)) + ca.dot(at_low, ca.fabs(value - low))


def _qp(size: Sizes, manner: Mapping[str, Any]) -> Expression:
    n = size.steps
    options: dict[str, Any] = {
        "print_time": False,
        "error_on_fail": False,
        "N": n,
        "nx": [0] + [size.zeta] * n,
        "nu": [size.inputs] * n + [0],
        "ng": [size.nl] * n + [0],
        "inf": NO_BOUND,
        "hpipm": dict(manner),
    }
    shapes = {"h": hessian_pattern(size), "a": rows_pattern(size)}
    return ca.conic("along", "hpipm", shapes, options)


def hessian_pattern(size: Sizes) -> Expression:
    """Moves and slacks of a step stand alone, states and positions of an instant together."""
    step = ca.diagcat(ca.Sparsity.diag(size.inputs), ca.Sparsity.dense(size.zeta, size.zeta))
    return ca.diagcat(*[step] * size.steps)


def rows_pattern(size: Sizes) -> Expression:
    """Rows: zeta_(k+1) - A zeta_k - B m_k = 0, then the soft limits, step after step."""
    rows: list[int] = []
    columns: list[int] = []
    tall = size.zeta + size.nl
    for k in range(size.steps):
        top, left = k * tall, k * size.step
        for m in range(size.nu):
            rows += range(top, top + tall)
            columns += [left + m] * tall
        for s in range(size.nl):
            rows.append(top + size.zeta + s)
            columns.append(left + size.nu + s)
        for i in range(size.zeta):
            rows.append(top + i)
            columns.append(left + size.inputs + i)
            if k + 1 < size.steps:
                rows += range(top + tall, top + 2 * tall)
                columns += [left + size.inputs + i] * tall
    return ca.Sparsity.triplet(tall * size.steps, size.step * size.steps, rows, columns)
