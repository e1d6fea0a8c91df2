from __future__ import annotations

import math

import pytest

from controller.feed_memory import FeedMemory, FeedSample
from controller.web_memory import WebMemory


def test_the_web_remembers_by_metres() -> None:
    web = WebMemory()
    web.fill(100.0, 0.080, 1)
    web.lay(101.0, 0.085, 1)
    web.lay(103.0, 0.090, 2)
    assert web.mean(90.0, 99.0) == pytest.approx(0.080)
    assert web.mean(100.0, 103.0) == pytest.approx((0.085 + 2 * 0.090) / 3)
    assert web.batch_at(101.0) == 1
    assert web.batch_at(101.5) == 2


def test_web_that_was_never_laid_is_not_known() -> None:
    web = WebMemory()
    assert web.mean(0.0, 1.0) is None
    web.fill(100.0, 0.080, 1)
    assert web.mean(100.0, 101.0) is None
    assert web.batch_at(101.0) is None


def test_web_that_stands_or_goes_back_lays_nothing() -> None:
    web = WebMemory()
    web.fill(100.0, 0.080, 1)
    web.lay(100.0, 0.2, 1)
    web.lay(90.0, 0.2, 1)
    assert web.end_m == 100.0


def test_old_web_is_forgotten() -> None:
    web = WebMemory()
    web.fill(0.0, 0.08, 1)
    for metre in range(1, 400):
        web.lay(float(metre), 0.08, 1)
    assert len(web._stretches) < 130
    assert web.mean(100.0, 110.0) is None


def hose() -> FeedMemory:
    memory = FeedMemory(plug_m3=1.8e-3, mixed_m3=0.5e-3, span_m3=0.4e-3)
    memory.fill(FeedSample(0.42, 298.0, 1))
    return memory


def test_a_new_batch_reaches_the_die_after_the_hose_volume() -> None:
    memory, arrived = hose(), None
    for step in range(1, 60):
        memory.pump(0.1e-3, FeedSample(0.43, 298.0, 2))
        at_die = memory.at_die()
        assert at_die is not None
        if arrived is None and at_die.solids > 0.42 + 0.5 * 0.01:
            arrived = step * 0.1e-3
    assert arrived == pytest.approx(1.8e-3 + 0.5e-3 * math.log(2.0), abs=0.15e-3)
    last = memory.at_die()
    assert last is not None
    assert last.solids == pytest.approx(0.43, abs=1e-4)
    assert last.batch == 2


def test_the_hose_knows_what_comes() -> None:
    memory = hose()
    for _ in range(10):
        memory.pump(0.1e-3, FeedSample(0.43, 300.0, 2))
    seen_ahead = memory.ahead(0.1e-3, 40)
    for course in seen_ahead[1:]:
        memory.pump(0.1e-3, FeedSample(0.43, 300.0, 2))
        at_die = memory.at_die()
        assert at_die is not None
        assert course.solids == pytest.approx(at_die.solids, abs=1e-9)
        assert course.temp_k == pytest.approx(at_die.temp_k, abs=1e-6)


def test_noise_of_the_meter_is_averaged_but_batches_are_not_mixed() -> None:
    memory = hose()
    for step in range(200):
        memory.pump(0.05e-3, FeedSample(0.42 + 0.001 * (-1) ** step, 298.0, 1))
    at_die = memory.at_die()
    assert at_die is not None
    assert at_die.solids == pytest.approx(0.42, abs=2e-4)


def test_an_empty_memory_says_so() -> None:
    memory = FeedMemory(1e-3, 1e-3, 1e-4)
    assert memory.at_die() is None
    assert memory.ahead(1e-4, 3) == []
