"""The words between the real-time optimiser and whoever searches and checks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from controller.answer_check import Told
from controller.asked import Asked
from controller.problem import Answer, Question
from plant_models.control_model import Vector

STILL_MOVING = "still moving"
"""How a search ends that was cut short: not wrong, but not settled either."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan that obeys model and hard limits, and how the search for it ended.

    `why` is '' when it settled. `moves` are scaled, N rows; `size` is the largest move (tenths of
    scale) of the last step that was tried, `told` the plan in SI units for the check.
    """

    why: str
    size: float
    moves: Vector
    told: Told


class Kit(Protocol):
    """Search and check for one shape and one horizon."""

    def search(
        self, asked: Asked, question: Question, start: Vector, most: int, close: float
    ) -> Found:
        """Improve the plan with moves `start` (scaled, N rows) by at most `most` steps.

        A step of no move larger than `close` (tenths of scale) ends the search.
        """
        ...

    def judge(self, asked: Asked, question: Question, told: Told) -> Answer:
        """Check a plan without trusting who made it."""
        ...
