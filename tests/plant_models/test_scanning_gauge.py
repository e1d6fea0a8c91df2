"""The scanning gauge: whole traverses, frozen values in outages, splices not measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from plant_models.coater_plant import coater_parameters
from plant_models.scanning_gauge import ScanningGauge
from plant_models.web import LANES, Web

PERFECT = {
    "coater.gauge.noise": 0.0,
    "coater.gauge.flutter": 0.0,
    "coater.gauge.bias": 0.0,
    "coater.gauge.drift": 0.0,
    "coater.gauge.standardise_every": 0.0,
    "coater.web.draw": 0.0,
}
COAT = 85.7e-3
SPEED = 1.0 / 6.0


def _coated_web() -> Web:
    web = Web(25.0, 0.25, 0.60, 295.15)
    web.dry[:] = COAT
    web.bare[:] = False
    return web


class _Bench:
    """A gauge over a web that somebody else coated."""

    def __init__(self, overrides: Mapping[str, float], seed: int = 3) -> None:
        self.parameters = coater_parameters(overrides)
        self.rng = np.random.default_rng(seed)
        self.gauge = ScanningGauge(self.parameters, self.rng)
        self.web = _coated_web()
        self.now_s = 0.0

    def valid(self) -> bool:
        return self.gauge.valid

    def run(self, seconds: float, speed: float = SPEED) -> None:
        for _ in range(int(seconds / 0.5)):
            self.now_s += 0.5
            self.gauge.scan(0.5, self.now_s, self.web, speed, self.rng.standard_normal(3).tolist())


def test_nothing_is_valid_before_the_first_whole_traverse() -> None:
    bench = _Bench(PERFECT)
    bench.run(4.0)
    assert not bench.valid()
    bench.run(4.0)
    assert bench.valid()
    assert bench.gauge.value_kg_m2 == pytest.approx(COAT)


def test_the_head_goes_to_and_fro_and_sees_the_profile() -> None:
    bench = _Bench(PERFECT)
    tilt = 0.02 * (np.arange(LANES) - 0.5 * (LANES - 1)) / LANES
    bench.web.profile[:] = 1.0 + tilt
    seen = {}
    for _ in range(60):
        bench.run(0.5)
        seen[round(bench.gauge.position_m, 3)] = bench.gauge.point_kg_m2
    positions = sorted(seen)
    assert positions[0] == pytest.approx(0.025)
    assert positions[-1] == pytest.approx(0.575)
    assert bench.gauge.value_kg_m2 == pytest.approx(COAT, rel=0.002)  # a tilt has no mean
    assert max(seen.values()) - min(seen.values()) == pytest.approx(COAT * 0.02, rel=0.25)


def test_one_traverse_takes_six_seconds_and_a_turn() -> None:
    bench = _Bench(PERFECT)
    turns, last = [], bench.gauge.position_m
    for step in range(120):
        bench.run(0.5)
        at_edge = bench.gauge.position_m in (0.025, pytest.approx(0.575))
        if at_edge and bench.gauge.position_m != last:
            turns.append(0.5 * step)
        last = bench.gauge.position_m
    assert np.diff(turns).mean() == pytest.approx(5.5 + 1.5, abs=0.6)


def test_noise_of_one_scan_is_near_0_055_g_m2() -> None:
    bench = _Bench(PERFECT | {"coater.gauge.noise": 0.15e-3})
    means = []
    for _ in range(300):
        bench.run(7.0)
        means.append(bench.gauge.value_kg_m2)
    assert 1e3 * float(np.std(means)) == pytest.approx(0.06, abs=0.015)


def test_an_outage_freezes_the_value_and_says_so() -> None:
    bench = _Bench(PERFECT)
    bench.run(20.0)
    bench.web.dry[:] = 1.1 * COAT
    bench.gauge.interrupt(30.0)
    bench.run(29.0)
    assert not bench.valid()
    assert bench.gauge.value_kg_m2 == pytest.approx(COAT)
    bench.run(20.0)
    assert bench.valid()
    assert bench.gauge.value_kg_m2 == pytest.approx(1.1 * COAT)


def test_standardisation_comes_on_its_schedule() -> None:
    bench = _Bench(PERFECT | {"coater.gauge.standardise_every": 600.0})
    valid = []
    for _ in range(3600):
        bench.run(0.5)
        valid.append(bench.valid())
    starts = [i for i in range(20, 3600) if valid[i - 1] and not valid[i]]
    assert len(starts) in (2, 3)
    assert np.diff(starts) == pytest.approx(1200, abs=2)  # 600 s in half seconds


def test_bare_web_and_a_stopped_web_are_not_measured() -> None:
    bench = _Bench(PERFECT)
    bench.run(20.0)
    bench.web.bare[:] = True
    bench.web.dry[:] = 0.0
    bench.run(20.0)
    assert not bench.valid()
    assert bench.gauge.value_kg_m2 == pytest.approx(COAT)
    bench.web = _coated_web()
    bench.run(20.0)
    assert bench.valid()
    bench.run(1.0, speed=0.0)
    assert not bench.valid()


def test_bias_drift_and_a_seeded_offset_add_up() -> None:
    bench = _Bench(PERFECT | {"coater.gauge.bias": 0.005, "coater.gauge.offset": 0.3e-3})
    bench.run(30.0)
    expected = COAT * (1.0 + 0.005 * bench.gauge.bias) + 0.3e-3
    assert bench.gauge.value_kg_m2 == pytest.approx(expected, rel=1e-6)
    drifting = _Bench(PERFECT | {"coater.gauge.drift": 1.2e-6})
    drifting.run(3600.0)
    assert 0.0 < abs(drifting.gauge.drift_kg_m2) < 0.3e-3
