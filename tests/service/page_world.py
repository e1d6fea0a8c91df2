"""A state directory like a running engine's, made from a virtual line, for the page's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.plan import Plan, PlanRequest, Trajectory
from hil.virtual_line import VirtualLine
from records.canonical import canonical_json
from records.recorder import MemoryRecorder
from records.store import RecordStore
from safety.words import Proposal, Request, RequestedMode
from service.clock import ManualClock
from service.cycle import loop_context, run_cycle

HASHES = {"software": "s", "model": "m", "config": "c"}


class SteadyPlanner:
    """Proposes what the PLC uses already, with a course of the coat weight to draw."""

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        times = [request.now_s + 8.0 * k for k in range(10)]
        applied = dict(request.applied)
        predicted = {
            "coater.dry_coat_weight": Trajectory(times, [0.0857 + 1e-5 * k for k in range(10)])
        }
        return Plan(
            "solved",
            Proposal(applied, "solved", 5, 1e-9, 1.0, request.now_s, innovation=1.0),
            predicted={
                **predicted,
                **{tag: Trajectory(times, [v] * 10) for tag, v in applied.items()},
            },
            targets={"coater.dry_coat_weight": 0.0857},
            cv_limits={"coater.die_pressure": (None, 9.5e5)},
            binding=["coater.die_pressure high"],
            gave_up=[("coater.die_pressure", 2.0e4)],
            solve_ms=12.5,
        )

    async def close(self) -> None:
        return None


def make_state(state: Path, cycles: int = 40) -> Mapping[str, Any]:
    """Fill `state` with sealed.json and the records of `cycles` coating cycles asked into AUTO."""
    line = VirtualLine(seed=3)
    recorder, clock = MemoryRecorder(), ManualClock()
    loop = loop_context(line.sealed, "coating", line.port, SteadyPlanner(), recorder, clock, HASHES)
    loop.request = Request(RequestedMode.AUTO, "Kim", False, 1)

    async def produce() -> None:
        for _ in range(cycles):
            now_s = line.time_s + loop.rules.period_s
            line.advance(now_s)
            clock.set_s(now_s)
            await run_cycle(loop, now_s)

    asyncio.run(produce())
    state.mkdir(parents=True, exist_ok=True)
    (state / "sealed.json").write_text(canonical_json(line.sealed), "utf-8")
    store = RecordStore(state / "records.sqlite")
    for row, body in zip(recorder.rows, recorder.bodies, strict=True):
        store.append(row.kind, row.loop, row.utc, body)
    store.close()
    return line.sealed
