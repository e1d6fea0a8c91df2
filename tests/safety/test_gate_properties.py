"""What must hold of the gate whatever anybody does: P1 to P12 as far as one process shows them.

The optimiser here is a random one. It has no manners, and every limit holds all the same (P7).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safety.gate import Command, Verdict, judge
from safety.rules import LoopRules
from safety.signals import Snapshot, validate
from safety.state import restart, state_from_json, state_to_json
from safety.words import (
    Action,
    Mode,
    Proposal,
    Quality,
    Request,
    RequestedMode,
    Sample,
    WriteResult,
)
from tests.safety.builders import APPLIED, GAP, PUMP, Drive, Plant, ask, plan, rules

RULES = rules()
AUTO = ask("AUTO")

hostile = st.one_of(
    st.floats(),
    st.sampled_from(
        [math.nan, math.inf, -math.inf, -0.0, 5e-324, 2.2, 3.1, 240e-6, 340e-6, 6.0, 1.8e308]
    ),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.text(max_size=3),
    st.none(),
)
wish = st.one_of(hostile, st.floats(2.0, 3.4), st.floats(200e-6, 400e-6))
garbage = st.one_of(hostile, st.dictionaries(st.text(max_size=3), hostile), st.lists(hostile))
random_plans = st.builds(
    Proposal,
    setpoints=st.fixed_dictionaries({PUMP: wish, GAP: wish}),
    status=st.just("solved"),
    iterations=st.just(3),
    residual=st.just(0.0),
    cost=st.just(1.0),
    made_s=st.just(0.0),
)


def _judge(drive: Drive, proposal: Any, request: Any = AUTO, status: Any = "solved") -> Verdict:
    """Judge one cycle from where the drive stands, changing nothing."""
    now_s = drive.now_s + 8.0
    if isinstance(proposal, Proposal) and proposal.made_s == 0.0:
        proposal = dataclasses.replace(proposal, made_s=now_s)
    return judge(drive.rules, drive.state, _next(drive), status, proposal, request, now_s)


def _next(drive: Drive) -> Snapshot:
    return validate(
        drive.plant.read(drive.now_s + 8.0), drive.memory, drive.rules, drive.now_s + 8.0
    )


def _in_auto(applied: Mapping[str, float] = APPLIED) -> Drive:
    drive = Drive(plant=Plant(applied))
    drive.to_auto()
    return drive


def _contained(verdict: Verdict, applied: Mapping[str, float], loop: LoopRules = RULES) -> None:
    """The oracle: exact, with numbers of its own, and no code of the gate's."""
    boxes = {PUMP: (2.2, 3.1, 0.5, 6.0, 0.01), GAP: (240e-6, 340e-6, 180e-6, 1400e-6, 1e-6)}
    command = verdict.command
    if command is None:
        return
    assert set(command.setpoints) in (set(), {PUMP, GAP})
    for tag, value in command.setpoints.items():
        low, high, least, most, rate = boxes[tag]
        assert type(value) is float
        assert least <= value <= most
        assert min(low, applied[tag]) <= value <= max(high, applied[tag])
        assert abs(Fraction(value) - Fraction(applied[tag])) <= Fraction(rate * loop.period_s)


# --- one cycle -----------------------------------------------------------------------------------


@pytest.mark.requirement("P1")
@pytest.mark.requirement("P7")
@settings(max_examples=400)
@given(proposal=random_plans)
def test_no_proposal_can_leave_the_box(proposal: Proposal) -> None:
    drive = _in_auto()
    verdict = _judge(drive, proposal)
    _contained(verdict, APPLIED)
    assert verdict.mode in (Mode.AUTO, Mode.HOLD)


@pytest.mark.requirement("P1")
@pytest.mark.requirement("P2")
@given(
    pump=st.floats(0.5, 6.0), gap=st.floats(180e-6, 1400e-6), proposal=random_plans,
)  # fmt: skip
def test_wherever_the_plc_is_the_way_back_is_a_ramp(
    pump: float, gap: float, proposal: Proposal
) -> None:
    drive = _in_auto()
    applied = {PUMP: pump, GAP: gap}
    drive.plant.applied = dict(applied)
    drive.state = drive.state._replace(lawful={}, commanded={})
    _contained(_judge(drive, proposal), applied)


@pytest.mark.requirement("P3")
@settings(max_examples=300)
@given(proposal=garbage, status=garbage, setpoints=garbage, numbers=st.tuples(*[hostile] * 4))
def test_the_gate_is_total(proposal: Any, status: Any, setpoints: Any, numbers: Any) -> None:
    drive = _in_auto()
    for wish_ in (proposal, Proposal(setpoints, status, *numbers)):
        verdict = _judge(drive, wish_, status=status)
        assert verdict.limiting[:5] != "IL-00", "only the interlocks decide here"
        _contained(verdict, APPLIED)


@pytest.mark.requirement("P3")
@given(rules_=garbage, state=garbage, snapshot=garbage, request=garbage, now_s=garbage)
def test_no_argument_at_all_makes_it_raise_or_write(
    rules_: Any, state: Any, snapshot: Any, request: Any, now_s: Any
) -> None:
    drive = _in_auto()
    good: list[Any] = [drive.rules, drive.state, _next(drive), "solved", None, AUTO, drive.now_s]
    for place, bad in ((0, rules_), (1, state), (2, snapshot), (5, request)):
        arguments: list[Any] = list(good)
        arguments[place] = bad
        verdict = judge(*arguments)
        assert (verdict.command, verdict.mode) == (None, Mode.SHED)
    verdict = judge(*[*good[:6], now_s])
    assert verdict.action >= Action.HOLD


@pytest.mark.requirement("P4")
@given(proposal=random_plans)
def test_the_same_question_has_the_same_answer(proposal: Proposal) -> None:
    drive = _in_auto()
    now_s = drive.now_s + 8.0
    snapshot = _next(drive)
    arguments = (drive.rules, drive.state, snapshot, "solved", proposal, AUTO, now_s)
    first, second = judge(*arguments), judge(*arguments)
    assert repr(first) == repr(second)
    again = state_from_json(json.loads(json.dumps(state_to_json(drive.state))))
    third = judge(drive.rules, again, snapshot, "solved", proposal, AUTO, now_s)
    assert repr(third) == repr(first)


degraded_sample = st.sampled_from(
    [
        None,
        Sample.bad("lost", 0.0),
        Sample(0.1, Quality.UNCERTAIN, "doubt", None, 0.0, 1),
        Sample(math.nan, Quality.GOOD, "", None, 0.0, 1),
    ]
)


@pytest.mark.requirement("P5")
@settings(max_examples=200)
@given(
    tags=st.sets(st.sampled_from(sorted(RULES.inputs)), min_size=1),
    bad=degraded_sample,
    pump=st.floats(2.0, 3.4),
    gap=st.floats(200e-6, 400e-6),
)
def test_degrading_what_is_seen_never_makes_the_gate_bolder(
    tags: set[str], bad: Any, pump: float, gap: float
) -> None:
    """Action no lower, output no wider: what remains is a hold in place, or silence."""
    healthy, degraded = _in_auto(), _in_auto()
    verdict = healthy.cycle(AUTO, {PUMP: pump, GAP: gap})
    worse = degraded.cycle(
        AUTO, {PUMP: pump, GAP: gap}, bend=lambda raw: raw | dict.fromkeys(tags, bad)
    )
    assert worse.action >= verdict.action
    _no_wider(worse, verdict)


@pytest.mark.requirement("P5")
@pytest.mark.parametrize(
    "worse",
    [
        {"status": "max_iter"}, {"residual": 1.0}, {"iterations": 10**6}, {"cost": math.nan},
        {"made_s": 1.0}, {"setpoints": {PUMP: 3.0}}, {"setpoints": {PUMP: 3.0, GAP: math.nan}},
    ],
)  # fmt: skip
@given(pump=st.floats(2.0, 3.4), gap=st.floats(200e-6, 400e-6))
def test_degrading_the_plan_never_makes_the_gate_bolder(
    worse: dict[str, Any], pump: float, gap: float
) -> None:
    drive = _in_auto()
    good = plan(drive.now_s + 8.0, {PUMP: pump, GAP: gap})
    verdict = _judge(drive, good)
    degraded = _judge(drive, dataclasses.replace(good, **worse))
    assert degraded.action >= verdict.action
    _no_wider(degraded, verdict)


def _no_wider(worse: Verdict, better: Verdict) -> None:
    if worse.command is None:
        return
    assert better.command is not None
    for tag, value in worse.command.setpoints.items():
        assert value == APPLIED[tag] or value == better.command.setpoints[tag]


@pytest.mark.requirement("P6")
@given(pump=st.floats(2.0, 3.4), gap=st.floats(200e-6, 400e-6))
def test_what_the_gate_allowed_it_allows_unchanged(pump: float, gap: float) -> None:
    drive = _in_auto()
    once = _judge(drive, plan(drive.now_s + 8.0, {PUMP: pump, GAP: gap}))
    drive.plant.beat -= 1
    twice = _judge(drive, plan(drive.now_s + 8.0, once.allowed))
    assert twice.allowed == once.allowed
    assert twice.action is Action.ALLOW


@pytest.mark.requirement("P11")
def test_verdict_and_state_cannot_be_changed() -> None:
    verdict = _judge(_in_auto(), plan(0.0, APPLIED))
    with pytest.raises(AttributeError):
        verdict.action = Action.ALLOW  # type: ignore[misc]
    with pytest.raises(AttributeError):
        verdict.state.modes = None  # type: ignore[misc, assignment]
    for mapping in (verdict.allowed, verdict.requested, verdict.state.commanded):
        with pytest.raises(TypeError):
            mapping[PUMP] = 9.0  # type: ignore[index]


# --- many cycles ---------------------------------------------------------------------------------

cycles = st.lists(
    st.tuples(
        random_plans,
        st.sampled_from(["written", "written", "written", "lost", "late", "unknown", "slow"]),
        st.sampled_from([8.0, 8.0, 8.0, 0.0, 0.5, 20.0]),
        st.sampled_from(["", "", "", "", "restart", "blind", "off"]),
    ),
    min_size=1,
    max_size=30,
)


def _made_now(proposal: Proposal) -> Callable[[float], Proposal]:
    return lambda now_s: dataclasses.replace(proposal, made_s=now_s)


class Wire:
    """Carries commands with the bad luck of a wire, and watches the PLC as a judge of its own."""

    def __init__(self, drive: Drive) -> None:
        self.drive, self.fate = drive, "written"

    def write(self, command: Command | None) -> WriteResult | None:
        plant = self.drive.plant
        if command is None:
            return None
        if self.fate == "lost":
            return WriteResult("not-sent", {}, "down")
        if self.fate == "slow":
            self._creep(command)
            return WriteResult("written", dict(command.setpoints), "")
        plant.write(command)
        if self.fate == "unknown":
            return WriteResult("unknown", {}, "time-out")
        if self.fate == "late":
            return WriteResult("written", dict.fromkeys(command.setpoints), "")
        return WriteResult("written", dict(command.setpoints), "")

    def _creep(self, command: Command) -> None:
        plant = self.drive.plant
        before = dict(plant.applied)
        plant.write(command)
        plant.applied = {tag: (before[tag] + plant.applied[tag]) / 2 for tag in before}


@pytest.mark.requirement("P2")
@pytest.mark.requirement("P12")
@settings(max_examples=120)
@given(story=cycles)
def test_over_any_story_no_setpoint_in_use_ever_jumps_or_leaves(story: list[Any]) -> None:
    """Random plans, lost and unknown writes, slow PLCs, odd times, restarts, blindness."""
    drive = _in_auto()
    wire = Wire(drive)
    number = 1
    for proposal, fate, elapsed_s, event in story:
        wire.fate = fate
        if event == "restart":
            drive.state = restart(state_from_json(state_to_json(drive.state)))
            number += 1
        before = dict(drive.plant.applied)
        request = ask("OFF", number) if event == "off" else ask("AUTO", number)
        last_s, last = drive.state.commanded_s, dict(drive.state.commanded)
        verdict = drive.cycle(
            request,
            proposal=_made_now(proposal),
            bend=(lambda raw: {}) if event == "blind" else None,
            write=wire.write,
            elapsed_s=elapsed_s,
        )
        _contained(verdict, before)
        if verdict.mode is Mode.AUTO and verdict.command is not None and last_s is not None:
            moving_s = min(8.0, drive.now_s - last_s)
            for tag, rate in ((PUMP, 0.01), (GAP, 1e-6)):
                move = abs(Fraction(verdict.command.setpoints[tag]) - Fraction(before[tag]))
                assert move <= Fraction(rate * moving_s)
                jump = abs(Fraction(verdict.command.setpoints[tag]) - Fraction(last[tag]))
                assert jump <= Fraction(rate * 8.0)
        if event == "restart":
            assert verdict.mode in (Mode.OFF, Mode.SHADOW)
            assert verdict.command is None
        for tag, (low, high) in RULES.limits().items():
            assert low <= drive.plant.applied[tag] <= high


@pytest.mark.requirement("P9")
@given(
    requests=st.lists(
        st.builds(
            Request,
            mode=st.sampled_from(RequestedMode),
            who=st.sampled_from(["", "A. Operator"]),
            reset=st.just(False),
            number=st.integers(0, 3),
        ),
        max_size=20,
    ),
    deaths=st.sets(st.integers(0, 19)),
)
def test_a_latched_trip_survives_every_restart_and_every_wish(
    requests: list[Request], deaths: set[int]
) -> None:
    drive = _in_auto()
    drive.plant.applied[PUMP] = 6.1
    assert drive.cycle(AUTO).mode is Mode.TRIPPED
    drive.plant.applied[PUMP] = 2.6
    for place, request in enumerate(requests):
        if place in deaths:
            drive.state = restart(
                state_from_json(json.loads(json.dumps(state_to_json(drive.state))))
            )
        verdict = drive.cycle(request)
        assert (verdict.mode, verdict.action, verdict.command) == (
            Mode.TRIPPED, Action.TRIP, None,
        )  # fmt: skip
        assert "equipment range" in verdict.limiting
