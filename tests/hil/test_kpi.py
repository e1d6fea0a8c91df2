from __future__ import annotations

import math

import pytest

from hil import kpi

T = [float(second) for second in range(0, 1000, 2)]


def test_sigma_of_a_sine_is_its_amplitude_over_root_two() -> None:
    wave = [3.0 + 0.5 * math.sin(2 * math.pi * t / 100.0) for t in T]
    assert kpi.sigma(wave) == pytest.approx(0.5 / math.sqrt(2.0))
    assert kpi.mean(wave) == pytest.approx(3.0)


def test_off_spec_counts_metres_and_not_samples() -> None:
    web = [0.1 * t for t in T]  # 0.1 m/s
    errors = [0.02 if 200.0 <= t < 300.0 else 0.001 for t in T]
    assert kpi.off_spec(kpi.steps(web), errors, 0.01) == pytest.approx(10.0)


def test_a_value_that_is_no_number_is_off_spec() -> None:
    assert kpi.off_spec([1.0, 1.0], [math.nan, 0.0], 0.01) == 1.0


def test_recovery_of_an_exponential_is_its_logarithm() -> None:
    errors = [0.0 if t < 100 else 0.05 * math.exp(-(t - 100.0) / 60.0) for t in T]
    found = kpi.recovery(T, errors, 0.01, (100.0, 1000.0), dwell_s=120.0)
    assert found.peak == pytest.approx(0.05)
    assert found.after_s == pytest.approx(60.0 * math.log(5.0), abs=2.0)


def test_an_event_that_never_leaves_the_band_needs_no_recovery() -> None:
    found = kpi.recovery(T, [0.005] * len(T), 0.01, (100.0, 1000.0), 120.0)
    assert found.after_s == 0.0


def test_a_short_visit_to_the_band_is_no_recovery() -> None:
    errors = [0.02 if 100 <= t < 300 or 340 <= t < 500 else 0.0 for t in T]
    found = kpi.recovery(T, errors, 0.01, (100.0, 1000.0), dwell_s=120.0)
    assert found.after_s == pytest.approx(398.0)


def test_leaving_the_band_again_long_after_is_another_matter() -> None:
    errors = [0.02 if 100 <= t < 200 or 700 <= t < 800 else 0.0 for t in T]
    found = kpi.recovery(T, errors, 0.01, (100.0, 1000.0), dwell_s=120.0)
    assert found.after_s == pytest.approx(98.0)


def test_what_is_still_outside_at_the_end_has_not_recovered() -> None:
    errors = [0.02 if t >= 100 else 0.0 for t in T]
    assert kpi.recovery(T, errors, 0.01, (100.0, 1000.0), 120.0).after_s is None


def test_travel_adds_moves_both_ways() -> None:
    assert kpi.travel([1.0, 3.0, 2.5, 2.5]) == pytest.approx(2.5)


def test_the_interval_is_students() -> None:
    middle, half = kpi.interval_95([1.0, 2.0, 3.0, 4.0, 5.0])
    assert middle == 3.0
    assert half == pytest.approx(2.776 * math.sqrt(2.5) / math.sqrt(5.0))
    assert math.isnan(kpi.interval_95([1.0])[1])


def test_windows_are_half_open() -> None:
    assert kpi.inside([0.0, 1.0, 2.0, 3.0], [(1.0, 2.0), (3.0, 4.0)]) == [1, 3]


def test_smoothing_takes_a_pulse_away_and_leaves_a_ramp_half_a_span_late() -> None:
    ramp = [1e-4 * t + (0.01 if i % 2 else -0.01) for i, t in enumerate(T)]
    calm = kpi.smoothed(T, ramp, 60.0)
    assert calm[-1] == pytest.approx(1e-4 * (T[-1] - 29.0), abs=1e-6)
