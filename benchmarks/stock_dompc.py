"""do-mpc as its manual shows it: the yardstick for speed, not a controller for a plant.

Continuous control model, orthogonal collocation, IPOPT with MUMPS, `set_rterm`, soft `set_nl_cons`:
all defaults. It has no hard limit on moves and hands out a move even after a failure, so the race
cuts its moves to the pace the gate allows and counts the failures it admits.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

import casadi as ca
import numpy as np

from controller.problem import UNIT_SHARE, Answer, Question, Shape, slack_price, tracking_price
from plant_models.dompc_door import spoken, to_dompc

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from do_mpc.controller import MPC


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep do-mpc's warnings about numpy to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


class StockDompc:
    """One do-mpc MPC; weights and limits are taken from the first question and stay."""

    def __init__(self, shape: Shape) -> None:
        """Keep the shape; do-mpc is built when the first question tells weights and limits."""
        self._shape = shape
        self._mpc: MPC | None = None

    @property
    def shape(self) -> Shape:
        """What it was built for."""
        return self._shape

    def forget(self) -> None:
        """Nothing to drop that stock do-mpc would drop."""

    def solve(self, question: Question) -> Answer:
        """Ask do-mpc; its move is cut to limits and pace."""
        shape = self._shape
        if self._mpc is None:
            with quietly():
                self._mpc = self._built(question)
        applied = np.array([question.mvs[tag].applied for tag in shape.mvs])
        for i, name in enumerate(shape.model.disturbances):
            self._tvp["_tvp", :, spoken(name)] = question.disturbances[0, i]
        for tag, cv in question.cvs.items():
            if cv.reference is not None:
                self._tvp["_tvp", :, "reference_" + spoken(tag)] = float(cv.reference[0])
        self._mpc.u0 = applied
        with quietly():
            found = np.asarray(self._mpc.make_step(question.x0), dtype=float).ravel()
        step = np.array([question.mvs[tag].max_step for tag in shape.mvs])
        moves = np.clip(found, applied - step, applied + step)
        stats = self._mpc.solver_stats
        if not stats["success"]:
            return Answer(str(stats["return_status"]), None, int(stats["iter_count"]))
        told = dict(zip(shape.mvs, (float(move) for move in moves), strict=True))
        return Answer("optimal", told, int(stats["iter_count"]))

    def _built(self, question: Question) -> MPC:
        shape, model = self._shape, self._shape.model
        tracked = [tag for tag, cv in question.cvs.items() if cv.reference is not None]
        built = to_dompc(model, None, ["reference_" + tag for tag in tracked])
        mpc = MPC(built)
        mpc.settings.n_horizon = shape.horizon
        mpc.settings.t_step = shape.period_s
        mpc.settings.store_full_solution = False
        mpc.settings.supress_ipopt_output()
        for kind, names in (("_x", model.states), ("_u", shape.mvs)):
            for name in names:
                mpc.scaling[kind, spoken(name)] = UNIT_SHARE * model.scales[name]
        tracking = ca.SX(0)
        for tag in tracked:
            cv, unit = question.cvs[tag], UNIT_SHARE * model.scales[tag]
            error = built.aux["y_" + spoken(tag)] - built.tvp["reference_" + spoken(tag)]
            tracking += tracking_price(cv.weight, cv.rank) * (error / unit) ** 2
        resting = ca.SX(0)
        for tag in shape.mvs:
            mv, unit = question.mvs[tag], UNIT_SHARE * model.scales[tag]
            resting += mv.rest_weight * ((built.u[spoken(tag)] - mv.rest) / unit) ** 2
            mpc.bounds["lower", "_u", spoken(tag)] = mv.low
            mpc.bounds["upper", "_u", spoken(tag)] = mv.high
        mpc.set_objective(mterm=tracking, lterm=tracking + resting)
        # do-mpc weighs moves in its scaled variables, which are our units
        mpc.set_rterm(**{spoken(tag): question.mvs[tag].move_weight for tag in shape.mvs})
        for limit in shape.limits:
            aim, unit = question.cvs[limit.tag], UNIT_SHARE * model.scales[limit.tag]
            sign, bound = (-1.0, aim.low) if limit.side == "low" else (1.0, aim.high)
            mpc.set_nl_cons(
                f"{spoken(limit.tag)}_{limit.side}",
                sign * (built.aux["y_" + spoken(limit.tag)] - bound) / unit,
                ub=0.0,
                soft_constraint=True,
                penalty_term_cons=slack_price(aim.rank),
                maximum_violation=1e6,
            )
        self._tvp = mpc.get_tvp_template()
        mpc.set_tvp_fun(lambda _: self._tvp)
        mpc.setup()
        mpc.x0, mpc.u0 = question.x0, np.array([question.mvs[t].applied for t in shape.mvs])
        mpc.set_initial_guess()
        return mpc
