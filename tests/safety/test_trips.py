"""A loop that trips for the third time in a batch is OFF for the rest of it (IL-04)."""

from __future__ import annotations

from typing import Any

import pytest

from safety.state import restart
from safety.words import Mode, Request
from tests.safety.builders import BATCH, PUMP, Drive, ask, rules

pytestmark = pytest.mark.requirement("IL-04")
IMPOSSIBLE, SOUND = 6.1, 2.6


class Tripping:
    """A loop that can be tripped and reset at will; requests carry growing numbers."""

    def __init__(self) -> None:
        self.drive, self.number, self.batch = Drive(rules()), 1, 17

    def request(self, mode: str, *, reset: bool = False) -> Request:
        self.number += 1
        return ask(mode, self.number, reset=reset)

    def cycle(self, request: Request, **read: Any) -> Mode:
        plain: dict[str, Any] = {"coater__feed_batch": self.batch}
        return self.drive.cycle(request, **(plain | read)).mode

    def close(self) -> Mode:
        """Ask for AUTO and wait for it."""
        request = self.request("AUTO")
        for _ in range(12):
            mode = self.cycle(request)
        return mode

    def trip_and_reset(self) -> Mode:
        standing = self.request("AUTO")
        self.drive.plant.applied[PUMP] = IMPOSSIBLE
        assert self.cycle(standing) is Mode.TRIPPED
        self.drive.plant.applied[PUMP] = SOUND
        return self.cycle(self.request("OFF", reset=True))


@pytest.fixture
def tripping() -> Tripping:
    line = Tripping()
    for time in range(2):
        assert line.close() is Mode.AUTO
        assert line.trip_and_reset() is Mode.OFF
        assert line.drive.state.trips == time + 1
    return line


def test_after_two_trips_it_may_be_closed_and_after_the_third_it_may_not(
    tripping: Tripping,
) -> None:
    assert tripping.close() is Mode.AUTO
    assert tripping.trip_and_reset() is Mode.OFF
    for mode in ("SHADOW", "AUTO"):
        verdict = tripping.drive.cycle(tripping.request(mode))
        assert verdict.mode is Mode.OFF
        assert verdict.limiting == "IL-04: tripped 3 times in batch 17: OFF until the next batch"
    assert tripping.drive.cycle(tripping.request("OFF")).limiting == ""


def test_a_trip_that_lasts_is_one(tripping: Tripping) -> None:
    assert tripping.close() is Mode.AUTO
    tripping.drive.plant.applied[PUMP] = IMPOSSIBLE
    standing = tripping.request("AUTO")
    for _ in range(5):
        tripping.cycle(standing)
    assert tripping.drive.state.trips == 3


def test_the_next_batch_begins_anew_but_needs_a_new_request(tripping: Tripping) -> None:
    tripping.close()
    tripping.trip_and_reset()
    standing = tripping.request("AUTO")
    assert tripping.cycle(standing) is Mode.OFF
    tripping.batch += 1
    for _ in range(12):
        assert tripping.cycle(standing) in (Mode.OFF, Mode.SHADOW)
    assert tripping.drive.state.trips == 0
    assert tripping.close() is Mode.AUTO


@pytest.mark.parametrize("unsure", [None, True, "18", float("nan"), 18.5, 0, -3])
def test_a_number_that_cannot_be_read_is_no_other_batch(tripping: Tripping, unsure: Any) -> None:
    tripping.cycle(tripping.request("OFF"), coater__feed_batch=unsure)
    assert (tripping.drive.state.batch, tripping.drive.state.trips) == (17, 2)


def test_a_restart_forgets_neither_batch_nor_trips(tripping: Tripping) -> None:
    state = restart(tripping.drive.state)
    assert (state.batch, state.trips) == (17, 2)


def test_trips_before_any_batch_was_read_belong_to_the_first() -> None:
    line = Tripping()
    line.batch = None  # type: ignore[assignment]
    line.close()
    line.trip_and_reset()
    assert (line.drive.state.batch, line.drive.state.trips) == (None, 1)
    line.batch = 5
    line.cycle(line.request("OFF"))
    assert (line.drive.state.batch, line.drive.state.trips) == (5, 1)


def test_a_loop_that_knows_no_batch_has_no_such_rule() -> None:
    line = Tripping()
    line.drive = Drive(rules(loops__coating__trips=None))
    for _ in range(4):
        assert line.close() is Mode.AUTO
        line.trip_and_reset()
    assert line.drive.state.batch is None
    assert BATCH not in rules(loops__coating__trips=None).inputs
