"""The coater's economic layer: steady-state targets, and the line speed pushed to what binds.

Without a push the targets only keep the rest values of gap and oven trim consistent with the soft
limits. With one (`controller: economic: push: coater.line_speed_sp`) the speed climbs by its
largest step a cycle towards the fastest line that still keeps every limit at rest, by a distance,
and falls when a limit asks for it. It is pushed in calm production only: not while the loop is
open, a gauge is missing, or a start-up, a splice or a new batch is under way. The optimiser below
is told how the speed will go, so that oven and gap move ahead of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from controller.advice import Advice
from controller.aims import LoopSpec
from controller.estimate import Estimate
from controller.plan import PlanRequest
from controller.problem import CvAim, Shape
from controller.readings import boxed
from controller.sequence import Phase
from controller.steady_targets import Free, SteadyTargetOptimizer
from plant_models.control_model import Vector

DRIVEN: Mapping[str, str] = {"coater.line_speed_sp": "coater.line_speed"}
"""Setpoints that are disturbances of the coater's control model, and which."""


class EconomicLayer:
    """Gives the coating optimiser its rest values, and drives the line speed when asked to."""

    def __init__(self, spec: LoopSpec, shape: Shape) -> None:
        """Drive what `spec` lists of `DRIVEN`; push what its `economic` table says."""
        self._spec, self._shape = spec, shape
        self._mvs = {mv.tag: mv for mv in spec.mvs}
        self._driven = {tag: name for tag, name in DRIVEN.items() if tag in self._mvs}
        self._steady = SteadyTargetOptimizer(shape, self._driven)
        self._push: str | None = spec.economic.get("push")
        self._backoff = float(spec.economic.get("backoff", 0.0))

    def forget(self) -> None:
        """Nothing is remembered."""

    def advise(self, request: PlanRequest, estimate: Estimate, cvs: Mapping[str, CvAim]) -> Advice:
        """Find the steady targets and the next step of what is driven."""
        if any(not boxed(request, tag) for tag in self._steady.names):
            return Advice()
        last = estimate.disturbances[-1].copy()
        for tag, name in self._driven.items():
            last[self._at(name)] = request.applied[tag]
        why_not = self._obstacle(request, estimate)
        push = self._push if not why_not else None
        free = {tag: self._free(request, tag, push) for tag in self._steady.names}
        found = self._steady.targets(estimate.state, last, cvs, free, push, self._backoff)
        held = {tag: request.applied[tag] for tag in self._driven}
        if found is None:
            return Advice(setpoints=held)
        rests = {tag: found.targets[tag] for tag in self._shape.mvs if self._rest(tag) is not None}
        if push is None:
            notes = [f"{self._push} is not pushed: {why_not}"] if self._push else []
            return Advice(rests=rests, setpoints=held, notes=notes)
        goals = {tag: found.targets[tag] for tag in self._driven}
        setpoints = {
            tag: float(
                np.clip(goal, request.applied[tag] - free[tag].max_step,
                        request.applied[tag] + free[tag].max_step)
            )
            for tag, goal in goals.items()
        }  # fmt: skip
        return Advice(
            rests=rests,
            setpoints=setpoints,
            disturbances=self._course(estimate, free, goals),
            binding=[name for name in found.binding if name.partition(" ")[0] in (*cvs, push)],
            notes=[self._told(push, goals[push], found.binding)],
            shown={f"{tag} target": goal for tag, goal in goals.items()},
        )

    def _obstacle(self, request: PlanRequest, estimate: Estimate) -> str:
        """Why the line must not be pushed now; '' when it may."""
        if not request.closed:
            return "the loop is not closed"
        if estimate.dropped:
            return f"no reading of {', '.join(estimate.dropped)}"
        calm = estimate.phase in ("", Phase.PRODUCTION)
        return "" if calm else estimate.phase

    def _free(self, request: PlanRequest, tag: str, push: str | None) -> Free:
        applied, (low, high) = request.applied[tag], request.limits[tag]
        if tag in self._driven and tag != push:
            low = high = applied
        return Free(applied, low, high, request.max_step[tag], self._rest(tag))

    def _rest(self, tag: str) -> float | None:
        mv = self._mvs.get(tag)
        return None if mv is None else mv.rest

    def _course(
        self, estimate: Estimate, free: Mapping[str, Free], goals: Mapping[str, float]
    ) -> Vector:
        """The disturbances ahead with what is driven on its way to its goal."""
        rows = estimate.disturbances.copy()
        ahead = np.arange(len(rows))
        for tag, name in self._driven.items():
            now, step = free[tag].applied, free[tag].max_step
            way = np.clip(goals[tag] - now, -step * ahead, step * ahead)
            rows[:, self._at(name)] = rows[:, self._at(name)] + way
        return rows

    def _at(self, disturbance: str) -> int:
        return self._shape.model.disturbances.index(disturbance)

    @staticmethod
    def _told(push: str, goal: float, binding: Sequence[str]) -> str:
        held = ", ".join(name for name in binding if not name.startswith(push))
        tail = f", held by {held}" if held else ""
        return f"{push} is pushed to {60.0 * goal:.1f} m/min{tail}"
