"""Differences plant by plant, against numbers from a table."""

from __future__ import annotations

import math

import pytest

from hil.paired import change_percent, paired, spread


def test_differences_on_the_same_plants_see_what_two_means_do_not() -> None:
    theirs = [10.0, 20.0, 30.0, 40.0, 50.0]
    ours = [9.0, 19.1, 28.9, 39.0, 49.0]
    found = paired(ours, theirs)
    assert found.difference == pytest.approx(-1.0)
    # sd of (-1, -0.9, -1.1, -1, -1) is 0.0707; t(4) = 2.776
    assert found.half == pytest.approx(2.776 * 0.070711 / math.sqrt(5), rel=1e-3)
    assert found.verdict == "better"
    assert paired(theirs, ours).verdict == "worse"


def test_a_difference_within_its_interval_is_a_tie() -> None:
    assert paired([1.0, 3.0, 2.0], [2.0, 2.0, 2.1]).verdict == "tie"
    assert paired([1.0], [2.0]).verdict == "tie", "one plant says nothing"
    assert paired([], []).verdict == "tie"
    same = paired([1.0, 2.0], [1.0, 2.0])
    assert (same.verdict, same.half) == ("tie", 0.0)


def test_a_target_is_met_only_beyond_its_share() -> None:
    theirs = [100.0, 110.0, 90.0, 105.0]
    assert paired([60.0, 66.0, 55.0, 62.0], theirs, share=0.7).verdict == "better"
    assert paired([80.0, 88.0, 71.0, 84.0], theirs, share=0.7).verdict == "worse"
    assert paired([80.0, 50.0, 90.0, 55.0], theirs, share=0.7).verdict == "tie"


def test_spread_over_plants() -> None:
    deviation, half = spread([1.0, 2.0, 3.0, 4.0, 5.0])
    assert deviation == pytest.approx(1.58114, rel=1e-4)
    assert half == pytest.approx(1.96 * 1.58114 / math.sqrt(8), rel=1e-4)
    assert math.isnan(spread([1.0])[0])


def test_change_of_the_mean() -> None:
    assert change_percent([5.0, 7.0], [10.0, 10.0]) == pytest.approx(-40.0)
    assert math.isnan(change_percent([1.0], [0.0]))
