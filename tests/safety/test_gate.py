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
from safety.words import Action, Mode, Proposal, Sample, WriteResult
from tests.safety.builders import (
    APPLIED,
    GAP,
    PERIOD_S,
    PUMP,
    Drive,
    ask,
    forge,
    lost,
    plan,
    readings,
    rules,
)

AUTO = ask("AUTO")


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
        return WriteResult("written", dict(command.setpoints), "") if command else None

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
        verdict = loop.cycle(AUTO, bend=lost)
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
    blind = drive.snapshot._replace(samples={})
    verdict = judge(drive.rules, drive.state, blind, "solved", plan(now_s), AUTO, now_s)
    assert verdict.action is Action.HOLD
    bare = drive.snapshot._replace(applied={})
    verdict = judge(drive.rules, drive.state, bare, "solved", plan(now_s), AUTO, now_s)
    assert verdict.mode is Mode.HOLD
    assert verdict.command is not None
    assert verdict.command.setpoints == {}


def test_the_reading_of_a_healthy_plant_has_what_the_loop_needs() -> None:
    assert set(readings(0.0, 1)) == set(rules().inputs)
