"""The mixer's batch seen as a whole: solvent left, when it will be ready, how long it may wait.

Solvent only thins and its total is registered, so a thick lot can be beyond what may be dosed: then
the target is given up by name, and by how much. The end point is predicted by running the control
model on under the dosing it will get. A mass that sets (recipe B) has a clock: its age at 25 C by
Arrhenius' law, from the phase in which the cross-linker goes in.

symbol   meaning                                          unit
eta      viscosity at 25 C                                Pa s
alpha    exponent of the solids                           1
left     solvent that may still be dosed                  kg
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controller.advice import Advice
from controller.aims import LoopSpec
from controller.estimate import Estimate
from controller.mixing_course import SOLVENT, STEP_S, VISCOSITY, BatchCourse
from controller.plan import PlanRequest
from controller.problem import CvAim
from controller.readings import number
from plant_models.control_model import ControlModel

TOTAL = "mixer.solvent_total"
GAS_CONSTANT_J_MOL_K, REFERENCE_K = 8.314, 298.15
GEL_ENERGY_J_MOL = 60.0e3  # process design, section 3.4: 50-70 kJ/mol
DOSE_UNTIL = 0.5  # share of the pot life after which no more is added: thinning cannot reverse gel
CROSSLINKED = 6  # from this phase on (DISPERSE) the cross-linker is in
BAND, SLOPE, SLOPE_S, STEADY_S = 0.10, 0.01, 600.0, 1200.0  # what 'on spec' means, see end_point


@dataclass(slots=True)
class GelClock:
    """The age of a batch that sets, referred to 25 C [s]."""

    pot_life_s: float
    age_s: float = 0.0
    batch: int | None = None
    last_s: float | None = None

    def update(self, request: PlanRequest) -> None:
        """Count on while the cross-linker is in; a new batch begins anew."""
        batch = int(number(request.values, "mixer.batch", float(self.batch or 0)))
        if batch != self.batch:
            self.batch, self.age_s = batch, 0.0
        elapsed = 0.0 if self.last_s is None else max(0.0, request.now_s - self.last_s)
        self.last_s = request.now_s
        if number(request.values, "mixer.phase", CROSSLINKED) >= CROSSLINKED:
            temp_k = min(max(number(request.values, "mixer.temp", REFERENCE_K), 273.15), 353.15)
            warm = GEL_ENERGY_J_MOL / GAS_CONSTANT_J_MOL_K * (1.0 / REFERENCE_K - 1.0 / temp_k)
            self.age_s += elapsed * math.exp(warm)

    @property
    def share(self) -> float:
        """How much of the pot life is used."""
        return self.age_s / self.pot_life_s


class BatchLayer:
    """Keeps the mixer's dosing inside the batch's registered total, and says where it will end."""

    def __init__(self, spec: LoopSpec, model: ControlModel, approach_s: float) -> None:
        """`approach_s` is the time constant with which the loop closes in on the target."""
        self._spec, self._model = spec, model
        self._most_kg = float(spec.recipe["max_solvent_per_batch"])
        self._course = BatchCourse(model, approach_s)
        self._alpha = model.parameters["mixing.viscosity.solids_exponent"]
        self.forget()

    def forget(self) -> None:
        """Start without a past."""
        gel = self._spec.recipe.get("gelation")
        self.clock = GelClock(float(gel["pot_life"])) if gel else None

    def advise(self, request: PlanRequest, estimate: Estimate, cvs: Mapping[str, CvAim]) -> Advice:
        """Bound the dosing and look ahead to the end point."""
        left_kg = self._left(request)
        notes = [self._course.note] if self._course.note else []
        binding: list[str] = []
        shown: dict[str, float] = {}
        if self.clock is not None:
            self._watch_the_gel(self.clock, request, notes, binding, shown)
            left_kg = 0.0 if self.clock.share >= DOSE_UNTIL else left_kg
        highs = {SOLVENT: left_kg / self._spec.period_s} if math.isfinite(left_kg) else {}
        target = self._spec.targets.get(VISCOSITY)
        gave_up: list[tuple[str, float]] = []
        if target is not None and VISCOSITY in estimate.shown and not estimate.dropped:
            course = self._ahead(request, estimate, target, left_kg)
            least = min(course, default=0.0)
            if left_kg < self._needed(estimate, target) and least > 1.01 * target:
                binding.append(f"{SOLVENT} batch total")
                gave_up.append((f"{VISCOSITY} target", least - target))
                notes.append(
                    f"the batch may take {left_kg:.1f} kg more solvent: {least:.2f} Pa s is as thin"
                    " as it gets"
                )
            ready_s = end_point_s(course, target, STEP_S)
            if math.isfinite(ready_s):
                shown["mixer.end_point_in"] = ready_s
                notes.append(f"end point in {ready_s / 60.0:.0f} min")
        return Advice(highs=highs, binding=binding, gave_up=gave_up, notes=notes, shown=shown)

    # -- pieces ----------------------------------------------------------------------------------

    def _left(self, request: PlanRequest) -> float:
        """Solvent [kg] that this batch may still get; unbounded without a total."""
        total = number(request.values, TOTAL, math.nan)
        return max(0.0, self._most_kg - total) if math.isfinite(total) else math.inf

    def _needed(self, estimate: Estimate, target: float) -> float:
        """Solvent [kg] that takes the mass to the target: ln(eta/target) = alpha ln((m + F)/m)."""
        mass = estimate.shown["mixer.mass"]
        excess = math.log(max(estimate.shown[VISCOSITY], 1e-6) / target)
        waiting = estimate.shown.get("mixer.unblended", 0.0)
        return mass * math.expm1(max(0.0, excess) / self._alpha) - waiting

    def _ahead(
        self, request: PlanRequest, estimate: Estimate, target: float, left_kg: float
    ) -> list[float]:
        """Viscosity ahead under dosing that closes in on the target as the loop does."""
        u = np.array([request.applied[tag] for tag in self._model.inputs])
        _, most = request.limits[SOLVENT]
        p = estimate.disturbances[-1]
        course = self._course.ahead(estimate.state, u, p, target, most, left_kg)
        return [float(eta) for eta in course]

    @staticmethod
    def _watch_the_gel(
        clock: GelClock,
        request: PlanRequest,
        notes: list[str],
        binding: list[str],
        shown: dict[str, float],
    ) -> None:
        clock.update(request)
        left_s = max(0.0, clock.pot_life_s - clock.age_s)
        shown["mixer.gel_share"] = clock.share
        notes.append(f"gelation clock: {clock.share:.0%} used, {left_s / 60.0:.0f} min left")
        if clock.share >= DOSE_UNTIL:
            binding.append("gelation clock")


def end_point_s(course: Sequence[float], target: float, step_s: float) -> float:
    """When the batch will have been on spec and calm for long enough [s]; NaN: not in sight."""
    back, steady, since = round(SLOPE_S / step_s), round(STEADY_S / step_s), -1
    for i, eta in enumerate(course):
        then = course[max(0, i - back)]
        good = (
            abs(eta / target - 1.0) <= BAND
            and abs(eta / then - 1.0) < SLOPE * max(1, min(i, back)) / back
        )
        since = (i if since < 0 else since) if good else -1
        if since >= 0 and i - since >= steady:
            return i * step_s
    return math.nan
