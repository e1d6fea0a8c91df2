"""Estimates the coater's state and disturbances from late, noisy and sometimes missing readings.

The coat weight is predicted at the die and remembered metre by metre. When a metre comes by the
gauge, the reading is compared with what was laid *there*; the surprise goes, strongly damped, into
`d_coat`, the logarithm of an unknown gain (pump wear, entrained air, batch label). So the loop is
offset-free, and a delay that is wrong by a fifth does not make it swing: with a share L of each
surprise believed and a delay wrong by n readings the loop is stable for
max_w L |2 sin(n w/2)| / |e^(iw) - 1 + L| < 1 (small gain theorem); L = 0.15 and n = 4 give 0.6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import casadi as ca
import numpy as np

from controller.coating_settings import COATING_BOUNDS
from controller.compiled import Sampled, compiled
from controller.estimate import Estimate, Estimator, Underway
from controller.feed_memory import FeedMemory, FeedSample
from controller.gauge_gain import GaugeGain
from controller.innovations import Innovations
from controller.plan import PlanRequest
from controller.quick import Quick
from controller.readings import BadCount, number
from controller.sequence import CoatingSequence, Moment
from controller.transcription import discrete_map
from controller.web_memory import WebMemory
from plant_models.control_model import ControlModel, Vector
from plant_models.parameters import Parameters

WEB_TEMP = "coater.web_temp"
GAUGE, SPEED, LENGTH = "coater.dry_coat_weight", "coater.line_speed", "coater.web_length"
LARGEST_BEHIND = 0.05  # of the coat weight
LATE_ZONES = ("coater.oven_zone4_temp", "coater.oven_zone5_temp")


class CoatingEstimator:
    """Keeps the estimate of the coating loop between cycles."""

    def __init__(
        self,
        model: ControlModel,
        settings: Parameters,
        period_s: float,
        *,
        bad_cycles: int,
        target_kg_m2: float,
        late_zones_k: Sequence[float],
    ) -> None:
        """`late_zones_k` are the nominal air temperatures of zones 4 and 5, at zero trim."""
        self._model = model
        self._s = settings
        self._period_s = period_s
        self._target_kg_m2 = target_kg_m2
        self._late_zones_k = tuple(late_zones_k)
        self._advance, self._observe = _machine_code(model, period_s)
        self._gauge_count = BadCount(bad_cycles, "steered by what is fed forward")
        self._residual_count = BadCount(bad_cycles)
        self._pressure_count = BadCount(bad_cycles)
        self._web_temp_count = BadCount(bad_cycles)
        self.reset()

    def reset(self) -> None:
        """Forget everything; the next reading is believed to be a line at rest."""
        self.web = WebMemory()
        self.feed = FeedMemory(self._s["hose.plug"], self._s["hose.mixed"], self._s["solids.span"])
        self._x = self._model.nominal_vector(self._model.states)
        self._p = self._model.nominal_vector(self._model.disturbances)
        self._sequence = CoatingSequence(self._s["gauge.distance"], int(self._s["gauge.settled"]))
        self._last_s: float | None = None
        self._last_length_m: float | None = None
        self._last_speed: float | None = None
        self._behind = 0.0  # ln of the coat that a pump behind an accelerating web lays too little
        self._anchor_solids: float | None = None
        self._solids = self._p[self._at("coater.feed_solids")]
        self._temp_k = self._p[self._at("coater.feed_temp")]
        self._odd_solids = 0
        self._learnt = GaugeGain(self._s)
        self._statistics = Innovations()
        self._batch = 0

    def take_over(self, old: Estimator) -> None:
        """Go on from `old`: the same web, hose and disturbances, but this recipe's targets."""
        own = {name: self.__dict__[name] for name in ("_target_kg_m2", "_late_zones_k")}
        if isinstance(old, CoatingEstimator):
            self.__dict__.update(old.__dict__, **own)

    def update(self, request: PlanRequest, horizon: int) -> Estimate:
        """Take one cycle's readings in and look `horizon` steps ahead."""
        notes: list[str] = []
        gap_s = math.inf if self._last_s is None else request.now_s - self._last_s
        if not 0.0 < gap_s < 4.0 * self._period_s:
            self.reset()
        speed = number(request.values, SPEED, self._model.nominal["coater.line_speed"])
        u = self._applied(request)
        sample = self._sample(request)
        starting = self._last_s is None
        length_m = self._length(request, speed, 0.0 if starting else gap_s)
        if starting:
            self.feed.fill(sample)
            self._place(sample, speed)
            self._x = self._rest(u)
        moment = self._moment(request, speed, length_m)
        self._behind = self._geared(speed, gap_s)
        if starting:
            self.web.fill(length_m, self._laid(u) if moment.die_in else math.nan, sample.batch)
        else:
            self._move(u, sample, speed, length_m, die_in=moment.die_in)
        self._correct(request, u)
        self._learn(request, speed, length_m, moment, notes)
        self._confine()
        self._last_s, self._last_length_m = request.now_s, length_m
        self._last_speed = speed
        idle = speed < self._s["speed.least"]
        return Estimate(
            self._x.copy(),
            self._ahead(u, speed, horizon),
            [tag for tag, count in self._counts() if count.dropped],
            [*notes, *(f"{tag}: {count.text}" for tag, count in self._counts() if count.text)],
            "the web stands" if idle else "",
            self._shown(),
            {} if idle else {GAUGE: self._underway(request.now_s, speed, length_m)},
            moment.phase.value,
            steered=(GAUGE,) if self._learnt.anchored else (),
        )

    def _shown(self) -> dict[str, float]:
        model = self._model
        known = dict(zip((*model.states, *model.disturbances), (*self._x, *self._p), strict=True))
        return {**{n: float(value) for n, value in known.items()}, **self._statistics.told()}

    def _underway(self, now_s: float, speed: float, length_m: float) -> Underway:
        """Coat weights on the web between die and gauge, at the time they will be read."""
        delay_s = self._s["gauge.distance"] / speed
        times: list[float] = []
        values: list[float] = []
        for step in range(int(delay_s / self._period_s) + 1):
            at_m = length_m - self._s["gauge.distance"] + speed * step * self._period_s
            laid = self.web.mean(at_m - 0.5, at_m + 0.5)
            if laid is not None:
                times.append(now_s + step * self._period_s)
                values.append(laid * math.exp(self.gain))
        return Underway(delay_s, times, values)

    @property
    def gain(self) -> float:
        """The estimated ln gain `d_coat`."""
        return float(self._p[self._at("d_coat")])

    # -- readings --------------------------------------------------------------------------------

    def _at(self, disturbance: str) -> int:
        return self._model.disturbances.index(disturbance)

    def _counts(self) -> tuple[tuple[str, BadCount], ...]:
        return (
            (GAUGE, self._gauge_count),
            ("coater.residual_solvent", self._residual_count),
            ("coater.die_pressure", self._pressure_count),
            (WEB_TEMP, self._web_temp_count),
        )

    def _applied(self, request: PlanRequest) -> Vector:
        nominal = self._model.nominal
        return np.array(
            [number(request.applied, tag, nominal[tag]) for tag in self._model.inputs], dtype=float
        )

    def _length(self, request: PlanRequest, speed: float, gap_s: float) -> float:
        """The web counter; where it is missing or was reset, by speed and time."""
        before = self._last_length_m
        guess = (before or 0.0) + speed * gap_s
        shown = number(request.values, LENGTH, guess)
        if before is None or abs(shown - guess) <= max(5.0, 0.5 * speed * gap_s):
            return shown
        self.web.fill(shown, self._laid(self._applied(request)), self._batch)
        return shown

    def _sample(self, request: PlanRequest) -> FeedSample:
        """The mass at the hose's inlet, with only a part of each change of solids believed."""
        nominal = self._model.nominal
        shown = number(request.values, "coater.feed_solids", self._solids)
        batch = int(number(request.values, "coater.feed_batch", float(self._batch)))
        odd = abs(shown - self._solids) > self._s["solids.doubt"] and self._last_s is not None
        self._odd_solids = self._odd_solids + 1 if odd else 0
        if not odd or self._odd_solids >= 3:
            self._solids = shown
        self._batch = batch
        if self._anchor_solids is None:
            self._anchor_solids = self._solids
        believed = self._anchor_solids + self._s["solids.trust"] * (
            self._solids - self._anchor_solids
        )
        offset = nominal["coater.feed_solids"] - self._anchor_solids
        self._temp_k = number(request.values, "coater.feed_temp", self._temp_k)
        return FeedSample(believed + offset, self._temp_k, batch)

    # -- model -----------------------------------------------------------------------------------

    def _place(self, sample: FeedSample, speed: float) -> None:
        """Write what is at the die, and the speed, into the disturbances."""
        self._p[self._at("coater.line_speed")] = max(speed, self._s["speed.least"])
        self._p[self._at("coater.feed_solids")] = sample.solids
        self._p[self._at("coater.feed_temp")] = sample.temp_k
        self._p[self._at("coater.feed_density")] = self._density(sample)

    def _density(self, sample: FeedSample) -> float:
        nominal = self._model.nominal
        return (
            nominal["coater.feed_density"]
            + self._s["density.per_kelvin"] * (sample.temp_k - nominal["coater.feed_temp"])
            + self._s["density.per_solids"] * (sample.solids - nominal["coater.feed_solids"])
        )

    def _rest(self, u: Vector) -> Vector:
        try:
            return self._model.steady_state(u, self._p)
        except (ArithmeticError, np.linalg.LinAlgError):
            return self._model.nominal_vector(self._model.states)

    def _laid(self, u: Vector) -> float:
        """Coat weight [kg/m2] the model lays now, before the estimated gain."""
        plain = self._p.copy()
        plain[self._at("d_coat")] = 0.0
        return float(self._observe(self._x, u, plain)[self._model.outputs.index(GAUGE), 0])

    def _geared(self, speed: float, gap_s: float) -> float:
        """Ln of what the geared pump lays, over its share, while the web gathers or loses speed.

        The pump follows the web's speed a lag late: v(t - lag)/v(t) = 1 - lag (dv/dt)/v.
        """
        before = self._last_speed
        if before is None or min(speed, before) < self._s["speed.least"]:
            return 0.0
        behind = self._s["gear.lag"] * (speed - before) / gap_s / speed
        if abs(behind) < self._s["gear.least"]:
            return 0.0
        return math.log1p(-min(max(behind, -LARGEST_BEHIND), LARGEST_BEHIND))

    def _moment(self, request: PlanRequest, speed: float, length_m: float) -> Moment:
        """What the line is doing, and whether the gauge has something to say."""
        shown = number(request.values, GAUGE, math.nan)
        valid = request.values.get("coater.gauge_valid", True) is not False
        moving = speed >= self._s["speed.least"]
        good = valid and shown > 0.0 and moving
        self._gauge_count.note(good=good)
        return self._sequence.update(request.values, length_m, moving=moving, good=good)

    def _move(
        self, u: Vector, sample: FeedSample, speed: float, length_m: float, *, die_in: bool
    ) -> None:
        """Let model, hose and web run from the last cycle to this one."""
        metres = max(0.0, length_m - (self._last_length_m or length_m))
        volume = max(0.0, u[0]) * self._model.parameters["coating.pump.displacement"] * metres
        self.feed.pump(volume, sample)
        self._place(self.feed.at_die() or sample, speed)
        ahead = self._advance(self._x, u, self._p).ravel()
        if np.all(np.isfinite(ahead)):
            self._x = ahead
        if speed >= self._s["speed.least"]:
            at_die = self.feed.at_die() or sample
            laid = self._laid(u) * math.exp(self._behind) if die_in else math.nan
            self.web.lay(length_m, laid, at_die.batch)

    def _ahead(self, u: Vector, speed: float, horizon: int) -> Vector:
        """Disturbances now and ahead: the hose tells which solids come, the rest stays as it is.

        A change of speed is taken to go on for one more period.
        """
        displacement = self._model.parameters["coating.pump.displacement"]
        volume = max(0.0, u[0]) * max(speed, 0.0) * self._period_s * displacement
        rows = np.tile(self._p, (horizon + 1, 1))
        for row, sample in zip(rows, self.feed.ahead(volume, horizon), strict=False):
            row[self._at("coater.feed_solids")] = sample.solids
            row[self._at("coater.feed_temp")] = sample.temp_k
            row[self._at("coater.feed_density")] = self._density(sample)
        rows[:2, self._at("d_coat")] += self._behind
        return rows

    # -- corrections -----------------------------------------------------------------------------

    def _correct(self, request: PlanRequest, u: Vector) -> None:
        """Bring pressure, gap, oven air, residual solvent and web temperature to the readings."""
        values, s, names = request.values, self._s, self._model.states
        gap = number(values, "coater.gap", math.nan)
        if math.isfinite(gap):
            self._x[names.index("coater.gap")] = gap
        zones = [number(values, tag, math.nan) for tag in LATE_ZONES]
        air = sum(shown - nominal for shown, nominal in zip(zones, self._late_zones_k, strict=True))
        if math.isfinite(air):
            at = names.index("coater.oven_trim")
            self._x[at] += s["oven.gain"] * (0.5 * air - self._x[at])
        pressure = number(values, "coater.die_pressure", math.nan)
        self._pressure_count.note(good=math.isfinite(pressure))
        if math.isfinite(pressure):
            at = names.index("coater.die_pressure")
            surprise = pressure - self._x[at]
            self._x[at] += 0.5 * surprise
            self._p[self._at("d_pressure")] += s["pressure.gain"] * surprise
        residual = number(values, "coater.residual_solvent", math.nan)
        self._residual_count.note(good=residual > 0.0)
        if residual > 0.0:
            at = names.index("coater.ln_residual")
            surprise = math.log(residual) - self._x[at]
            self._x[at] += s["residual.gain"] * surprise
            gain = s["residual.gain"] if self._last_s is None else s["residual.bias_gain"]
            self._p[self._at("d_residual")] += gain * surprise
        web_temp = number(values, WEB_TEMP, math.nan)
        self._web_temp_count.note(good=math.isfinite(web_temp))
        if math.isfinite(web_temp):
            surprise = web_temp - float(
                self._observe(self._x, u, self._p)[self._model.outputs.index(WEB_TEMP), 0]
            )
            gain = 1.0 if self._last_s is None else s["web_temp.gain"]
            self._p[self._at("d_web_temp")] += gain * surprise

    def _confine(self) -> None:
        for name, (low, high) in COATING_BOUNDS.items():
            if name in self._model.states:
                at = self._model.states.index(name)
                self._x[at] = min(max(self._x[at], low), high)
            if name in self._model.disturbances:
                at = self._at(name)
                self._p[at] = min(max(self._p[at], low), high)

    def _learn(
        self,
        request: PlanRequest,
        speed: float,
        length_m: float,
        moment: Moment,
        notes: list[str],
    ) -> None:
        """Compare the gauge with the metres under it and update `d_coat`."""
        at = self._at("d_coat")
        self._learnt.wait()
        if self._gauge_count.missing:
            if not self._learnt.anchored:  # nothing known yet: believe that the line is on target
                laid = self.web.mean(length_m - 1.0, length_m)
                if laid is not None:
                    self._p[at] = math.log(self._target_kg_m2 / laid)
            return
        shown = number(request.values, GAUGE, math.nan)
        self._p[at], note = self._learnt.learn(
            self.web, shown, moment, length_m, speed, float(self._p[at])
        )
        if self._learnt.beyond is not None:
            self._statistics.note(GAUGE, self._learnt.beyond / self._s["gauge.fits"])
        if note:
            notes.append(f"{GAUGE}: {note}")


def _machine_code(model: ControlModel, period_s: float) -> tuple[Quick, Quick]:
    """One period of the model, and its outputs, as compiled functions of (x, u, p)."""
    groups = (model.states, model.inputs, model.disturbances)
    point = [model.nominal_vector(names) for names in groups]
    x, u, p = (ca.SX.sym(name, len(names)) for name, names in zip("xup", groups, strict=True))
    ahead = ca.densify(discrete_map(model, period_s)(x, u, p))
    wanted = [
        Sampled(ca.Function("ahead", [x, u, p], [ahead]), point),
        Sampled(ca.Function("seen", [x, u, p], [ca.densify(model.measure(x, u, p))]), point),
    ]
    one, other = (Quick(function) for function in compiled(wanted).functions)
    return one, other
