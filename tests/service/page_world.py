"""A state directory like a running engine's, made from a virtual line, for the page's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from controller.plan import Plan, PlanRequest, Trajectory
from fieldbus.port import PlantPort
from hil.virtual_line import VirtualLine
from records.canonical import canonical_json
from records.recorder import MemoryRecorder
from records.store import RecordStore
from safety.gate import Command
from safety.words import Proposal, Reading, Request, RequestedMode, Sample, WriteResult
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context, run_cycle
from service.limits_keeper import SealKeeper

HASHES = {"software": "s", "model": "m", "config": "c"}


@dataclass
class SteadyPlanner:
    """Proposes what the PLC uses already, with a course of the coat weight to draw.

    At the end of `hasty` cycles it asks for a gap no gate would let through at once.
    """

    hasty: int | None = None
    asked: int = 0

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        self.asked += 1
        times = [request.now_s + 8.0 * k for k in range(10)]
        wanted = dict(request.applied)
        if self.asked == self.hasty and "coater.gap_sp" in wanted:
            wanted["coater.gap_sp"] += 3.0e-5
        courses = {tag: Trajectory(times, [value] * 10) for tag, value in wanted.items()}
        proposal = Proposal(wanted, "solved", 5, 1e-9, 1.0, request.now_s, innovation=1.0)
        if request.loop != "coating":
            return Plan("solved", proposal, predicted=courses, solve_ms=7.5)
        courses["coater.dry_coat_weight"] = Trajectory(
            times, [0.0857 + 1e-5 * k for k in range(10)]
        )
        return Plan(
            "solved",
            proposal,
            predicted=courses,
            targets={"coater.dry_coat_weight": 0.0857},
            cv_limits={"coater.die_pressure": (None, 9.5e5)},
            binding=["coater.die_pressure high"],
            gave_up=[("coater.die_pressure", 2.0e4)],
            solve_ms=12.5,
        )

    async def close(self) -> None:
        return None


@dataclass
class BlindPort:
    """The plant's port with one instrument that dies at a moment [engine s]."""

    port: PlantPort
    tag: str
    from_s: float

    async def open(self) -> None:
        await self.port.open()

    async def close(self) -> None:
        await self.port.close()

    async def read(self, tags: Sequence[str]) -> Reading:
        reading = dict(await self.port.read(tags))
        known = reading.get(self.tag)
        if known is not None and known.received_s >= self.from_s:
            reading[self.tag] = Sample.bad("no answer from the device", known.received_s, 1)
        return reading

    async def write(self, command: Command) -> WriteResult:
        return await self.port.write(command)


def make_state(
    state: Path,
    cycles: int = 40,
    *,
    loops: Sequence[str] = ("coating",),
    ends: datetime | None = None,
    hasty: int | None = None,
    blind: int = 0,
    read: str = "open",
) -> Mapping[str, Any]:
    """Fill `state` with sealed.json and the records of `cycles` coating cycles asked into AUTO.

    The last cycle is at `ends`. At the `hasty`th plan the gate has something to cut; in the last
    `blind` cycles of the coating loop the line speed cannot be read. `read` is who may look.
    """
    line = VirtualLine(seed=3)
    line.sealed["page"]["read"] = read
    period_s = float(line.sealed["loops"]["coating"]["period"])
    span_s = cycles * period_s
    start = ends - timedelta(seconds=span_s) if ends else None
    recorder, clock = MemoryRecorder(), ManualClock(utc_start=start)
    port: PlantPort = line.port
    if blind:
        port = BlindPort(port, "coater.line_speed", (cycles - blind + 1) * period_s)
    contexts: dict[str, LoopContext] = {}
    for name in loops:
        planner = SteadyPlanner(hasty)
        contexts[name] = loop_context(line.sealed, name, port, planner, recorder, clock, HASHES)
        contexts[name].request = Request(RequestedMode.AUTO, "Kim", False, 1)
    due = {name: one.rules.period_s for name, one in contexts.items()}

    async def produce() -> None:
        while (now_s := min(due.values())) <= span_s:
            name = min(due, key=lambda one: due[one])
            line.advance(now_s)
            clock.set_s(now_s)
            await run_cycle(contexts[name], now_s)
            due[name] += contexts[name].rules.period_s

    asyncio.run(produce())
    state.mkdir(parents=True, exist_ok=True)
    (state / "sealed.json").write_text(canonical_json(line.sealed), "utf-8")
    store = RecordStore(state / "records.sqlite")
    for row, body in zip(recorder.rows, recorder.bodies, strict=True):
        store.append(row.kind, row.loop, row.utc, body)
    store.close()
    return line.sealed


def commissioned(state: Path, sealed: Mapping[str, Any], utc: str) -> None:
    """Write the rows of a first start on `sealed` into the records of `state`."""
    store = RecordStore(state / "records.sqlite")
    rows = SealKeeper(state, sealed, []).open([], "Kim", utc)
    store.append("start", "", utc, {"who": "Kim", "sealed": dict(sealed), "hashes": HASHES})
    for kind, body in rows:
        store.append(kind, "", utc, body)
    store.close()
