from __future__ import annotations

import pytest

from controller.coating_settings import COATING_SETTINGS
from controller.gain_filter import GainFilter
from plant_models.parameters import Parameters

SETTINGS = Parameters(COATING_SETTINGS)


def settled() -> GainFilter:
    learner = GainFilter(SETTINGS)
    for _ in range(200):
        learner.wait()
        learner.read(0.0, new_batch=False)
    return learner


def share_after(cycles: int, *, new_batch: bool = False) -> float:
    learner = settled()
    for _ in range(cycles):
        learner.wait()
    learner.read(0.01, new_batch=new_batch)
    return learner.value / 0.01


def test_the_steady_share_is_the_configured_one() -> None:
    assert share_after(1) == pytest.approx(SETTINGS["gauge.gain"], rel=1e-6)


def test_the_first_reading_is_believed_and_a_presumption_gives_way_to_it() -> None:
    learner = GainFilter(SETTINGS)
    learner.presume(0.05)
    assert learner.value == 0.05
    learner.read(0.02, new_batch=False)
    assert learner.value == 0.02
    learner.presume(0.05)
    assert learner.value == 0.02


def test_after_an_outage_more_is_believed_up_to_a_limit() -> None:
    shares = [share_after(cycles) for cycles in (1, 10, 40, 1000)]
    assert shares == sorted(shares)
    assert shares[2] > 0.5
    assert shares[3] == pytest.approx(SETTINGS["gauge.gain_most"])


def test_more_is_believed_while_a_new_batch_comes_by() -> None:
    assert share_after(1, new_batch=True) == pytest.approx(SETTINGS["gauge.gain_after_batch"])


def test_a_wild_reading_must_repeat_itself() -> None:
    learner = settled()
    for _ in range(int(SETTINGS["gauge.repeats"]) - 1):
        learner.wait()
        assert "waiting for another" in learner.read(0.2, new_batch=False)
        assert learner.value == 0.0
    learner.wait()
    assert learner.read(0.2, new_batch=False) == ""
    assert learner.value > 0.0
