"""From a continuous control model to one nonlinear programme: multiple shooting, scaled.

symbol  meaning                                                              unit
z       scaled state (x - nominal)/(0.1 scale)                               tenths of scale
v       scaled MV position, a state here, so that a move can be limited      tenths of scale
m       move, the programme's input: v_(k+1) = v_k + m_k                     tenths of scale
s       slack of one soft limit                                              tenths of CV scale

The order of the unknowns is m_0, (z, v)_1, [m, s]_1, (z, v)_2, ... (z, v)_N, s_N: stage after
stage. Initial state and position are parameters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import casadi as ca
import numpy as np

from controller.problem import UNIT_SHARE, Question, Shape, slack_price, tracking_price
from plant_models.control_model import ControlModel, Expression, Vector

FAR = 1e9  # stands for 'no limit' in a row, so that no bound is ever infinite on both sides
SLACK_CURVATURE = 0.001  # quadratic share of a slack's price: a little, so the optimum is unique


def own_rates(model: ControlModel) -> Vector:
    """How fast each state forgets by itself at the operating point [1/s], never positive."""
    x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
    slopes = ca.Function("slopes", [x, u, p], [ca.diag(ca.jacobian(model.rhs(x, u, p), x))])
    point = [model.nominal_vector(n) for n in (model.states, model.inputs, model.disturbances)]
    rates: Vector = np.minimum(np.asarray(slopes(*point), dtype=float).ravel(), 0.0)
    return rates


def discrete_map(model: ControlModel, period_s: float, substeps: int = 1) -> Expression:
    """One period of the model as casadi.Function (x, u, p) -> x_next, with u and p held.

    Exponential Heun steps (ETD2RK, Cox & Matthews 2002): each state's own lag is solved exactly,
    so lags far shorter than the period cost nothing, where RK4 would need many small steps.
    """
    x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
    h = period_s / substeps
    c = own_rates(model)
    phi = [_phi(float(rate) * h) for rate in c]
    phi1, phi2 = ca.DM([one for one, _ in phi]), ca.DM([two for _, two in phi])
    end = x
    for _ in range(substeps):
        flow = model.rhs(end, u, p)
        ahead = end + h * phi1 * flow
        drift = model.rhs(ahead, u, p) - flow - c * (ahead - end)
        end = ahead + h * phi2 * drift
    return ca.Function("advance", [x, u, p], [end])


def _phi(z: float) -> tuple[float, float]:
    """(e^z - 1)/z and (e^z - 1 - z)/z^2, by series where they would cancel."""
    if abs(z) < 1e-3:
        return 1.0 + z / 2.0 + z * z / 6.0, 0.5 + z / 6.0 + z * z / 24.0
    return math.expm1(z) / z, (math.expm1(z) - z) / (z * z)


@dataclass(frozen=True, slots=True)
class Programme:
    """The symbolic programme and where everything stands in its vectors.

    `at_state[k]` (k = 0..N-1) indexes (z, v)_(k+1), `at_move[k]` m_k, `at_slack[k]` the slacks of
    instant k+1, `at_gap[k]` the dynamics rows of step k, `at_row[k]` the soft-limit rows of
    instant k+1.
    """

    nlp: dict[str, Any]
    at_state: list[slice]
    at_move: list[slice]
    at_slack: list[slice]
    at_gap: list[slice]
    at_row: list[slice]
    size: int
    rows: int
    advance: Any  # (x, u, p) -> x one step later


class Scaling:
    """Between SI and the programme's numbers, by the model's own scales."""

    def __init__(self, shape: Shape) -> None:
        """Read centres and scales of `shape`'s model."""
        model = shape.model
        self.x_centre = model.nominal_vector(model.states)
        self.x_scale = model.scale_vector(model.states) * UNIT_SHARE
        self.u_centre = model.nominal_vector(model.inputs)
        self.u_scale = model.scale_vector(model.inputs) * UNIT_SHARE
        self.y_unit = model.scale_vector(shape.cvs) * UNIT_SHARE

    def state(self, x: Vector) -> Vector:
        """SI state to scaled."""
        scaled: Vector = (x - self.x_centre) / self.x_scale
        return scaled

    def position(self, u: Vector) -> Vector:
        """SI MV positions to scaled."""
        scaled: Vector = (u - self.u_centre) / self.u_scale
        return scaled


def parameter_layout(shape: Shape) -> dict[str, tuple[int, int]]:
    """Name -> (rows, columns) of each block of the parameter vector, in order."""
    n, nx, nu = shape.horizon, len(shape.model.states), len(shape.mvs)
    ny, nl = len(shape.cvs), len(shape.limits)
    return {
        "z0": (nx, 1),
        "v0": (nu, 1),
        "p": (len(shape.model.disturbances), n + 1),
        "bias": (ny, 1),
        "reference": (ny, n),
        "weight": (ny, 1),
        "price": (nl, 1),
        "move_weight": (nu, 1),
        "rest": (nu, 1),
        "rest_weight": (nu, 1),
    }


def transcribe(shape: Shape) -> Programme:
    """Write the whole horizon as one programme of scalar expressions."""
    model, scaling = shape.model, Scaling(shape)
    nx, nu, nl = len(model.states), len(shape.mvs), len(shape.limits)
    advance = discrete_map(model, shape.period_s)
    par = {name: ca.SX.sym(name, *dim) for name, dim in parameter_layout(shape).items()}
    z, v = par["z0"], par["v0"]
    unknowns: list[Any] = []
    rows: list[Any] = []
    places: dict[str, list[slice]] = {k: [] for k in ("state", "move", "slack", "gap", "row")}
    cost: Any = ca.SX(0)
    pending: Any = None
    filled = count = 0

    def place(kind: str, size: int) -> None:
        nonlocal filled
        places[kind].append(slice(filled, filled + size))
        filled += size

    def row(kind: str, size: int) -> None:
        nonlocal count
        places[kind].append(slice(count, count + size))
        count += size

    for k in range(shape.horizon):
        m = ca.SX.sym(f"m{k}", nu)
        unknowns.append(m)
        place("move", nu)
        position = v + m
        x_next = advance(
            scaling.x_centre + scaling.x_scale * z,
            scaling.u_centre + scaling.u_scale * position,
            par["p"][:, k],
        )
        z, v = ca.SX.sym(f"z{k + 1}", nx), ca.SX.sym(f"v{k + 1}", nu)
        unknowns.append(ca.vertcat(z, v))
        place("state", nx + nu)
        rows.append(ca.vertcat(z - (x_next - scaling.x_centre) / scaling.x_scale, v - position))
        row("gap", nx + nu)
        if k > 0:
            rows.append(pending)
            row("row", nl)
        s = ca.SX.sym(f"s{k + 1}", nl)
        y = _outputs(shape, scaling, z, v, par, k)
        unknowns.append(s)
        place("slack", nl)
        pending = _limit_rows(shape, y, s)
        cost += _stage_cost(par, y, v, m, s, k)
    rows.append(pending)
    row("row", nl)
    p = ca.vertcat(*(ca.vec(symbol) for symbol in par.values()))
    nlp = {"x": ca.vertcat(*unknowns), "p": p, "f": cost, "g": ca.vertcat(*rows)}
    return Programme(
        nlp,
        places["state"],
        places["move"],
        places["slack"],
        places["gap"],
        places["row"],
        filled,
        count,
        advance,
    )


def _outputs(
    shape: Shape, scaling: Scaling, z: Expression, v: Expression, par: dict[str, Any], k: int
) -> Expression:
    """The CVs at instant k+1 in units of 0.1 scales."""
    model = shape.model
    every = model.measure(
        scaling.x_centre + scaling.x_scale * z,
        scaling.u_centre + scaling.u_scale * v,
        par["p"][:, k + 1],
    )
    chosen = ca.vertcat(*(every[model.outputs.index(tag)] for tag in shape.cvs))
    return chosen / scaling.y_unit + par["bias"]


def _limit_rows(shape: Shape, y: Expression, s: Expression) -> Expression:
    """Rows y - s <= high and y + s >= low, one row a soft limit."""
    return ca.vertcat(
        *(
            y[shape.cvs.index(limit.tag)] + (s[i] if limit.side == "low" else -s[i])
            for i, limit in enumerate(shape.limits)
        )
    )


def _stage_cost(
    par: dict[str, Any], y: Expression, v: Expression, m: Expression, s: Expression, k: int
) -> Expression:
    """Tracking, moves, rest and slacks of one step; in units of 0.1 scales."""
    error = y - par["reference"][:, k]
    away = v - par["rest"]
    return (
        ca.dot(par["weight"], error**2)
        + ca.dot(par["move_weight"], m**2)
        + ca.dot(par["rest_weight"], away**2)
        + ca.dot(par["price"], s + SLACK_CURVATURE * s**2)
    )


def parameter_values(shape: Shape, scaling: Scaling, question: Question) -> Vector:
    """The parameter vector of one question, in the order of `parameter_layout`."""
    cvs = [question.cvs[tag] for tag in shape.cvs]
    mvs = [question.mvs[tag] for tag in shape.mvs]
    untracked = np.zeros(shape.horizon)
    references = np.array([untracked if c.reference is None else c.reference for c in cvs])
    blocks: dict[str, Vector] = {
        "z0": scaling.state(question.x0),
        "v0": scaling.position(np.array([m.applied for m in mvs])),
        "p": question.disturbances.T,
        "bias": np.array([c.bias for c in cvs]) / scaling.y_unit,
        "reference": references / scaling.y_unit[:, None],
        "weight": np.array(
            [0.0 if c.reference is None else tracking_price(c.weight, c.rank) for c in cvs]
        ),
        "price": np.array([slack_price(question.cvs[limit.tag].rank) for limit in shape.limits]),
        "move_weight": np.array([m.move_weight for m in mvs]),
        "rest": scaling.position(np.array([m.rest for m in mvs])),
        "rest_weight": np.array([m.rest_weight for m in mvs]),
    }
    columns = [np.asarray(b, dtype=float).ravel(order="F") for b in blocks.values()]
    return np.concatenate(columns)
