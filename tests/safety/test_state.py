"""The gate's memory: through JSON unchanged, never guessed, and what a restart keeps of it."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest

from safety.modes import ModeState
from safety.state import (
    GateState,
    StateError,
    initial_state,
    restart,
    state_from_json,
    state_to_json,
)
from safety.watch import Guard
from safety.words import Mode
from tests.safety.builders import PUMP, Drive, ask


def _busy() -> GateState:
    drive = Drive()
    drive.to_auto()
    drive.cycle(ask("AUTO"), {PUMP: 2.7, "coater.gap_sp": 300e-6})
    return drive.state


@pytest.mark.requirement("P4")
def test_the_state_comes_back_from_json_as_it_went() -> None:
    for state in (initial_state(), _busy()):
        body = json.loads(json.dumps(state_to_json(state), allow_nan=False))
        assert state_from_json(body) == state
        assert state_to_json(state_from_json(body)) == body


@pytest.mark.requirement("IL-15", "P9")
def test_a_guard_that_holds_still_holds_after_a_restart() -> None:
    guards = {"mixer.temp": Guard(holds=True, cycles=3), "mixer.torque": Guard(cycles=1)}
    body = state_to_json(restart(GateState(guards=guards)))
    assert state_from_json(json.loads(json.dumps(body))).guards == guards
    body["guards"]["mixer.temp"] = {"holds": 1, "cycles": 3}
    with pytest.raises(StateError, match="holds must be true or false"):
        state_from_json(body)


@pytest.mark.requirement("SVC-02")
def test_every_start_is_off() -> None:
    assert initial_state().mode is Mode.OFF
    busy = _busy()
    state = restart(busy)
    assert state.mode is Mode.OFF
    assert (state.sequence, state.heartbeat) == (busy.sequence, busy.heartbeat)
    assert (state.commanded, state.lawful, state.commanded_s) == ({}, {}, None)


@pytest.mark.requirement("SVC-02")
def test_a_request_that_outlives_the_engine_is_spent_until_a_person_asks_again() -> None:
    drive = Drive()
    drive.to_auto()
    drive.state = restart(drive.state)
    assert {drive.cycle(ask("AUTO")).mode for _ in range(8)} == {Mode.SHADOW}
    drive.to_auto(number=2)
    drive.state = restart(drive.state)
    drive.cycle(ask("OFF", 0))
    drive.to_auto(number=2)  # the new engine counts from the start; OFF came between


@pytest.mark.requirement("P9")
def test_a_latch_survives_a_restart() -> None:
    state = GateState(modes=ModeState(Mode.TRIPPED, tripped_by="4"), latches=("IL-04: why",))
    again = restart(state)
    assert again.mode is Mode.TRIPPED
    assert again.latches == ("IL-04: why",)
    assert again.modes.tripped_by == "4"


BROKEN: list[tuple[str, Any]] = [
    ("sequence", -1), ("sequence", True), ("sequence", 1.0), ("heartbeat", None),
    ("mismatches", "2"), ("latches", "why"), ("latches", [1]), ("request_mark", None),
    ("outcome", "fine"), ("outcome_reason", 7), ("now_s", "now"), ("now_s", math.nan),
    ("commanded_s", math.inf), ("commanded", None), ("commanded", {PUMP: "2"}),
    ("commanded", {PUMP: math.nan}), ("lawful", 7), ("lawful", {PUMP: [1.0]}),
    ("lawful", {PUMP: [1.0, math.inf]}), ("lawful", {PUMP: 1.0}), ("modes", None), ("modes", {}),
]  # fmt: skip
BROKEN_MODES: list[tuple[str, Any]] = [
    ("mode", "auto"), ("mode", None), ("mode", ["AUTO"]), ("evidence", -1),
    ("waited", None), ("held", 1.5),
    ("asked", 1), ("spent", None), ("tripped_by", 4),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BROKEN)
def test_a_state_that_is_not_understood_is_refused(name: str, value: Any) -> None:
    body = state_to_json(_busy())
    body[name] = value
    with pytest.raises(StateError, match="recorded"):
        state_from_json(body)


@pytest.mark.parametrize(("name", "value"), BROKEN_MODES)
def test_a_mode_that_is_not_understood_is_refused(name: str, value: Any) -> None:
    body = copy.deepcopy(state_to_json(_busy()))
    body["modes"][name] = value
    with pytest.raises(StateError, match="recorded"):
        state_from_json(body)


@pytest.mark.parametrize("body", [None, [], {}, {"mode": "OFF"}])
def test_another_versions_state_is_refused(body: Any) -> None:
    with pytest.raises(StateError, match="other fields"):
        state_from_json(body)
