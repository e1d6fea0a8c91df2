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
from typing import NamedTuple

import numpy as np

from controller.estimate import Estimate, Estimator
from controller.innovations import Innovations
from controller.kalman import Belief
from controller.mixing_channels import (
    CHANNELS,
    LAB,
    PROBE,
    READ,
    WALKERS,
    WALKS,
)
from controller.mixing_filter import MixingFilter, Taken
from controller.plan import PlanRequest
from controller.readings import BadCount, number
from plant_models.control_model import ControlModel, Vector
from plant_models.parameters import Parameters

UNCERTAIN = 1  # of the qualities 0 bad, 1 uncertain, 2 good
NO_DOUBT = np.full(len(CHANNELS), math.inf)


class Cycle(NamedTuple):
    """What one cycle read, and what was believed before it: enough to run it again."""

    now_s: float
    before: Belief
    u: Vector
    ambient_k: float
    y: Vector  # readings in the order of CHANNELS, the laboratory's of this time among them
    weight: Vector  # one over the noise of each; zero: nothing was read, or it was not believed
    first: bool  # nothing was known before: the belief is a founding, not a prediction
    alert: bool  # surprises all pointed one way: something new is in the vessel


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
        self._mass = self._names.index("mixer.mass")
        self._known = (*self._names, "mixer.ambient_temp")
        self._nominal = [(tag, model.nominal[tag]) for tag in model.inputs]
        self._at_rest = np.zeros(len(model.inputs))
        self._doubt = [math.inf if c == LAB else settings["doubt"] for c in CHANNELS]
        self._usual_doubt = np.array(self._doubt)
        self._most = settings["repeats"] - 1
        self._reads = [
            (tag, CHANNELS.index(channel), channel.startswith("ln "), 1.0 / settings[key])
            for tag, (channel, key) in READ.items()
        ]
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
        self._taken: Taken | None = None  # what the last cycle came to
        self._last_s: float | None = None
        self._lab_seen: set[int] = set()
        self._batch: int | None = None
        self._odd = [0] * len(CHANNELS)  # surprises in a row that were too large to believe
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
        u = np.array([number(request.applied, tag, usual) for tag, usual in self._nominal])
        ambient = number(values, "mixer.ambient_temp", self._model.nominal["mixer.ambient_temp"])
        y, weight = self._readings(request)
        first = self._taken is None
        before = self._founded(values, ambient) if self._taken is None else self._taken.belief
        alert = abs(self._surprise) > self._s["alert.level"]
        cycle = Cycle(request.now_s, before, u, ambient, y, weight, first, alert)
        taken = self._run(cycle, self._doubts())
        self._judge(cycle, taken.surprises)
        self._taken = taken
        self._history.append(cycle)
        self._last_s = request.now_s
        self._take_lab(request, notes)
        self._trim()
        for tag, bad in self._counts.items():
            if bad.missing:
                notes.append(f"{tag}: {bad.text}")
        return self._now(ambient, horizon, notes)

    @property
    def belief(self) -> Belief:
        """The present estimate."""
        return self._now_taken.belief

    @property
    def _now_taken(self) -> Taken:
        if self._taken is None:
            raise RuntimeError("the mixing estimator has not been given a reading yet")
        return self._taken

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
        charged = self._taken is not None and abs(mass - self.belief.z[self._mass]) > 8.0
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
            told, _ = self._filter.look(
                Belief(z, np.zeros((len(z), len(z)))), self._at_rest, ambient
            )
            expected = float(told[CHANNELS.index(PROBE)])
            z[self._names.index("d_visc")] = math.log(seen) - expected
        P = np.diag(founding_spread(s) ** 2)
        if seen > 0.0:  # the founding already used this reading: its error is the probe's
            i, j = self._names.index("d_visc"), self._names.index("d_probe")
            P[i, i] = s["start.probe"] ** 2 + s["noise.probe"] ** 2
            P[i, j] = P[j, i] = -(s["start.probe"] ** 2)
        return Belief(z, P)

    # -- filtering -------------------------------------------------------------------------------

    def _readings(self, request: PlanRequest) -> tuple[Vector, Vector]:
        """Usable readings by channel, and one over their noise; viscosities as logarithms.

        A reading of uncertain quality is used with more noise.
        """
        y, weight = [0.0] * len(CHANNELS), [0.0] * len(CHANNELS)
        for tag, at, logarithm, certain in self._reads:
            value = number(request.values, tag, math.nan)
            good = value > 0.0 if logarithm else math.isfinite(value)
            if tag in self._counts:
                self._counts[tag].note(good=good)
            if good:
                uncertain = request.quality.get(tag) == UNCERTAIN
                y[at] = math.log(value) if logarithm else value
                weight[at] = certain / self._s["uncertain.noise"] if uncertain else certain
        return np.array(y), np.array(weight)

    def _run(self, cycle: Cycle, doubt: Vector) -> Taken:
        """The belief after one cycle: model forward, then every reading less odd than `doubt`.

        Where that gives no number the model stands still, and at worst nothing is read either.
        """
        given = cycle.u, cycle.ambient_k
        read = cycle.y, cycle.weight, doubt
        start = cycle.before
        taken = self._filter.run(
            start, *given, None if cycle.first else self._Q[cycle.alert], *read
        )
        if not taken.sound:
            taken = self._filter.run(start, *given, None, *read)
        if not taken.sound:
            taken = self._filter.run(start, *given, None, cycle.y, np.zeros(len(CHANNELS)), doubt)
        return taken

    def _doubts(self) -> Vector:
        """How many spreads each surprise may measure: any number where it has repeated itself."""
        if not any(self._odd):
            return self._usual_doubt
        pairs = zip(self._odd, self._doubt, strict=True)
        return np.array([math.inf if odd >= self._most else doubt for odd, doubt in pairs])

    def _judge(self, cycle: Cycle, surprises: Sequence[float]) -> None:
        """Strike out what was hard to believe and has not repeated itself; keep the statistics."""
        for at, (channel, e, weight) in enumerate(
            zip(CHANNELS, surprises, cycle.weight.tolist(), strict=True)
        ):
            if not (weight > 0.0 and math.isfinite(e)):
                continue
            if channel == PROBE:
                self._surprise += self._s["alert.share"] * (e - self._surprise)
            odd = self._odd[at] = self._odd[at] + 1 if abs(e) > self._doubt[at] else 0
            if 0 < odd <= self._most:
                cycle.weight[at] = 0.0
            elif not cycle.first:
                self._statistics.note(channel, e)

    # -- the laboratory --------------------------------------------------------------------------

    def _take_lab(self, request: PlanRequest, notes: list[str]) -> None:
        """Apply a new lab result at the time its sample was taken, then run forward again."""
        count = int(number(request.values, "mixer.lab_number", -1.0))
        if count < 1 or count in self._lab_seen:
            return
        lab = number(request.values, "mixer.lab_viscosity", math.nan)
        age_s = number(request.values, "mixer.lab_age", math.nan)
        if not (lab > 0.0 and age_s >= 0.0):
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
        self._history[at] = _with_sample(self._history[at], math.log(lab), noise)
        self._taken = self._run_again_from(at)
        notes.append(f"lab sample {count}: {lab:.2f} Pa s, applied {age_s / 60.0:.0f} min back")

    def _run_again_from(self, at: int) -> Taken:
        """What the present cycle comes to after running every one from number `at` once more."""
        taken = self._run(self._history[at], NO_DOUBT)
        for i in range(at + 1, len(self._history)):
            self._history[i] = self._history[i]._replace(before=taken.belief)
            taken = self._run(self._history[i], NO_DOUBT)
        return taken

    def _trim(self) -> None:
        oldest_s = self._history[-1].now_s - self._s["lab.memory"]
        while self._history[0].now_s < oldest_s:
            self._history.popleft()

    def _best(self) -> tuple[Vector, tuple[float, float]]:
        """The estimate to be told, and the ln viscosity with its spread.

        A kind of estimator may know better than the filter.
        """
        return self._now_taken.belief.z, self._now_taken.seen

    def _now(self, ambient: float, horizon: int, notes: Sequence[str]) -> Estimate:
        z, (viscosity, spread) = self._best()
        model = self._model
        silent = all(count.dropped for count in self._counts.values())
        shown = dict(zip(self._known, [*z.tolist(), ambient], strict=True))
        held = np.empty((horizon + 1, len(model.disturbances)))
        held[...] = [shown[name] for name in model.disturbances]
        shown["mixer.viscosity_25c"] = math.exp(viscosity)
        shown["mixer.viscosity_25c.spread"] = spread
        shown.update(self._statistics.told())
        notes = [*notes, self._filter.note] if self._filter.note else notes
        return Estimate(
            z[: len(model.states)].copy(),
            held,
            ["mixer.viscosity_25c"] if silent else [],
            notes,
            shown=shown,
        )


def _with_sample(cycle: Cycle, ln_lab: float, noise: float) -> Cycle:
    """`cycle` with a laboratory sample; several of one time count as their weighted mean."""
    y, weight, at = cycle.y.copy(), cycle.weight.copy(), CHANNELS.index(LAB)
    total = weight[at] ** 2 + noise**-2.0
    y[at] += (ln_lab - y[at]) * noise**-2.0 / total
    weight[at] = total**0.5
    return cycle._replace(y=y, weight=weight)


def founding_spread(s: Parameters) -> Vector:
    """How wrong each state and disturbance may be when nothing but one reading is known."""
    known = [0.5, 0.005, 0.05, 0.002, 0.1, 0.2, 0.01]  # of the model's states, in their order
    keys = ("start.visc", "start.probe", "start.torque", "start.heat", "start.evaporation")
    return np.array([*known, *(s[key] for key in keys)])
