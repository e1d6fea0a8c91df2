"""The robustness episode: its counters can count, and a short one finds nothing."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.plan import SOLVED, Plan, PlanRequest
from hil.bad_weather import QUESTION_KINDS, WIRE_KINDS, BadWire, narrowed, spoilt_question
from hil.campaign_plan import load_plan
from hil.robustness import WatchedPlanner, play_episode, proposal_fault
from hil.robustness_report import robustness_of, robustness_text
from hil.virtual_line import VirtualLine
from safety.rules import loop_rules
from safety.words import Proposal
from tests.hil.sealed_line import sealed_line

TAG = "coater.pump_ratio_sp"
RULES = loop_rules(sealed_line(), "coating")
REQUEST = PlanRequest(
    loop="coating",
    sequence=1,
    now_s=8.0,
    values={"coater.line_speed": 0.16},
    quality={},
    applied={TAG: 2.6},
    limits={TAG: (2.2, 3.1)},
    max_step={TAG: 0.08},
    closed=True,
)


def plan_of(value: float, status: str = SOLVED) -> Plan:
    proposal = Proposal({TAG: value}, status, 1, 0.0, 0.0, 8.0)
    return Plan(status, proposal if status == SOLVED else None)


class Scripted:
    """A controller that answers what it was told to."""

    def __init__(self, answers: list[Plan]) -> None:
        self.answers = answers

    def plan(self, request: PlanRequest) -> Plan:
        return self.answers.pop(0)

    def observe(self, request: PlanRequest) -> None:
        raise NotImplementedError


def counted(*answers: Plan, request: PlanRequest = REQUEST) -> dict[str, int]:
    watched = WatchedPlanner(Scripted([*answers]), 5.0, RULES, random.Random(1))
    for _ in answers:
        asyncio.run(watched.plan(request, 5.0))
    return dict(watched.counts)


def test_each_kind_of_bad_proposal_is_counted() -> None:
    found = counted(plan_of(2.65), plan_of(math.nan), plan_of(3.2), plan_of(2.75))
    assert found["good"] == 1
    assert found["non_finite"] == 1
    assert found["out_of_limit"] == 2  # beyond the range; faster than the rate


def test_a_way_back_inside_a_moved_limit_is_no_fault_and_a_jump_is() -> None:
    outside = replace(REQUEST, applied={TAG: 3.3})
    assert proposal_fault(outside, plan_of(3.22)) == ""
    assert proposal_fault(outside, plan_of(3.3)) == "out_of_limit"
    assert proposal_fault(outside, plan_of(3.1)) == "out_of_limit"


def test_a_start_that_sticks_is_counted_and_a_single_failure_is_not() -> None:
    bad, good = plan_of(0.0, "no answer"), plan_of(2.6)
    assert counted(bad, good).get("stuck", 0) == 0
    assert counted(bad, good)["recovered"] == 1
    found = counted(bad, bad, bad, good)
    assert found["stuck"] == 2
    assert found["failed_when_fit"] == 3
    unfit = replace(REQUEST, applied={})
    assert counted(bad, bad, request=unfit).get("stuck", 0) == 0


def test_late_answers_are_counted() -> None:
    assert counted(replace(plan_of(2.6), solve_ms=6000.0))["late"] == 1


@pytest.mark.parametrize("kind", QUESTION_KINDS)
def test_a_spoilt_question_is_spoilt(kind: str) -> None:
    asked = spoilt_question(REQUEST, kind, RULES, random.Random(1))
    assert repr(asked) != repr(REQUEST)
    low, high = asked.limits[TAG]
    checks: dict[str, Callable[[], bool]] = {
        "crossed": lambda: low > high,
        "no-step": lambda: math.isnan(asked.max_step[TAG]),
        "nan-values": lambda: math.isnan(float(asked.values["coater.line_speed"])),
        "lies": lambda: 0.0 < float(asked.values["coater.line_speed"]) < 0.4,
    }
    assert checks[kind]()


@pytest.mark.parametrize("kind", WIRE_KINDS)
def test_a_spoilt_wire_is_spoilt(kind: str) -> None:
    async def readings() -> list[Any]:
        line = VirtualLine(sealed=sealed_line())
        wire = BadWire(line.port)
        tag = "coater.web_length"
        seen = [(await wire.read([tag])).get(tag)]
        wire.spoilt = {tag: kind}
        line.advance(20.0)
        seen += [(await wire.read([tag])).get(tag), (await line.port.read([tag])).get(tag)]
        return seen

    before, spoilt, true = asyncio.run(readings())
    assert true.value > before.value
    if kind == "missing":
        assert spoilt is None
    elif kind == "nan":
        assert math.isnan(spoilt.value)
    elif kind == "absurd":
        assert spoilt.value < -1e8
    else:
        assert spoilt.value == before.value
        assert (spoilt.received_s == before.received_s) == (kind == "stale")


def test_a_moved_limit_stays_in_the_published_range_and_leaves_the_rules_alone() -> None:
    for seed in range(50):
        moved = narrowed(RULES, random.Random(seed))
        changed = [tag for tag in RULES.setpoints if moved.setpoints[tag] != RULES.setpoints[tag]]
        assert len(changed) == 1
        low, high = moved.setpoints[changed[0]].operating
        published = RULES.setpoints[changed[0]].operating
        assert published[0] <= low < high <= published[1]


@pytest.mark.parametrize(("loop", "cycles", "kind"), [("coating", 80, "mpc"), ("mixing", 40, "pi")])
def test_a_short_episode_finds_nothing(loop: str, cycles: int, kind: str) -> None:
    found = play_episode(loop, 3, cycles, kind, sealed_line())
    assert found["plans"] == cycles
    assert sum(found["weather"].values()) > 0
    assert found["good"] > 0.5 * cycles
    assert found["non_finite"] == found["out_of_limit"] == found["escape_count"] == 0
    assert found["stuck"] == 0


def test_an_episode_repeats_bit_for_bit() -> None:
    first = play_episode("coating", 4, 30, "pi", sealed_line())
    again = play_episode("coating", 4, 30, "pi", sealed_line())
    first.pop("worst_ms")
    again.pop("worst_ms")
    assert first == again


def test_the_report_adds_up_and_judges() -> None:
    plan = load_plan("robustness")
    episode = play_episode("coating", 1, 20, "hold", sealed_line())
    bad = {**episode, "stuck": 1, "limit_cycle": {"period": 9.0, "sd": 0.1}}
    report = robustness_of(plan, [episode, bad])
    assert report["sums"]["cycles"] == 40
    verdicts = {row["never"].split(":")[0]: row["verdict"] for row in report["verdicts"]}
    assert verdicts["proposals that are no number"] == "met"
    assert verdicts["loops that swing in quiet weather"] == "missed"
    assert "fit questions" in robustness_text(report)
    assert robustness_of(plan, [])["verdicts"][0]["verdict"] == "missed"  # nothing was looked at
