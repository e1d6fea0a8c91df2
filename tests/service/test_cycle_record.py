"""The rows one cycle leaves behind, whole and to the letter: whoever reads records relies on them.

`python -m tests.service.test_cycle_record` writes the reference anew; look at its diff before you
commit it, for every reader of old records has to know the old form too.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.plan import Plan, PlanRequest, Trajectory
from records.recorder import MemoryRecorder
from safety.gate import Command
from safety.modes import repair_of
from safety.signals import validate
from safety.words import Mode, Proposal, Reading, Request, RequestedMode, WriteResult
from service import cycle
from service.clock import ManualClock
from service.cycle import guarded_cycle, loop_context
from service.cycle_body import Timing
from tests.service.small_line import ACTIVE, LOOP, SP, FakePlanner, FakePlant, small_sealed

REFERENCE = Path(__file__).with_name("cycle_records.json")
SPEED = 4.0


class BusyClock(ManualClock):
    """Four times as fast as the world; whoever works moves it on, and uses the processor."""

    busy = 0.0

    def wall_s(self, engine_seconds: float) -> float:
        """Return the wall seconds that `engine_seconds` take."""
        return engine_seconds / SPEED

    def busy_s(self) -> float:
        """Return what was used so far, and use some more: a little more each time."""
        self.busy += 0.000_123_456 + self.busy / 7.0
        return self.busy

    def work(self, engine_seconds: float) -> None:
        """Let time pass."""
        self.set_s(self.now_s() + engine_seconds)


class SlowPlant(FakePlant):
    """Reading takes 0.31 s and writing 0.17 s; the PLC cuts a setpoint a little when told to."""

    cuts = 0.0

    async def read(self, tags: Any) -> Reading:
        """Read, a while later."""
        assert isinstance(self.clock, BusyClock)
        self.clock.work(0.312_345_678)
        return await super().read(tags)

    async def write(self, command: Command) -> WriteResult:
        """Write, a while later."""
        assert isinstance(self.clock, BusyClock)
        self.clock.work(0.171_717_171)
        done = await super().write(command)
        self.gap_m += self.cuts
        landed = {tag: (value or 0.0) + self.cuts for tag, value in done.landed.items()}
        return replace(done, landed=landed)


class SlowRecorder(MemoryRecorder):
    """An intent takes 0.07 s to be on the disk."""

    def __init__(self, clock: BusyClock) -> None:
        super().__init__()
        self._clock = clock

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Write it down, a while later."""
        self._clock.work(0.070_707_07)
        return await super().intend(loop, utc, body)


class WordyPlanner(FakePlanner):
    """Says everything a plan can say, or that there is none; remembers its deadline."""

    clock: BusyClock
    deadlines: tuple[float, ...] = ()
    silent = False

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer after 0.53 s."""
        self.clock.work(0.530_530_53)
        self.asked.append(request)
        self.deadlines += (deadline_s,)
        if self.trouble is not None:
            raise self.trouble
        if self.silent:
            return Plan("late", None, notes=["the answer did not come in time"])
        wish = Proposal({SP: self.wish_m}, "solved", 3, 1e-9, 1.25, request.now_s, innovation=0.5)
        return Plan(
            "solved",
            wish,
            estimate={"coater.gap": 2.9e-4},
            predicted={ACTIVE: Trajectory((1.0, 2.0), (3e-4, 3.1e-4))},
            targets={ACTIVE: 3.1e-4},
            cv_limits={ACTIVE: (2e-4, None)},
            binding=(f"{SP} high",),
            gave_up=((ACTIVE, 1e-6),),
            echo={SP: (2e-4, 9e-4)},
            solve_ms=12.5,
            notes=["the gap is narrow"],
        )


class Story:
    """One loop that lives through everything a record can tell."""

    def __init__(self) -> None:
        self.clock = BusyClock(1000.0)
        self.plant, self.planner = SlowPlant(self.clock), WordyPlanner()
        self.planner.clock = self.clock
        self.recorder = SlowRecorder(self.clock)
        self.loop = loop_context(
            small_sealed(), LOOP, self.plant, self.planner, self.recorder, self.clock,
            {"software": "s", "model": "m", "config": "c"},
        )  # fmt: skip

    def run(self, late_s: float = 0.0) -> list[dict[str, Any]]:
        """Run one cycle that begins `late_s` after it was due; return the rows it left."""
        kept = len(self.recorder.rows)
        due_s = self.clock.now_s() + self.loop.rules.period_s
        self.clock.set_s(due_s + late_s)
        asyncio.run(guarded_cycle(self.loop, due_s))
        return [
            {"kind": row.kind, "loop": row.loop, "utc": row.utc, "body": json.loads(row.body)}
            for row in self.recorder.rows[kept:]
        ]

    def tell(self) -> dict[str, Any]:
        """Return the rows of each of its cycles."""
        told = {"off": self.run()}
        self.loop.request = Request(RequestedMode.AUTO, "Kim", False, 7)
        while self.loop.last.state.mode is not Mode.AUTO:
            self.run()
        told["auto"] = self.run(late_s=0.456_789_123)
        self.plant.gap_m = float("nan")
        told["a reading not believed"] = self.run()
        self.plant.gap_m, self.plant.cuts = 3.05e-4, 5e-6
        told["cut by the plc"] = self.run()
        self.plant.cuts = 0.0
        self.planner.silent = True
        told["no plan"] = self.run(late_s=2.0)
        self.planner.trouble = ZeroDivisionError("a bug")
        told["broken off"] = self.run()
        return told


@pytest.mark.requirement("REC-10", "REC-03")
def test_every_row_is_to_the_letter_what_readers_know() -> None:
    reference: Mapping[str, Any] = json.loads(REFERENCE.read_text("utf-8"))
    told = json.loads(json.dumps(Story().tell()))
    assert list(told) == list(reference)
    for scene, rows in reference.items():
        assert told[scene] == rows, scene


def test_the_controller_is_asked_with_all_it_may_know_and_half_a_period_to_answer() -> None:
    story = Story()
    story.loop.request = Request(RequestedMode.SHADOW, "Kim", False, 7)
    story.run()
    (asked,) = story.planner.asked
    rules = story.loop.rules
    assert asked == PlanRequest(
        LOOP, 1, 1000.0 + rules.period_s + 0.312_345_678,
        {"coater.heartbeat": 1, "coater.running": True, "coater.remote_ready": True,
         "coater.remote_active": False, ACTIVE: 3e-4},
        dict.fromkeys(rules.inputs, 2), {SP: 3e-4}, {SP: (2e-4, 9e-4)},
        {SP: 8.0 * 1e-6}, False,
    )  # fmt: skip
    assert story.planner.deadlines == (0.5 * rules.period_s / SPEED,)
    story.run()
    assert story.planner.asked[-1].sequence == 2


def test_a_reset_reaches_the_reading_of_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    repairs: list[Any] = []

    def watched(*given: Any) -> Any:
        repairs.append(given[4])
        return validate(*given)

    monkeypatch.setattr(cycle, "validate", watched)
    story = Story()
    story.loop.request = Request(RequestedMode.SHADOW, "Kim", True, 7)
    story.run()
    assert repairs == [repair_of(story.loop.request)] != [""]


@pytest.mark.parametrize(("late_s", "late"), [(0.8, False), (0.8 + 1e-9, True), (-3.0, False)])
def test_a_start_is_late_beyond_a_tenth_of_the_period(late_s: float, late: bool) -> None:
    clock = BusyClock(0.0)
    told = Timing(clock, -late_s, 8.0).to_json()
    assert told["late"] is late
    assert told["late_s"] == round(max(0.0, late_s), 6)
    assert told["gate_cpu_ms"] == 0.0
    assert told["read_ms"] == told["write_ms"] == 0.0


def main() -> None:
    """Write the reference anew."""
    REFERENCE.write_text(json.dumps(Story().tell(), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
