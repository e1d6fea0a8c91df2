"""Estimates the mixer's state by fusing torque, viscometer, thermometers, scales and the lab.

An extended Kalman filter over the control model's states and five slow disturbances. The inline
viscometer is quick but reads at a shear rate of its own and fouls (`d_probe`); torque is quick but
carries friction (`d_torque`); the laboratory is right but half an hour late. A lab result is
therefore applied at the time its sample was taken: the filter goes back to that cycle, takes it in,
and runs forward again through everything it has read since.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from controller.estimate import Estimate, Estimator
from controller.innovations import Innovations
from controller.kalman import Belief, surprise_spread
from controller.mixing_channels import (
    BOUNDS,
    CHANNELS,
    LAB,
    PROBE,
    READ,
    WALKERS,
    WALKS,
)
from controller.mixing_filter import MixingFilter
from controller.plan import PlanRequest
from controller.readings import BadCount, number
from plant_models.control_model import ControlModel, Vector
from plant_models.parameters import Parameters

UNCERTAIN = 1  # of the qualities 0 bad, 1 uncertain, 2 good


@dataclass(frozen=True, slots=True)
class Cycle:
    """What one cycle read, and what was believed before it: enough to run it again."""

    now_s: float
    before: Belief
    u: Vector
    ambient_k: float
    readings: Mapping[str, tuple[float, float]]  # channel -> (reading, noise)
    first: bool  # nothing was known before: the belief is a founding, not a prediction
    alert: bool = False  # surprises all pointed one way: something new is in the vessel
    lab: Sequence[tuple[float, float]] = ()  # (ln viscosity, noise) of samples of this time


class MixingEstimator:
    """Keeps the estimate of the mixing loop between cycles."""

    def __init__(
        self, model: ControlModel, settings: Parameters, period_s: float, *, bad_cycles: int
    ) -> None:
        """Build the filter's functions from the control model."""
        self._model = model
        self._s = settings
        self._period_s = period_s
        self._names = (*model.states, *WALKERS)
        self._filter = MixingFilter(model, period_s)
        self._Q = {alert: self.walks(alert=alert) for alert in (False, True)}
        self._counts = {tag: BadCount(bad_cycles) for tag in ("mixer.viscosity", "mixer.torque")}
        self.reset()

    def walks(self, *, alert: bool) -> Vector:
        """What may change in one period: independent walks, but for what a lot does to the probe.

        A longer polymer thins more, so the viscometer, at its own shear rate, misses a part.
        """
        s = self._s
        walks = [s["walk.lot" if alert and key == "walk.visc" else key] for key in WALKS]
        mix = np.eye(len(WALKS))
        mix[self._names.index("d_probe"), self._names.index("d_visc")] = -s["lot.thinning"]
        spread: Vector = mix @ np.diag(np.array(walks) ** 2 * self._period_s) @ mix.T
        return spread

    def reset(self) -> None:
        """Forget everything; the next readings found a new batch."""
        self._history: deque[Cycle] = deque()
        self._belief: Belief | None = None
        self._last_s: float | None = None
        self._lab_seen: set[int] = set()
        self._batch: int | None = None
        self._odd: dict[str, int] = {}
        self._surprise = 0.0  # running mean of the viscometer's, in expected spreads
        self._statistics = Innovations()

    def take_over(self, old: Estimator) -> None:
        """Go on from `old`: the same batch."""
        if isinstance(old, MixingEstimator):
            self.__dict__.update(old.__dict__)

    def update(self, request: PlanRequest, horizon: int) -> Estimate:
        """Take one cycle's readings in; the slow disturbances are held over the horizon."""
        notes: list[str] = []
        values = request.values
        if self._is_new(request):
            self.reset()
        u = np.array(
            [number(request.applied, t, self._model.nominal[t]) for t in self._model.inputs]
        )
        ambient = number(values, "mixer.ambient_temp", self._model.nominal["mixer.ambient_temp"])
        readings = self._readings(request)
        before = self._founded(values, ambient) if self._belief is None else self._belief
        alert = abs(self._surprise) > self._s["alert.level"]
        cycle = Cycle(
            request.now_s, before, u, ambient, readings, self._belief is None, alert=alert
        )
        self._refused: set[str] = set()
        self._belief = self._run(cycle)
        kept = {c: read for c, read in readings.items() if c not in self._refused}
        self._history.append(replace(cycle, readings=kept))
        self._last_s = request.now_s
        self._take_lab(request, notes)
        self._trim()
        notes += [f"{tag}: {count.text}" for tag, count in self._counts.items() if count.text]
        return self._now(ambient, horizon, notes)

    @property
    def belief(self) -> Belief:
        """The present estimate."""
        if self._belief is None:
            raise RuntimeError("the mixing estimator has not been given a reading yet")
        return self._belief

    def value(self, name: str) -> float:
        """One state or disturbance of the present estimate."""
        return float(self.belief.z[self._names.index(name)])

    # -- founding --------------------------------------------------------------------------------

    def _is_new(self, request: PlanRequest) -> bool:
        """Whether this is another batch, or too long a gap to bridge."""
        batch = int(number(request.values, "mixer.batch", float(self._batch or 0)))
        changed = self._batch is not None and batch != self._batch
        gap_s = math.inf if self._last_s is None else request.now_s - self._last_s
        mass = number(request.values, "mixer.mass", math.nan)
        charged = self._belief is not None and abs(mass - self.value("mixer.mass")) > 8.0
        if changed or not 0.0 < gap_s < 10.0 * self._period_s or charged:
            self._batch = batch
            return True
        self._batch = batch
        return False

    def _founded(self, values: Mapping[str, float | int | bool | str], ambient: float) -> Belief:
        """A first belief: thermometers and scales as read, viscosity by the inline viscometer."""
        model, s = self._model, self._s
        x = dict(zip(model.states, model.nominal_vector(model.states), strict=True))
        for tag in ("mixer.mass", "mixer.temp", "mixer.jacket_temp", "mixer.anchor_speed"):
            x[tag] = number(values, tag, x[tag])
        x["mixer.unblended"] = 0.0
        z = np.array([*x.values(), 0.0, 0.0, 0.0, 0.0, model.nominal["mixer.evaporation"]])
        seen = number(values, "mixer.viscosity", math.nan)
        if seen > 0.0:
            told, _ = self._filter.look(z, np.zeros(len(model.inputs)), ambient)
            expected = float(told[CHANNELS.index(PROBE)])
            z[self._names.index("d_visc")] = math.log(seen) - expected
        P = np.diag(founding_spread(s) ** 2)
        if seen > 0.0:  # the founding already used this reading: its error is the probe's
            i, j = self._names.index("d_visc"), self._names.index("d_probe")
            P[i, i] = s["start.probe"] ** 2 + s["noise.probe"] ** 2
            P[i, j] = P[j, i] = -(s["start.probe"] ** 2)
        return Belief(z, P)

    # -- filtering -------------------------------------------------------------------------------

    def _readings(self, request: PlanRequest) -> dict[str, tuple[float, float]]:
        """Usable readings by channel with their noise; viscosities as logarithms.

        A reading of uncertain quality is used with more noise.
        """
        found: dict[str, tuple[float, float]] = {}
        for tag, (channel, key) in READ.items():
            value = number(request.values, tag, math.nan)
            good = math.isfinite(value) and (value > 0.0 or not channel.startswith("ln "))
            if tag in self._counts:
                self._counts[tag].note(good=good)
            if good:
                uncertain = request.quality.get(tag) == UNCERTAIN
                noise = self._s[key] * (self._s["uncertain.noise"] if uncertain else 1.0)
                found[channel] = (math.log(value) if channel.startswith("ln ") else value, noise)
        return found

    def _run(self, cycle: Cycle, *, again: bool = False) -> Belief:
        """The belief after one cycle: model forward, then every reading, then lab samples."""
        belief = cycle.before
        if not cycle.first:
            ahead = self._filter.predict(belief, cycle.u, cycle.ambient_k, self._Q[cycle.alert])
            if np.isfinite(ahead.z).all() and np.isfinite(ahead.P).all():
                belief = ahead
        for channel, (read, noise) in cycle.readings.items():
            belief = self._take(belief, cycle, channel, read, noise, again=again)
        for ln_lab, noise_lab in cycle.lab:
            belief = self._take(belief, cycle, LAB, ln_lab, noise_lab, again=True)
        return Belief(self._bounded(belief.z), belief.P)

    def _take(
        self, belief: Belief, cycle: Cycle, channel: str, read: float, noise: float, *, again: bool
    ) -> Belief:
        """Take one reading in, unless it is hard to believe and has not repeated itself."""
        taken = self._filter.take(belief, cycle.u, cycle.ambient_k, channel, read, noise)
        e, spread = taken.surprise, taken.spread
        if not (math.isfinite(e) and spread > 0.0):
            return belief
        if not again:
            limit = self._s["doubt"] * spread
            if channel == PROBE:
                self._surprise += self._s["alert.share"] * (e / spread - self._surprise)
            self._odd[channel] = self._odd.get(channel, 0) + 1 if abs(e) > limit else 0
            if 0 < self._odd[channel] < self._s["repeats"]:
                self._refused.add(channel)
                return belief
            if not cycle.first:
                self._statistics.note(channel, e / spread)
        return taken.belief

    def _bounded(self, z: Vector) -> Vector:
        kept = z.copy()
        for name, (low, high) in BOUNDS.items():
            at = self._names.index(name)
            kept[at] = min(max(kept[at], low), high)
        return kept

    # -- the laboratory --------------------------------------------------------------------------

    def _take_lab(self, request: PlanRequest, notes: list[str]) -> None:
        """Apply a new lab result at the time its sample was taken, then run forward again."""
        lab = number(request.values, "mixer.lab_viscosity", math.nan)
        age_s = number(request.values, "mixer.lab_age", math.nan)
        count = int(number(request.values, "mixer.lab_number", -1.0))
        if count < 1 or count in self._lab_seen or not (lab > 0.0 and age_s >= 0.0):
            return
        self._lab_seen.add(count)
        taken_s = request.now_s - age_s
        first_s = self._history[0].now_s
        if taken_s < first_s - self._s["lab.memory"]:
            notes.append(f"lab sample {count}: too old to be used")
            return
        at = next(i for i, c in enumerate(self._history) if c.now_s >= taken_s)
        # A sample from before this estimate began may be out of date by what a lot can change.
        stale = self._s["walk.visc"] * math.sqrt(max(0.0, first_s - taken_s))
        noise = math.hypot(self._s["noise.lab"], stale)
        cycle = self._history[at]
        self._history[at] = replace(cycle, lab=(*cycle.lab, (math.log(lab), noise)))
        self._belief = self._run_again_from(at)
        notes.append(f"lab sample {count}: {lab:.2f} Pa s, applied {age_s / 60.0:.0f} min back")

    def _run_again_from(self, at: int) -> Belief:
        """The present belief after running every cycle from number `at` once more."""
        belief = self._history[at].before
        for i in range(at, len(self._history)):
            self._history[i] = replace(self._history[i], before=belief)
            belief = self._run(self._history[i], again=True)
        return belief

    def _trim(self) -> None:
        oldest_s = self._history[-1].now_s - self._s["lab.memory"]
        while self._history[0].now_s < oldest_s:
            self._history.popleft()

    def _best(self) -> Vector:
        """The estimate to be told: a kind of estimator may know better than the filter."""
        return self.belief.z

    def _now(self, ambient: float, horizon: int, notes: Sequence[str]) -> Estimate:
        z, model = self._best(), self._model
        known = dict(zip(self._names, z, strict=True)) | {"mixer.ambient_temp": ambient}
        p = np.array([known[name] for name in model.disturbances])
        silent = all(count.dropped for count in self._counts.values())
        told, slopes = self._filter.look(z, np.zeros(len(model.inputs)), ambient)
        slope = slopes[CHANNELS.index(LAB)]
        shown = {name: float(value) for name, value in known.items()}
        shown["mixer.viscosity_25c"] = math.exp(float(told[CHANNELS.index(LAB)]))
        shown["mixer.viscosity_25c.spread"] = surprise_spread(self.belief, slope, 0.0)
        shown |= self._statistics.told()
        notes = [*notes, self._filter.note] if self._filter.note else notes
        return Estimate(
            z[: len(model.states)].copy(),
            np.tile(p, (horizon + 1, 1)),
            ["mixer.viscosity_25c"] if silent else [],
            notes,
            shown=shown,
        )


def founding_spread(s: Parameters) -> Vector:
    """How wrong each state and disturbance may be when nothing but one reading is known."""
    known = [0.5, 0.005, 0.05, 0.002, 0.1, 0.2, 0.01]  # of the model's states, in their order
    keys = ("start.visc", "start.probe", "start.torque", "start.heat", "start.evaporation")
    return np.array([*known, *(s[key] for key in keys)])
