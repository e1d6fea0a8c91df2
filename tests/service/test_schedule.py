"""Beats stay on their grid; what is missed is counted and never caught up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.recorder import MemoryRecorder
from safety.words import Reading
from service.clock import ManualClock
from service.cycle import loop_context
from service.loop_runner import LoopRunner
from service.schedule import Metronome
from service.solver_process import SolverProcess
from tests.service.small_line import LOOP, FakePlanner, FakePlant, small_sealed


def beats(durations_s: Sequence[float], period_s: float = 8.0) -> tuple[list[float], int]:
    """Return when cycles of these durations begin, and how many beats were lost."""
    metronome, now_s, starts = Metronome(period_s, 100.0), 100.0, []
    for duration_s in durations_s:
        now_s = max(now_s, metronome.due_s)
        starts.append(now_s)
        now_s += duration_s
        metronome.next(now_s)
    return starts, metronome.slips


@pytest.mark.requirement("REC-11")
@pytest.mark.parametrize(
    ("durations_s", "starts_s", "slips"),
    [
        ((1.0, 2.0, 3.0), [100.0, 108.0, 116.0], 0),
        ((1.0, 9.0, 1.0), [100.0, 108.0, 124.0], 1),  # one beat ran over: the next is skipped
        ((50.0, 1.0, 1.0), [100.0, 156.0, 164.0], 6),  # a long stop: no burst afterwards
        ((7.999, 8.0, 1.0), [100.0, 108.0, 124.0], 1),  # to the last moment, and one too late
    ],
)
def test_an_overrun_costs_beats_and_causes_no_burst(
    durations_s: Sequence[float], starts_s: list[float], slips: int
) -> None:
    assert beats(durations_s) == (starts_s, slips)


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_every_beat_is_on_the_grid_and_either_run_or_counted(durations_s: list[float]) -> None:
    starts_s, slips = beats(durations_s)
    places = [(start_s - 100.0) / 8.0 for start_s in starts_s]
    assert all(abs(place - round(place)) < 1e-9 for place in places), "no drift"
    gaps = [b - a for a, b in itertools.pairwise(starts_s)]
    assert all(gap_s >= 8.0 - 1e-9 for gap_s in gaps), "no burst"
    last = Metronome(8.0, 100.0)
    last.next(starts_s[-1] + durations_s[-1])
    assert slips == last.beat - len(starts_s)


@pytest.mark.requirement("SVC-04")
def test_a_loop_that_is_cancelled_finishes_the_cycle_it_is_in() -> None:
    clock = ManualClock(1000.0)
    recorder = MemoryRecorder()
    reading = asyncio.Event()

    class DawdlingPlant(FakePlant):
        async def read(self, tags: Sequence[str]) -> Reading:
            reading.set()
            await asyncio.sleep(0.05)
            return await super().read(tags)

    loop = loop_context(
        small_sealed(), LOOP, DawdlingPlant(clock), FakePlanner(), recorder, clock, {}
    )

    async def tell() -> None:
        task = asyncio.create_task(LoopRunner(loop, SolverProcess(LOOP, {})).run())
        await reading.wait()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(tell())
    assert [row.kind for row in recorder.rows] == ["cycle"]


@pytest.mark.parametrize(("period_s", "start_s"), [(0.0, 0.0), (-1.0, 0.0), (1.0, float("nan"))])
def test_a_beat_that_makes_no_sense_is_refused(period_s: float, start_s: float) -> None:
    with pytest.raises(ValueError, match="no beat"):
        Metronome(period_s, start_s)


@pytest.mark.requirement("REC-11")
def test_a_loop_that_overran_records_the_slip() -> None:
    clock = ManualClock(1000.0)
    recorder = MemoryRecorder()

    enough = asyncio.Event()

    class SlowPlant(FakePlant):
        async def read(self, tags: Sequence[str]) -> Reading:
            if self.heartbeat == 2:
                clock.set_s(clock.now_s() + 20.0)
            if self.heartbeat == 6:
                enough.set()
            return await super().read(tags)

    loop = loop_context(
        small_sealed(), LOOP, SlowPlant(clock), FakePlanner(), recorder, clock, {"config": "c"}
    )
    runner = LoopRunner(loop, SolverProcess(LOOP, {}))

    async def tell() -> None:
        task = asyncio.create_task(runner.run())
        await enough.wait()
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(tell())
    due = [body["due_s"] for body in recorder.bodies if "due_s" in body]
    assert due[:6] == [1000.0, 1008.0, 1016.0, 1040.0, 1048.0, 1056.0]
    slips = [body for body in recorder.bodies if body.get("event") == "slip"]
    assert [(slip["lost"], slip["slips"]) for slip in slips] == [(2, 2)]
    assert runner.status()["slips"] == 2
