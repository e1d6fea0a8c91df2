"""The real-time optimiser: a few Gauss-Newton steps from the shifted last plan, in milliseconds.

Every step solves the linearised horizon as a quadratic programme (Diehl et al. 2005, real-time
iteration); then the moves are run forward through the model itself and must cost less than before,
or the step is shortened. So each plan in between obeys model and hard limits, and none is worse
than carrying on. When the steps do not close in, at start-up, or when they stall after a jump of
limits or targets, the recovery (`ShootingOptimizer`, cold) gets the same question. Bounded by
iterations, one thread: same questions, same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from controller.answer_check import Maps, Told, judge_answer
from controller.compiled import Sampled, compiled
from controller.move_box import Box, box_of
from controller.optimizer import ShootingOptimizer
from controller.problem import Answer, Optimizer, Question, Shape
from controller.quick import Quick
from controller.stage_functions import data_rows, sizes_of, stage_functions, step_data
from controller.stage_qp import CAREFUL, NO_BOUND, course_function, improve_function
from controller.transcription import Scaling, discrete_map
from plant_models.control_model import Expression, Vector

STEPS: Final = 3
"""Quadratic programmes per question at most."""
CLOSE: Final = 0.1
"""A step of no move larger than this, in tenths of scale, ends the search."""
SHORTENINGS: Final = 3
MAX_STATIONARITY: Final = 1e-3
MAX_MISSED: Final = 1e-5
MAX_GAP: Final = 1e-3
FAR_OFF: Final = 1.0
"""After the last step, a plan that still moves by more than this, in tenths of scale, is poor."""
JUMP: Final = 1.0
"""A limit, target or weight that changes by more than this, in its own unit, is a jump."""
THIN: Final = 1e-7  # tenths of scale: an interior-point method needs an interior


@dataclass(frozen=True, slots=True)
class Course:
    """A plan that obeys the model: moves, positions and states in columns, and its exact cost."""

    M: Vector
    V: Vector
    Z: Vector
    cost: float


class RealtimeOptimizer:
    """Gauss-Newton steps on the horizon's own structure, with `ShootingOptimizer` as recovery."""

    def __init__(
        self,
        shape: Shape,
        *,
        cache: Path | None = None,
        compiler: str = "cc",
        recovery: Optimizer | None = None,
    ) -> None:
        """Build everything; compiles for a second or two when the cache knows nothing.

        `cache` is where machine code is kept (default: the user's cache directory).
        """
        self._shape, self._scaling, self._size = shape, Scaling(shape), sizes_of(shape)
        functions = stage_functions(shape)
        wanted = [_sampled(shape, self._scaling, f) for f in (functions.ahead, functions.tangent)]
        found = compiled(wanted, cache, compiler)
        ahead, tangent = found.functions
        self.note = found.note
        low = [limit.side == "low" for limit in shape.limits]
        self._course = Quick(course_function(self._size, ahead))
        self._improve = Quick(improve_function(self._size, tangent, low))
        self._careful = Quick(improve_function(self._size, tangent, low, CAREFUL))
        # The check runs on CasADi's interpreter: machine code does not vouch for itself.
        advance = discrete_map(shape.model, shape.period_s)
        self._maps = Maps(
            Quick(advance.mapaccum(shape.horizon)), Quick(shape.model.measure.map(shape.horizon))
        )
        self._recovery = ShootingOptimizer(shape) if recovery is None else recovery
        self._last: Vector | None = None
        self._asked: Vector | None = None
        self.recoveries = 0

    @property
    def shape(self) -> Shape:
        """What it was built for."""
        return self._shape

    def forget(self) -> None:
        """Drop every warm start."""
        self._last = self._asked = None
        self._recovery.forget()

    def solve(self, question: Question) -> Answer:
        """Solve one question from the last good answer; where that is not enough, cold."""
        box = box_of(self._shape, self._scaling, question)
        data = step_data(self._shape, self._scaling, question)
        asked = self._wishes(question, data)
        jumped = self._asked is None or bool(np.any(np.abs(asked - self._asked) > JUMP))
        fit = _fit(box, data, question)
        if self._last is None or not fit:
            return self._recover(question, box, data, asked, Answer("", None), fit)
        answer, why = self._quickly(question, box, data, jumped)
        if answer.moves is None:
            return self._recover(question, box, data, asked, answer, fit, why)
        self._asked = asked
        return replace(answer, notes=self._notes())

    def _quickly(
        self, question: Question, box: Box, data: Vector, jumped: bool
    ) -> tuple[Answer, str]:
        """Search from the last answer; keep what passes the check, or say why nothing does."""
        course, steps, why = self._search(question, box, data, jumped)
        if why:
            return Answer(f"no answer: {why}", None, steps), why
        answer = judge_answer(self._shape, self._maps, question, self._told(box, course, steps))
        self._last = None if answer.moves is None else course.M
        return answer, "" if answer.moves is not None else answer.status

    def _recover(
        self,
        question: Question,
        box: Box,
        data: Vector,
        asked: Vector,
        tried: Answer,
        fit: bool,
        why: str = "",
    ) -> Answer:
        """Ask the patient optimiser, cold; where it fails too, search from standing still.

        Only a good answer starts the next search.
        """
        self.forget()
        self.recoveries += 1
        answer = self._recovery.solve(question)
        self._recovery.forget()
        notes = [f"solved patiently: {why}"] if why else []
        if answer.moves is None and fit:
            notes = [f"searched from standing still: {answer.status}"]
            patient, (answer, _) = answer, self._quickly(question, box, data, jumped=True)
            answer = replace(answer, iterations=answer.iterations + patient.iterations)
        elif answer.moves is not None and answer.inputs is not None:
            applied = np.array([question.mvs[tag].applied for tag in self._shape.mvs])
            moves = np.diff(np.vstack([applied, answer.inputs]), axis=0)
            self._last = moves.T / self._scaling.u_scale[:, None]
        self._asked = None if answer.moves is None else asked
        return replace(
            answer,
            iterations=answer.iterations + tried.iterations,
            notes=self._notes(*notes, *answer.notes),
        )

    def _notes(self, *more: str) -> tuple[str, ...]:
        return tuple(text for text in (self.note, *more) if text)

    def _wishes(self, question: Question, data: Vector) -> Vector:
        """Limits, targets and weights in their own units, to notice when they jump."""
        mvs = [question.mvs[tag] for tag in self._shape.mvs]
        sides = [(m.low, m.high, m.max_step) for m in mvs]
        rows = data_rows(self._size)
        constant = sum(rows[name] for name in ("now", "then"))
        return np.concatenate(
            [(np.array(sides) / self._scaling.u_scale[:, None]).ravel(), data[constant:, -1]]
        )

    # -- searching -------------------------------------------------------------------------------

    def _search(
        self, question: Question, box: Box, data: Vector, jumped: bool
    ) -> tuple[Course, int, str]:
        """Improve the shifted last plan; return it, the steps made, and why it is poor or ''."""
        last = self._last
        shifted = np.zeros((self._size.nu, self._size.steps))
        if last is not None:
            shifted[:, :-1] = last[:, 1:]
        self._course.inputs[0][:, 0] = self._scaling.state(question.x0)
        self._improve.inputs[0][:, 0] = self._course.inputs[0][:, 0]
        self._course.inputs[3][...] = data
        self._improve.inputs[4][...] = data
        course = self._run(box, shifted)
        if not (np.isfinite(course.cost) and np.all(np.isfinite(course.Z))):
            return course, 0, "the model gives no number"
        size = np.inf
        for step in range(1, STEPS + 1):
            d, fault = self._step(box, course)
            if fault:
                return course, step, fault
            better, share = self._along(box, course, d)
            size = float(np.max(np.abs(d), initial=0.0))
            if better is None:
                return course, step, "" if size <= CLOSE else "no step makes the plan cheaper"
            course = better
            if size <= CLOSE and share == 1.0:
                return course, step, ""
        settled = size <= FAR_OFF and not jumped
        return course, STEPS, "" if settled else f"still moving by {size:.2g}"

    def _run(self, box: Box, M: Vector) -> Course:
        """The plan with moves `M`, cut to the box, run forward."""
        M, V = box.inside(M)
        course = self._course
        course.inputs[1][...], course.inputs[2][...] = V, M
        course.run()
        return Course(M, V, course.outputs[0].copy(), float(course.outputs[1][0, 0]))

    def _step(self, box: Box, course: Course) -> tuple[Vector, str]:
        """The best step of the moves in the linearised horizon, and what is wrong with it or ''."""
        improve = self._improve
        improve.inputs[1][...], improve.inputs[2][...] = course.V, course.M
        improve.inputs[3][...] = course.Z
        lower, upper = improve.inputs[5], improve.inputs[6]
        self._bound(box, course, lower, upper)
        improve.run()
        if self._fault(improve, course):
            for theirs, ours in zip(self._careful.inputs, improve.inputs, strict=True):
                theirs[...] = ours
            improve = self._careful
            improve.run()
        return improve.outputs[0].copy(), self._fault(improve, course)

    def _fault(self, improve: Quick, course: Course) -> str:
        """What is wrong with a step, by the optimality conditions, or ''."""
        d, *signs = improve.outputs
        stationarity, missed, gap = (float(sign[0, 0]) for sign in signs)
        good = (
            bool(np.all(np.isfinite(d)))
            and stationarity <= MAX_STATIONARITY
            and missed <= MAX_MISSED
            and gap <= MAX_GAP * (1.0 + abs(course.cost))
        )
        told = f"not optimal (slope {stationarity:.1e}, miss {missed:.1e}, gap {gap:.1e})"
        return "" if good else told

    def _bound(self, box: Box, course: Course, lower: Vector, upper: Vector) -> None:
        """Write the bounds of every step's moves, slacks, states and positions."""
        size = self._size
        lower[...], upper[...] = -NO_BOUND, NO_BOUND
        lower[: size.nu] = -box.step - course.M - THIN
        upper[: size.nu] = box.step - course.M + THIN
        lower[size.nu : size.inputs] = 0.0
        lower[-size.nu :] = box.low - course.V - THIN
        upper[-size.nu :] = box.high - course.V + THIN

    def _along(self, box: Box, course: Course, d: Vector) -> tuple[Course | None, float]:
        """The plan after the whole step or the largest part of it that makes it no dearer."""
        share = 1.0
        allowed = course.cost + 1e-9 * (1.0 + abs(course.cost))
        for _ in range(SHORTENINGS):
            tried = self._run(box, course.M + share * d)
            if tried.cost <= allowed:  # never true of a number that is none
                return tried, share
            share *= 0.5
        return None, share

    def _told(self, box: Box, course: Course, steps: int) -> Told:
        scaling, nu = self._scaling, self._size.nu
        around = self._improve.inputs[1]
        low = (self._improve.inputs[5][-nu:] + THIN + around).min(axis=1)
        high = (self._improve.inputs[6][-nu:] - THIN + around).max(axis=1)
        low = scaling.u_centre + scaling.u_scale * low
        high = scaling.u_centre + scaling.u_scale * high
        return Told(
            moves=course.M.T * scaling.u_scale,
            states=course.Z.T * scaling.x_scale + scaling.x_centre,
            cost=course.cost,
            status="steps closed in",
            success=True,
            iterations=steps,
            echo={tag: (float(low[i]), float(high[i])) for i, tag in enumerate(self._shape.mvs)},
        )


def _fit(box: Box, data: Vector, question: Question) -> bool:
    """Whether every number is one, and no limit contradicts another."""
    parts = (box.step, box.at, box.low, box.high, data, question.x0)
    finite = all(bool(np.all(np.isfinite(part))) for part in parts)
    return finite and bool(np.all(box.low <= box.high))


def _sampled(shape: Shape, scaling: Scaling, function: Expression) -> Sampled:
    """`function` with the model's operating point as the place where it is compared."""
    size = sizes_of(shape)
    rows = data_rows(size)
    point = shape.model.nominal_vector(shape.model.disturbances)
    values = {"now": point, "then": point}
    data = np.concatenate([values.get(name, np.full(rows[name], 0.5)) for name in rows])
    inputs: list[Vector] = [np.full(function.size1_in(i), 0.1) for i in range(function.n_in())]
    inputs[-1] = data
    return Sampled(function, inputs)
