"""Along and across told apart: better than 'one scan is the profile, its mean the coat weight'."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cd_filter import Point, ProfileFilter, Vector, Walks

BOXES, BOX_S, TURN_S = 22, 0.25, 1.5
WALKS = Walks(
    mean=8e-4, profile=1e-4, noise=3e-3, reach=3.0, mean_start=0.03, profile_start=0.02, doubt=6.0
)


def zigzag(scan: int) -> list[tuple[float, int]]:
    """Time and box of every point of a traverse; every other one goes back."""
    start_s = scan * (BOXES * BOX_S + TURN_S)
    order = range(BOXES) if scan % 2 == 0 else range(BOXES - 1, -1, -1)
    return [(start_s + i * BOX_S, box) for i, box in enumerate(order)]


def shape() -> Vector:
    """A profile of 1 % as lips make it, without a mean."""
    x = (np.arange(BOXES) + 0.5) / BOXES
    across: Vector = 0.01 * (np.cos(2.0 * math.pi * x) + 0.5 * np.cos(5.0 * math.pi * x))
    across -= across.mean()
    return across


def play(seed: int, missing: float, scans: int = 120) -> dict[str, float]:
    """Mean squares of the errors of both ways, over a web whose mean walks and swings.

    `missing` is the share of points that never came: gels, flutter, a joint.
    """
    rng, across = np.random.default_rng(seed), shape()
    filter_ = ProfileFilter(BOXES, WALKS)
    walk, last_s = 0.0, 0.0
    errors: dict[str, list[float]] = {"mean": [], "scan_mean": [], "profile": [], "scan": []}
    for scan in range(scans):
        points = []
        for time_s, box in zigzag(scan):
            walk += 5e-4 * math.sqrt(max(0.0, time_s - last_s)) * float(rng.standard_normal())
            last_s = time_s
            mean = walk + 0.004 * math.sin(2.0 * math.pi * time_s / 90.0)
            shown = mean + float(across[box]) + 3e-3 * float(rng.standard_normal())
            if rng.random() >= missing:
                points.append(Point(time_s, box, shown))
        filter_.take(points)
        if scan < 20:
            continue
        values = np.array([p.value for p in points])
        seen = across[[p.box for p in points]]
        errors["mean"].append((filter_.mean - mean) ** 2)
        errors["scan_mean"].append((values.mean() - mean) ** 2)
        errors["profile"].append(float(np.mean((filter_.profile - across) ** 2)))
        errors["scan"].append(float(np.mean((values - values.mean() - seen) ** 2)))
    return {name: float(np.mean(squares)) for name, squares in errors.items()}


@pytest.mark.parametrize(("missing", "mean_share"), [(0.0, 1.0), (0.3, 0.6)])
def test_mean_and_profile_are_both_better_than_one_scan_and_its_mean(
    missing: float, mean_share: float
) -> None:
    runs = [play(seed, missing) for seed in range(6)]
    for ours, theirs, share in (("mean", "scan_mean", mean_share), ("profile", "scan", 0.2)):
        assert all(run[ours] < run[theirs] for run in runs)
        assert np.mean([run[ours] for run in runs]) < share * np.mean([run[theirs] for run in runs])


def test_a_profile_never_gains_a_mean_and_the_covariance_stays_one() -> None:
    filter_ = ProfileFilter(BOXES, WALKS)
    rng = np.random.default_rng(3)
    for scan in range(50):
        filter_.take([Point(t, b, 0.02 * float(rng.standard_normal())) for t, b in zigzag(scan)])
    assert filter_.profile.sum() == pytest.approx(0.0, abs=1e-12)
    assert abs(float(filter_._x[1:].sum())) < 1e-9
    assert np.linalg.eigvalsh(filter_._P).min() > -1e-15
    assert np.allclose(filter_._P, filter_._P.T)


def test_an_outage_only_makes_it_less_sure() -> None:
    filter_ = ProfileFilter(BOXES, WALKS)
    across = shape()
    for scan in range(30):
        filter_.take([Point(t, b, float(across[b])) for t, b in zigzag(scan)])
    before, sure = filter_.profile, filter_.mean_sigma
    filter_.take([Point(zigzag(29)[-1][0] + 600.0, 4, math.nan)])
    assert np.array_equal(filter_.profile, before)
    filter_.take([Point(zigzag(29)[-1][0] + 600.0, 4, float(across[4]) + 0.01)])
    assert filter_.mean_sigma > sure
    assert filter_.mean == pytest.approx(0.01, abs=0.003)  # ten minutes: the mean has moved
    assert np.abs(filter_.profile - before).max() < 0.003


def test_a_bubble_is_left_out_and_a_right_filter_is_as_surprised_as_it_should_be() -> None:
    filter_ = ProfileFilter(BOXES, WALKS)
    rng, surprises = np.random.default_rng(5), []
    for scan in range(60):
        points = [Point(t, b, 3e-3 * float(rng.standard_normal())) for t, b in zigzag(scan)]
        surprises.append(filter_.take(points).surprise)
    assert 0.6 < np.mean(surprises[20:]) < 1.2
    before = filter_.profile
    taken = filter_.take([Point(zigzag(60)[0][0], 7, -0.2)])
    assert (taken.believed, taken.left_out) == (0, 1)
    assert np.array_equal(filter_.profile, before)


ODD = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(-0.2, 0.2))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(ODD, st.integers(-2, BOXES + 2), ODD), max_size=60))
def test_whatever_comes_in_the_estimate_stays_finite(raw: list[tuple[float, int, float]]) -> None:
    filter_ = ProfileFilter(BOXES, WALKS)
    taken = filter_.take([Point(t, b, v) for t, b, v in raw])
    assert taken.believed + taken.left_out == len(raw)
    assert math.isfinite(filter_.mean)
    assert np.isfinite(filter_.profile).all()
    assert filter_.mean_sigma >= 0.0
