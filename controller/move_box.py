"""The hard limits of one question in scaled numbers: what each move and each position may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.problem import Question, Shape
from controller.transcription import Scaling
from plant_models.control_model import Vector


@dataclass(frozen=True, slots=True)
class Box:
    """Hard limits of one question, scaled: what each move and each position (N columns) may be."""

    step: Vector
    low: Vector
    high: Vector
    at: Vector  # confirmed positions

    def inside(self, M: Vector) -> tuple[Vector, Vector]:
        """Moves cut to the box, and the positions they lead to.

        The box never shrinks faster than one step, so cutting positions keeps each move allowed.
        """
        V = self.at + np.maximum(np.minimum(M, self.step), -self.step).cumsum(axis=1)
        V = np.maximum(np.minimum(V, self.high), self.low)
        moves = V.copy()
        moves[:, 1:] -= V[:, :-1]
        moves[:, :1] -= self.at
        return moves, V


def box_of(shape: Shape, scaling: Scaling, question: Question) -> Box:
    """Scale the limits; an MV found outside comes back as fast as it may move, no faster."""
    mvs = [question.mvs[tag] for tag in shape.mvs]
    step = (np.array([max(0.0, m.max_step) for m in mvs]) / scaling.u_scale)[:, None]
    at = scaling.position(np.array([m.applied for m in mvs]))[:, None]
    low = scaling.position(np.array([m.low for m in mvs]))[:, None]
    high = scaling.position(np.array([m.high for m in mvs]))[:, None]
    reach = step * np.arange(1, shape.horizon + 1)
    return Box(step, np.minimum(low, at + reach), np.maximum(high, at - reach), at)
