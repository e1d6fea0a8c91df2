"""What the gate makes of a plan: what holds, and what is cut down."""

from __future__ import annotations

import math
from typing import Any

import pytest

from safety.words import Action, Mode, Proposal
from tests.safety.builders import (
    APPLIED,
    GAP,
    PUMP,
    Drive,
    Plant,
    ask,
    plan,
    rules,
)

AUTO = ask("AUTO")


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
