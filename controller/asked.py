"""A question as one row of plain numbers, all SI, laid out for the compiled search and check.

The order is the `Question` of `native/search.c`: what holds for the whole horizon, then N+1 rows of
disturbances, then a row of N references for each CV. One block is filled again for every question.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from controller.problem import Question, Shape, slack_price, tracking_price
from controller.transcription import FAR, Scaling
from plant_models.control_model import Vector

_LINE: Final = 64  # bytes: machine code may sum up in another order from another start of a row


def aligned(numbers: int) -> Vector:
    """Zeros that begin on a line of the processor's cache, so that bits do not depend on luck."""
    spare = _LINE // 8
    block = np.zeros(numbers + spare)
    start = (-block.ctypes.data // 8) % spare
    return block[start : start + numbers]


class Asked:
    """The question at hand; `steps` is its horizon."""

    def __init__(self, shape: Shape, scaling: Scaling, steps: int) -> None:
        """Lay out the block for horizons of `steps`."""
        self.steps = steps
        self._shape = shape
        model = shape.model
        nx, nu, ny = len(model.states), len(shape.mvs), len(shape.cvs)
        nl, np_ = len(shape.limits), len(model.disturbances)
        soft = max(nl, 1)
        head = nx + 7 * nu + 2 * ny + 2 * soft
        self.block = aligned(head + (steps + 1) * np_ + ny * steps)
        self._head = self.block[:head]
        self._of_cvs = self._head[nx + 7 * nu :]
        self._disturbances = self.block[head : head + (steps + 1) * np_].reshape(steps + 1, np_)
        self._references = self.block[head + (steps + 1) * np_ :].reshape(ny, steps)
        self.x0 = self._head[:nx]
        self.boxes = self._head[nx : nx + 4 * nu].reshape(4, nu)  # applied, low, high, step
        self._no_limits = [0.0] * (soft - nl)
        unit = [float(scaling.y_unit[shape.cvs.index(limit.tag)]) for limit in shape.limits]
        self._far = [
            -FAR * each if limit.side == "low" else FAR * each
            for limit, each in zip(shape.limits, unit, strict=True)
        ]
        # what each wish is counted in: from the MVs' limits to the prices, then last references
        u, y = scaling.u_scale, scaling.y_unit
        one, ones = np.ones(nu), np.ones(ny)
        prices = np.ones(soft + soft - nl)
        self._units = np.concatenate([u, u, u, one, u, one, ones, y, unit, prices, y])
        self._wishes_from = nx + nu

    def fill(self, question: Question) -> str:
        """Take `question` in; returns what is wrong with it, or ''."""
        shape = self._shape
        if question.disturbances.shape != self._disturbances.shape:
            return f"{question.disturbances.shape} disturbances do not fit the horizon"
        cvs = [question.cvs[tag] for tag in shape.cvs]
        mvs = [question.mvs[tag] for tag in shape.mvs]
        limits, prices = [], []
        for limit, far in zip(shape.limits, self._far, strict=True):
            aim = question.cvs[limit.tag]
            value = aim.low if limit.side == "low" else aim.high
            limits.append(far if value is None else value)
            prices.append(slack_price(aim.rank))
        self._head[:] = [
            *question.x0.tolist(),
            *(mv.applied for mv in mvs),
            *(mv.low for mv in mvs),
            *(mv.high for mv in mvs),
            *(mv.max_step for mv in mvs),
            *(mv.move_weight for mv in mvs),
            *(mv.rest for mv in mvs),
            *(mv.rest_weight for mv in mvs),
            *(0.0 if cv.reference is None else tracking_price(cv.weight, cv.rank) for cv in cvs),
            *(cv.bias for cv in cvs),
            *limits,
            *self._no_limits,
            *prices,
            *self._no_limits,
        ]
        self._disturbances[...] = question.disturbances
        for row, cv in zip(self._references, cvs, strict=True):
            row[:] = 0.0 if cv.reference is None else cv.reference
        return self._fault()

    def _fault(self) -> str:
        """Why this question must not reach a solver, or ''."""
        if not np.isfinite(self.block).all():
            if not np.isfinite(self.boxes[1:]).all():
                return "a limit is not a number"
            return "a state, target, weight or disturbance is not a finite number"
        if (self.boxes[1] > self.boxes[2]).any():
            return "a low limit lies above its high limit"
        return ""

    def wishes(self) -> Vector:
        """Limits, targets and weights in their own units, to notice when they jump."""
        from_here = self._head[self._wishes_from :]
        found: Vector = np.concatenate([from_here, self._references[:, -1]]) / self._units
        return found
