"""The default optimiser: multiple shooting of the control model by an interior-point method.

It is bounded by iterations, never by a clock, and runs on one thread, so the same questions give
the same bits. Whatever it answers is checked by `answer_check` before anyone sees it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import casadi as ca
import numpy as np

from controller.answer_check import Maps, Told, confine, judge_answer, outputs_of, run_forward
from controller.problem import Answer, Question, Shape
from controller.transcription import (
    FAR,
    Programme,
    Scaling,
    parameter_values,
    transcribe,
)
from plant_models.control_model import Vector

MAX_ITERATIONS: Final = 150

IPOPT_OPTIONS: Final[dict[str, Any]] = {
    "print_time": False,
    "error_on_fail": False,
    "ipopt.print_level": 0,
    "ipopt.sb": "yes",
    "ipopt.tol": 1e-6,
    "ipopt.acceptable_iter": 0,  # an 'acceptable' point is not an optimal one
    "ipopt.bound_relax_factor": 0.0,  # a hard limit is not relaxed, not even by 1e-8
    "ipopt.nlp_scaling_method": "none",  # the programme is scaled already
    "ipopt.mu_init": 1e-3,  # the first guess obeys the model and is seldom far off
}


class Bounds:
    """Lower and upper bounds of unknowns and rows for one question."""

    def __init__(self, shape: Shape, programme: Programme, scaling: Scaling, q: Question) -> None:
        """Fill every vector; moves and positions count from what the PLC confirmed."""
        self.lbx = np.full(programme.size, -np.inf)
        self.ubx = np.full(programme.size, np.inf)
        self.lbg = np.zeros(programme.rows)
        self.ubg = np.zeros(programme.rows)
        mvs = [q.mvs[tag] for tag in shape.mvs]
        nx = len(shape.model.states)
        step = np.array([max(0.0, m.max_step) for m in mvs]) / scaling.u_scale
        applied = scaling.position(np.array([m.applied for m in mvs]))
        low = scaling.position(np.array([m.low for m in mvs]))
        high = scaling.position(np.array([m.high for m in mvs]))
        for k in range(shape.horizon):
            self.lbx[programme.at_move[k]], self.ubx[programme.at_move[k]] = -step, step
            # An MV found outside its limits comes back as fast as it may move, no faster.
            reach = step * (k + 1)
            at = programme.at_state[k]
            self.lbx[at][nx:] = np.minimum(low, applied + reach)
            self.ubx[at][nx:] = np.maximum(high, applied - reach)
            self.lbx[programme.at_slack[k]] = 0.0
            self._soften(shape, programme.at_row[k], scaling, q)

    def _soften(self, shape: Shape, at: slice, scaling: Scaling, q: Question) -> None:
        for i, limit in enumerate(shape.limits):
            aim = q.cvs[limit.tag]
            unit = scaling.y_unit[shape.cvs.index(limit.tag)]
            if limit.side == "low":
                self.lbg[at.start + i] = -FAR if aim.low is None else aim.low / unit
                self.ubg[at.start + i] = FAR
            else:
                self.lbg[at.start + i] = -FAR
                self.ubg[at.start + i] = FAR if aim.high is None else aim.high / unit

    def echo(
        self, shape: Shape, programme: Programme, scaling: Scaling
    ) -> dict[str, tuple[float, float]]:
        """The MV limits these vectors hold (the loosest of all steps), in SI."""
        nx = len(shape.model.states)
        lows = np.array([self.lbx[at][nx:] for at in programme.at_state]).min(axis=0)
        highs = np.array([self.ubx[at][nx:] for at in programme.at_state]).max(axis=0)
        low = scaling.u_centre + scaling.u_scale * lows
        high = scaling.u_centre + scaling.u_scale * highs
        return {tag: (float(low[i]), float(high[i])) for i, tag in enumerate(shape.mvs)}


class ShootingOptimizer:
    """Multiple shooting, warm-started from its own last checked answer only.

    A failure from a warm start is asked once more from a cold one. The solver is IPOPT (Waechter &
    Biegler 2006): quicker structure-exploiting ones were seen to loop for ever on a NaN.
    """

    def __init__(self, shape: Shape, max_iterations: int = MAX_ITERATIONS) -> None:
        """Build the programme and its solver; the slow part, well under a second."""
        self._shape = shape
        self._scaling = Scaling(shape)
        self._programme = transcribe(shape)
        self._maps = Maps(
            self._programme.advance.mapaccum(shape.horizon), shape.model.measure.map(shape.horizon)
        )
        options = IPOPT_OPTIONS | {"ipopt.max_iter": max_iterations}
        self._solver = ca.nlpsol("plan", "ipopt", self._programme.nlp, options)
        self._last: Vector | None = None

    @property
    def shape(self) -> Shape:
        """What it was built for."""
        return self._shape

    @property
    def programme(self) -> Programme:
        """The symbolic programme, for checks and tests."""
        return self._programme

    def forget(self) -> None:
        """Drop every warm start."""
        self._last = None

    def solve(self, question: Question) -> Answer:
        """Solve one question, from the shifted last good answer or from holding still."""
        p = parameter_values(self._shape, self._scaling, question)
        bounds = Bounds(self._shape, self._programme, self._scaling, question)
        if fault := _unfit(p, bounds):
            self.forget()
            return Answer(f"not asked: {fault}", None)
        warm = self._last is not None
        answer, w = self._ask(question, p, bounds)
        if answer.moves is None and warm:
            self.forget()
            tried = answer.iterations
            answer, w = self._ask(question, p, bounds)
            answer = replace(answer, iterations=answer.iterations + tried)
        self._last = None if answer.moves is None else w
        return answer

    def _ask(self, question: Question, p: Vector, bounds: Bounds) -> tuple[Answer, Vector]:
        found = self._solver(
            x0=self._start(question, bounds),
            p=p,
            lbx=bounds.lbx,
            ubx=bounds.ubx,
            lbg=bounds.lbg,
            ubg=bounds.ubg,
        )
        stats = self._solver.stats()
        w = np.asarray(found["x"], dtype=float).ravel()
        scaling, nx = self._scaling, len(self._shape.model.states)
        told = Told(
            moves=np.array([w[at] for at in self._programme.at_move]) * scaling.u_scale,
            states=np.array([w[at][:nx] for at in self._programme.at_state]) * scaling.x_scale
            + scaling.x_centre,
            cost=float(found["f"]),
            status=str(stats["unified_return_status"]).removeprefix("SOLVER_RET_").lower(),
            success=bool(stats["success"]),
            iterations=int(stats["iter_count"]),
            echo=bounds.echo(self._shape, self._programme, scaling),
        )
        return judge_answer(self._shape, self._maps, question, told), w

    def _start(self, question: Question, bounds: Bounds) -> Vector:
        """A first guess that obeys the model: moves of the last good answer (or none), run forward.

        Slacks start where the limits are just kept, so the solver starts feasible even when the
        plant is far outside its limits.
        """
        shape, programme, n = self._shape, self._programme, self._shape.horizon
        moves = np.zeros((n, len(shape.mvs)))
        if self._last is not None:
            moves[:-1] = [self._last[at] for at in programme.at_move[1:]]
        inputs, _ = confine(shape, question, moves * self._scaling.u_scale)
        states = run_forward(self._maps, question, inputs)
        outputs = outputs_of(shape, self._maps, question, states, inputs) / self._scaling.y_unit
        w = np.zeros(programme.size)
        applied = np.array([question.mvs[tag].applied for tag in shape.mvs])
        before = np.vstack([applied, inputs[:-1]])
        for k in range(n):
            w[programme.at_move[k]] = (inputs[k] - before[k]) / self._scaling.u_scale
            w[programme.at_state[k]] = np.concatenate(
                [self._scaling.state(states[k + 1]), self._scaling.position(inputs[k])]
            )
            rows = programme.at_row[k]
            w[programme.at_slack[k]] = self._needed(outputs[k], bounds.lbg[rows], bounds.ubg[rows])
        clipped: Vector = np.clip(w, bounds.lbx, bounds.ubx)
        return clipped

    def _needed(self, y: Vector, low: Vector, high: Vector) -> Vector:
        """Slack that just keeps every soft limit at outputs `y` (scaled)."""
        columns = [self._shape.cvs.index(limit.tag) for limit in self._shape.limits]
        outside: Vector = np.maximum(low - y[columns], y[columns] - high)
        return np.maximum(outside, 0.0)


def _unfit(p: Vector, bounds: Bounds) -> str:
    """Why a question must not reach a solver, or ''."""
    if not np.all(np.isfinite(p)):
        return "a state, target, weight or disturbance is not a finite number"
    if np.any(np.isnan(bounds.lbx)) or np.any(np.isnan(bounds.ubx)):
        return "a limit is not a number"
    if np.any(bounds.lbx > bounds.ubx) or np.any(bounds.lbg > bounds.ubg):
        return "a low limit lies above its high limit"
    return ""
