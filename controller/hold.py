"""The controller that does nothing: it proposes what is in force. The baseline of every claim."""

from __future__ import annotations

from controller.aims import LoopSpec
from controller.plan import SOLVED, Plan, PlanRequest
from controller.readings import boxed
from safety.words import Proposal


def plain_plan(
    spec: LoopSpec, request: PlanRequest, setpoints: dict[str, float], notes: list[str]
) -> Plan:
    """A plan that needed no solver: `setpoints` cut to limits and largest steps, no prediction."""
    missing = [mv.tag for mv in spec.mvs if not boxed(request, mv.tag)]
    limits = {cv.tag: (cv.low, cv.high) for cv in spec.cvs}
    if missing:
        text = f"unfit: no read-back or no limits of {', '.join(missing)}"
        return Plan(text, None, targets=spec.targets, cv_limits=limits, notes=notes)
    kept: dict[str, float] = {}
    binding: list[str] = []
    for mv in spec.mvs:
        applied, step = request.applied[mv.tag], max(0.0, request.max_step[mv.tag])
        low, high = request.limits[mv.tag]
        wish = setpoints.get(mv.tag, applied)
        inside = min(max(wish, low), high)
        kept[mv.tag] = min(max(inside, applied - step), applied + step)
        if inside != wish:
            binding.append(f"{mv.tag} {'high' if inside == high else 'low'}")
        if kept[mv.tag] != inside:
            binding.append(f"{mv.tag} rate")
    return Plan(
        SOLVED,
        Proposal(kept, SOLVED, 0, 0.0, 0.0, request.now_s),
        targets=spec.targets,
        cv_limits=limits,
        binding=binding,
        echo={mv.tag: request.limits[mv.tag] for mv in spec.mvs},
        notes=notes,
    )


class HoldController:
    """Proposes the setpoints the PLC confirmed, for ever."""

    def __init__(self, spec: LoopSpec) -> None:
        """Remember which MVs to hold."""
        self._spec = spec
        self._held: dict[str, float] = {}

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle: hold what was in force when it first acted."""
        for mv in self._spec.mvs:
            if mv.tag in request.applied and (not request.closed or mv.tag not in self._held):
                self._held[mv.tag] = request.applied[mv.tag]
        return plain_plan(self._spec, request, dict(self._held), [])

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in."""
        self.plan(request)

    def forget(self) -> None:
        """Start without a past."""
        self._held.clear()
