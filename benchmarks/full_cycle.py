"""The whole cycle of both loops, read to record: real cycle, gate, worker process and disk.

Only the wire is missing: plant and PLC programs stand behind the port in this process. The plant
runs in virtual time between cycles, so what is timed is the engine's work and its wait for the
worker. Told per loop: each part of the cycle as the record tells it (wall), the whole, and the
processor time this process spent.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Stopwatch, spread
from hil.virtual_line import VirtualLine
from records.recorder import FileRecorder
from safety.words import Request, RequestedMode
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context, run_cycle
from service.solver_process import SolverProcess

PARTS = ("read", "plan", "gate", "record", "write", "total")
HASHES = {"software": "benchmark", "model": "benchmark", "config": "benchmark"}


class RunningClock(ManualClock):
    """Set like a manual clock, and runs on by itself from there."""

    def __init__(self) -> None:
        """Begin at engine time zero."""
        super().__init__()
        self._mark = time.perf_counter()

    def set_s(self, t_s: float) -> None:
        """Move on to `t_s`, or stay where it has already run on to."""
        super().set_s(max(t_s, self.now_s()))
        self._mark = time.perf_counter()

    def now_s(self) -> float:
        """Engine time [s]."""
        return super().now_s() + time.perf_counter() - self._mark


def run(cycles: int, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Play `cycles` cycles of the coating loop, and the mixing loop beside it."""
    return asyncio.run(_run(cycles, seed, sealed))


async def _run(cycles: int, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    line = VirtualLine({}, seed, sealed=sealed)
    clock = RunningClock()
    planners = {name: SolverProcess(name, sealed) for name in sealed["loops"]}
    with tempfile.TemporaryDirectory(prefix="rheostat-bench-") as folder:
        recorder = await FileRecorder.open(Path(folder) / "records.sqlite", patience_s=30.0)
        try:
            loops = {}
            for name, planner in planners.items():
                planner.start()
                loops[name] = loop_context(
                    sealed, name, line.port, planner, recorder, clock, HASHES
                )
                loops[name].request = Request(RequestedMode.AUTO, "benchmark", False, 1)
            for planner in planners.values():
                await planner.ready()
            gc.collect()
            gc.freeze()  # what earlier sections left in this process is not in an engine's
            return await _timed(line, clock, loops, cycles)
        finally:
            for planner in planners.values():
                await planner.close()
            await recorder.close()


async def _timed(
    line: VirtualLine, clock: RunningClock, loops: Mapping[str, LoopContext], cycles: int
) -> dict[str, Any]:
    watches = {name: Stopwatch() for name in loops}
    bodies: dict[str, list[Mapping[str, Any]]] = {name: [] for name in loops}
    due_s = {name: 2.0 * loop.rules.period_s for name, loop in loops.items()}
    end_s = cycles * loops["coating"].rules.period_s + due_s["coating"]
    while line.time_s < end_s:
        line.advance(line.time_s + line.scan_s)
        for name, loop in loops.items():
            if line.time_s >= due_s[name]:
                due_s[name] += loop.rules.period_s
                clock.set_s(line.time_s)
                with watches[name]:
                    record = await run_cycle(loop, line.time_s)
                bodies[name].append(record.body)
    return {name: _told(watches[name], bodies[name]) for name in loops}


def _told(watch: Stopwatch, bodies: list[Mapping[str, Any]]) -> dict[str, Any]:
    plans = [body["plan"] for body in bodies]
    return {
        "cycles": len(bodies),
        "without_proposal": sum(plan["proposal"] is None for plan in plans),
        "automatic": sum(body["mode"] == "AUTO" for body in bodies),
        "parts_wall_ms": {
            part: spread([body["timing"][f"{part}_ms"] for body in bodies]) for part in PARTS
        },
        "controller_wall_ms": spread([plan["solve_ms"] for plan in plans]),
        **watch.told(),
    }
