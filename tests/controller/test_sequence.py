"""The line's day, as the controller follows it, and what a start-up teaches the estimator."""

from __future__ import annotations

import math

import pytest

from controller.sequence import CoatingSequence, Moment, Phase
from tests.controller.test_coating_estimator import DelayPlant, estimator

GAUGE_M = 25.0


class Line:
    """Plays die, web and gauge for the sequence, two metres a cycle."""

    def __init__(self) -> None:
        self.sequence = CoatingSequence(GAUGE_M, settled=7)
        self.length_m, self.batch = 0.0, 1

    def run(self, metres: float, *, die_in: bool = True, good: bool = True) -> list[Moment]:
        moments = []
        for _ in range(round(metres / 2.0)):
            self.length_m += 2.0
            values = {"coater.die_in": die_in, "coater.feed_batch": self.batch}
            moments.append(
                self.sequence.update(values, self.length_m, moving=metres > 0.0, good=good)
            )
        return moments


def phases(moments: list[Moment]) -> list[Phase]:
    return list(dict.fromkeys(moment.phase for moment in moments))


def test_a_cold_line_starts_up_until_the_gauge_has_settled() -> None:
    line = Line()
    assert phases(line.run(10.0, die_in=False, good=False)) == [Phase.STANDSTILL]
    assert phases(line.run(26.0, good=False)) == [Phase.START_UP]
    first = line.run(2.0)[0]
    assert first.edge
    assert first.fresh == 0
    assert [moment.fresh for moment in line.run(6.0)] == [1, 2, 3]
    assert phases(line.run(20.0)) == [Phase.START_UP, Phase.PRODUCTION]


def test_a_lift_of_the_die_on_the_run_is_a_splice_until_the_bare_web_has_passed() -> None:
    line = Line()
    assert phases(line.run(20.0)) == [Phase.PRODUCTION]
    assert phases(line.run(2.0, die_in=False)) == [Phase.SPLICE]
    assert phases(line.run(24.0)) == [Phase.SPLICE]
    assert phases(line.run(20.0)) == [Phase.SPLICE, Phase.PRODUCTION]
    assert all(moment.fresh >= 7 for moment in line.run(4.0))


def test_a_new_batch_is_one_until_it_has_passed_the_gauge() -> None:
    line = Line()
    line.run(20.0)
    line.batch = 2
    assert phases(line.run(28.0)) == [Phase.BATCH_CHANGE]
    assert phases(line.run(20.0)) == [Phase.BATCH_CHANGE, Phase.PRODUCTION]


def test_a_stop_ends_in_standstill_and_the_next_coat_is_a_start_up() -> None:
    line = Line()
    line.run(20.0)
    still = line.sequence.update({"coater.die_in": False}, 20.0, moving=False, good=False)
    assert still.phase is Phase.STANDSTILL
    assert phases(line.run(4.0, good=False)) == [Phase.START_UP]


def test_a_plc_without_the_signal_is_a_line_that_coats() -> None:
    sequence = CoatingSequence(GAUGE_M, settled=7)
    moment = sequence.update({}, 10.0, moving=True, good=True)
    assert moment.die_in
    assert moment.phase is Phase.PRODUCTION


@pytest.mark.parametrize("metres", [20.0, 25.0, 30.0])
def test_the_second_reading_of_a_start_up_is_believed_and_the_next_ones_averaged(
    metres: float,
) -> None:
    plant, seen = DelayPlant(gain=0.93, metres=metres), estimator()
    readings, at_die = 0, [False] * 10 + [True] * 60
    start_m = math.inf
    for die_in in at_die:
        plant.run(2.6)
        if die_in and start_m > plant.length:
            start_m = plant.length
        valid = plant.length - start_m > metres
        readings += valid
        changes = {"coater.die_in": die_in, "coater.gauge_valid": valid}
        now = seen.update(plant.ask(2.6, **changes), 5)
        if readings == 1:
            assert any("edge" in note for note in now.notes)
        if readings == 3:
            assert seen.gain == pytest.approx(math.log(0.93), abs=0.005)
            assert now.phase == Phase.START_UP
            return
    raise AssertionError("the gauge never read the first coat")
