"""The very edge of every limit: what stands exactly on it is inside, and what is beyond is not.

What is said in each story is kept beside it, to the letter (`tests.safety.said`).
"""

# ruff: noqa: E501 - a row of a table stays on one line
from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from safety.case import is_count, is_number, number_of, short, why
from safety.cuts import moving_time_s
from safety.explain import latches
from safety.gate import judge
from safety.modes import ModeState
from safety.plan_interlocks import il_06_combinations
from safety.plant_interlocks import il_05_votes, il_09_remote, il_18_foreign_writer
from safety.signal_checks import is_time
from safety.signals import SignalMemory, validate
from safety.state import GateState, restart
from safety.strict import LARGEST_INTEGER, RuleError
from safety.vote import Ballot
from safety.watch import Guard, guarded, misfit_after, off_balance_after, product
from safety.watch_rules import BalanceRule, CrossRule, GuardRule, ModelRule
from safety.wear import Wear, dwelling, moved, rested, worn_out
from safety.words import Action, Mode, Proposal, Quality, Reason, Sample, WriteResult
from tests.safety.builders import (
    APPLIED,
    CROSS,
    GAP,
    GAP_ACTIVE,
    LOOP,
    PERIOD_S,
    PHASE,
    PUMP,
    PUMP_ACTIVE,
    READY,
    SPEED,
    SPEEDS,
    VOTE,
    WEIGHT,
    Drive,
    Plant,
    ask,
    good,
    plan,
    readings,
    rules,
)
from tests.safety.edges import AUTO, case_of, coarse, driven, pump, with_speeds

# --- numbers and words ---------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_whole_number_is_one_and_the_next_is_none(sign: int) -> None:
    most = LARGEST_INTEGER
    assert (is_number(sign * most), is_number(sign * (most + 1))) == (True, False)
    assert (is_time(sign * most), is_time(sign * (most + 1))) == (True, False)
    assert (is_count(most), is_count(most + 1), is_count(0), is_count(-1)) == (
        True, False, True, False,
    )  # fmt: skip


def test_only_a_good_number_is_a_number_of_a_tag() -> None:
    drive = driven()
    assert drive.snapshot is not None
    for value, found in ((0.25, 0.25), (3, 3.0), (True, None), ("x", None), (math.nan, None)):
        samples = {SPEED: good(value, drive.now_s)}
        assert number_of(drive.snapshot._replace(samples=samples), SPEED) == found
    doubtful = good(0.25, drive.now_s)._replace(quality=Quality.UNCERTAIN)
    assert number_of(drive.snapshot._replace(samples={SPEED: doubtful}), SPEED) is None


def test_words_are_cut_to_a_line_and_never_guessed() -> None:
    assert short("x" * 121) == "x" * 120
    assert short(7) == "(int)"
    drive = driven()
    wordless = good(0.25, drive.now_s)._replace(quality=Quality.UNCERTAIN)
    assert why(case_of(drive, samples={SPEED: wordless}), SPEED) == "uncertain"
    assert why(case_of(drive, samples={}), SPEED) == "not in the snapshot"


def test_a_trip_whose_cause_is_lost_is_one_all_the_same() -> None:
    drive = driven()
    tripped = GateState(modes=ModeState(Mode.TRIPPED))
    assert latches(case_of(drive, tripped), tripped.modes, []) == ("tripped",)
    cause = Reason("IL-04", Action.TRIP, PUMP, "outside")
    assert latches(case_of(drive, tripped), tripped.modes, [cause]) == (f"IL-04 {PUMP}: outside",)
    known = tripped._replace(latches=("first",))
    assert latches(case_of(drive, known), tripped.modes, [cause]) == ("first",)


# --- the plant -----------------------------------------------------------------------------------


@pytest.mark.requirement("IL-04")
@pytest.mark.parametrize(("applied", "mode"), [(6.25, Mode.HOLD), (6.3125, Mode.TRIPPED)])
def test_a_setpoint_in_use_may_stand_its_tolerance_outside_the_equipment(
    applied: float, mode: Mode
) -> None:
    drive = driven(3.5)
    drive.state = drive.state._replace(lawful={PUMP: (0.5, 6.25)})
    drive.plant.applied[PUMP] = applied
    assert drive.cycle(AUTO).mode is mode


@pytest.mark.requirement("IL-03")
@pytest.mark.parametrize(("applied", "starts"), [(4.25, True), (4.3125, False)])
def test_a_loop_may_be_closed_its_tolerance_outside_the_proven_range(
    applied: float, starts: bool
) -> None:
    drive = Drive(coarse(), Plant({PUMP: applied, GAP: 280e-6}))
    seen = {drive.cycle(AUTO).mode for _ in range(8)}
    assert (Mode.AUTO in seen) is starts


@pytest.mark.requirement("IL-18")
def test_a_setpoint_may_be_its_tolerance_away_from_where_it_may_be_and_from_ours() -> None:
    drive = driven(2.5)
    state = drive.state._replace(
        commanded={PUMP: 2.5, GAP: 280e-6}, lawful={PUMP: (2.0, 2.5), GAP: (280e-6, 280e-6)}
    )

    def said(applied: float) -> list[str]:
        in_use = {PUMP: applied, GAP: 280e-6}
        return [
            one.action.name for one in il_18_foreign_writer(case_of(drive, state, applied=in_use))
        ]

    assert [said(at) for at in (2.75, 2.8125, 2.25, 2.1875)] == [[], ["SHED"], [], ["CLAMP"]]


@pytest.mark.requirement("IL-18")
def test_one_setpoint_that_is_not_known_hides_no_other() -> None:
    drive = driven(2.5)
    state = drive.state._replace(lawful={PUMP: (2.5, 2.5), GAP: (280e-6, 280e-6)})
    stolen = il_18_foreign_writer(case_of(drive, state, applied={GAP: 300e-6}))
    assert [one.tag for one in stolen] == [GAP]
    never_ours = state._replace(commanded={GAP: 280e-6})
    stolen = il_18_foreign_writer(case_of(drive, never_ours, applied={PUMP: 2.5, GAP: 300e-6}))
    assert [one.tag for one in stolen] == [GAP]


@pytest.mark.requirement("IL-05")
def test_a_vote_that_nobody_held_has_no_value() -> None:
    drive = Drive(with_speeds(limits__votes={SPEED: VOTE}))
    drive.snapshot = validate(
        readings(1008.0, 1) | {tag: good(0.1667, 1008.0) for tag in SPEEDS},
        SignalMemory(), drive.rules, 1008.0,
    )  # fmt: skip
    assert il_05_votes(case_of(drive)) == []
    (reason,) = il_05_votes(case_of(drive, votes={}))
    assert (reason.action, reason.tag) == (Action.HOLD, SPEED)


@pytest.mark.requirement("IL-09")
@pytest.mark.parametrize(
    ("mode", "request_", "asks"),
    [
        ("OFF", "AUTO", True),
        ("OFF", "SHADOW", False),
        ("SHADOW", "OFF", False),
        ("INIT", "OFF", True),
    ],
)
def test_a_plc_that_is_not_ready_matters_to_a_loop_about_to_close(
    mode: str, request_: str, asks: bool
) -> None:
    drive = Drive()
    drive.cycle(AUTO)
    state = GateState(modes=ModeState(Mode(mode)))
    case = case_of(drive, state, remote_ready=False)._replace(
        request=ask(request_), starting=request_ == "AUTO"
    )
    assert bool(il_09_remote(case)) is asks


@pytest.mark.requirement("IL-04")
@pytest.mark.parametrize(("shown", "batch"), [(0, 17), (1, 1), (2, 2), (-3, 17)])
def test_every_number_from_one_is_a_batch(shown: int, batch: int) -> None:
    drive = driven()
    drive.cycle(AUTO)
    assert drive.state.batch == 17
    drive.cycle(AUTO, coater__feed_batch=shown)
    assert drive.state.batch == batch


@pytest.mark.requirement("P9")
def test_a_repeated_old_request_does_not_take_a_standing_reset_back() -> None:
    drive = driven()
    standing = ask("AUTO", 5, reset=True)
    drive.cycle(standing)
    drive.plant.applied[PUMP] = 7.0
    assert drive.cycle(standing).mode is Mode.TRIPPED
    drive.plant.applied[PUMP] = 2.5
    for request in (standing, ask("AUTO", 4), standing, ask("OFF", 3), standing):
        assert drive.cycle(request).mode is Mode.TRIPPED
    assert drive.cycle(ask("AUTO", 6, reset=True)).mode is Mode.OFF


@pytest.mark.requirement("IL-13")
def test_what_was_said_of_the_last_write_is_kept_until_the_next() -> None:
    drive = Drive()
    for _ in range(3):
        drive.cycle(AUTO)
    drive.cycle(AUTO, write=lambda _: WriteResult("refused", {}, "locked"))
    assert drive.state.mode is Mode.INIT
    assert (drive.state.outcome, drive.state.outcome_reason) == ("refused", "locked")

    def unknown(raw: dict[str, Sample]) -> dict[str, Sample]:
        return raw | {GAP_ACTIVE: Sample.bad("lost", drive.now_s)}

    verdict = drive.cycle(AUTO, bend=unknown)
    assert verdict.command is None
    assert (drive.state.outcome, drive.state.outcome_reason) == ("refused", "locked")
    assert not drive.state.modes.asked


def test_what_the_ballot_struck_is_in_the_state() -> None:
    drive = driven()
    drive.memory = drive.memory._replace(ballot=Ballot({}, (SPEED,), ""))
    assert drive.cycle(AUTO).state.struck == (SPEED,)


def test_time_that_stands_still_rests_nothing() -> None:
    drive = driven(2.5)
    drive.cycle(AUTO, {PUMP: 3.0, GAP: 280e-6})
    worn = drive.state.wear[PUMP]
    assert worn.travel > 0.0
    for elapsed_s in (0.0, -1.0):
        drive.cycle(AUTO, elapsed_s=elapsed_s)
        assert drive.state.wear[PUMP].travel == worn.travel
    drive.state = restart(drive.state)
    drive.cycle(ask("OFF", 2), elapsed_s=0.5)
    assert drive.state.wear[PUMP].travel == worn.travel


@pytest.mark.parametrize("mode", ["AUTO", "HOLD", "INIT", "SHADOW"])
def test_before_any_command_a_closed_loop_has_no_time_to_move_in(mode: str) -> None:
    drive = driven()
    state = drive.state._replace(modes=ModeState(Mode(mode)), commanded_s=None)
    closed = mode in ("AUTO", "HOLD")
    assert moving_time_s(case_of(drive, state)) == (0.0 if closed else PERIOD_S)


def test_why_a_loop_is_off_is_said_of_a_request_nobody_signed_and_of_no_other() -> None:
    for request, says in (
        (ask("OFF"), ""),
        (ask("OFF", who=""), ""),
        (ask("AUTO", who=" "), "IL-09"),
        (ask("SHADOW", who=""), "IL-09"),
    ):
        verdict = Drive().cycle(request)
        assert verdict.mode is Mode.OFF
        assert [reason.rule for reason in verdict.reasons] == ([says] if says else [])
    drive = driven()
    drive.plant.applied[PUMP] = 7.0
    drive.cycle(AUTO)
    drive.plant.applied[PUMP] = 2.5
    off = drive.cycle(ask("AUTO", 2, reset=True))
    assert (off.mode, off.reasons) == (Mode.OFF, ())


@pytest.mark.requirement("IL-06")
def test_a_combination_that_holds_shows_nothing_in_shadow() -> None:
    drive = Drive(rules(limits__cross=CROSS))
    for _ in range(4):
        verdict = drive.cycle(ask("SHADOW"), {PUMP: 3.1, GAP: 280e-6})
    steep = {"film": CROSS["film"] | {"range": [0.8, 0.93]}}
    drive = Drive(rules(limits__cross=steep))
    for _ in range(4):
        verdict = drive.cycle(ask("SHADOW"), {PUMP: 3.1, GAP: 240e-6})
    assert (verdict.mode, verdict.action, dict(verdict.allowed)) == (Mode.SHADOW, Action.HOLD, {})


@pytest.mark.requirement("IL-02")
@pytest.mark.parametrize(("elapsed_s", "mode"), [(5.9375, Mode.HOLD), (6.0, Mode.AUTO)])
@pytest.mark.parametrize(("short_of_it", "under_way"), [(0.25, False), (0.3125, True)])
def test_a_cycle_that_comes_too_soon_waits_for_a_plc_that_is_on_its_way(
    elapsed_s: float, mode: Mode, short_of_it: float, under_way: bool
) -> None:
    drive = driven(2.5)
    drive.cycle(AUTO, {PUMP: 3.0, GAP: 280e-6})
    assert drive.plant.applied[PUMP] == 3.0
    drive.plant.applied[PUMP] -= short_of_it  # it follows by a ramp of its own
    verdict = drive.cycle(AUTO, {PUMP: 2.5, GAP: 280e-6}, elapsed_s=elapsed_s)
    waits = under_way and mode is Mode.HOLD
    assert verdict.mode is (Mode.HOLD if waits else Mode.AUTO)
    assert verdict.command is not None
    assert (dict(verdict.command.setpoints) == {}) is waits
    holds = [(one.rule, one.tag) for one in verdict.reasons if one.action is Action.HOLD]
    assert holds == ([("IL-02", PUMP)] if waits else [])


# --- the plan ------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-11")
@pytest.mark.parametrize(
    ("worst", "beyond"),
    [
        ({"residual": 0.25}, {"residual": 0.25000001}),
        ({"iterations": 200}, {"iterations": 201}),
        ({"age_s": 6.0}, {"age_s": 6.0625}),
        ({"age_s": 0.0}, {"age_s": -0.0625}),
    ],
)
def test_a_plan_may_be_as_bad_as_its_limit(worst: dict[str, Any], beyond: dict[str, Any]) -> None:
    for given, action in ((worst, Action.ALLOW), (beyond, Action.HOLD)):
        drive = driven(loops__coating__gate__max_residual=0.25)
        fields = {name: value for name, value in given.items() if name != "age_s"}
        age_s = given.get("age_s", 0.0)

        def offered(now_s: float, fields: Any = fields, age_s: float = age_s) -> Proposal:
            return replace(plan(now_s, {PUMP: 2.5, GAP: 280e-6}), made_s=now_s - age_s, **fields)

        assert drive.cycle(AUTO, proposal=offered).action is action


@pytest.mark.requirement("IL-11", "IL-19", "IL-01")
def test_everything_that_is_wrong_with_a_plan_is_said_at_once() -> None:
    drive = driven()
    wishes: dict[Any, Any] = {PUMP: 9.0, GAP: 9.0, "a": 1.0, "b": 2.0}
    bad_plan = plan(0.0, wishes, status="?", residual=1.0, iterations=999, cost=math.nan)
    verdict = drive.cycle(AUTO, proposal=lambda _: bad_plan)
    assert [reason.rule for reason in verdict.reasons] == ["IL-11"] * 5 + ["IL-19"] * 2 + [
        "IL-01"
    ] * 2
    nothing = drive.cycle(AUTO, {PUMP: math.nan, GAP: None})
    assert [(one.rule, one.tag) for one in nothing.reasons][:2] == [("IL-19", PUMP), ("IL-19", GAP)]


@pytest.mark.requirement("IL-06")
def test_every_combination_that_is_broken_or_unknown_is_said() -> None:
    film = {"factor": 1e-4, "range": [0.8, 1.0]}
    cross = {
        "unknown": film | {"powers": {WEIGHT: 1, PUMP: 1}},
        "unknown too": film | {"powers": {WEIGHT: 2, PUMP: 1}},
        "kept": film | {"powers": {PUMP: 1, GAP: -1}},
        "broken": film | {"powers": {PUMP: 1, GAP: -1}, "range": [0.1, 0.2]},
        "broken too": film | {"powers": {PUMP: 1, GAP: -1}, "range": [2.0, 3.0]},
    }
    drive = Drive(rules(limits__cross=cross))
    drive.cycle(AUTO)
    samples = dict(case_of(drive).snapshot.samples) | {WEIGHT: Sample.bad("lost", 0.0)}
    reasons = il_06_combinations(case_of(drive, samples=samples), APPLIED)
    assert [one.text.partition(" would")[0].partition(":")[0] for one in reasons] == [
        "unknown", "unknown too", "broken", "broken too",
    ]  # fmt: skip


@pytest.mark.requirement("IL-12")
@pytest.mark.parametrize("innovation", ["x", math.nan, None, True, 10**400])
def test_an_innovation_that_is_no_number_is_a_surprise(innovation: Any) -> None:
    drive = Drive(rules(limits__models={LOOP: {"innovation": 9.0, "cycles": 4}}))

    def offered(now_s: float) -> Proposal:
        return plan(now_s, APPLIED, innovation=innovation)

    for surprised in (1, 2, 3):
        verdict = drive.cycle(ask("SHADOW"), proposal=offered)
        assert verdict.state.misfit == surprised
        assert verdict.mode is Mode.SHADOW


# --- what is watched -----------------------------------------------------------------------------


def test_a_guard_holds_beyond_its_edges_and_lets_go_within_them() -> None:
    rule = GuardRule("t", trip=(1.0, 9.0), back=(2.0, 8.0), trip_after=3, back_after=3)
    for value, well in ((1.0, True), (9.0, True), (0.5, False), (9.5, False), (None, False)):
        assert guarded(rule, Guard(cycles=1), value) == (Guard() if well else Guard(cycles=2))
    for value, well in ((2.0, True), (8.0, True), (1.5, False), (8.5, False), (None, False)):
        back = Guard(holds=True, cycles=2 if well else 0)
        assert guarded(rule, Guard(holds=True, cycles=1), value) == back
    assert guarded(rule, Guard(cycles=2), None) == Guard(holds=True)
    assert guarded(rule, Guard(holds=True, cycles=2), 5.0) == Guard()


def test_no_surprise_and_the_largest_that_is_allowed_are_none() -> None:
    rule = ModelRule(innovation=4.0, cycles=3)
    found = [misfit_after(rule, 2, value) for value in (0.0, 0.5, 4.0, 4.5, -0.5, None)]
    assert found == [1, 1, 1, 3, 3, 3]


def test_a_balance_on_its_edge_is_kept() -> None:
    rule = BalanceRule("b", 1.0, (("x", 1),), (0.5, 2.0), 3)
    found = [off_balance_after(rule, 2, lambda _, v=v: v) for v in (0.5, 2.0, 0.25, 2.5, None)]  # type: ignore[misc]
    assert found == [1, 1, 3, 3, 3]


def test_a_product_multiplies_divides_and_leaves_out() -> None:
    def found(value: float | None, power: int) -> float | None:
        return product(CrossRule("c", 2.0, (("x", power),), (0.0, 1.0)), lambda _: value)

    assert [found(4.0, power) for power in (2, 1, 0, -1, -2)] == [32.0, 8.0, 2.0, 0.5, 0.125]
    assert [found(0.0, power) for power in (1, 0, -1)] == [0.0, 2.0, None]
    assert found(None, 1) is None


def test_wear_at_its_edges() -> None:
    rule = pump(dwell_s=16.0, reversals=4, swing=0.25, travel=8.0)
    assert dwelling(Wear(moved_s=100.0), rule, 115.5)
    assert not dwelling(Wear(moved_s=100.0), rule, 116.0)
    assert not worn_out(Wear(reversals=2.0), rule)
    assert worn_out(Wear(reversals=2.5), rule)
    assert rested(Wear(1.0, 1.0, 1, 2.5, 9.0), rule, 900.0) == Wear(0.0, 0.5, 1, 2.5, 9.0)
    assert rested(Wear(0.0, 1.0, 1, 2.5, 9.0), rule, 900.0) == Wear(0.0, 0.5, 1, 2.5, 9.0)
    assert rested(Wear(4.0, 0.0, 1, 2.5, 9.0), rule, 900.0) == Wear(3.0, 0.0, 1, 2.5, 9.0)


@pytest.mark.requirement("IL-14")
@pytest.mark.parametrize(
    ("heading", "value", "after"),
    [
        (0, 3.0, (0.0, 1, 3.0)),
        (0, 2.0, (0.0, -1, 2.0)),
        (1, 3.0, (0.0, 1, 3.0)),
        (1, 2.25, (0.0, 1, 2.5)),  # a quarter back: not yet a swing
        (1, 2.125, (1.0, -1, 2.125)),
        (-1, 2.0, (0.0, -1, 2.0)),
        (-1, 2.75, (0.0, -1, 2.5)),
        (-1, 3.0, (1.0, 1, 3.0)),
    ],
)
def test_a_move_goes_on_or_comes_back_or_turns(
    heading: int, value: float, after: tuple[float, int, float]
) -> None:
    rule = pump(swing=0.25)
    before = Wear(travel=1.0, reversals=0.0, heading=heading, turn=2.5, moved_s=1.0)
    found = moved(before, rule, 2.5, value, 9.0)
    assert found == Wear(1.0 + abs(value - 2.5), *after, 9.0)
    assert type(found.heading) is int
    assert moved(before, rule, 2.5, 2.5, 9.0) == before


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("loops__coating__phase", 7),
        ("loops__coating__phase__codes", 7),
        ("loops__coating__phase__codes", {"COAT": "three"}),
        ("loops__coating__phase__tag", ""),
        ("loops__coating__trips", 7),
        ("limits__votes", {SPEED: 7}),
        ("limits__votes", {SPEED: VOTE | {"members": 7}}),
        ("limits__votes", {SPEED: VOTE | {"cycles": 0}}),
        ("limits__votes", {SPEED: VOTE | {"tolerance": 0.0}}),
        ("limits__cross", {"film": 7}),
        ("limits__cross", {"film": CROSS["film"] | {"factor": 0.0}}),
        ("limits__cross", {"film": CROSS["film"] | {"range": [1.0, 0.5]}}),
        ("limits__cross", {"film": CROSS["film"] | {"powers": {PUMP: 5}}}),
        ("limits__sums", {"bend": 7}),
        ("limits__balances", {"b": 7}),
        ("limits__balances", {"b": {"powers": 7, "factor": 1.0, "range": [0.0, 1.0], "cycles": 1}}),
        ("limits__balances", {"b": {"powers": {SPEED: 1}, "factor": 0, "range": [0, 1], "cycles": 1}}),
        ("limits__balances", {"b": {"powers": {SPEED: 1}, "factor": 1, "range": [1, 0], "cycles": 1}}),
        ("limits__guards", {SPEED: 7}),
        ("limits__guards", {SPEED: {"trip": [1, 0], "return": [2, 8], "trip_after": 1, "return_after": 1}}),
        ("limits__guards", {SPEED: {"trip": [1, 9], "return": [8, 2], "trip_after": 1, "return_after": 1}}),
        ("limits__guards", {SPEED: {"trip": [1, 9], "return": [1, 8], "trip_after": 1, "return_after": 1}}),
        ("limits__guards", {SPEED: {"trip": [1, 9], "return": [2, 9], "trip_after": 1, "return_after": 1}}),
        ("limits__guards", {SPEED: {"trip": [1, 9], "return": [2, 8], "trip_after": 1, "return_after": 0}}),
        ("limits__models", {LOOP: 7}),
        ("limits__models", {LOOP: {"innovation": 1.0, "cycles": 1}}),
        ("limits__models", {LOOP: {"innovation": 9.0, "cycles": 0}}),
        (f"tags__{PHASE}__low", 1.0),
        (f"tags__{PUMP_ACTIVE}__high", None),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused_with_its_place(path: str, value: Any) -> None:
    with pytest.raises(RuleError, match=r"\S"):
        with_speeds(**{path: value})


def test_rules_at_their_edges_are_taken() -> None:
    votes = VOTE | {"cycles": 1}
    found = with_speeds(
        limits__votes={SPEED: votes},
        limits__cross={"film": CROSS["film"] | {"powers": {PUMP: 4, GAP: -4}}},
        limits__guards={SPEED: {"trip": [0.0, 0.3], "return": [0.1, 0.2], "trip_after": 1, "return_after": 1}},
        limits__models={LOOP: {"innovation": 1.5, "cycles": 1}},
        loops__coating__phase__codes={"COAT": 0},
    )  # fmt: skip
    assert found.watch.votes[SPEED].cycles == 1
    (film,) = found.watch.cross
    assert isinstance(film, CrossRule)
    assert film.powers == ((PUMP, 4), (GAP, -4))
    guard, model = found.watch.guards[SPEED], found.watch.model
    assert (guard.trip_after, guard.back_after) == (1, 1)
    assert model == ModelRule(1.5, 1)
    assert found.phase is not None
    assert found.phase.allowed == frozenset({0})
    assert READY in found.inputs


def test_rules_without_a_seal_move_nothing() -> None:
    drive = driven()
    loose = replace(drive.rules, seal=())
    assert drive.snapshot is not None
    verdict = judge(
        loose, drive.state, drive.snapshot, "solved", plan(drive.now_s), AUTO, drive.now_s
    )
    assert (verdict.mode, verdict.command, verdict.reasons[0].rule) == (Mode.OFF, None, "IL-20")
