"""The gauge's data boxes: the traverse as it was, nothing from the edge, honest noise."""

from __future__ import annotations

import numpy as np
import pytest

from plant_models.cd_profile import lane_centres_m
from plant_models.coater_plant import coater_parameters
from plant_models.gauge_boxes import BOXES, FIRST, LAST, GaugeBoxes
from plant_models.mismatch import mismatch
from plant_models.scanning_gauge import ScanningGauge
from plant_models.web import LANES, Web

QUIET = {
    "coater.gauge.noise": 0.0,
    "coater.gauge.flutter": 0.0,
    "coater.gauge.bias": 0.0,
    "coater.gauge.drift": 0.0,
    "coater.gauge.standardise_every": 0.0,
    "coater.web.draw": 0.0,
}
COAT = 85.7e-3


def _played(
    overrides: dict[str, float], seconds: float, bare_after_s: float = 1e9
) -> ScanningGauge:
    rng = np.random.default_rng(4)
    gauge, web = ScanningGauge(coater_parameters(overrides), rng), Web(25.0, 0.25, 0.60, 295.15)
    web.dry[:], web.bare[:] = COAT, False
    web.profile[:] = 1.0 + 0.02 * np.cos(7.0 * lane_centres_m(0.60))
    for step in range(int(seconds / 0.5)):
        web.bare[:] = 0.5 * step > bare_after_s
        gauge.scan(0.5, 0.5 * (step + 1), web, 1.0 / 6.0, rng.standard_normal(3).tolist())
    return gauge


def test_a_quiet_gauge_shows_the_profile_and_nothing_of_the_edge() -> None:
    gauge = _played(QUIET, 15.0)
    there = COAT * (1.0 + 0.02 * np.cos(7.0 * lane_centres_m(0.60)))
    assert gauge.boxes.scans == 2
    assert len(gauge.boxes.boxes_kg_m2) == BOXES == LANES - 2
    assert gauge.boxes.boxes_kg_m2 == pytest.approx(there[FIRST : LAST + 1])
    assert not gauge.boxes.forward  # the second traverse came back


def test_over_bare_web_the_last_whole_traverse_stays() -> None:
    gauge = _played(QUIET, 60.0, bare_after_s=15.0)
    assert gauge.boxes.scans == 2
    assert gauge.boxes.finished_s < 15.0
    assert not gauge.valid


def test_the_noise_of_the_boxes_of_a_step_averages_to_the_noise_of_its_point() -> None:
    boxes = GaugeBoxes(0.60, np.random.default_rng(1))
    lanes = np.full(LANES, COAT)
    spreads = []
    for _ in range(400):
        boxes.drop()
        boxes.cross(0.10, 0.15, 0.5, lanes, 1e-3, 0.15e-3)
        boxes.finish(0.0, forward=True, valid=True)
        crossed = boxes.boxes_kg_m2[3:5]
        assert crossed.mean() == pytest.approx(COAT + 1e-3, abs=1e-9)
        spreads.append(crossed[0] - COAT - 1e-3)
    assert np.std(spreads) == pytest.approx(0.15e-3 / np.sqrt(0.25) / np.sqrt(2.0), rel=0.15)


def test_a_lip_of_the_family_is_mapped_within_a_quarter_pitch() -> None:
    shifts = [mismatch(seed)["coater.cd.mapping_shift"] for seed in range(200)]
    assert max(np.abs(shifts)) <= 0.0125
    assert max(np.abs(shifts)) > 0.011
    gains = [mismatch(seed)["coater.cd.bolt_gain"] for seed in range(200)]
    assert 0.70 <= min(gains) < 0.75
    assert 1.25 < max(gains) <= 1.30
    assert mismatch(3, 0.0)["coater.cd.mapping_shift"] == 0.0
    assert mismatch(3, 0.0)["coater.cd.bolt_gain"] == 1.0
