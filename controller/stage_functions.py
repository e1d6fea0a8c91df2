"""One step of the horizon as small scaled functions: where it leads, what it costs, its slopes.

The programme is the one of `controller.transcription`, cut into equal steps k = 0..N-1:

symbol  meaning                                                              unit
z       scaled state at the beginning of the step                            tenths of scale
v       scaled MV position in force during the step, v_k = v_(k-1) + m_k     tenths of scale
m       move at the beginning of the step                                    tenths of scale
s       slack of each soft limit at the end of the step                      tenths of CV scale
zeta    (z, v) at the beginning of the step, v before the move               tenths of scale

Unknowns of the quadratic programme, step after step: m_k, s_(k+1), zeta_(k+1).
"""

from __future__ import annotations

from dataclasses import dataclass

import casadi as ca
import numpy as np

from controller.problem import Question, Shape, slack_price, tracking_price
from controller.transcription import FAR, SLACK_CURVATURE, Scaling, discrete_map
from plant_models.control_model import Expression, Vector


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many of everything: states, MVs, CVs, soft limits, disturbances, steps."""

    nx: int
    nu: int
    ny: int
    nl: int
    np: int
    steps: int

    @property
    def zeta(self) -> int:
        """States and positions of one instant."""
        return self.nx + self.nu

    @property
    def inputs(self) -> int:
        """Moves and slacks of one step."""
        return self.nu + self.nl

    @property
    def step(self) -> int:
        """Unknowns of one step."""
        return self.inputs + self.zeta


def sizes_of(shape: Shape) -> Sizes:
    """Count what `shape` has."""
    model = shape.model
    return Sizes(
        len(model.states),
        len(shape.mvs),
        len(shape.cvs),
        len(shape.limits),
        len(model.disturbances),
        shape.horizon,
    )


def data_rows(size: Sizes) -> dict[str, int]:
    """Name -> rows of each block in the column of numbers that a step is given, in order."""
    return {
        "now": size.np,  # disturbances at the step's beginning
        "then": size.np,  # disturbances at its end
        "reference": size.ny,
        "bias": size.ny,
        "weight": size.ny,
        "bound": size.nl,
        "price": size.nl,
        "move_weight": size.nu,
        "rest": size.nu,
        "rest_weight": size.nu,
    }


def step_data(shape: Shape, scaling: Scaling, question: Question) -> Vector:
    """The numbers of one question, a column for each step, in the order of `data_rows`."""
    cvs = [question.cvs[tag] for tag in shape.cvs]
    mvs = [question.mvs[tag] for tag in shape.mvs]
    n = shape.horizon
    untracked = np.zeros(n)
    references = np.array([untracked if c.reference is None else c.reference for c in cvs])
    weights = [0.0 if c.reference is None else tracking_price(c.weight, c.rank) for c in cvs]
    same = np.concatenate(
        [
            np.array([c.bias for c in cvs]) / scaling.y_unit,
            weights,
            [_bound(shape, scaling, question, i) for i in range(len(shape.limits))],
            [slack_price(question.cvs[limit.tag].rank) for limit in shape.limits],
            [m.move_weight for m in mvs],
            scaling.position(np.array([m.rest for m in mvs])),
            [m.rest_weight for m in mvs],
        ]
    )
    return np.vstack(
        [
            question.disturbances[:-1].T,
            question.disturbances[1:].T,
            references / scaling.y_unit[:, None],
            np.broadcast_to(same[:, None], (same.size, n)),
        ]
    )


def _bound(shape: Shape, scaling: Scaling, question: Question, i: int) -> float:
    limit = shape.limits[i]
    aim = question.cvs[limit.tag]
    value, far = (aim.low, -FAR) if limit.side == "low" else (aim.high, FAR)
    return far if value is None else value / float(scaling.y_unit[shape.cvs.index(limit.tag)])


@dataclass(frozen=True, slots=True)
class StageFunctions:
    """`ahead` (z, v, m, data) -> z_next, cost; `tangent` (z, v, m, z_next, data) -> h, g, a, b.

    h, g: Gauss-Newton Hessian and gradient of the step's unknowns (the slacks' Hessian is that of
    their small curvature); a: the rows of dynamics and soft limits; both matrices as the nonzeros
    that `controller.stage_qp` expects. b: what is left to each soft limit.
    """

    ahead: Expression
    tangent: Expression


def stage_functions(shape: Shape) -> StageFunctions:
    """Write the step of `shape` as two CasADi functions of scalar expressions."""
    step = _Step(shape)
    return StageFunctions(step.ahead(), step.tangent())


def native_functions(shape: Shape, width: int) -> tuple[Expression, Expression]:
    """The step of `shape` as `controller/native/search.c` calls it.

    `plan_ahead` (z, v, now, then) -> z_next, outputs; `plan_slopes` (z, v, z_next, now, then) ->
    slopes of z_next by (z, v) and of the outputs by (z_next, v), row by row, each row filled up to
    `width` numbers.
    """
    return _Step(shape).plain(width)


class _Step:
    """The symbols of one step and what is made of them."""

    def __init__(self, shape: Shape) -> None:
        self.shape, self.size, self.scaling = shape, sizes_of(shape), Scaling(shape)
        size = self.size
        self.z, self.v = ca.SX.sym("z", size.nx), ca.SX.sym("v", size.nu)
        self.m, self.z_next = ca.SX.sym("m", size.nu), ca.SX.sym("z_next", size.nx)
        self.of = {name: ca.SX.sym(name, rows) for name, rows in data_rows(size).items()}
        self.data = ca.vertcat(*self.of.values())
        scaling = self.scaling
        advance = discrete_map(shape.model, shape.period_s)
        x = scaling.x_centre + scaling.x_scale * self.z
        u = scaling.u_centre + scaling.u_scale * self.v
        self.z_end = (advance(x, u, self.of["now"]) - scaling.x_centre) / scaling.x_scale

    def outputs(self, z: Expression) -> Expression:
        """The CVs at the end of the step, in tenths of their scales, biases included."""
        return self.bare_outputs(z) + self.of["bias"]

    def bare_outputs(self, z: Expression) -> Expression:
        """The CVs at the end of the step as the model has them, in tenths of their scales."""
        shape, scaling = self.shape, self.scaling
        every = shape.model.measure(
            scaling.x_centre + scaling.x_scale * z,
            scaling.u_centre + scaling.u_scale * self.v,
            self.of["then"],
        )
        chosen = ca.vertcat(*(every[shape.model.outputs.index(tag)] for tag in shape.cvs))
        return chosen / scaling.y_unit

    def limited(self, y: Expression) -> tuple[Expression, list[float]]:
        """The output of each soft limit, and the sign of its slack."""
        rows = [y[self.shape.cvs.index(limit.tag)] for limit in self.shape.limits]
        signs = [1.0 if limit.side == "low" else -1.0 for limit in self.shape.limits]
        return ca.vertcat(*rows) if rows else ca.SX(0, 1), signs

    def ahead(self) -> Expression:
        """Where the step leads and its exact cost, each slack being just what is needed."""
        of, y = self.of, self.outputs(self.z_end)
        rows, signs = self.limited(y)
        cost = ca.dot(of["weight"], (y - of["reference"]) ** 2)
        cost += ca.dot(of["move_weight"], self.m**2)
        cost += ca.dot(of["rest_weight"], (self.v - of["rest"]) ** 2)
        if signs:
            s = ca.fmax(0.0, ca.DM(signs) * (of["bound"] - rows))
            cost += ca.dot(of["price"], s + SLACK_CURVATURE * s**2)
        return ca.Function("ahead", [self.z, self.v, self.m, self.data], [self.z_end, cost])

    def plain(self, width: int) -> tuple[Expression, Expression]:
        """The step and its slopes for `controller/native/search.c`, rows of `width` numbers."""
        of, size = self.of, self.size
        given = [of["now"], of["then"]]
        end = [ca.densify(self.z_end), ca.densify(self.bare_outputs(self.z_end))]
        y = self.bare_outputs(self.z_next)
        by_state = [ca.jacobian(self.z_end, self.z), ca.jacobian(y, self.z_next)]
        by_position = [ca.jacobian(self.z_end, self.v), ca.jacobian(y, self.v)]
        rows = [
            ca.densify(ca.horzcat(z, v, ca.SX(z.size1(), width - size.zeta)).T)
            for z, v in zip(by_state, by_position, strict=True)
        ]
        ahead = ca.Function("plan_ahead", [self.z, self.v, *given], end)
        return ahead, ca.Function("plan_slopes", [self.z, self.v, self.z_next, *given], rows)

    def tangent(self) -> Expression:
        """Slopes of the step, ordered as the nonzeros of the quadratic programme's matrices."""
        of, size = self.of, self.size
        nx, nu = size.nx, size.nu
        by_z, by_v = ca.jacobian(self.z_end, self.z), ca.jacobian(self.z_end, self.v)
        # zeta_next = A zeta + B m; a move and the position before it act alike
        A = ca.vertcat(ca.horzcat(by_z, by_v), ca.horzcat(ca.SX(nu, nx), ca.SX.eye(nu)))
        B = ca.vertcat(by_v, ca.SX.eye(nu))
        y = self.outputs(self.z_next)
        G = ca.horzcat(ca.jacobian(y, self.z_next), ca.jacobian(y, self.v))
        resting = ca.vertcat(ca.SX(nx, 1), of["rest_weight"])
        away = ca.vertcat(ca.SX(nx, 1), of["rest_weight"] * (self.v - of["rest"]))
        weighted = ca.diag(of["weight"])
        hessian = 2.0 * (ca.mtimes([G.T, weighted, G]) + ca.diag(resting))
        pull = 2.0 * (ca.mtimes(G.T, of["weight"] * (y - of["reference"])) + away)
        h = ca.vertcat(
            2.0 * of["move_weight"],
            2.0 * SLACK_CURVATURE * of["price"],
            ca.vec(ca.densify(hessian)),
        )
        g = ca.vertcat(2.0 * of["move_weight"] * self.m, of["price"], pull)
        rows, signs = self.limited(y)
        E = ca.horzcat(ca.jacobian(rows, self.z_next), ca.jacobian(rows, self.v))
        zeta_columns = ca.vertcat(-ca.SX.ones(1, size.zeta), A, ca.mtimes(E, A))
        move_columns = ca.vertcat(B, ca.mtimes(E, B))
        a = ca.vertcat(
            ca.vec(ca.densify(zeta_columns)), ca.vec(ca.densify(move_columns)), ca.SX(ca.DM(signs))
        )
        inputs = [self.z, self.v, self.m, self.z_next, self.data]
        outputs = [ca.densify(part) for part in (h, g, a, of["bound"] - rows)]
        return ca.Function("tangent", inputs, outputs)
