"""The engine's own cycle on the simulated line: handshake, setpoints, silence, return."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from controller.plan import Plan, PlanRequest
from hil.judge import judge_rows
from hil.virtual_line import VirtualLine
from records.recorder import MemoryRecorder
from safety.words import Mode, Proposal, Request, RequestedMode
from service.clock import ManualClock
from service.cycle import loop_context, run_cycle
from tests.hil.sealed_line import sealed_line
from tests.hil.stand_in_plant import StandInPlant

RATIO = "coater.pump_ratio_sp"


class Wishes:
    """A planner that wants the setpoints a test gives it, or nothing at all."""

    def __init__(self) -> None:
        self.setpoints: Mapping[str, float] | None = None

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        if self.setpoints is None:
            return Plan("no wish", None)
        proposal = Proposal(self.setpoints, "solved", 5, 0.0, 0.0, request.now_s, innovation=1.0)
        return Plan("solved", proposal)

    async def close(self) -> None:
        return None


class Rig:
    """Simulated line, real cycle and gate, and a planner with simple wishes."""

    def __init__(self) -> None:
        sealed = sealed_line()
        self.plant = StandInPlant()
        self.line = VirtualLine(sealed=sealed, plant=self.plant)
        self.wishes = Wishes()
        self.clock = ManualClock()
        self.loop = loop_context(
            sealed, "coating", self.line.port, self.wishes, MemoryRecorder(), self.clock, {}
        )

    def ask(self, mode: RequestedMode, number: int) -> None:
        self.loop.request = Request(mode, "tester", False, number)

    def cycles(self, count: int) -> Mode:
        for _ in range(count):
            now_s = self.line.time_s + self.loop.rules.period_s
            self.line.advance(now_s)
            self.clock.set_s(now_s)
            asyncio.run(run_cycle(self.loop, now_s))
        return self.loop.last.state.mode

    @property
    def remote(self) -> bool:
        return self.line.coater.image["coater.remote_active"] is True

    @property
    def ratio(self) -> float:
        return self.line.coater.program.active[RATIO]

    def to_auto(self, number: int = 1) -> None:
        self.wishes.setpoints = {
            RATIO: 2.65, "coater.gap_sp": 280e-6, "coater.oven_trim_sp": 0.5,
        }  # fmt: skip
        self.ask(RequestedMode.AUTO, number)
        self.cycles(12)
        assert self.loop.last.state.mode is Mode.AUTO
        assert self.remote


def test_auto_comes_without_a_bump_and_setpoints_land() -> None:
    rig = Rig()
    rig.cycles(2)
    before = rig.ratio
    rig.wishes.setpoints = {RATIO: 2.65, "coater.gap_sp": 280e-6, "coater.oven_trim_sp": 0.5}
    rig.ask(RequestedMode.AUTO, 1)
    for _ in range(10):
        if not rig.remote:
            rig.cycles(1)
    assert rig.remote
    assert rig.ratio == pytest.approx(before, abs=2e-3)
    rig.cycles(10)
    assert rig.ratio == pytest.approx(2.65, abs=2e-4)
    verdict = judge_rows(rig.line.log)
    assert verdict.clean
    assert verdict.half_frames == 0


def test_an_engine_that_falls_silent_leaves_the_loop_to_the_plc_without_a_bump() -> None:
    rig = Rig()
    rig.to_auto()
    rig.cycles(5)
    silent_from_s = rig.line.time_s
    rig.line.advance(silent_from_s + 60.0)
    assert not rig.remote
    (takeover,) = judge_rows(rig.line.log).takeovers
    assert takeover["silent_s"] <= 24.0 + 2.0
    assert takeover["bump_share_of_range"] < 0.01


def test_a_frozen_plc_heartbeat_sheds_and_the_plc_takes_over_by_itself() -> None:
    rig = Rig()
    rig.to_auto()
    rig.line.panel("coater", freeze_heartbeat=True)
    assert rig.cycles(8) is Mode.SHED
    assert not rig.remote
    rig.line.panel("coater", freeze_heartbeat=False)
    assert rig.cycles(10) is Mode.SHED, "nobody has asked again"
    rig.to_auto(number=2)


def test_the_operators_key_takes_the_loop_and_only_a_new_request_gives_it_back() -> None:
    rig = Rig()
    rig.to_auto()
    rig.line.panel("coater", key_remote=False)
    rig.cycles(3)
    assert not rig.remote
    rig.line.panel("coater", key_remote=True)
    rig.cycles(10)
    assert not rig.remote
    rig.to_auto(number=2)


def test_off_gives_the_loop_back_in_the_same_cycle() -> None:
    rig = Rig()
    rig.to_auto()
    rig.ask(RequestedMode.OFF, 2)
    rig.cycles(1)
    rig.line.advance(rig.line.time_s + 1.0)
    assert not rig.remote


def test_a_planner_without_wishes_holds_for_a_while_and_then_sheds() -> None:
    rig = Rig()
    rig.to_auto()
    rig.cycles(10)
    held = rig.ratio
    rig.wishes.setpoints = None
    assert rig.cycles(2) is Mode.HOLD
    assert rig.ratio == pytest.approx(held, abs=2e-4)
    assert rig.cycles(10) is Mode.SHED
