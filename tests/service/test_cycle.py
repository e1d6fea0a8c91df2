"""The cycle's order of events, and what becomes of it when something breaks."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from records.chain import RecordError
from records.recorder import MemoryRecorder
from safety.modes import ModeState
from safety.words import Mode, Request, RequestedMode
from service.clock import ManualClock
from service.cycle import CycleRecord, LoopContext, guarded_cycle, loop_context, run_cycle
from tests.service.small_line import ACTIVE, LOOP, SP, FakePlanner, FakePlant, small_sealed


class StoryRecorder(MemoryRecorder):
    """Remembers when it was called, and can fail like a full disk."""

    def __init__(self, story: list[str]) -> None:
        super().__init__()
        self.story = story
        self.full = False

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        if self.full:
            raise RecordError("the disk is full")
        self.story.append(kind)
        return await super().append(kind, loop, utc, body)


class Bench:
    """One loop with everything fake but the cycle and the gate."""

    def __init__(self, sealed: Mapping[str, Any] | None = None) -> None:
        self.clock = ManualClock(1000.0)
        self.story: list[str] = []
        self.plant = FakePlant(self.clock, self.story)
        self.planner = FakePlanner(self.story)
        self.recorder = StoryRecorder(self.story)
        self.loop: LoopContext = loop_context(
            sealed or small_sealed(), LOOP, self.plant, self.planner, self.recorder, self.clock,
            {"software": "s", "model": "m", "config": "c"},
        )  # fmt: skip

    def ask_for(self, mode: RequestedMode) -> None:
        self.loop.request = Request(mode, "Kim", False, self.loop.request.number + 1)

    def run(self, cycles: int = 1) -> CycleRecord:
        """Run cycles a period apart, telling the story of the last one only."""
        for _ in range(cycles):
            self.story.clear()
            self.clock.set_s(self.clock.now_s() + self.loop.rules.period_s)
            record = asyncio.run(guarded_cycle(self.loop, self.clock.now_s()))
        return record

    def close_the_loop(self) -> None:
        """Go to AUTO, or fail the test."""
        self.ask_for(RequestedMode.AUTO)
        for _ in range(12):
            if self.run().state.mode is Mode.AUTO:
                return
        pytest.fail(f"not in AUTO: {self.loop.last.body}")


@pytest.mark.requirement("REC-03")
def test_an_intent_is_recorded_before_every_write() -> None:
    bench = Bench()
    bench.close_the_loop()
    bench.run()
    assert bench.story == ["read", "plan", "intent", "write", "cycle"]
    intent, cycle = bench.recorder.bodies[-2:]
    assert intent["setpoints"] == bench.plant.commands[-1].setpoints
    assert cycle["written"]["outcome"] == "written"
    assert intent["sequence"] == cycle["sequence"]


@pytest.mark.requirement("SVC-02")
def test_a_loop_nobody_asked_for_is_read_and_recorded_only() -> None:
    bench = Bench()
    assert bench.run(5).state.mode is Mode.OFF
    assert bench.story == ["read", "cycle"]
    assert not bench.plant.commands


def test_shadow_plans_and_never_writes() -> None:
    bench = Bench()
    bench.ask_for(RequestedMode.SHADOW)
    record = bench.run(6)
    assert record.state.mode is Mode.SHADOW
    assert record.body["verdict"]["allowed"][SP] == pytest.approx(3.05e-4)
    assert not bench.plant.commands


@pytest.mark.requirement("REC-03")
def test_without_a_record_nothing_is_written_and_the_loop_sheds() -> None:
    bench = Bench()
    bench.close_the_loop()
    sent = len(bench.plant.commands)
    bench.recorder.full = True
    assert bench.run().state.mode is Mode.SHED
    assert "write" not in bench.story
    bench.recorder.full = False
    assert bench.run(4).state.mode is Mode.SHED, "only a person may close the loop again"
    assert len(bench.plant.commands) == sent
    bench.close_the_loop()


@pytest.mark.requirement("SVC-04")
def test_a_write_whose_record_is_lost_is_the_last_one() -> None:
    bench = Bench()
    bench.close_the_loop()

    class FullAfterTheIntent(StoryRecorder):
        async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
            self.full = kind == "cycle"
            return await super().append(kind, loop, utc, body)

    bench.loop.recorder = FullAfterTheIntent(bench.story)
    assert bench.run().state.mode is Mode.SHED
    assert bench.story == ["read", "plan", "intent", "write"]
    sent = len(bench.plant.commands)
    bench.run(3)
    assert len(bench.plant.commands) == sent


@pytest.mark.parametrize("broken", ["planner", "plant"])
def test_an_exception_sheds_the_loop_and_says_why(broken: str) -> None:
    bench = Bench()
    bench.close_the_loop()
    victim = bench.planner if broken == "planner" else bench.plant
    victim.trouble = ZeroDivisionError("a bug")
    record = bench.run()
    assert record.state.mode is Mode.SHED
    assert "ZeroDivisionError: a bug" in bench.recorder.bodies[-1]["verdict"]["limiting"]
    assert record.body["mode"] == "SHED"


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.TRIPPED])
def test_an_exception_opens_neither_an_open_loop_nor_a_latch(mode: Mode) -> None:
    bench = Bench()
    before = bench.loop.last.state._replace(modes=ModeState(mode), latches=("IL-04: why",))
    bench.loop.last = replace(bench.loop.last, state=before)
    bench.plant.trouble = ZeroDivisionError("a bug")
    after = bench.run().state
    assert (after.modes, after.latches) == (before.modes, before.latches)
    assert after.sequence == before.sequence + 1
    assert bench.story == ["read", "cycle"]


def test_run_cycle_itself_hides_no_exception() -> None:
    bench = Bench()
    bench.ask_for(RequestedMode.SHADOW)
    bench.planner.trouble = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_cycle(bench.loop, 1000.0))


@pytest.mark.requirement("FS-11")
def test_off_releases_the_plc_once_and_then_is_silent() -> None:
    bench = Bench()
    bench.close_the_loop()
    bench.ask_for(RequestedMode.OFF)
    assert bench.run().state.mode is Mode.OFF
    release = bench.plant.commands[-1]
    assert not release.remote
    assert not release.setpoints
    sent = len(bench.plant.commands)
    bench.run(3)
    assert len(bench.plant.commands) == sent


def test_sequence_numbers_never_repeat_whatever_breaks() -> None:
    bench = Bench()
    bench.close_the_loop()
    bench.planner.trouble = ZeroDivisionError("a bug")
    bench.run(2)
    bench.planner.trouble = None
    bench.run(2)
    numbers = [body["sequence"] for body in bench.recorder.bodies if "verdict" in body]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_controller_is_told_what_the_plc_confirmed_and_what_the_gate_allows() -> None:
    bench = Bench()
    bench.close_the_loop()
    bench.run()
    question = bench.planner.asked[-1]
    assert question.closed
    assert question.applied[SP] == pytest.approx(bench.plant.gap_m)
    assert question.limits[SP] == (2e-4, 9e-4)
    assert question.max_step[SP] == pytest.approx(8e-6)


@pytest.mark.requirement("REC-10")
def test_a_reading_that_was_not_believed_is_kept_as_it_came() -> None:
    bench = Bench()
    bench.run()
    assert bench.recorder.bodies[-1]["raw"] == {}
    bench.plant.gap_m = math.nan
    bench.run()
    body = json.loads(bench.recorder.rows[-1].body)
    assert body["inputs"][ACTIVE][:2] == [None, 0]
    assert body["raw"][ACTIVE][:2] == ["NaN", 2]
    assert list(body["raw"]) == [ACTIVE]


def test_the_same_story_gives_the_same_records() -> None:
    def story() -> list[str]:
        bench = Bench()
        bench.close_the_loop()
        bench.run(5)
        return [row.hash for row in bench.recorder.rows]

    assert story() == story()


@pytest.mark.requirement("GMP-15")
def test_a_loop_knows_until_when_its_instruments_are_calibrated() -> None:
    sealed = small_sealed()
    sealed["tags"][ACTIVE] |= {"calibrated_until": "2026-03-31"}
    assert Bench(sealed).loop.calibrated == {ACTIVE: "2026-03-31"}


@pytest.mark.requirement("GMP-15")
@pytest.mark.parametrize("lapsed", ["", "the gauge was due yesterday"])
def test_why_a_request_holds_no_longer_is_in_the_record(lapsed: str) -> None:
    bench = Bench()
    bench.close_the_loop()
    bench.loop.request = replace(bench.loop.request, lapsed=lapsed)
    asked = {"number": 1, "reset": False} | ({"lapsed": lapsed} if lapsed else {})
    assert bench.run().body["request"] == asked
