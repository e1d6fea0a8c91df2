"""The mode machine: every path walked, and the stories an operator knows."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import replace
from functools import cache

import pytest

from safety.modes import ARMED, SHADOW_CYCLES, Facts, ModeState, mark_of, next_mode
from safety.words import Action, Mode, Request, RequestedMode
from tests.safety.builders import ask

HOLD_CYCLES = 2
REQUESTS = [
    Request(mode, who, reset, number)
    for mode, who, reset, number in itertools.product(
        RequestedMode, ("A. Operator", " "), (False, True), (1, 2)
    )
]
FACTS = [
    Facts(max(plant, plan), plant, remote, HOLD_CYCLES, barred)
    for plant, plan, remote, barred in itertools.product(
        Action, (Action.ALLOW, Action.HOLD, Action.TRIP), (False, True), (False, True)
    )
]
CLEAN = Facts(Action.ALLOW, Action.ALLOW, remote_active=True, hold_cycles=HOLD_CYCLES, barred=False)


def _asked(before: ModeState, after: ModeState) -> list[ModeState]:
    """In INIT the gate may have put the remote request up, or not yet."""
    if after.mode is not Mode.INIT:
        return [after]
    return [after, after._replace(asked=True)]


@cache
def _walk() -> dict[ModeState, list[tuple[Request, Facts, ModeState]]]:
    """Every state that can be reached from a start, with every step out of it."""
    steps: dict[ModeState, list[tuple[Request, Facts, ModeState]]] = {}
    todo = deque([ModeState()])
    while todo:
        state = todo.popleft()
        if state in steps:
            continue
        steps[state] = [(r, f, next_mode(state, r, f)) for r in REQUESTS for f in FACTS]
        for _, _, after in steps[state]:
            todo.extend(_asked(state, after))
    return steps


@cache
def _edges() -> list[tuple[ModeState, Request, Facts, ModeState]]:
    return [(a, r, f, b) for a, out in _walk().items() for r, f, b in out]


def test_the_walk_saw_every_mode_and_came_to_an_end() -> None:
    assert {state.mode for state in _walk()} == set(Mode)
    assert 50 < len(_walk()) < 1000


@pytest.mark.requirement("SVC-02")
@pytest.mark.requirement("GMP-08")
def test_no_path_reaches_auto_without_shadow_and_the_handshake() -> None:
    for before, _, facts, after in _edges():
        if after.mode in (Mode.AUTO, Mode.HOLD) and before.mode not in (Mode.AUTO, Mode.HOLD):
            assert before.mode is Mode.INIT
            assert before.asked
            assert facts.remote_active
        if after.mode is Mode.INIT and before.mode is not Mode.INIT:
            assert before.mode is Mode.SHADOW
            assert before.evidence >= SHADOW_CYCLES
            assert facts.action < Action.HOLD
    for before, _, facts, after in _edges():
        if after.mode is Mode.SHADOW and after.evidence > before.evidence:
            assert facts.action < Action.HOLD
            assert after.evidence == before.evidence + 1 or before.mode is not Mode.SHADOW
            assert before.mode is Mode.SHADOW or after.evidence <= 1


@pytest.mark.requirement("SVC-02")
def test_only_a_named_person_asking_for_auto_arms_the_loop() -> None:
    for _, request, _, after in _edges():
        if after.mode in ARMED:
            assert request.mode is RequestedMode.AUTO
            assert request.who.strip()


@pytest.mark.requirement("IL-16")
def test_shed_is_left_by_a_new_request_only() -> None:
    for before, request, facts, after in _edges():
        if before.mode is Mode.SHED and after.mode is not Mode.SHED:
            new = mark_of(request) != before.spent
            off = request.mode is RequestedMode.OFF or not request.who.strip() or facts.barred
            assert new or off
            assert after.mode in (Mode.OFF, Mode.SHADOW)


@pytest.mark.requirement("P9")
@pytest.mark.requirement("IL-04")
def test_tripped_is_left_by_a_named_reset_with_the_cause_gone_only() -> None:
    for before, request, facts, after in _edges():
        if before.mode is Mode.TRIPPED and after.mode is not Mode.TRIPPED:
            assert request.reset
            assert request.who.strip()
            assert str(request.number) != before.tripped_by
            assert facts.plant_action < Action.TRIP
            assert after.mode is Mode.OFF


@pytest.mark.requirement("IL-04")
def test_a_trip_latches_whenever_the_loop_is_ours() -> None:
    for before, _, facts, after in _edges():
        if before.mode in ARMED and facts.action is Action.TRIP:
            assert after.mode is Mode.TRIPPED


@pytest.mark.requirement("IL-04")
def test_a_loop_that_tripped_too_often_is_off_and_needs_a_new_request_afterwards() -> None:
    for before, request, facts, after in _edges():
        if facts.barred:
            assert after.mode in (Mode.OFF, Mode.TRIPPED)
        if facts.barred and after.mode is Mode.OFF and before.mode is not Mode.TRIPPED:
            assert after.spent == mark_of(request)


def test_off_takes_effect_at_once() -> None:
    for before, request, facts, after in _edges():
        trips = before.mode in ARMED and facts.action is Action.TRIP
        if request.mode is RequestedMode.OFF and before.mode is not Mode.TRIPPED and not trips:
            assert after.mode is Mode.OFF


@pytest.mark.requirement("P5")
def test_a_higher_action_never_leads_to_a_bolder_mode() -> None:
    boldness = {Mode.AUTO: 2, Mode.HOLD: 1, Mode.INIT: 1}
    bold = {(a, r, f): boldness.get(b.mode, 0) for a, r, f, b in _edges()}
    for (state, request, facts), milder in bold.items():
        for plant, action in ((1, 0), (0, 1), (1, 1)):
            worse = Facts(
                Action(min(facts.action + action, Action.TRIP)),
                Action(min(facts.plant_action + plant, Action.TRIP)),
                facts.remote_active,
                HOLD_CYCLES,
                facts.barred,
            )
            assert bold.get((state, request, worse), 0) <= milder


@pytest.mark.requirement("IL-16")
def test_hold_returns_by_itself_in_time_and_sheds_after_it() -> None:
    hold = Facts(
        Action.HOLD, Action.HOLD, remote_active=True, hold_cycles=HOLD_CYCLES, barred=False
    )
    request = ask("AUTO")
    state = ModeState(Mode.AUTO)
    state = next_mode(next_mode(state, request, hold), request, hold)
    assert (state.mode, state.held) == (Mode.HOLD, 2)
    assert next_mode(state, request, CLEAN).mode is Mode.AUTO
    shed = next_mode(state, request, hold)
    assert shed.mode is Mode.SHED
    assert next_mode(shed, request, CLEAN).mode is Mode.SHED
    assert next_mode(shed, ask("AUTO", 2), CLEAN).mode is Mode.SHADOW


@pytest.mark.requirement("IL-16")
def test_a_fault_that_comes_and_goes_cannot_hide_from_the_hold_timer() -> None:
    hold = Facts(
        Action.HOLD, Action.HOLD, remote_active=True, hold_cycles=HOLD_CYCLES, barred=False
    )
    state = ModeState(Mode.AUTO)
    seen = []
    for facts in (hold, hold, CLEAN, hold, hold):
        state = next_mode(state, ask("AUTO"), facts)
        seen.append(state.mode)
    assert seen == [Mode.HOLD, Mode.HOLD, Mode.AUTO, Mode.HOLD, Mode.SHED]


def test_an_auto_request_that_meets_a_known_no_is_refused_and_spent() -> None:
    no = Facts(Action.SHED, Action.SHED, remote_active=False, hold_cycles=HOLD_CYCLES, barred=False)
    state = next_mode(ModeState(), ask("AUTO"), no)
    assert (state.mode, state.spent) == (Mode.SHADOW, "1:AUTO")
    for _ in range(5):
        state = next_mode(state, ask("AUTO"), CLEAN)
    assert state.mode is Mode.SHADOW
    assert next_mode(state, ask("AUTO", 2), CLEAN).mode is Mode.INIT


def test_an_auto_request_does_not_wait_for_ever() -> None:
    wait = Facts(
        Action.HOLD, Action.HOLD, remote_active=False, hold_cycles=HOLD_CYCLES, barred=False
    )
    state = ModeState()
    for _ in range(10 * HOLD_CYCLES + 1):
        assert state.spent == ""
        state = next_mode(state, ask("AUTO"), wait)
    assert state.spent == "1:AUTO"


def test_a_handshake_that_does_not_come_about_is_given_up() -> None:
    waits = Facts(
        Action.ALLOW, Action.ALLOW, remote_active=False, hold_cycles=HOLD_CYCLES, barred=False
    )
    state = ModeState(Mode.INIT)
    modes = []
    for _ in range(HOLD_CYCLES + 1):
        state = next_mode(state, ask("AUTO"), waits)
        modes.append(state.mode)
    assert modes == [Mode.INIT] * HOLD_CYCLES + [Mode.SHED]


def test_a_reset_that_stood_when_the_trip_came_does_not_clear_it() -> None:
    trip = Facts(
        Action.TRIP, Action.TRIP, remote_active=True, hold_cycles=HOLD_CYCLES, barred=False
    )
    standing = ask("AUTO", reset=True)
    state = next_mode(ModeState(Mode.AUTO), standing, trip)
    assert next_mode(state, standing, CLEAN).mode is Mode.TRIPPED
    dropped = next_mode(state, ask("AUTO"), CLEAN)
    assert next_mode(dropped, standing, CLEAN).mode is Mode.OFF
    assert next_mode(next_mode(dropped, standing, CLEAN), ask("AUTO"), CLEAN).mode is Mode.SHADOW


@pytest.mark.requirement("IL-04")
def test_a_reset_before_the_repair_is_used_up_by_it() -> None:
    trip = Facts(
        Action.TRIP, Action.TRIP, remote_active=True, hold_cycles=HOLD_CYCLES, barred=False
    )
    early = replace(ask("AUTO", reset=True), number=7)
    state = next_mode(ModeState(Mode.TRIPPED), early, trip)
    assert (state.mode, state.tripped_by) == (Mode.TRIPPED, "7")
    assert next_mode(state, early, CLEAN).mode is Mode.TRIPPED
    assert next_mode(state, replace(early, number=8), CLEAN).mode is Mode.OFF


def test_after_a_reset_the_old_request_is_spent() -> None:
    state = ModeState(Mode.TRIPPED)
    state = next_mode(state, ask("AUTO", reset=True), CLEAN)
    for _ in range(10):
        state = next_mode(state, ask("AUTO"), CLEAN)
    assert state.mode is Mode.SHADOW


def _facts(action: Action, plant: Action, *, remote: bool = True) -> Facts:
    return Facts(action, plant, remote, HOLD_CYCLES, barred=False)


SHED = _facts(Action.SHED, Action.SHED)
STEPS_IN_FULL = [
    # before, request, facts, what is remembered after it
    (ModeState(Mode.AUTO), ask("AUTO"), CLEAN, ModeState(Mode.AUTO)),
    (ModeState(Mode.AUTO), ask("AUTO"), SHED, ModeState(Mode.SHED, spent="1:AUTO")),
    (ModeState(Mode.INIT), ask("AUTO"), SHED, ModeState(Mode.SHED, spent="1:AUTO")),
    (ModeState(Mode.AUTO), ask("AUTO"), _facts(Action.TRIP, Action.TRIP),
     ModeState(Mode.TRIPPED, spent="1:AUTO")),
    (ModeState(Mode.INIT, waited=HOLD_CYCLES), ask("AUTO"),
     _facts(Action.ALLOW, Action.ALLOW, remote=False), ModeState(Mode.SHED, spent="1:AUTO")),
    (ModeState(Mode.INIT, asked=True), ask("AUTO"), _facts(Action.HOLD, Action.HOLD),
     ModeState(Mode.INIT, waited=1, asked=True)),
    (ModeState(Mode.INIT, asked=True), ask("AUTO"), _facts(Action.HOLD, Action.ALLOW),
     ModeState(Mode.HOLD, held=1)),
    (ModeState(Mode.INIT, asked=True), ask("AUTO"), _facts(Action.SHED, Action.ALLOW),
     ModeState(Mode.SHED, spent="1:AUTO")),
    (ModeState(Mode.TRIPPED, tripped_by="1"), ask("AUTO"), CLEAN, ModeState(Mode.TRIPPED)),
    (ModeState(Mode.SHADOW, waited=7), ask("SHADOW"), CLEAN, ModeState(Mode.SHADOW, evidence=1)),
    (ModeState(Mode.SHADOW, waited=21, spent="1:AUTO"), ask("AUTO", 2), SHED,
     ModeState(Mode.SHADOW, waited=1, spent="2:AUTO")),
    (ModeState(Mode.SHADOW, spent="1:AUTO"), replace(ask("AUTO"), who=" "), CLEAN,
     ModeState(spent="1:AUTO")),
    (ModeState(Mode.SHADOW, waited=21, spent="1:AUTO"), ask("AUTO", 2), CLEAN,
     ModeState(Mode.SHADOW, evidence=1, waited=1)),
]  # fmt: skip


@pytest.mark.parametrize(("before", "request_", "facts", "after"), STEPS_IN_FULL)
def test_a_step_remembers_exactly_what_the_next_one_needs(
    before: ModeState, request_: Request, facts: Facts, after: ModeState
) -> None:
    assert next_mode(before, request_, facts) == after
