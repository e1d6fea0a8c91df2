"""The same problem through do-mpc: the reference to compare with, and a choice in the config.

do-mpc is used warily. It counts moves from its own last answer, so it is told the confirmed
positions every cycle; it has no hard limit on moves, so those are added to its programme by its own
`prepare_nlp` door; it hands out a move even after a failure, so nothing of its answer is used
before `answer_check` has judged it; and its history is dropped every cycle, or it would grow for
ever. It differs from the default optimiser in discretisation (1 s Runge-Kutta steps) and in one
place: a soft limit is looked at from now to the last step but one.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import Any, Final

import casadi as ca
import numpy as np

from controller.answer_check import Maps, Told, judge_answer
from controller.optimizer import IPOPT_OPTIONS, MAX_ITERATIONS
from controller.problem import (
    UNIT_SHARE,
    Answer,
    Question,
    Shape,
    SoftLimit,
    slack_price,
    tracking_price,
)
from controller.transcription import FAR, SLACK_CURVATURE
from plant_models.control_model import Expression, Vector
from plant_models.dompc_door import advance, spoken, to_dompc

with warnings.catch_warnings():  # do-mpc warns of extras we neither have nor use
    warnings.simplefilter("ignore")
    from do_mpc.controller import MPC

SLACKEST: Final = 1.0e6  # units: no soft limit is ever exceeded by more


class DompcOptimizer:
    """do-mpc's MPC on the control model, with this project's costs and limits."""

    def __init__(self, shape: Shape, max_iterations: int = MAX_ITERATIONS) -> None:
        """Build do-mpc's programme; takes seconds."""
        self._shape = shape
        model = shape.model
        self._extra = _extra_names(shape)
        self._model = to_dompc(model, shape.period_s, self._extra)
        with _quietly():
            self._mpc = self._built(max_iterations)
        x, u, p = (ca.SX.sym("v", len(n)) for n in (model.states, model.inputs, model.disturbances))
        step = ca.Function("step", [x, u, p], [advance(model, x, u, p, shape.period_s)])
        self._maps = Maps(step.mapaccum(shape.horizon), model.measure.map(shape.horizon))
        self._warm = False

    @property
    def shape(self) -> Shape:
        """What it was built for."""
        return self._shape

    def forget(self) -> None:
        """Drop every warm start, primal and dual."""
        self._warm = False

    def solve(self, question: Question) -> Answer:
        """Solve one question; a failure is forgotten before the next one."""
        shape, mpc = self._shape, self._mpc
        applied = np.array([question.mvs[tag].applied for tag in shape.mvs])
        values = self._values(question)
        if not all(
            bool(np.all(np.isfinite(part))) for part in (question.x0, applied, *values.values())
        ):
            self.forget()
            return Answer("not asked: a state, target or disturbance is not a finite number", None)
        for name, course in values.items():
            for k, value in enumerate(course):
                self._tvp["_tvp", k, name] = value
        echo = self._bound(question)
        mpc.reset_history()
        mpc.x0, mpc.u0 = question.x0, applied  # moves count from what the PLC confirmed
        if not self._warm:
            mpc.set_initial_guess()
            mpc.flags["initial_run"] = False  # no multipliers of a failure
        with _quietly():
            mpc.make_step(question.x0)
        answer = judge_answer(shape, self._maps, question, self._told(applied, echo))
        self._warm = answer.moves is not None
        return answer

    # -- building --------------------------------------------------------------------------------

    def _built(self, max_iterations: int) -> Expression:
        shape = self._shape
        mpc = MPC(self._model)
        mpc.settings.n_horizon = shape.horizon
        mpc.settings.t_step = shape.period_s
        mpc.settings.store_lagr_multiplier = False
        mpc.settings.store_solver_stats = []
        mpc.settings.nlpsol_opts = IPOPT_OPTIONS | {"ipopt.max_iter": max_iterations}
        self._scale(mpc)
        tracking = self._tracking()
        mpc.set_objective(mterm=tracking, lterm=tracking + self._resting())
        mpc.set_rterm(**{spoken(tag): 0.0 for tag in shape.mvs})
        for limit in shape.limits:
            # Only makes the slack; the limit itself follows below, with its price as parameter.
            mpc.set_nl_cons(
                _limit_key("bound", limit),
                self._excess(limit),
                ub=0.0,
                soft_constraint=True,
                penalty_term_cons=0.0,
                maximum_violation=SLACKEST,
            )
        self._tvp = mpc.get_tvp_template()
        mpc.set_tvp_fun(lambda _: self._tvp)
        mpc.prepare_nlp()
        self._add_moves_and_prices(mpc)
        mpc.create_nlp()
        return mpc

    def _scale(self, mpc: Expression) -> None:
        for kind, names in (("_x", self._shape.model.states), ("_u", self._shape.mvs)):
            for name in names:
                mpc.scaling[kind, spoken(name)] = UNIT_SHARE * self._shape.model.scales[name]

    def _output(self, tag: str) -> Expression:
        """A CV in units of 0.1 scales, as its instrument shows it."""
        biased = self._model.aux["y_" + spoken(tag)] + self._model.tvp[_key("bias", tag)]
        return biased / (UNIT_SHARE * self._shape.model.scales[tag])

    def _tracking(self) -> Expression:
        tvp, cost = self._model.tvp, ca.SX(0)
        for tag in self._shape.cvs:
            unit = UNIT_SHARE * self._shape.model.scales[tag]
            error = self._output(tag) - tvp[_key("reference", tag)] / unit
            cost += tvp[_key("weight", tag)] * error**2
        return cost

    def _resting(self) -> Expression:
        tvp, cost = self._model.tvp, ca.SX(0)
        for tag in self._shape.mvs:
            unit = UNIT_SHARE * self._shape.model.scales[tag]
            away = (self._model.u[spoken(tag)] - tvp[_key("rest", tag)]) / unit
            cost += tvp[_key("rest_weight", tag)] * away**2
        return cost

    def _excess(self, limit: SoftLimit) -> Expression:
        """How far a CV lies beyond a soft limit, in units; negative inside."""
        unit = UNIT_SHARE * self._shape.model.scales[limit.tag]
        beyond = self._output(limit.tag) - self._model.tvp[_limit_key("bound", limit)] / unit
        return -beyond if limit.side == "low" else beyond

    def _add_moves_and_prices(self, mpc: Expression) -> None:
        """What do-mpc has no word for: move limits and weights, and prices as parameters."""
        shape = self._shape
        unit = UNIT_SHARE * shape.model.scale_vector(shape.mvs)
        before = mpc.opt_p["_u_prev"] / unit
        for k in range(shape.horizon):
            move = mpc.opt_x["_u", k, 0] - before
            before = mpc.opt_x["_u", k, 0]
            for i, tag in enumerate(shape.mvs):
                weight = mpc.opt_p["_tvp", k, _key("move_weight", tag)]
                step = mpc.opt_p["_tvp", k, _key("step", tag)] / unit[i]
                mpc.nlp_obj += weight * move[i] ** 2
                mpc.nlp_cons.append(ca.vertcat(move[i] - step, -move[i] - step))
                mpc.nlp_cons_lb.append(np.full(2, -np.inf))
                mpc.nlp_cons_ub.append(np.zeros(2))
            slack = mpc.opt_x["_eps", k, 0]
            for i, limit in enumerate(shape.limits):
                price = mpc.opt_p["_tvp", k, _limit_key("price", limit)]
                mpc.nlp_obj += price * (slack[i] + SLACK_CURVATURE * slack[i] ** 2)

    # -- asking ----------------------------------------------------------------------------------

    def _values(self, question: Question) -> dict[str, Vector]:
        """The time-varying parameters by name, one value for each of N+1 instants."""
        shape, n = self._shape, self._shape.horizon
        columns: dict[str, Any] = {
            spoken(name): question.disturbances[:, i]
            for i, name in enumerate(shape.model.disturbances)
        }
        for tag, cv in question.cvs.items():
            way = np.zeros(n) if cv.reference is None else np.asarray(cv.reference)
            columns[_key("reference", tag)] = np.concatenate([way[:1], way])
            weight = 0.0 if cv.reference is None else tracking_price(cv.weight, cv.rank)
            columns[_key("weight", tag)] = weight
            columns[_key("bias", tag)] = cv.bias
        for limit in shape.limits:
            aim = question.cvs[limit.tag]
            value, far = (aim.low, -FAR) if limit.side == "low" else (aim.high, FAR)
            columns[_limit_key("bound", limit)] = far if value is None else value
            columns[_limit_key("price", limit)] = slack_price(aim.rank)
        for tag, mv in question.mvs.items():
            columns[_key("move_weight", tag)] = mv.move_weight
            columns[_key("rest", tag)] = mv.rest
            columns[_key("rest_weight", tag)] = mv.rest_weight
            columns[_key("step", tag)] = max(0.0, mv.max_step)
        return {
            name: np.broadcast_to(np.asarray(column, dtype=float), n + 1)
            for name, column in columns.items()
        }

    def _bound(self, question: Question) -> dict[str, tuple[float, float]]:
        """Put the MV limits into do-mpc's programme; return them as it holds them."""
        shape, mpc = self._shape, self._mpc
        for tag in shape.mvs:
            mv, name = question.mvs[tag], spoken(tag)
            for k in range(shape.horizon):
                reach = max(0.0, mv.max_step) * (k + 1)
                # do-mpc scales what is written here, and shows it scaled.
                mpc.lb_opt_x["_u", k, 0, name] = min(mv.low, mv.applied + reach)
                mpc.ub_opt_x["_u", k, 0, name] = max(mv.high, mv.applied - reach)
        echo = {}
        for tag in shape.mvs:
            unit = UNIT_SHARE * shape.model.scales[tag]
            low = min(float(v) for v in mpc.lb_opt_x["_u", :, 0, spoken(tag)]) * unit
            high = max(float(v) for v in mpc.ub_opt_x["_u", :, 0, spoken(tag)]) * unit
            echo[tag] = (low, high)
        return echo

    def _told(self, applied: Vector, echo: dict[str, tuple[float, float]]) -> Told:
        shape, mpc = self._shape, self._mpc
        u_unit = UNIT_SHARE * shape.model.scale_vector(shape.mvs)
        x_unit = UNIT_SHARE * shape.model.scale_vector(shape.model.states)
        u = [np.asarray(v, dtype=float).ravel() * u_unit for v in mpc.opt_x_num["_u", :, 0]]
        x = [np.asarray(v, dtype=float).ravel() * x_unit for v in mpc.opt_x_num["_x", :, 0, -1]]
        stats = mpc.solver_stats
        return Told(
            moves=np.diff(np.vstack([applied, *u]), axis=0),
            states=np.array(x[1:]),
            cost=float(mpc.S.stats()["iterations"]["obj"][-1]) if stats["iter_count"] else 0.0,
            status=str(stats["return_status"]),
            success=bool(stats["success"]),
            iterations=int(stats["iter_count"]),
            echo=echo,
        )


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Let do-mpc warn the wind of the numpy functions it calls on CasADi values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def _key(word: str, tag: str) -> str:
    """The name of a parameter in do-mpc."""
    return f"{word}_{spoken(tag)}"


def _limit_key(word: str, limit: SoftLimit) -> str:
    return f"{word}_{spoken(limit.tag)}_{limit.side}"


def _extra_names(shape: Shape) -> list[str]:
    """Every parameter of a question that is not a disturbance, as a time-varying parameter."""
    names = [_key(word, tag) for tag in shape.cvs for word in ("reference", "weight", "bias")]
    words = ("move_weight", "rest", "rest_weight", "step")
    names += [_key(word, tag) for tag in shape.mvs for word in words]
    names += [_limit_key(word, limit) for limit in shape.limits for word in ("bound", "price")]
    return names
