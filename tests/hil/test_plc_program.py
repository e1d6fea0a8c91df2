from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.plc_program import Handshake, SetpointGuard, TripLatch, Watchdog

GUARD = SetpointGuard(low=1.5, high=4.0, rate_per_s=0.02)


@given(active=st.floats(1.5, 4.0), wanted=st.floats(), dt_s=st.floats(0.0, 100.0))
def test_a_followed_setpoint_never_leaves_the_box_nor_the_pace(
    active: float, wanted: float, dt_s: float
) -> None:
    after = GUARD.follow(active, wanted, dt_s)
    assert 1.5 - 1e-12 <= after <= 4.0 + 1e-12
    assert abs(after - active) <= 0.02 * dt_s + 1e-12


@pytest.mark.parametrize("wanted", [math.nan, math.inf, -math.inf])
def test_a_setpoint_that_is_no_number_holds(wanted: float) -> None:
    assert GUARD.follow(2.6, wanted, 1.0) == 2.6


def test_the_watchdog_barks_after_its_patience_and_not_before() -> None:
    dog = Watchdog(24.0)
    dog.scan(1.0, 5)
    assert not dog.alive, "a counter that never moved is not alive"
    assert dog.scan(1.0, 6)
    assert all(dog.scan(1.0, 6) for _ in range(23))
    assert not dog.scan(1.0, 6)
    assert dog.scan(1.0, 7)


class Engine:
    """What the engine writes, for the handshake tests."""

    def __init__(self) -> None:
        self.door = Handshake(24.0)
        self.beat = 0

    def scan(self, *, request: bool, beating: bool = True, allowed: bool = True) -> str:
        self.beat += beating
        return self.door.scan(1.0, request=request, heartbeat=self.beat, allowed=allowed)

    def readiness(self) -> bool:
        return self.door.ready


def in_remote() -> Engine:
    engine = Engine()
    engine.scan(request=False)
    engine.scan(request=True)
    assert engine.door.remote
    return engine


def test_remote_needs_a_rising_edge_and_a_live_heartbeat() -> None:
    engine = Engine()
    engine.scan(request=True, beating=False)
    engine.scan(request=True, beating=False)
    assert not engine.door.remote, "no heartbeat yet"
    assert engine.scan(request=True).startswith("remote"), "the heartbeat follows the edge"


def test_an_edge_is_not_remembered_for_ever() -> None:
    engine = Engine()
    engine.scan(request=True, beating=False)
    for _ in range(30):
        engine.scan(request=True, beating=False)
    engine.scan(request=True)
    assert not engine.door.remote


def test_a_dead_heartbeat_gives_the_loop_back_and_its_return_does_not_take_it() -> None:
    engine = in_remote()
    said = [engine.scan(request=True, beating=False) for _ in range(24)]
    assert said[:-1] == [""] * 23
    assert "watchdog" in said[-1]
    for _ in range(50):
        engine.scan(request=True)
    assert not engine.door.remote, "the heartbeat is back, but there was no new edge"
    engine.scan(request=False)
    engine.scan(request=True)
    assert engine.door.remote


def test_the_operators_key_takes_the_loop_at_once_and_turning_it_back_does_not_return_it() -> None:
    engine = in_remote()
    assert "key" in engine.scan(request=True, allowed=False)
    assert engine.readiness() is False
    engine.scan(request=True)
    assert engine.readiness() is True
    assert not engine.door.remote


def test_an_edge_while_the_key_is_in_local_counts_for_nothing() -> None:
    engine = Engine()
    engine.scan(request=False, allowed=False)
    engine.scan(request=True, allowed=False)
    engine.scan(request=True)
    assert not engine.door.remote


def test_dropping_the_request_gives_the_loop_back() -> None:
    engine = in_remote()
    assert "gave the loop back" in engine.scan(request=False)
    assert not engine.door.remote


def test_a_trip_latches_until_an_edge_of_reset_after_the_cause_is_gone() -> None:
    latch = TripLatch()
    assert latch.scan({"hot"}, reset=False)
    assert latch.scan({"hot"}, reset=True), "the cause is still there"
    assert latch.scan(set(), reset=True), "reset was held down, no edge"
    assert latch.scan(set(), reset=False)
    assert not latch.scan(set(), reset=True)
