"""What a loop remembers over a restart: latches and counters, and never a mode that writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from records.recorder import MemoryRecorder
from safety.modes import ModeState
from safety.state import GateState, state_to_json
from safety.words import Mode
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context
from service.loop_runner import remembered
from tests.service.small_line import LOOP, FakePlanner, FakePlant, small_sealed


def loop() -> LoopContext:
    clock = ManualClock()
    return loop_context(
        small_sealed(), LOOP, FakePlant(clock), FakePlanner(), MemoryRecorder(), clock, {}
    )


def recorded(mode: Mode, **more: Any) -> dict[str, Any]:
    """Return a gate state as it comes back from the records."""
    state = GateState(modes=ModeState(mode))._replace(sequence=41, heartbeat=17, **more)
    body: dict[str, Any] = json.loads(json.dumps(state_to_json(state)))
    return body


@pytest.mark.requirement("SVC-02")
@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.TRIPPED])
def test_every_mode_comes_back_as_off_with_its_counters(mode: Mode) -> None:
    state = remembered(loop(), recorded(mode)).state
    assert state.mode is Mode.OFF
    assert (state.sequence, state.heartbeat) == (41, 17)


@pytest.mark.requirement("P9")
def test_a_trip_survives_the_restart() -> None:
    state = remembered(loop(), recorded(Mode.TRIPPED, latches=("IL-04: twice",))).state
    assert state.mode is Mode.TRIPPED
    assert state.latches == ("IL-04: twice",)


@pytest.mark.requirement("P9")
@pytest.mark.parametrize(
    "damage",
    [lambda body: body.pop("sequence"), lambda body: body.update(outcome="perhaps"),
     lambda body: body["modes"].update(mode="FLYING"), lambda body: body.update(extra=1)],
)  # fmt: skip
def test_a_state_that_cannot_be_understood_counts_as_a_trip(damage: Any) -> None:
    body = recorded(Mode.AUTO)
    damage(body)
    state = remembered(loop(), body).state
    assert state.mode is Mode.TRIPPED
    assert "cannot be understood" in state.latches[0]


def test_a_loop_that_never_ran_starts_off() -> None:
    assert remembered(loop(), None).state == GateState()
