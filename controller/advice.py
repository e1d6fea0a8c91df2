"""What a layer above the optimiser tells it for one cycle, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from controller.estimate import Estimate
from controller.plan import PlanRequest
from controller.problem import CvAim
from plant_models.control_model import Vector


@dataclass(frozen=True, slots=True)
class Advice:
    """`rests` replace the rest values of MVs, `highs` lower their upper limits (SI).

    `setpoints` are MVs decided above the optimiser; `disturbances` replaces the estimate's rows
    (what those setpoints will do). `binding`, `gave_up`, `notes` and `shown` go into the plan.
    """

    rests: Mapping[str, float] = field(default_factory=dict)
    highs: Mapping[str, float] = field(default_factory=dict)
    setpoints: Mapping[str, float] = field(default_factory=dict)
    disturbances: Vector | None = None
    binding: Sequence[str] = ()
    gave_up: Sequence[tuple[str, float]] = ()
    notes: Sequence[str] = ()
    shown: Mapping[str, float] = field(default_factory=dict)


class Advisor(Protocol):
    """A layer above the optimiser of one loop; it reads no clock."""

    def advise(self, request: PlanRequest, estimate: Estimate, cvs: Mapping[str, CvAim]) -> Advice:
        """Say what this cycle's question should know."""
        ...

    def forget(self) -> None:
        """Start without a past."""
        ...
