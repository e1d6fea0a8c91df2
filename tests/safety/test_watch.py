"""What is watched beside the setpoints: votes, combinations, guards, the model, wear, the seal."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.modes import repair_of
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory, Snapshot, validate
from safety.strict import RuleError
from safety.vote import vote
from safety.watch import Guard, guarded, misfit_after, off_balance_after, product
from safety.watch_rules import BalanceRule, CrossRule, GuardRule, ModelRule
from safety.words import Action, Mode, Quality, Sample
from tests.safety.builders import (
    BALANCE,
    CROSS,
    GAP,
    LOOP,
    PUMP,
    PUMP_ACTIVE,
    SPEED,
    SPEEDS,
    VOTE,
    WEIGHT,
    Drive,
    ask,
    good,
    plan,
    readings,
    rules,
    sealed,
)

numbers = st.floats(allow_nan=False, allow_infinity=False)


def _three_speeds() -> LoopRules:
    whole = sealed(limits__votes={SPEED: VOTE})
    for tag in SPEEDS[1:]:
        whole["tags"][tag] = whole["tags"][SPEED]
        whole["loops"][LOOP]["optional"].append(tag)
    return loop_rules(whole, LOOP)


class Speeds:
    """Validates reads of three speeds, cycle by cycle."""

    def __init__(self) -> None:
        self.rules, self.memory, self.now_s, self.beat = _three_speeds(), SignalMemory(), 1e3, 0

    def see(self, *values: Any, repair: str = "") -> Snapshot:
        self.now_s, self.beat = self.now_s + 8.0, self.beat + 1
        raw = readings(self.now_s, self.beat) | {
            tag: value if isinstance(value, Sample) else good(value, self.now_s)
            for tag, value in zip(SPEEDS, values, strict=True)
        }
        snapshot = validate(raw, self.memory, self.rules, self.now_s, repair)
        self.memory = snapshot.memory
        return snapshot


# --- votes (IL-05) -------------------------------------------------------------------------------


@pytest.mark.requirement("IL-05")
@given(values=st.lists(numbers, max_size=4), tolerance=st.floats(1e-9, 1e9))
def test_a_vote_lies_among_voters_that_agree_or_there_is_none(
    values: list[float], tolerance: float
) -> None:
    result = vote(values, tolerance)
    assert result.voters == len(values)
    if result.value is not None:
        near = sum(abs(v - result.value) <= tolerance for v in values)
        assert min(values) <= result.value <= max(values)
        assert near >= 2
    assert result.value is None or len(values) in (2, 3)


@pytest.mark.requirement("IL-05")
def test_three_give_the_median_two_the_mean_one_nothing() -> None:
    see = Speeds()
    doubt = Sample(0.165, Quality.UNCERTAIN, "", None, 1e3 + 8, 1)
    assert see.see(0.160, 0.162, 0.169).samples[SPEED].value == 0.162
    two = see.see(0.160, 0.162, Sample.bad("lost", 0.0))
    assert two.samples[SPEED].value == pytest.approx(0.161)
    doubtful = doubt._replace(received_s=see.now_s + 8.0)
    assert see.see(0.160, 0.162, doubtful).samples[SPEED].value == pytest.approx(0.161)
    lone = see.see(0.160, Sample.bad("lost", 0.0), Sample.bad("lost", 0.0))
    assert lone.samples[SPEED].quality is Quality.BAD
    assert "1 of 3 good" in lone.samples[SPEED].reason
    assert "disagree" in see.see(0.160, 0.19, Sample.bad("lost", 0.0)).samples[SPEED].reason


@pytest.mark.requirement("IL-05")
def test_an_outlier_is_struck_until_a_person_says_it_was_repaired() -> None:
    see = Speeds()
    for _ in range(3):
        assert see.memory.ballot.struck == ()
        see.see(0.160, 0.162, 0.2)
    assert see.memory.ballot.struck == (SPEEDS[2],)
    assert see.see(0.160, 0.162, 0.162).votes[SPEED].voters == 2
    assert see.see(0.160, 0.162, 0.162, repair="7:A. Operator").votes[SPEED].voters == 3
    for _ in range(3):
        see.see(0.160, 0.162, 0.2, repair="7:A. Operator")
    assert see.memory.ballot.struck == (SPEEDS[2],), "the same reset repairs once"


def test_only_a_named_reset_repairs() -> None:
    assert repair_of(ask("AUTO", 3, reset=True)) == "3:A. Operator"
    assert repair_of(ask("AUTO", 3, " ", reset=True)) == ""
    assert repair_of(ask("AUTO", 3)) == ""


@pytest.mark.requirement("IL-05")
@pytest.mark.parametrize(
    ("lost", "mode"),
    [((), Mode.AUTO), ((1,), Mode.AUTO), ((1, 2), Mode.SHED), ((0, 1, 2), Mode.HOLD)],
)
def test_what_the_gate_makes_of_a_vote(lost: tuple[int, ...], mode: Mode) -> None:
    drive = Drive(_three_speeds())

    def bend(raw: dict[str, Sample]) -> dict[str, Sample]:
        return raw | {tag: good(0.1667, drive.now_s) for tag in SPEEDS}

    for _ in range(6):
        drive.cycle(ask("AUTO"), bend=bend)
    assert drive.state.mode is Mode.AUTO
    gone = {SPEEDS[i]: Sample.bad("lost", 0.0) for i in lost}
    assert drive.cycle(ask("AUTO"), bend=lambda raw: bend(raw) | gone).mode is mode


# --- combinations (IL-06), guards (IL-15), model (IL-12) -----------------------------------------


@pytest.mark.requirement("IL-06")
def test_setpoints_that_are_allowed_alone_are_held_together() -> None:
    drive = Drive(rules(limits__cross=CROSS))  # 2.6 and 280 um: 0.929
    drive.to_auto()
    assert drive.cycle(ask("AUTO"), {PUMP: 2.65, GAP: 280e-6}).mode is Mode.AUTO
    verdict = drive.cycle(ask("AUTO"), {PUMP: 2.9, GAP: 260e-6})
    verdict = drive.cycle(ask("AUTO"), {PUMP: 3.0, GAP: 250e-6})
    assert (verdict.mode, verdict.limiting[:5]) == (Mode.HOLD, "IL-06")
    assert drive.cycle(ask("AUTO"), {PUMP: 2.6, GAP: 280e-6}).mode is Mode.AUTO


@pytest.mark.requirement("IL-06")
def test_outside_already_only_the_way_back_is_open() -> None:
    drive = Drive(rules(limits__cross=CROSS))
    drive.to_auto()
    drive.rules = rules(limits__cross={"film": CROSS["film"] | {"range": [0.8, 0.9]}})
    back = drive.cycle(ask("AUTO"), {PUMP: 2.5, GAP: 280e-6})  # at 0.08 a cycle: to 0.9 exactly
    assert back.mode is Mode.AUTO
    assert any("on the way back" in reason.text for reason in back.reasons)
    drive.rules = rules(limits__cross={"film": CROSS["film"] | {"range": [0.7, 0.8]}})
    stay = drive.cycle(ask("AUTO"), dict(drive.plant.applied))
    assert (stay.mode, stay.limiting[:5]) == (Mode.HOLD, "IL-06")


@pytest.mark.requirement("IL-06")
def test_a_combination_with_a_reading_nobody_has_is_held() -> None:
    film = {"film": {"powers": {PUMP: 1, WEIGHT: -1}, "factor": 1.0, "range": [0.0, 100.0]}}
    drive = Drive(rules(limits__cross=film))
    drive.to_auto()
    blind = drive.cycle(ask("AUTO"), coater__dry_coat_weight=math.nan)
    assert (blind.mode, blind.limiting) == (
        Mode.HOLD,
        "IL-06: film: not every value in it is known",
    )
    assert drive.cycle(ask("AUTO")).mode is Mode.AUTO


@pytest.mark.requirement("IL-06")
@pytest.mark.parametrize(("value", "power"), [(None, 1), (0.0, -1), (math.nan, 1)])
def test_an_unknown_factor_is_no_product(value: float | None, power: int) -> None:
    rule = CrossRule("x", 1.0, (("a", power),), (0.0, 1.0))
    result = product(rule, lambda _: value)
    assert result is None or math.isnan(result)


def test_a_product_is_what_it_says() -> None:
    rule = CrossRule("x", 2.0, (("a", 2), ("b", -1)), (0.0, 1.0))
    assert product(rule, {"a": 3.0, "b": 6.0}.get) == 3.0


GUARD = GuardRule("t", (0.0, 10.0), (1.0, 8.0), trip_after=2, back_after=2)


@pytest.mark.requirement("IL-15")
def test_a_guard_trips_late_and_returns_later_and_lower() -> None:
    guard, held = Guard(), []
    for value in (9.0, 11.0, 9.0, 11.0, None, 9.0, 8.0, 9.0, 8.0, 8.0, 9.0):
        guard = guarded(GUARD, guard, value)
        held.append(guard.holds)
    assert held == [False] * 4 + [True] * 5 + [False] * 2


@pytest.mark.requirement("IL-15")
def test_a_guarded_reading_holds_the_loop() -> None:
    guards = {WEIGHT: {"trip": [0.05, 0.1], "return": [0.06, 0.09], "trip_after": 1,
                       "return_after": 2}}  # fmt: skip
    drive = Drive(rules(limits__guards=guards))
    drive.to_auto()
    values: dict[str, Any] = {WEIGHT.replace(".", "__"): 0.101}
    verdict = drive.cycle(ask("AUTO"), **values)
    assert (verdict.mode, verdict.limiting[:5]) == (Mode.HOLD, "IL-15")
    assert [drive.cycle(ask("AUTO")).mode for _ in range(2)] == [Mode.HOLD, Mode.AUTO]


@pytest.mark.requirement("IL-12")
def test_a_surprised_model_is_let_go_and_an_odd_good_cycle_does_not_save_it() -> None:
    rule = ModelRule(9.0, 4)
    count = 0
    for innovation in (10.0, None, 1.0, math.nan, -1.0, 9.0, 9.1, 10.0):
        count = misfit_after(rule, count, innovation)
    assert count == 4
    drive = Drive(rules(limits__models={LOOP: {"innovation": 9.0, "cycles": 3}}))
    proposal: Any = lambda now_s: plan(now_s, innovation=1.0)  # noqa: E731
    for _ in range(5):
        drive.cycle(ask("AUTO"), proposal=proposal)
    modes = [drive.cycle(ask("AUTO"), proposal=lambda now_s: plan(now_s, innovation=20.0)).mode
             for _ in range(3)]  # fmt: skip
    assert modes == [Mode.AUTO, Mode.AUTO, Mode.SHED]
    unknown = Drive(drive.rules)
    assert unknown.cycle(ask("AUTO")).action is Action.HOLD


@pytest.mark.requirement("IL-12")
def test_readings_that_part_are_counted_and_what_is_not_known_has_parted() -> None:
    rule = BalanceRule("b", 2.0, (("a", 1), ("b", -1)), (0.9, 1.1), cycles=9)
    count, counts = 0, []
    for a in (1.0, 1.2, None, math.nan, 1.1, 1.0, 0.8, 1.0, 1.0, 1.0):
        count = off_balance_after(rule, count, {"a": a, "b": 2.0}.get)
        counts.append(count)
    assert counts == [0, 1, 2, 3, 2, 1, 2, 1, 0, 0]
    assert off_balance_after(rule, 0, {"a": 1.0, "b": 0.0}.get) == 1


@pytest.mark.requirement("IL-12")
def test_a_plant_out_of_balance_is_given_back_but_only_counted_while_the_loop_is_closed() -> None:
    drive = Drive(rules(limits__balances=BALANCE))
    heavy: dict[str, Any] = {WEIGHT.replace(".", "__"): 0.105}
    for _ in range(6):
        drive.cycle(ask("OFF"), **heavy)
    assert not drive.state.unbalanced
    drive.to_auto()
    assert drive.cycle(ask("AUTO"), **heavy).mode is Mode.AUTO
    drive.cycle(ask("AUTO"))
    seen = [drive.cycle(ask("AUTO"), **heavy) for _ in range(3)]
    assert [one.mode for one in seen] == [Mode.AUTO, Mode.AUTO, Mode.SHED]
    assert seen[-1].limiting == (
        "IL-12: coat to speed outside 0.3 to 0.6, or not known, for 3 cycles"
    )
    assert not drive.cycle(ask("AUTO")).state.unbalanced


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize(
    ("section", "value", "says"),
    [
        ("votes", {SPEED: VOTE | {"members": [SPEED]}}, "two or three"),
        ("votes", {SPEED: VOTE | {"members": [SPEED, PUMP_ACTIVE, "x.y"]}}, "reads no number"),
        ("votes", {SPEED: VOTE | {"members": [WEIGHT, PUMP_ACTIVE]}}, f"{SPEED} among"),
        ("votes", {SPEED: {"members": [SPEED, WEIGHT], "cycles": 3}}, "tolerance"),
        ("cross", {"a": {"powers": {}, "factor": 1.0, "range": [0.0, 1.0]}}, "names no tag"),
        ("cross", {"a": {"powers": {PUMP: 0}, "factor": 1.0, "range": [0.0, 1.0]}}, "whole number"),
        ("cross", {"a": {"powers": {PUMP: 1, "b.c": 1}, "factor": 1.0, "range": [0.0, 1.0]}},
         "another loop"),
        ("cross", {"a": {"powers": {PUMP: 1}, "factor": 1.0, "range": [1.0, 0.0]}}, "inverted"),
        ("guards", {WEIGHT: {"trip": [0.0, 1.0], "return": [0.0, 0.5], "trip_after": 1,
                             "return_after": 1}}, "strictly inside"),
        ("guards", {WEIGHT: {"trip": [0.0, 1.0], "return": [0.1, 0.5], "trip_after": 0,
                             "return_after": 1}}, "trip_after"),
        ("balances", {"a": {"powers": {WEIGHT: 1}, "factor": 1.0, "range": [0.0, 1.0],
                            "cycles": 0}}, "cycles"),
        ("balances", {"a": {"powers": {WEIGHT: 1, PUMP: 1}, "factor": 1.0, "range": [0.0, 1.0],
                            "cycles": 1}}, "another loop"),
        ("models", {LOOP: {"innovation": 1.0, "cycles": 3}}, "above 1"),
        ("models", {LOOP: {"innovation": math.nan, "cycles": 3}}, "finite"),
        *((name, None, f"no section '{name}'")
          for name in ("votes", "cross", "sums", "guards", "balances", "models")),
    ],
)  # fmt: skip
def test_a_watch_rule_that_says_too_little_is_refused(section: str, value: Any, says: str) -> None:
    with pytest.raises(RuleError, match=says):
        rules(**{f"limits__{section}": value})


def test_what_belongs_to_another_loop_is_passed_over() -> None:
    other = {"mixer.torque": {"trip": [0.0, 9.0], "return": [1.0, 8.0], "trip_after": 1,
                              "return_after": 1}}  # fmt: skip
    mixed = {"a": {"powers": {"mixer.torque": 1}, "factor": 1.0, "range": [0.0, 1.0]}}
    models = {"mixing": {"innovation": 9.0, "cycles": 3}}
    apart = {"a": mixed["a"] | {"cycles": 3}}
    watch = rules(
        limits__guards=other, limits__cross=mixed, limits__balances=apart, limits__models=models
    ).watch
    assert (dict(watch.guards), watch.cross, watch.balances, watch.model) == ({}, (), (), None)
