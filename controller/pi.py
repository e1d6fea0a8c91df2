"""The honest baseline: well-tuned PI loops on the same interface, with ratio feed-forward.

Ratio feed-forward is in the MV itself: the coating loop moves revolutions per metre of web, so a
speed change needs no PI at all. Tuning is lambda tuning (Rivera, Morari & Skogestad 1986):

symbol   meaning                                             unit
theta    dead time                                           s
tau      lag of the process                                  s
lam      wished closed-loop time constant                    s
Kc       (tau + theta/2) / (K (lam + theta/2))               MV per CV
Ti       tau + theta/2                                       s

with a first-order Pade approximation of the dead time; for an integrating process of slope k' it
is Kc = 1 / (k' (lam + theta)), Ti = 4 (lam + theta) (Skogestad 2003). The gauge's dead time is a
length of web, so the coating loop schedules both with the line speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.aims import LoopSpec
from controller.hold import plain_plan
from controller.plan import Plan, PlanRequest
from controller.readings import number
from controller.sequence import CoatingSequence
from plant_models.parameters import Parameter, Parameters

DESIGN = "process design page"
TUNED = "tuned on the scenario files"
GAS_CONSTANT_J_MOL_K = 8.314
REFERENCE_K = 298.15

PI_COATING: tuple[Parameter, ...] = (
    Parameter("gauge.distance", 25.0, "m", DESIGN, "dead time = distance / line speed"),
    Parameter("gauge.age", 6.0, "s", "half a traverse and its turn", "dead time of the scanner"),
    Parameter("gauge.patience", 1.25, "1", "a gauge a fifth further away", "after a recipe change"),
    Parameter("lag", 2.0, "s", "pump and hose"),
    Parameter("lambda.per_theta", 1.0, "1", TUNED, "lam / theta"),
    Parameter("speed.least", 0.0167, "m/s", "1 m/min: slower web is not production"),
)
"""Settings of the coating PI."""

PI_MIXING: tuple[Parameter, ...] = (
    Parameter("viscosity.dead_time", 60.0, "s", "blending and viscometer"),
    Parameter("viscosity.lambda", 60.0, "s", "lam = theta; slower was worse on the files"),
    Parameter("viscosity.per_kg", 0.075, "1/kg", "6 x solids exponent / 490 kg", "-d ln eta/d kg"),
    Parameter("viscosity.integral", 4.0, "1", "Skogestad 2003", "Ti / (lam + theta)"),
    Parameter("viscosity.zone", 0.02, "1", TUNED, "integrate only this near to the target"),
    Parameter("viscosity.filter", 60.0, "s", "usual", "on the viscometer"),
    Parameter("viscosity.activation", 35.0e3, "J/mol", DESIGN, "to refer the viscometer to 25 C"),
    Parameter("lab.share", 0.5, "1", TUNED, "of the viscometer's error per sample"),
    Parameter("temp.lag", 3420.0, "s", DESIGN, "57 min"),
    Parameter("temp.dead_time", 300.0, "s", DESIGN, "jacket lag"),
    Parameter("temp.lambda", 600.0, "s", TUNED),
)
"""Settings of the mixing PIs."""


@dataclass(frozen=True, slots=True)
class PiTuning:
    """Gain [MV per CV] and integral time [s] of one PI loop."""

    Kc: float
    Ti_s: float


def lambda_tuning(gain: float, tau_s: float, theta_s: float, lambda_s: float) -> PiTuning:
    """PI settings for gain e^(-theta s)/(tau s + 1) (see the table above)."""
    integral_s = tau_s + 0.5 * theta_s
    return PiTuning(integral_s / (gain * (lambda_s + 0.5 * theta_s)), integral_s)


def integrating_tuning(
    slope: float, theta_s: float, lambda_s: float, integral: float = 4.0
) -> PiTuning:
    """PI settings for slope e^(-theta s)/s (see the table above)."""
    return PiTuning(1.0 / (slope * (lambda_s + theta_s)), integral * (lambda_s + theta_s))


class VelocityPi:
    """A PI that gives moves and remembers only its last wish and error, so nothing winds up.

    What it wished and what the PLC confirmed may differ by rounding; then it goes on from its own
    wish, or small errors would never move anything. When they differ by more, something held the
    MV back, and it goes on from what is in force.
    """

    def __init__(self, rounding: float) -> None:
        """`rounding` [MV units] is what the way to the PLC may do to a setpoint."""
        self._rounding = rounding
        self._error: float | None = None
        self._wish: float | None = None
        self._goal: float | None = None

    def rest(self) -> None:
        """Forget the last error, as after a bad reading."""
        self._error = None

    def scale(self, factor: float) -> None:
        """Feed a new target forward: the wish follows in proportion, the error is forgotten."""
        self._error = None
        self._goal = None if self._wish is None else self._wish * factor

    def begin(self) -> None:
        """Let the next error count from zero, as at a start: the proportional part acts at once."""
        self._error = 0.0

    @property
    def waiting(self) -> bool:
        """Whether a fed-forward wish has still to be reached."""
        return self._goal is not None

    def held(self, applied: float) -> float:
        """The wish while nothing is integrated: the fed-forward one until the PLC has it."""
        self._error = None
        if self._goal is None:
            return applied if self._wish is None else self._wish
        self._wish = self._goal
        if abs(self._goal - applied) <= self._rounding:
            self._goal = None
        return self._wish

    def next(
        self, error: float, applied: float, tuning: PiTuning, period_s: float, *, closed: bool
    ) -> float:
        """The next setpoint."""
        follows = self._wish is not None and abs(self._wish - applied) <= self._rounding
        base = self._wish if closed and follows and self._wish is not None else applied
        change = 0.0 if self._error is None else error - self._error
        self._error = error
        self._wish = base + tuning.Kc * (change + period_s / tuning.Ti_s * error)
        return self._wish


class CoatingPi:
    """PI on the gauge moves the pump ratio; gap and oven trim stay where they are."""

    def __init__(self, spec: LoopSpec) -> None:
        """Read settings under `controller: pi:`."""
        self._spec = spec
        self._s = Parameters(PI_COATING, spec.overrides("pi"))
        self.forget()

    def forget(self) -> None:
        """Start without a past."""
        self._pi = VelocityPi(rounding=1.0e-3)
        self._held: dict[str, float] = {}
        self._length_m, self._wait_until_m = 0.0, -math.inf
        self._edge_seen = False
        self._sequence = CoatingSequence(self._s["gauge.distance"], 1)

    def take_over(self, old: CoatingPi) -> None:
        """Go on from another recipe's PI: the ratio follows the target, as a ratio station's does.

        What was laid before shows the old target until it has passed the gauge: no integration.
        """
        cv = "coater.dry_coat_weight"
        self._pi, self._held, self._length_m = old._pi, old._held, old._length_m
        self._sequence = old._sequence
        self._pi.scale(self._spec.targets[cv] / old._spec.targets[cv])
        self._wait_until_m = old._length_m + self._s["gauge.distance"] * self._s["gauge.patience"]

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        tag, cv, s = "coater.pump_ratio_sp", "coater.dry_coat_weight", self._s
        for mv in self._spec.mvs:
            if mv.tag in request.applied and (not request.closed or mv.tag not in self._held):
                self._held[mv.tag] = request.applied[mv.tag]
        setpoints, notes = dict(self._held), list[str]()
        target = self._spec.targets[cv]
        shown = number(request.values, cv, math.nan)
        speed = number(request.values, "coater.line_speed", math.nan)
        valid = request.values.get("coater.gauge_valid", True) is not False
        applied = request.applied.get(tag, math.nan)
        moving = speed >= s["speed.least"]
        good = valid and shown > 0.0 and moving and math.isfinite(applied)
        self._length_m = number(request.values, "coater.web_length", self._length_m)
        moment = self._sequence.update(request.values, self._length_m, moving=moving, good=good)
        if self._pi.waiting or self._length_m < self._wait_until_m:
            setpoints[tag] = self._pi.held(applied)
            if self._length_m < self._wait_until_m:
                notes.append(f"{cv}: the gauge still shows the last recipe, the ratio is held")
        elif good and not moment.edge:
            if self._edge_seen:
                self._pi.begin()
            self._edge_seen = False
            theta_s = s["gauge.distance"] / speed + s["gauge.age"]
            gain = target / applied if applied > 0.0 else target
            tuning = lambda_tuning(gain, s["lag"], theta_s, s["lambda.per_theta"] * theta_s)
            setpoints[tag] = self._pi.next(
                target - shown, applied, tuning, self._spec.period_s, closed=request.closed
            )
        else:
            self._edge_seen = self._edge_seen or moment.edge
            self._pi.rest()
            setpoints[tag] = applied
            notes.append(f"{cv}: no good reading, the ratio is held")
        return plain_plan(self._spec, request, setpoints, notes)

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in."""
        self.plan(request)


class MixingPi:
    """PI on viscosity doses solvent, PI on temperature moves the jacket; the anchor keeps on."""

    def __init__(self, spec: LoopSpec) -> None:
        """Read settings under `controller: pi:`."""
        self._spec = spec
        self._s = Parameters(PI_MIXING, spec.overrides("pi"))
        self.forget()

    def forget(self) -> None:
        """Start without a past."""
        self._jacket = VelocityPi(rounding=0.05)
        self._integral = 0.0
        self._bias = 0.0
        self._filtered = math.nan
        self._lab_number = -1
        self._batch: int | None = None
        self._past: list[tuple[float, float]] = []  # (time, ln viscosity at 25 C as read)

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        rest = {mv.tag: mv.rest for mv in self._spec.mvs if mv.rest is not None}
        setpoints = {"mixer.anchor_sp": rest.get("mixer.anchor_sp", math.nan)}
        setpoints = {tag: value for tag, value in setpoints.items() if math.isfinite(value)}
        notes: list[str] = []
        self._new_batch(request)
        self._move_jacket(request, setpoints, notes)
        self._dose(request, setpoints, notes)
        return plain_plan(self._spec, request, setpoints, notes)

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in."""
        self.plan(request)

    def _new_batch(self, request: PlanRequest) -> None:
        batch = int(number(request.values, "mixer.batch", float(self._batch or 0)))
        if batch != self._batch:
            self._batch, self._integral, self._past = batch, 0.0, []
            self._filtered = math.nan

    def _move_jacket(
        self, request: PlanRequest, setpoints: dict[str, float], notes: list[str]
    ) -> None:
        s, tag = self._s, "mixer.jacket_sp"
        temp = number(request.values, "mixer.temp", math.nan)
        applied = request.applied.get(tag, math.nan)
        if not (math.isfinite(temp) and math.isfinite(applied)):
            self._jacket.rest()
            notes.append("mixer.temp: no good reading, the jacket is held")
            return
        tuning = integrating_tuning(1.0 / s["temp.lag"], s["temp.dead_time"], s["temp.lambda"])
        setpoints[tag] = self._jacket.next(
            self._spec.targets["mixer.temp"] - temp,
            applied,
            tuning,
            self._spec.period_s,
            closed=request.closed,
        )

    def _dose(self, request: PlanRequest, setpoints: dict[str, float], notes: list[str]) -> None:
        """Solvent can only thin: a positional PI, cut at zero, integrating only near the target."""
        s, tag = self._s, "mixer.solvent_sp"
        setpoints[tag] = 0.0
        ln_viscosity = self._ln_viscosity(request, notes)
        if not math.isfinite(ln_viscosity):
            notes.append("mixer.viscosity: no good reading, no solvent")
            return
        target = math.log(self._spec.targets["mixer.viscosity_25c"])
        error = ln_viscosity - target
        tuning = integrating_tuning(
            s["viscosity.per_kg"], s["viscosity.dead_time"], s["viscosity.lambda"],
            s["viscosity.integral"],
        )  # fmt: skip
        dose = tuning.Kc * (error + self._integral)
        _, high = request.limits.get(tag, (0.0, 0.0))
        high = min(high, self._left(request))
        # Far from the target the integral would only carry the dose past it, and nothing thickens.
        near = abs(error) <= s["viscosity.zone"]
        if request.closed and near and (0.0 < dose < high or error * dose < 0.0):
            self._integral += error * self._spec.period_s / tuning.Ti_s
            self._integral = max(self._integral, 0.0)
        setpoints[tag] = min(max(dose, 0.0), high)

    def _left(self, request: PlanRequest) -> float:
        """The rate [kg/s] that keeps the batch inside its registered total of solvent."""
        total = number(request.values, "mixer.solvent_total", 0.0)
        left_kg = float(self._spec.recipe.get("max_solvent_per_batch", math.inf)) - total
        return max(0.0, left_kg / self._spec.period_s)

    def _ln_viscosity(self, request: PlanRequest, notes: list[str]) -> float:
        """Logarithm of the viscosity at 25 C: viscometer for the temperature, lab for the level."""
        s, values = self._s, request.values
        seen = number(values, "mixer.viscosity", math.nan)
        temp = number(values, "mixer.temp", math.nan)
        if not (seen > 0.0 and temp > 0.0):
            return math.nan
        warm = s["viscosity.activation"] / GAS_CONSTANT_J_MOL_K
        read = math.log(seen) - warm * (1.0 / temp - 1.0 / REFERENCE_K)
        self._past.append((request.now_s, read))
        self._past = self._past[-360:]
        lab = number(values, "mixer.lab_viscosity", math.nan)
        age_s = number(values, "mixer.lab_age", math.nan)
        count = int(number(values, "mixer.lab_number", -1.0))
        if count > 0 and count != self._lab_number and lab > 0.0 and age_s >= 0.0:
            self._lab_number = count
            taken_s = max(request.now_s - age_s, self._past[0][0])
            then = [ln for at, ln in self._past if abs(at - taken_s) <= 60.0]
            wrong = math.log(lab) - (sum(then) / len(then) + self._bias)
            self._bias += s["lab.share"] * wrong
            notes.append(f"lab sample {count}: viscometer trimmed by {self._bias:+.1%}")
        share = 1.0 - math.exp(-self._spec.period_s / s["viscosity.filter"])
        before = read if math.isnan(self._filtered) else self._filtered
        self._filtered = before + share * (read - before)
        return self._filtered + self._bias
