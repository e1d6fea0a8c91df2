"""Four hardships, each with every loop's own estimator and optimiser.

No compiler; a cache nobody can write; a worker killed while it is solving; readings that are no
numbers or absurd. Whatever happens, there is a proposal inside its box or none with a reason.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from benchmarks.replays import recorded
from controller.factory import build_controller
from controller.plan import SOLVED, Plan, PlanRequest
from controller.plan_json import request_from_json
from hil.virtual_line import default_sealed
from service.solver_process import SolverProcess

LOOPS = ("coating", "profile", "mixing")
COMPILED = ("coating", "mixing")
"""The lip's programme is numpy and a solver from a wheel: it has no code of ours to compile."""
ABSURD: tuple[float | str, ...] = (
    math.nan,
    math.inf,
    -math.inf,
    0.0,
    -1.0,
    1e9,
    -1e9,
    1e300,
    -1e300,
    5e-324,
    "text",
    True,
)
AMPLE_S = 60.0


@cache
def asked(loop: str) -> list[PlanRequest]:
    """Three minutes of a loop's questions."""
    return [request_from_json(body) for body in _recorded()[loop]]


@cache
def _recorded() -> Mapping[str, Any]:
    return recorded(3.0, 5, default_sealed())


def within(plan: Plan, request: PlanRequest) -> None:
    """A proposal is finite, inside its box and no step longer than allowed, or there is none."""
    if plan.proposal is None:
        assert plan.status not in ("", SOLVED)
        return
    for tag, value in plan.proposal.setpoints.items():
        low, high = request.limits[tag]
        room = 1e-9 * max(abs(low), abs(high))
        assert low - room <= value <= high + room, tag
        assert abs(value - request.applied[tag]) <= request.max_step[tag] + room, tag


def last_plan(loop: str) -> Plan:
    controller = build_controller(loop, default_sealed())
    for request in asked(loop):
        plan = controller.plan(request)
        within(plan, request)
    return plan


@pytest.mark.parametrize("loop", LOOPS)
def test_without_a_compiler_the_plans_are_the_same_but_slow(
    loop: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    quick = last_plan(loop)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    slow = last_plan(loop)
    same_moves(slow, quick)
    if loop in COMPILED:
        assert any("no C compiler" in note for note in slow.notes), slow.notes


@pytest.mark.parametrize("loop", LOOPS)
def test_with_a_cache_nobody_can_write_the_plans_are_the_same_but_slow(
    loop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = last_plan(loop)
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/1")  # not even root makes a folder there
    slow = last_plan(loop)
    same_moves(slow, quick)
    if loop in COMPILED:
        assert any("interpreter" in note for note in slow.notes), slow.notes


def same_moves(a: Plan, b: Plan) -> None:
    assert a.proposal is not None
    assert b.proposal is not None
    for tag, value in b.proposal.setpoints.items():
        step = asked_step(tag)
        assert a.proposal.setpoints[tag] == pytest.approx(value, rel=1e-9, abs=0.02 * step), tag


def asked_step(tag: str) -> float:
    """The longest move of a setpoint."""
    return next(asked(loop)[-1].max_step[tag] for loop in LOOPS if tag in asked(loop)[-1].max_step)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_worker_killed_while_it_solves_costs_one_proposal(loop: str) -> None:
    """Stopped first, so that the question is surely with it when it is killed."""
    first, second, third, *_ = asked(loop)

    async def tell() -> None:
        process = SolverProcess(loop, default_sealed())
        process.start()
        try:
            await process.ready()
            assert (await process.plan(first, AMPLE_S)).status not in ("dead", "late")
            worker, spare = process.pids
            os.kill(worker, signal.SIGSTOP)
            question = asyncio.create_task(process.plan(second, AMPLE_S))
            await asyncio.sleep(0.05)
            os.kill(worker, signal.SIGKILL)
            lost = await question
            assert (lost.status, lost.proposal) == ("dead", None)
            after = await process.plan(third, AMPLE_S)
            assert after.status not in ("dead", "late", "starting")
            assert process.pids[0] == spare
            within(after, third)
            # The spare has heard both questions: it knows as much as one never interrupted.
            alone = build_controller(loop, default_sealed())
            for request in (first, second):
                alone.plan(request)
            assert after.estimate == alone.plan(third).estimate
        finally:
            await process.close()

    asyncio.run(tell())


@pytest.mark.parametrize("loop", LOOPS)
def test_no_reading_however_absurd_leads_out_of_the_box_or_beyond_its_cycle(loop: str) -> None:
    controller = build_controller(loop, default_sealed())
    requests = asked(loop)
    for at, odd in enumerate(ABSURD):
        request = requests[min(at, len(requests) - 1)]
        spoilt = replace(request, values=dict.fromkeys(request.values, odd))
        within(controller.plan(spoilt), spoilt)
        for tag in request.values:
            one = replace(request, values={**request.values, tag: odd})
            within(controller.plan(one), one)
    controller.forget()
    for request in requests:
        plan = controller.plan(request)
    assert plan.proposal is not None
    assert plan.proposal == last_plan(loop).proposal
