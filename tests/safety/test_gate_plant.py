"""What the gate makes of the plant: readings, permissives, heartbeat, remote, trips, writes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from safety.gate import Command, judge
from safety.words import Action, Mode, Quality, Sample, WriteResult
from tests.safety.builders import (
    APPLIED,
    GAP,
    PERIOD_S,
    PUMP,
    PUMP_ACTIVE,
    SPEED,
    Drive,
    ask,
    good,
    lost,
    plan,
)

AUTO = ask("AUTO")


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


@pytest.mark.requirement("GMP-15")
@pytest.mark.requirement("IL-07")
def test_a_request_that_has_lapsed_holds_and_is_given_back(drive: Drive) -> None:
    lapsed = dataclasses.replace(AUTO, lapsed="the calibration of x ended on 2026-01-02")
    for _ in range(drive.rules.hold_cycles):
        verdict = drive.cycle(lapsed, {PUMP: 2.7, GAP: 280e-6})
        assert (verdict.action, verdict.mode) == (Action.HOLD, Mode.HOLD)
        assert verdict.limiting == "IL-07: the calibration of x ended on 2026-01-02"
        assert verdict.allowed == APPLIED
    assert drive.cycle(lapsed).mode is Mode.SHED
    assert drive.cycle(AUTO).mode is Mode.SHED, "the request is spent"


@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize("lapsed", [None, 1, ("x",), b"x"])
def test_what_is_no_text_about_a_request_is_no_request(drive: Drive, lapsed: Any) -> None:
    assert drive.cycle(dataclasses.replace(AUTO, lapsed=lapsed)).mode is Mode.SHED


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
    seen = [drive.cycle(AUTO, coater__heartbeat=7) for _ in range(4)]
    assert [v.mode for v in seen] == [Mode.AUTO, Mode.HOLD, Mode.HOLD, Mode.SHED]
    held = [v.command for v in seen[1:3]]
    assert [c is not None and dict(c.setpoints) for c in held] == [{}, {}], "our heartbeat goes on"
    assert drive.snapshot is not None
    assert drive.snapshot.heartbeat_still == 3


@pytest.mark.requirement("IL-08")
def test_a_lost_connection_holds_then_sheds(drive: Drive) -> None:
    seen = [drive.cycle(AUTO, bend=lost) for _ in range(3)]
    assert [v.mode for v in seen] == [Mode.HOLD, Mode.HOLD, Mode.SHED]
    assert seen[0].command is not None
    assert seen[0].command.setpoints == {}


def test_a_short_interruption_is_survived(drive: Drive) -> None:
    for _ in range(2):
        drive.cycle(AUTO, bend=lost, write=lambda c: WriteResult("not-sent", {}, "down"))
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
        return WriteResult("written", dict(command.setpoints), "")

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
        return WriteResult("written", dict(command.setpoints), "")

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
    return WriteResult("unknown", {}, "time-out") if command else None


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize("outcome", ["refused", "unknown", "not-sent", "perhaps"])
def test_a_write_that_is_not_known_to_have_landed_holds_and_moves_nothing(
    drive: Drive, outcome: str
) -> None:
    drive.cycle(
        AUTO, {PUMP: 2.65, GAP: 280e-6},
        write=lambda c: WriteResult(outcome, {}, "said so"),
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
    snapshot = loop.snapshot._replace(now_s=now_s + PERIOD_S)
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
        return WriteResult("written", {PUMP: 1.0, GAP: command.setpoints[GAP]}, "")

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


@pytest.mark.requirement("P2")
@pytest.mark.requirement("IL-07")
@pytest.mark.parametrize(("age_s", "repeated"), [(0.0, True), (PERIOD_S, True), (60.0, False)])
def test_a_hold_does_not_repeat_what_an_old_snapshot_says_is_in_use(
    drive: Drive, age_s: float, repeated: bool
) -> None:
    """The machine stood still: the PLC may have taken its loop back and moved on."""
    assert drive.snapshot is not None
    drive.cycle(AUTO)
    now_s = drive.snapshot.now_s + age_s
    verdict = judge(drive.rules, drive.state, drive.snapshot, "late", None, AUTO, now_s)
    assert (verdict.action, verdict.mode) == (Action.HOLD, Mode.HOLD)
    assert verdict.command is not None
    assert verdict.command.setpoints == (APPLIED if repeated else {})


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
    loop.plant.write = lambda command: WriteResult("refused", {}, "")  # type: ignore[method-assign]
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
