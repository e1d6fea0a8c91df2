"""The gate's interlocks one by one: what trips them, what they do, what they say."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
from typing import Any

import pytest

from safety.gate import Command, judge
from safety.modes import ModeState
from safety.words import Action, Mode, Proposal, Quality, Sample, WriteResult
from tests.safety.builders import (
    APPLIED,
    GAP,
    PERIOD_S,
    PUMP,
    PUMP_ACTIVE,
    SPEED,
    Drive,
    Plant,
    ask,
    forge,
    good,
    plan,
    readings,
    rules,
)

AUTO = ask("AUTO")


@pytest.fixture
def drive() -> Drive:
    """A loop in AUTO, one quiet cycle in."""
    loop = Drive()
    loop.to_auto()
    return loop


def _lost(raw: dict[str, Sample]) -> dict[str, Sample]:
    return {tag: Sample.bad("no answer", 0.0) for tag in raw}


# --- start and stop ------------------------------------------------------------------------------


@pytest.mark.requirement("FS-12")
def test_the_way_to_auto_is_shadow_handshake_auto_and_bumpless() -> None:
    loop = Drive()
    seen = [loop.cycle(AUTO, {PUMP: 3.0, GAP: 300e-6}) for _ in range(6)]
    assert [v.mode for v in seen] == [Mode.SHADOW] * 3 + [Mode.INIT] * 2 + [Mode.AUTO]
    assert [v.command is None for v in seen] == [True] * 3 + [False] * 3
    first, edge, move = (v.command for v in seen[3:])
    assert first is not None
    assert edge is not None
    assert move is not None
    assert [c.remote for c in (first, edge, move)] == [False, True, True]
    assert [c.heartbeat for c in (first, edge, move)] == [1, 2, 3]
    assert dict(first.setpoints) == dict(edge.setpoints) == APPLIED
    assert move.setpoints[PUMP] == pytest.approx(2.68)


def test_the_handshake_waits_for_a_plc_that_is_still_remote_from_before() -> None:
    loop = Drive()
    loop.plant.remote_active = loop.plant.request_was = True

    def ignored(command: Command | None) -> WriteResult | None:
        return WriteResult("written", dict(command.setpoints), "", 0.0) if command else None

    loop.plant.write = ignored  # type: ignore[method-assign]
    seen = [loop.cycle(AUTO) for _ in range(6)]
    assert seen[-1].mode is Mode.INIT
    assert all(v.command is None or v.command.remote is False for v in seen)


def test_in_shadow_the_moves_are_shown_and_nothing_is_written() -> None:
    loop = Drive()
    for _ in range(10):
        verdict = loop.cycle(ask("SHADOW"), {PUMP: 3.0, GAP: 300e-6})
        assert verdict.mode is Mode.SHADOW
        assert verdict.command is None
    assert verdict.requested == {PUMP: 3.0, GAP: 300e-6}
    assert verdict.allowed[PUMP] == pytest.approx(2.68)
    assert verdict.limiting.startswith("IL-02 coater.pump_sp: wanted 3 from 2.6")


@pytest.mark.requirement("P12")
@pytest.mark.requirement("SVC-02")
def test_without_a_request_there_is_silence() -> None:
    loop = Drive()
    for request in (ask("OFF"), ask("AUTO", who=""), ask("SHADOW", who="  ")):
        verdict = loop.cycle(request, {PUMP: 3.0, GAP: 300e-6})
        assert (verdict.mode, verdict.command, verdict.allowed) == (Mode.OFF, None, {})
    assert "name" in verdict.limiting


@pytest.mark.requirement("FS-11")
@pytest.mark.parametrize("mode", ["OFF", "SHADOW"])
def test_a_person_takes_the_loop_back_in_one_cycle_with_one_release(
    drive: Drive, mode: str
) -> None:
    verdict = drive.cycle(ask(mode, 2), status="hung", proposal=lambda now_s: None)
    assert verdict.mode.value == mode
    assert verdict.command is not None
    assert (verdict.command.setpoints, verdict.command.remote) == ({}, False)
    assert not drive.plant.remote_active
    for _ in range(5):
        assert drive.cycle(ask(mode, 2)).command is None


def test_off_releases_a_plc_that_a_shed_loop_has_not_let_go_of_yet(drive: Drive) -> None:
    assert drive.cycle(AUTO, coater__running=False).mode is Mode.SHED
    verdict = drive.cycle(ask("OFF", 2))
    assert verdict.command is not None
    assert verdict.command.remote is False
    assert drive.cycle(ask("OFF", 2)).command is None


@pytest.mark.parametrize(
    ("values", "tag"),
    [
        ({"coater__remote_ready": False}, "coater.remote_ready"),
        ({"coater__running": False}, "coater.running"),
        ({"coater__phase": 4}, "coater.phase"),
        ({"coater__pump_sp_active": 1.7}, "coater.pump_sp"),
    ],
)
def test_auto_is_refused_with_the_tag_named_and_not_granted_later(
    values: dict[str, Any], tag: str
) -> None:
    loop = Drive()
    loop.cycle(AUTO)
    refused = loop.cycle(AUTO, **values)
    assert refused.mode is Mode.SHADOW
    assert tag in refused.limiting
    for _ in range(6):
        later = loop.cycle(AUTO)
        assert (later.mode, later.command) == (Mode.SHADOW, None)
    assert "ask again" in later.limiting
    loop.to_auto(number=2)


@pytest.mark.requirement("IL-10")
def test_a_loop_without_phases_needs_none() -> None:
    loop = Drive(rules(loops__coating__phase=None))
    loop.to_auto()
    assert loop.cycle(AUTO, coater__phase=4).mode is Mode.AUTO


def test_auto_asked_before_the_plc_answers_waits_for_it() -> None:
    loop = Drive()
    for _ in range(5):
        verdict = loop.cycle(AUTO, bend=_lost)
        assert (verdict.mode, verdict.allowed) == (Mode.SHADOW, {})
    loop.to_auto()


def test_shadow_shows_no_moves_while_it_cannot_see() -> None:
    loop = Drive()
    loop.cycle(ask("SHADOW"))
    lost = Sample.bad("no answer", 0.0)
    verdict = loop.cycle(ask("SHADOW"), {PUMP: 3.0, GAP: 300e-6}, coater__line_speed=lost)
    assert (verdict.action, verdict.allowed) == (Action.HOLD, {})


def test_a_loop_shed_from_outside_while_in_shadow_stays_silent() -> None:
    """The engine shed it as its cycle broke off; a PLC still in remote is no reason to write."""
    loop = Drive()
    loop.cycle(ask("SHADOW"))
    shed = ModeState(Mode.SHED, spent="1:SHADOW")
    loop.state = loop.state._replace(modes=shed)
    loop.plant.remote_active = True
    for _ in range(3):
        verdict = loop.cycle(ask("SHADOW"))
        assert (verdict.mode, verdict.command) == (Mode.SHED, None)


# --- plan ----------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-11")
@pytest.mark.parametrize(
    "bad",
    [
        {"status": "max_iter"},
        {"status": None},
        {"residual": 1.1e-4},
        {"residual": -1e-9},
        {"residual": math.nan},
        {"residual": True},
        {"iterations": 201},
        {"iterations": -1},
        {"iterations": 3.0},
        {"iterations": True},
        {"cost": math.inf},
        {"cost": "low"},
        {"made_s": 0.0},
        {"made_s": 1e9},
        {"made_s": math.nan},
    ],
)
def test_a_plan_that_was_not_found_well_holds(drive: Drive, bad: dict[str, Any]) -> None:
    _holds(drive, "IL-11", lambda now_s: plan(now_s, {PUMP: 2.61, GAP: 280e-6}, **bad))


@pytest.mark.requirement("IL-11")
@pytest.mark.parametrize("status", ["infeasible", "late", "Solved", "", None, 7])
def test_only_the_word_solved_is_solved(drive: Drive, status: Any) -> None:
    verdict = drive.cycle(AUTO, {PUMP: 2.61, GAP: 280e-6}, status=status)
    assert (verdict.action, verdict.mode) == (Action.HOLD, Mode.HOLD)


def test_no_proposal_holds(drive: Drive) -> None:
    _holds(drive, "IL-11", lambda now_s: None)


@pytest.mark.requirement("IL-19")
@pytest.mark.parametrize(
    "setpoints",
    [
        {},
        {PUMP: 2.6},
        {PUMP: 2.6, GAP: 280e-6, "coater.line_speed": 0.1},
        {PUMP: 2.6, GAP: 280e-6, 7: 0.1},
        {PUMP: math.nan, GAP: 280e-6},
        {PUMP: math.inf, GAP: 280e-6},
        {PUMP: True, GAP: 280e-6},
        {PUMP: "2.6", GAP: 280e-6},
        {PUMP: None, GAP: 280e-6},
        {PUMP: 10**400, GAP: 280e-6},
        {PUMP: 2**53 + 1, GAP: 280e-6},
    ],
)
def test_only_whole_finite_proposals_of_this_loop_pass(
    drive: Drive, setpoints: dict[Any, Any]
) -> None:
    _holds(drive, "IL-19", lambda now_s: plan(now_s, setpoints))


@pytest.mark.parametrize("setpoints", [None, 7, [1.0], "gap"])
def test_setpoints_that_are_no_mapping_hold(drive: Drive, setpoints: Any) -> None:
    def proposal(now_s: float) -> Proposal:
        return Proposal(setpoints, "solved", 1, 0.0, 0.0, now_s)

    _holds(drive, "IL-19", proposal)


def test_a_whole_number_is_a_wish_too(drive: Drive) -> None:
    assert drive.cycle(AUTO, {PUMP: 3, GAP: 280e-6}).action is Action.CLAMP


@pytest.mark.requirement("IL-01")
@pytest.mark.parametrize("wish", [0.49, 6.01, -0.0, 1e308])
def test_a_wish_outside_the_equipment_range_is_a_fault_and_holds(drive: Drive, wish: float) -> None:
    _holds(drive, "IL-01", lambda now_s: plan(now_s, {PUMP: wish, GAP: 280e-6}))


def _holds(drive: Drive, rule: str, proposal: Any) -> None:
    before = dict(drive.plant.applied)
    verdict = drive.cycle(AUTO, proposal=proposal)
    assert (verdict.action, verdict.mode) == (Action.HOLD, Mode.HOLD)
    assert verdict.reasons[0].rule == rule
    assert verdict.limiting.startswith(rule)
    assert verdict.command is not None
    assert dict(verdict.command.setpoints) == before
    assert verdict.command.remote is True
    assert drive.cycle(AUTO).mode is Mode.AUTO


# --- cuts ----------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-01")
def test_a_wish_outside_operating_is_cut_to_its_edge() -> None:
    loop = Drive(plant=Plant({PUMP: 3.08, GAP: 280e-6}))
    loop.to_auto()
    verdict = loop.cycle(AUTO, {PUMP: 3.5, GAP: 280e-6})
    assert verdict.action is Action.CLAMP
    assert "IL-01 coater.pump_sp" in verdict.limiting
    assert verdict.allowed[PUMP] == pytest.approx(3.1, abs=2e-4)
    assert verdict.allowed[PUMP] <= 3.1


@pytest.mark.requirement("IL-02")
def test_the_rate_counts_from_what_the_plc_uses_and_from_real_time(drive: Drive) -> None:
    far = {PUMP: 3.1, GAP: 280e-6}
    for elapsed_s, step in ((8.0, 0.08), (4.0, 0.04), (0.001, 0.0), (1.0, 0.01), (30.0, 0.08)):
        before = drive.plant.applied[PUMP]
        verdict = drive.cycle(AUTO, far, elapsed_s=elapsed_s)
        moved = verdict.allowed[PUMP] - before
        assert moved == pytest.approx(step, abs=2.1e-4)
        assert moved <= step + 1e-15


def test_the_most_limiting_cut_is_named(drive: Drive) -> None:
    verdict = drive.cycle(AUTO, {PUMP: 2.7, GAP: 340e-6})
    assert "coater.gap_sp" in verdict.limiting
    assert {reason.tag for reason in verdict.reasons} == {PUMP, GAP}


@pytest.mark.requirement("IL-14")
def test_a_tiny_wish_moves_nothing_and_limits_nothing(drive: Drive) -> None:
    verdict = drive.cycle(AUTO, {PUMP: 2.60001, GAP: 280e-6})
    assert (verdict.action, verdict.limiting) == (Action.ALLOW, "")
    assert verdict.allowed == APPLIED
    assert [reason.rule for reason in verdict.reasons] == ["IL-14"]


@pytest.mark.requirement("IL-01")
def test_limits_tightened_past_the_output_ramp_it_back_through_the_gate(drive: Drive) -> None:
    drive.plant.applied[PUMP] = 2.6
    drive.rules = rules(**{"limits__setpoints__coater.pump_sp__operating": [2.2, 2.4]})
    values = [drive.cycle(AUTO, {PUMP: 2.6, GAP: 280e-6}).allowed[PUMP] for _ in range(4)]
    assert values == pytest.approx([2.52, 2.44, 2.4, 2.4])


# --- plant ---------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-03")
@pytest.mark.requirement("IL-09")
@pytest.mark.requirement("IL-10")
@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"coater__running": False}, "IL-03"),
        ({"coater__remote_active": False}, "IL-09"),
        ({"coater__phase": 4}, "IL-10"),
    ],
)
def test_a_known_no_sheds_at_once_and_for_good(
    drive: Drive, values: dict[str, Any], rule: str
) -> None:
    if "coater__remote_active" in values:
        drive.plant.remote_active = False
        values = {}
    verdict = drive.cycle(AUTO, **values)
    assert (verdict.action, verdict.mode, verdict.command) == (Action.SHED, Mode.SHED, None)
    assert verdict.limiting.startswith(rule)
    for _ in range(5):
        later = drive.cycle(AUTO)
        assert (later.mode, later.command) == (Mode.SHED, None)
    assert "until a person asks again" in later.limiting
    drive.to_auto(number=2)


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(
    "tag", ["coater.running", "coater.remote_active", "coater.phase", SPEED, PUMP_ACTIVE]
)
@pytest.mark.parametrize("quality", [Quality.BAD, Quality.UNCERTAIN])
def test_what_cannot_be_seen_holds(drive: Drive, tag: str, quality: Quality) -> None:
    def blur(raw: dict[str, Sample]) -> dict[str, Sample]:
        value = None if quality is Quality.BAD else raw[tag].value
        return raw | {tag: Sample(value, quality, "doubtful", None, drive.now_s, 1)}

    verdict = drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6}, bend=blur)
    assert (verdict.action, verdict.mode) == (Action.HOLD, Mode.HOLD)
    assert verdict.command is not None
    assert verdict.command.setpoints == ({} if tag == PUMP_ACTIVE else APPLIED)
    assert "doubtful" in verdict.limiting
    assert drive.cycle(AUTO).mode is Mode.AUTO


@pytest.mark.requirement("IL-16")
def test_a_hold_that_lasts_is_shed(drive: Drive) -> None:
    modes = [drive.cycle(AUTO, status="infeasible").mode for _ in range(8)]
    assert modes == [Mode.HOLD] * 6 + [Mode.SHED] * 2
    assert "until a person" in drive.cycle(AUTO).limiting


def test_the_cycle_that_sheds_says_that_the_hold_was_too_long(drive: Drive) -> None:
    verdicts = [drive.cycle(AUTO, status="infeasible") for _ in range(7)]
    assert "hold lasted longer" in verdicts[-1].limiting


@pytest.mark.requirement("IL-08")
def test_a_frozen_plc_heartbeat_sheds_within_its_cycles(drive: Drive) -> None:
    seen = [drive.cycle(AUTO, coater__heartbeat=7).mode for _ in range(4)]
    assert seen == [Mode.AUTO, Mode.AUTO, Mode.AUTO, Mode.SHED]
    assert drive.snapshot is not None
    assert drive.snapshot.heartbeat_still == 3


@pytest.mark.requirement("IL-08")
def test_a_lost_connection_holds_then_sheds(drive: Drive) -> None:
    seen = [drive.cycle(AUTO, bend=_lost) for _ in range(3)]
    assert [v.mode for v in seen] == [Mode.HOLD, Mode.HOLD, Mode.SHED]
    assert seen[0].command is not None
    assert seen[0].command.setpoints == {}


def test_a_short_interruption_is_survived(drive: Drive) -> None:
    for _ in range(2):
        drive.cycle(AUTO, bend=_lost, write=lambda c: WriteResult("not-sent", {}, "down", 0.0))
    modes = [drive.cycle(AUTO, coater__line_speed=good(0.1667, drive.now_s + 8, epoch=2)).mode]
    modes += [drive.cycle(AUTO).mode for _ in range(3)]
    assert modes[-1] is Mode.AUTO
    assert set(modes) == {Mode.HOLD, Mode.AUTO}


def test_the_first_cycle_after_a_reconnection_only_reads(drive: Drive) -> None:
    def anew(raw: dict[str, Sample]) -> dict[str, Sample]:
        return {tag: sample._replace(epoch=2) for tag, sample in raw.items()}

    verdict = drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6}, bend=anew)
    assert verdict.mode is Mode.HOLD
    assert "reconnected" in verdict.limiting


@pytest.mark.requirement("IL-04")
@pytest.mark.parametrize("value", [0.4, 6.1])
def test_a_setpoint_in_use_outside_the_equipment_range_trips(drive: Drive, value: float) -> None:
    drive.plant.applied[PUMP] = value
    verdict = drive.cycle(AUTO)
    assert (verdict.action, verdict.mode, verdict.command) == (Action.TRIP, Mode.TRIPPED, None)
    assert "equipment range" in verdict.limiting
    assert drive.state.latches


@pytest.mark.requirement("IL-04")
def test_a_trip_is_reset_by_a_person_with_the_cause_gone_only(drive: Drive) -> None:
    drive.plant.applied[PUMP] = 6.1
    drive.cycle(AUTO)
    early = ask("OFF", 2, reset=True)
    assert drive.cycle(early).mode is Mode.TRIPPED
    drive.plant.applied[PUMP] = 2.6
    assert drive.cycle(early).mode is Mode.TRIPPED, "given before the cause was gone"
    later = drive.cycle(ask("AUTO", 3))
    assert drive.cycle(early).mode is Mode.TRIPPED, "an act of before that comes back"
    assert later.mode is Mode.TRIPPED
    assert "equipment range" in later.limiting
    assert drive.cycle(ask("OFF", 4)).mode is Mode.TRIPPED
    assert drive.cycle(ask("OFF", 5, who="", reset=True)).mode is Mode.TRIPPED
    assert drive.cycle(ask("OFF", 6, reset=True)).mode is Mode.OFF
    assert drive.state.latches == ()
    drive.to_auto(number=7)


@pytest.mark.requirement("IL-18")
def test_a_foreign_writer_is_yielded_to(drive: Drive) -> None:
    drive.cycle(AUTO, {PUMP: 2.65, GAP: 280e-6})
    drive.plant.applied[PUMP] = 2.5
    verdict = drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6})
    assert (verdict.mode, verdict.command) == (Mode.SHED, None)
    assert "moved by someone else" in verdict.limiting


@pytest.mark.requirement("IL-18")
def test_a_plc_that_is_slower_or_narrower_is_followed(drive: Drive) -> None:
    """F20: the PLC's own clamp or rate; the next move counts from what it uses."""

    def half_way(command: Command | None) -> WriteResult | None:
        assert command is not None
        pump = drive.plant.applied[PUMP]
        drive.plant.applied[PUMP] = (pump + command.setpoints[PUMP]) / 2
        return WriteResult("written", dict(command.setpoints), "", 0.0)

    for _ in range(4):
        before = drive.plant.applied[PUMP]
        verdict = drive.cycle(AUTO, {PUMP: 3.1, GAP: 280e-6}, write=half_way)
        assert verdict.mode is Mode.AUTO
        assert verdict.allowed[PUMP] - before <= 0.08
    assert "IL-18" in {reason.rule for reason in verdict.reasons}


@pytest.mark.requirement("IL-02")
def test_turning_round_in_front_of_a_slow_plc_makes_no_jump(drive: Drive) -> None:
    def stuck(command: Command | None) -> WriteResult | None:
        assert command is not None
        return WriteResult("written", dict(command.setpoints), "", 0.0)

    up = drive.cycle(AUTO, {PUMP: 3.0, GAP: 280e-6}, write=stuck).allowed[PUMP]
    down = drive.cycle(AUTO, {PUMP: 2.3, GAP: 280e-6}).allowed[PUMP]
    assert up == pytest.approx(2.68)
    assert down == pytest.approx(2.6)


def test_a_slow_plc_is_no_foreigner_while_nobody_knows_what_was_written(drive: Drive) -> None:
    drive.cycle(AUTO, {PUMP: 2.68, GAP: 280e-6}, write=_silent)
    for value in (2.62, 2.64, 2.66, 2.68):
        drive.plant.applied[PUMP] = value
        assert drive.cycle(AUTO, write=_silent).mode is Mode.HOLD


def _silent(command: Command | None) -> WriteResult | None:
    return WriteResult("unknown", {}, "time-out", 0.0) if command else None


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize("outcome", ["refused", "unknown", "not-sent", "perhaps"])
def test_a_write_that_is_not_known_to_have_landed_holds_and_moves_nothing(
    drive: Drive, outcome: str
) -> None:
    drive.cycle(
        AUTO, {PUMP: 2.65, GAP: 280e-6},
        write=lambda c: WriteResult(outcome, {}, "said so", 0.0),
    )  # fmt: skip
    verdict = drive.cycle(AUTO, {PUMP: 2.65, GAP: 280e-6})
    assert verdict.mode is Mode.HOLD
    assert verdict.command is not None
    assert verdict.command.setpoints == APPLIED
    assert "IL-13" in verdict.limiting
    assert drive.cycle(AUTO).mode is Mode.AUTO


@pytest.mark.requirement("IL-13")
def test_a_command_nobody_verified_holds() -> None:
    loop = Drive()
    loop.to_auto()
    now_s = loop.now_s + PERIOD_S
    verdict = loop.cycle(AUTO)
    unverified = verdict.state
    assert loop.snapshot is not None
    snapshot = dataclasses.replace(loop.snapshot, now_s=now_s + PERIOD_S)
    again = judge(
        loop.rules, unverified, snapshot, "solved", plan(now_s + PERIOD_S), AUTO, now_s + PERIOD_S
    )
    assert again.mode is Mode.HOLD
    assert "pending" in again.limiting


@pytest.mark.requirement("IL-13")
@pytest.mark.requirement("IL-04")
def test_a_read_back_that_differs_holds_once_and_trips_twice(drive: Drive) -> None:
    def swapped(command: Command | None) -> WriteResult | None:
        assert command is not None
        return WriteResult("written", {PUMP: 1.0, GAP: command.setpoints[GAP]}, "", 0.0)

    assert drive.cycle(AUTO, write=swapped).mode is Mode.AUTO
    assert drive.cycle(AUTO, write=swapped).mode is Mode.HOLD
    assert drive.cycle(AUTO).mode is Mode.TRIPPED
    assert drive.cycle(ask("OFF", 2, reset=True)).mode is Mode.OFF
    drive.to_auto(number=3)


def test_time_that_runs_backwards_holds_and_a_snapshot_of_another_cycle_too(drive: Drive) -> None:
    assert drive.cycle(AUTO, {PUMP: 2.7, GAP: 280e-6}, elapsed_s=-1.0).mode is Mode.HOLD
    drive.now_s += 20.0
    assert drive.cycle(AUTO).mode is Mode.AUTO
    assert drive.snapshot is not None
    old = judge(
        drive.rules, drive.state, drive.snapshot, "solved", plan(drive.now_s + 9),
        AUTO, drive.now_s + 9,
    )  # fmt: skip
    assert "snapshot is not of this cycle" in {reason.text for reason in old.reasons}


def test_counters_wrap_in_the_width_of_their_tags(drive: Drive) -> None:
    drive.state = drive.state._replace(heartbeat=65535, sequence=65534)
    verdict = drive.cycle(AUTO)
    assert verdict.command is not None
    assert (verdict.command.heartbeat, verdict.command.sequence) == (0, 65535)
    assert verdict.state.heartbeat == 65536


def test_the_handshake_sheds_when_the_plc_leaves_remote_or_never_comes() -> None:
    loop = Drive()
    for _ in range(4):
        loop.cycle(AUTO)
    assert loop.cycle(AUTO, coater__remote_ready=False).mode is Mode.SHED
    loop = Drive()
    loop.plant.write = lambda command: WriteResult("refused", {}, "", 0.0)  # type: ignore[method-assign]
    seen = [loop.cycle(AUTO) for _ in range(12)]
    assert seen[-1].mode is Mode.SHED
    assert any("did not go to remote" in verdict.limiting for verdict in seen)


def test_the_handshake_is_silent_while_the_plcs_setpoints_are_unknown() -> None:
    loop = Drive()
    for _ in range(4):
        loop.cycle(AUTO)
    verdict = loop.cycle(AUTO, coater__pump_sp_active=Sample.bad("no answer", 0.0))
    assert (verdict.mode, verdict.command) == (Mode.INIT, None)
    assert loop.cycle(AUTO).mode is Mode.INIT


# --- the command ---------------------------------------------------------------------------------


def test_nobody_else_makes_a_command_or_copies_or_alters_one() -> None:
    fields: dict[str, Any] = {
        "loop": "coating", "sequence": 1, "setpoints": {PUMP: 9.0}, "remote": True,
        "heartbeat": 1, "minted_s": 0.0, "expires_s": 1e9,
    }  # fmt: skip
    with pytest.raises(TypeError):
        Command(**fields)
    with pytest.raises(PermissionError, match="Only the safety gate"):
        Command(**fields, mint=object())
    real = forge({PUMP: 2.6})
    with pytest.raises((PermissionError, ValueError, TypeError)):
        dataclasses.replace(real, setpoints={PUMP: 9.0})  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        real.setpoints = {}  # type: ignore[misc]
    with pytest.raises(TypeError):
        real.setpoints[PUMP] = 9.0  # type: ignore[index]
    for copier in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(PermissionError, match="used once"):
            copier(real)


@pytest.mark.requirement("P10")
def test_a_command_expires(drive: Drive) -> None:
    command = drive.cycle(AUTO).command
    assert command is not None
    assert command.expires_s - command.minted_s == 3.0
    assert not command.expired(command.minted_s)
    for now_s in (command.expires_s, command.minted_s - 0.1, math.nan, math.inf, -math.inf):
        assert command.expired(now_s)


# --- surprises -----------------------------------------------------------------------------------


@pytest.mark.requirement("P3")
@pytest.mark.parametrize(
    "change",
    [
        {"rules": None},
        {"state": None},
        {"state": {"mode": "AUTO"}},
        {"snapshot": {}},
        {"request": None},
        {"request": "AUTO"},
        {"now_s": None},
        {"now_s": math.nan},
        {"now_s": True},
        {"now_s": 10**400},
    ],
)
def test_arguments_that_make_no_sense_shed(drive: Drive, change: dict[str, Any]) -> None:
    now_s = drive.now_s + PERIOD_S
    drive.cycle(AUTO)
    arguments: dict[str, Any] = {
        "rules": drive.rules, "state": drive.state, "snapshot": drive.snapshot,
        "plan_status": "solved", "proposal": plan(now_s), "request": AUTO, "now_s": now_s,
    }  # fmt: skip
    verdict = judge(**(arguments | change))
    assert (verdict.mode, verdict.action, verdict.command) == (Mode.SHED, Action.SHED, None)
    assert verdict.limiting.startswith("IL-00")


@pytest.mark.parametrize(
    "fields", [{"mode": "AUTO"}, {"who": None}, {"reset": 1}, {"number": 1.0}, {"number": True}]
)
def test_a_request_with_a_field_that_makes_no_sense_sheds(
    drive: Drive, fields: dict[str, Any]
) -> None:
    request = dataclasses.replace(AUTO, **fields)
    assert drive.cycle(request).mode is Mode.SHED


class _Explosive(dict[str, float]):
    def __iter__(self) -> Any:
        raise RuntimeError("boom")


@pytest.mark.requirement("P3")
def test_an_exception_inside_the_gate_is_a_shed_and_keeps_a_trip(drive: Drive) -> None:
    def boom(now_s: float) -> Proposal:
        return Proposal(_Explosive(), "solved", 1, 0.0, 0.0, now_s)

    verdict = drive.cycle(AUTO, proposal=boom)
    assert (verdict.mode, verdict.command) == (Mode.SHED, None)
    assert "RuntimeError" in verdict.limiting
    assert drive.cycle(AUTO).mode is Mode.SHED
    drive.to_auto(number=2)
    drive.plant.applied[PUMP] = 6.1
    assert drive.cycle(ask("AUTO", 2)).mode is Mode.TRIPPED
    drive.plant.applied[PUMP] = 2.6
    verdict = drive.cycle(ask("AUTO", 2), proposal=boom)
    assert (verdict.mode, verdict.action) == (Mode.TRIPPED, Action.TRIP)
    assert drive.state.latches


@pytest.mark.requirement("P3")
def test_an_exception_spends_the_request_that_met_it() -> None:
    loop = Drive()
    loop.to_auto()

    def boom(now_s: float) -> Proposal:
        return Proposal(_Explosive(), "solved", 1, 0.0, 0.0, now_s)

    assert loop.cycle(ask("AUTO", 2), proposal=boom).mode is Mode.SHED
    assert {loop.cycle(ask("AUTO", 2)).mode for _ in range(8)} == {Mode.SHED}


def test_a_gate_whose_own_arithmetic_fails_trips(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safety.cuts.is_safe", lambda *_: False)
    verdict = drive.cycle(AUTO)
    assert (verdict.mode, verdict.command) == (Mode.TRIPPED, None)
    assert "own result" in verdict.limiting


def test_a_snapshot_without_what_the_rules_name_is_no_ground_to_move(drive: Drive) -> None:
    drive.cycle(AUTO)
    assert drive.snapshot is not None
    now_s = drive.now_s
    blind = dataclasses.replace(drive.snapshot, samples={})
    verdict = judge(drive.rules, drive.state, blind, "solved", plan(now_s), AUTO, now_s)
    assert verdict.action is Action.HOLD
    bare = dataclasses.replace(drive.snapshot, applied={})
    verdict = judge(drive.rules, drive.state, bare, "solved", plan(now_s), AUTO, now_s)
    assert verdict.mode is Mode.HOLD
    assert verdict.command is not None
    assert verdict.command.setpoints == {}


def test_the_reading_of_a_healthy_plant_has_what_the_loop_needs() -> None:
    assert set(readings(0.0, 1)) == set(rules().inputs)
