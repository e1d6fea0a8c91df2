"""The coating estimator against a small honest plant: a pure delay in metres of web."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from controller.coating_estimator import CoatingEstimator
from controller.coating_settings import COATING_SETTINGS
from controller.plan import PlanRequest
from plant_models.coating_control import control_model
from plant_models.parameters import Parameters
from tests.controller.models import COAT, GAP, RATIO, TARGET, TRIM, request

PERIOD = 8.0
SPEED = 10.0 / 60.0


class DelayPlant:
    """Coat weight = gain x ratio x solids at the die; the gauge sees it `metres` later."""

    def __init__(self, gain: float = 1.0, metres: float = 25.0, noise: float = 0.0) -> None:
        model = control_model()
        u = model.nominal_vector(model.inputs)
        p = model.nominal_vector(model.disturbances)
        self.x = model.steady_state(u, p)
        per = float(model.observe(self.x, u, p)[COAT] / u[0] / 0.42)
        self.per: float = per * gain
        self.metres, self.noise = metres, noise
        self.speed = SPEED
        self.length = 1000.0
        self.now_s = 0.0
        self.solids = 0.42
        self.random = random.Random(5)
        self.laid: list[tuple[float, float]] = []
        self.gauge_valid = True

    def run(self, ratio: float, solids_at_die: float | None = None) -> float:
        """One period; returns the coat weight at the die."""
        coat = self.per * ratio * (self.solids if solids_at_die is None else solids_at_die)
        for _ in range(8):
            self.length += self.speed * PERIOD / 8
            self.laid.append((self.length, coat))
        self.now_s += PERIOD
        return coat

    def gauge(self) -> float:
        """Mean of one traverse of 6 s that ended 3 s ago."""
        newest = self.length - self.metres - 3.0 * self.speed
        oldest = newest - 6.0 * self.speed
        seen = [coat for at, coat in self.laid if oldest <= at <= newest]
        coat = math.fsum(seen) / len(seen) if seen else self.per * 2.6 * 0.42
        return coat * (1.0 + self.noise * self.random.gauss(0.0, 1.0))

    def values(self) -> dict[str, float | bool]:
        return {
            COAT: self.gauge(),
            "coater.gauge_valid": self.gauge_valid,
            "coater.line_speed": self.speed,
            "coater.web_length": self.length,
            "coater.feed_solids": self.solids,
            "coater.feed_batch": 1,
            "coater.feed_temp": 298.15,
        }

    def ask(self, ratio: float, **changes: float | bool) -> PlanRequest:
        return request(
            "coating",
            self.now_s,
            self.values() | changes,
            {RATIO: ratio, GAP: 280e-6, TRIM: 0.0},
        )


def estimator(**settings: float) -> CoatingEstimator:
    overrides = {name.replace("__", "."): value for name, value in settings.items()}
    return CoatingEstimator(
        control_model(),
        Parameters(COATING_SETTINGS, overrides),
        PERIOD,
        bad_cycles=12,
        target_kg_m2=TARGET,
        late_zones_k=(363.15, 368.15),
    )


def settle(
    plant: DelayPlant, seen: CoatingEstimator, cycles: int = 60, ratio: float = 2.6
) -> float:
    """Run at a constant ratio; returns the predicted coat weight at the die."""
    now = None
    for _ in range(cycles):
        plant.run(ratio)
        now = seen.update(plant.ask(ratio), 5)
    assert now is not None
    model = control_model()
    u = np.array([ratio, 280e-6, 0.0])
    return model.observe(now.state, u, now.disturbances[0])[COAT]


@pytest.mark.parametrize("gain", [0.9, 1.0, 1.1])
def test_the_estimate_is_free_of_offset_whatever_the_gain(gain: float) -> None:
    plant = DelayPlant(gain=gain)
    predicted = settle(plant, estimator())
    assert predicted == pytest.approx(plant.per * 2.6 * 0.42, rel=1e-4)


@pytest.mark.parametrize("metres", [20.0, 25.0, 30.0])
@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_a_dead_beat_loop_on_the_estimate_is_stable_with_wrong_gain_and_delay(
    gain: float, metres: float
) -> None:
    plant, seen, model = DelayPlant(gain=gain, metres=metres), estimator(), control_model()
    ratio, coats = 2.45, []
    for _ in range(260):
        coats.append(plant.run(ratio))
        now = seen.update(plant.ask(ratio), 1)
        u = np.array([ratio, 280e-6, 0.0])
        ratio *= TARGET / model.observe(now.state, u, now.disturbances[0])[COAT]
        ratio = min(max(ratio, 2.2), 3.1)
    late = np.array(coats[-60:])
    assert np.mean(late) == pytest.approx(TARGET, rel=1e-3)
    assert np.ptp(late) < 1e-3 * TARGET


def test_the_delay_is_metres_so_a_speed_change_is_no_surprise() -> None:
    plant, seen = DelayPlant(gain=1.05), estimator()
    settle(plant, seen)
    before = seen.gain
    for cycle in range(60):
        plant.speed = SPEED * (0.7 if cycle < 30 else 1.2)
        plant.run(2.6 + 0.1 * math.sin(0.5 * cycle))  # moves that come by at changing times
        seen.update(plant.ask(2.6 + 0.1 * math.sin(0.5 * cycle)), 1)
        assert seen.gain == pytest.approx(before, abs=4e-3)


def test_an_outage_does_not_bump_and_drops_only_after_its_patience() -> None:
    plant, seen = DelayPlant(gain=1.03), estimator()
    settle(plant, seen)
    learnt = seen.gain
    plant.gauge_valid = False
    for cycle in range(1, 20):
        plant.run(2.6)
        now = seen.update(plant.ask(2.6, **{COAT: 0.05}), 1)  # it shows nonsense meanwhile
        assert seen.gain == learnt
        assert (COAT in now.dropped) == (cycle > 12)
        assert any("no good reading" in note for note in now.notes)
    plant.gauge_valid = True
    plant.run(2.6)
    now = seen.update(plant.ask(2.6), 1)
    assert COAT not in now.dropped
    assert seen.gain == pytest.approx(learnt, abs=1e-4)


def test_the_longer_the_gauge_was_away_the_more_its_first_reading_counts() -> None:
    """What changed meanwhile comes in at once, but never more than `gauge.gain_most` of it."""
    shares = []
    for away in (10, 40, 200):
        plant, seen = DelayPlant(), estimator()
        settle(plant, seen, cycles=120)
        before = seen.gain
        plant.per *= 1.01
        for i in range(max(away, 40)):  # until the changed coat has come by the gauge
            plant.gauge_valid = i < max(away, 40) - away
            plant.run(2.6)
            seen.update(plant.ask(2.6), 1)
            if plant.gauge_valid:
                before = seen.gain
        plant.gauge_valid = True
        plant.run(2.6)
        seen.update(plant.ask(2.6), 1)
        left = math.log(plant.gauge() / (plant.per / 1.01 * 2.6 * 0.42)) - before
        shares.append((seen.gain - before) / left)
    assert shares[0] > 0.15
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.6, abs=0.02)


def test_a_missing_gauge_is_an_outage_too() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen)
    learnt = seen.gain
    body = plant.ask(2.6)
    plant.run(2.6)
    without = {tag: value for tag, value in plant.values().items() if tag != COAT}
    now = seen.update(request("coating", plant.now_s, without, body.applied), 1)
    assert seen.gain == learnt
    assert f"{COAT}: no good reading for 1 cycle, predicted" in now.notes


def test_one_wild_reading_is_not_believed_and_a_lasting_one_is() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen)
    learnt = seen.gain
    plant.run(2.6)
    seen.update(plant.ask(2.6, **{COAT: 1.06 * plant.gauge()}), 1)
    assert seen.gain == learnt
    for _ in range(40):
        plant.run(2.6)
        seen.update(plant.ask(2.6, **{COAT: 1.06 * plant.gauge()}), 1)
    assert seen.gain == pytest.approx(learnt + math.log(1.06), abs=1e-3)


def test_a_change_of_solids_is_fed_forward_in_part_and_when_it_reaches_the_die() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen)
    model = control_model()
    at = model.disturbances.index("coater.feed_solids")
    nominal = 0.42
    plant.solids = 0.425
    courses = []
    for _ in range(40):
        plant.run(2.6, solids_at_die=0.42)
        courses.append(seen.update(plant.ask(2.6), 20).disturbances[:, at])
    assert courses[2][0] == pytest.approx(nominal, abs=1e-5)  # still in the hose
    assert courses[2][-1] > nominal + 1e-3  # but known to come
    trusted = Parameters(COATING_SETTINGS)["solids.trust"]
    assert courses[-1][0] == pytest.approx(nominal + trusted * 0.005, abs=2e-5)


def test_a_solids_reading_that_jumps_beyond_any_batch_is_not_believed() -> None:
    plant, seen = DelayPlant(), estimator()
    settle(plant, seen)
    at = control_model().disturbances.index("coater.feed_solids")
    plant.run(2.6)
    now = seen.update(plant.ask(2.6, **{"coater.feed_solids": 0.50}), 20)
    assert now.disturbances[-1, at] == pytest.approx(0.42, abs=1e-5)


def test_a_fresh_estimator_believes_the_gauge_at_once() -> None:
    plant = DelayPlant(gain=1.08)
    for _ in range(60):
        plant.run(2.6)
    seen = estimator()
    now = seen.update(plant.ask(2.6), 1)
    model = control_model()
    predicted = model.observe(now.state, np.array([2.6, 280e-6, 0.0]), now.disturbances[0])[COAT]
    assert predicted == pytest.approx(plant.per * 2.6 * 0.42, rel=1e-3)


def test_a_fresh_estimator_without_a_gauge_believes_the_line_is_on_target() -> None:
    plant, seen = DelayPlant(gain=1.08), estimator()
    plant.gauge_valid = False
    plant.run(2.6)
    now = seen.update(plant.ask(2.6), 1)
    model = control_model()
    predicted = model.observe(now.state, np.array([2.6, 280e-6, 0.0]), now.disturbances[0])[COAT]
    assert predicted == pytest.approx(TARGET, rel=1e-6)


def test_what_is_underway_is_shown_when_it_will_be_read() -> None:
    plant, seen = DelayPlant(gain=1.02), estimator()
    settle(plant, seen)
    now = seen.update(plant.ask(2.6), 1)
    way = now.underway[COAT]
    assert way.delay_s == pytest.approx(150.0)
    assert way.times_s[0] == plant.now_s
    assert len(way.times_s) == len(way.values) == 19
    assert way.values[0] == pytest.approx(plant.gauge(), rel=1e-3)


def test_a_web_that_stands_is_not_controlled() -> None:
    plant, seen = DelayPlant(), estimator()
    plant.run(2.6)
    now = seen.update(plant.ask(2.6, **{"coater.line_speed": 0.0}), 1)
    assert now.waiting == "the web stands"


def test_pressure_and_residual_are_free_of_offset() -> None:
    plant, seen, model = DelayPlant(), estimator(), control_model()
    now = None
    for _ in range(80):
        plant.run(2.6)
        extra = {"coater.die_pressure": 2.5e5, "coater.residual_solvent": 400e-6}
        now = seen.update(plant.ask(2.6, **extra), 1)
    assert now is not None
    told = model.observe(now.state, np.array([2.6, 280e-6, 0.0]), now.disturbances[0])
    assert told["coater.die_pressure"] == pytest.approx(2.5e5, rel=2e-3)
    assert told["coater.residual_solvent"] == pytest.approx(400e-6, rel=2e-2)


def test_after_a_long_silence_it_starts_afresh() -> None:
    plant, seen = DelayPlant(gain=1.05), estimator()
    settle(plant, seen)
    plant.now_s += 600.0
    plant.length += 100.0
    plant.per *= 1.04
    for _ in range(3):
        plant.laid.append((plant.length - 28.0, plant.per * 2.6 * 0.42))
    seen.update(plant.ask(2.6), 1)
    assert len(seen.web._stretches) == 1
