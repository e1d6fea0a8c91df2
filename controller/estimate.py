"""What an estimator tells the loop controller, the same for every loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from controller.plan import PlanRequest
from plant_models.control_model import Vector

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Underway(NamedTuple):
    """What has left the actuator and not reached its instrument yet (web before the gauge).

    `values` will be read at `times_s` (engine time); what is decided now follows `delay_s` later.
    """

    delay_s: float
    times_s: Sequence[float]
    values: Sequence[float]


class Estimate(NamedTuple):
    """State and disturbances in the control model's order, and what to say about them.

    `disturbances` has a row for now and one for each step ahead. `dropped` names CVs whose
    measurement has been missing for too long to aim at, `steered` those that are aimed at all the
    same, because what is fed forward says enough of them. `waiting` is not empty when the plant is
    not in a state to be controlled, and says why. `shown` is for people and records. `phase` is
    what the line is doing, where the estimator follows it.
    """

    state: Vector
    disturbances: Vector
    dropped: Sequence[str] = ()
    notes: Sequence[str] = ()
    waiting: str = ""
    shown: Mapping[str, float] = NOTHING
    underway: Mapping[str, Underway] = NOTHING
    phase: str = ""
    steered: Sequence[str] = ()


class Estimator(Protocol):
    """Keeps an estimate between cycles; told everything, reads no clock."""

    def reset(self) -> None:
        """Forget everything."""
        ...

    def take_over(self, old: Estimator) -> None:
        """Go on from another estimator of the same kind and model; targets stay one's own."""
        ...

    def update(self, request: PlanRequest, horizon: int) -> Estimate:
        """Take one cycle's readings in and look `horizon` steps ahead."""
        ...
