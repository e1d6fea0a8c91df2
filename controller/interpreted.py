"""Search and check on CasADi's interpreter and HPIPM: for machines without a compiler.

The same search as `native/search.c`, some times slower and written independently of it, so that
each can be held against the other. Every step solves the linearised horizon as a quadratic
programme (`controller.stage_qp`); then the moves are run forward through the model itself and must
cost less than before, or the step is shortened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.answer_check import Maps, Told, judge_answer
from controller.asked import Asked
from controller.move_box import Box, box_of
from controller.problem import Answer, Question, Shape
from controller.quick import Quick
from controller.search import STILL_MOVING, Found
from controller.stage_functions import sizes_of, stage_functions, step_data
from controller.stage_qp import CAREFUL, NO_BOUND, course_function, improve_function
from controller.transcription import Scaling, discrete_map
from plant_models.control_model import Vector

CLOSE: Final = 0.1
"""A step of no move larger than this, in tenths of scale, may fail to make the plan cheaper."""
SHORTENINGS: Final = 3
MAX_STATIONARITY: Final = 1e-3
MAX_MISSED: Final = 1e-5
MAX_GAP: Final = 1e-3
THIN: Final = 1e-7  # tenths of scale: an interior-point method needs an interior


@dataclass(frozen=True, slots=True)
class Course:
    """A plan that obeys the model: moves, positions and states in columns, and its exact cost."""

    M: Vector
    V: Vector
    Z: Vector
    cost: float


class InterpretedKit:
    """Search and check for one shape and its horizon."""

    def __init__(self, shape: Shape) -> None:
        """Build every function; some tens of milliseconds."""
        self._shape, self._scaling, self._size = shape, Scaling(shape), sizes_of(shape)
        functions = stage_functions(shape)
        low = [limit.side == "low" for limit in shape.limits]
        self._course = Quick(course_function(self._size, functions.ahead))
        self._improve = Quick(improve_function(self._size, functions.tangent, low))
        self._careful = Quick(improve_function(self._size, functions.tangent, low, CAREFUL))
        advance = discrete_map(shape.model, shape.period_s)
        self._maps = Maps(
            Quick(advance.mapaccum(shape.horizon)), Quick(shape.model.measure.map(shape.horizon))
        )

    def judge(self, asked: Asked, question: Question, told: Told) -> Answer:
        """Check a plan without trusting who made it."""
        return judge_answer(self._shape, self._maps, question, told)

    def search(
        self, asked: Asked, question: Question, start: Vector, most: int, close: float
    ) -> Found:
        """Improve the plan with moves `start` (scaled, N rows) by at most `most` steps.

        A step of no move larger than `close` (tenths of scale) ends the search.
        """
        box = box_of(self._shape, self._scaling, question)
        self._course.inputs[0][:, 0] = self._scaling.state(question.x0)
        self._improve.inputs[0][:, 0] = self._course.inputs[0][:, 0]
        data = step_data(self._shape, self._scaling, question)
        self._course.inputs[3][...] = data
        self._improve.inputs[4][...] = data
        course = self._run(box, start.T)
        if not (np.isfinite(course.cost) and np.all(np.isfinite(course.Z))):
            return self._found(box, course, 0, np.inf, "the model gives no number")
        size = np.inf
        for step in range(1, most + 1):
            d, fault = self._step(box, course)
            if fault:
                return self._found(box, course, step, size, fault)
            better, share = self._along(box, course, d)
            size = float(np.max(np.abs(d), initial=0.0))
            if better is None:
                why = "" if size <= CLOSE else "no step makes the plan cheaper"
                return self._found(box, course, step, size, why)
            course = better
            if size <= close and share == 1.0:
                return self._found(box, course, step, size, "")
        return self._found(box, course, most, size, STILL_MOVING)

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
        self._bound(box, course, improve.inputs[5], improve.inputs[6])
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

    def _found(self, box: Box, course: Course, steps: int, size: float, why: str) -> Found:
        scaling = self._scaling
        low = scaling.u_centre + scaling.u_scale * box.low.min(axis=1)
        high = scaling.u_centre + scaling.u_scale * box.high.max(axis=1)
        told = Told(
            moves=course.M.T * scaling.u_scale,
            states=course.Z.T * scaling.x_scale + scaling.x_centre,
            cost=course.cost,
            status=why or "steps closed in",
            success=True,
            iterations=steps,
            echo={tag: (float(low[i]), float(high[i])) for i, tag in enumerate(self._shape.mvs)},
        )
        return Found(why, size, course.M.T.copy(), told)
