"""One cycle of one loop: read this file first.

    read -> validate -> plan -> judge -> intend -> write -> verify -> record

The plant is read, the reading is doubted, the controller proposes, the gate decides, the decision
is on the disk before it is on the wire, the PLC's answer is compared with it, and all of it becomes
one record. Nothing flows back. The record before is the only memory, so a restart reads it and a
replay folds over it again. Plant, planner, recorder and clock are passed in: a simulation, the
bench and the plant run these same lines.

Bad news arrives here as values (a BAD sample, a plan without a proposal, a verdict with reasons).
An exception is a bug or a lost disk: it leaves this function, and `guarded_cycle` sheds the loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.plan import Plan, Planner, PlanRequest
from fieldbus.port import PlantPort
from records.recorder import Recorder
from safety.gate import judge
from safety.modes import CLOSED, ModeState, mark_of, repair_of
from safety.readback import verify
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory, Snapshot, validate
from safety.state import GateState, initial_state
from safety.words import Mode, Request, RequestedMode, WriteResult
from service.calibration import calibrations
from service.clock import EngineClock
from service.cycle_body import Timing, findings, heading, intent_body, shed_finding

NO_PLAN = Plan("not-asked", None)
NOTHING_TO_SEND = "nothing to send"


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """What one cycle leaves behind: its body for the records, its memory for the next cycle."""

    body: Mapping[str, Any]
    state: GateState
    memory: SignalMemory


@dataclass(slots=True)
class LoopContext:
    """One loop and everything it works with. `last` and `request` change; the rest stays."""

    rules: LoopRules
    tags: tuple[str, ...]
    plant: PlantPort
    planner: Planner
    recorder: Recorder
    clock: EngineClock
    deadline_s: float  # for the controller's answer, engine seconds
    hashes: Mapping[str, str]
    calibrated: Mapping[str, str] = field(default_factory=dict)  # last day of each instrument's
    request: Request = field(default_factory=lambda: Request(RequestedMode.OFF, ""))
    last: CycleRecord = field(
        default_factory=lambda: CycleRecord({}, initial_state(), SignalMemory())
    )


def loop_context(
    sealed: Mapping[str, Any],
    name: str,
    plant: PlantPort,
    planner: Planner,
    recorder: Recorder,
    clock: EngineClock,
    hashes: Mapping[str, str],
) -> LoopContext:
    """Return the context of the loop `name` as the sealed configuration describes it; it is OFF.

    Raises RuleError when the configuration leaves anything about its limits open.
    """
    rules = loop_rules(sealed, name)
    share = float(sealed["loops"][name]["gate"]["deadline_share"])
    return LoopContext(
        rules, tuple(rules.inputs), plant, planner, recorder, clock, share * rules.period_s, hashes,
        calibrations(sealed, rules.inputs),
    )  # fmt: skip


async def run_cycle(loop: LoopContext, now_s: float) -> CycleRecord:
    """Run one cycle that was due at engine time `now_s`; return (and remember) its record."""
    clock, rules, request, last = loop.clock, loop.rules, loop.request, loop.last
    timing = Timing(clock, now_s, rules.period_s)

    raw = await loop.plant.read(loop.tags)
    snapshot = validate(raw, last.memory, rules, clock.now_s(), repair_of(request))
    timing.lap("read")

    plan = await _plan(loop, request, snapshot)
    timing.lap("plan")

    judged_s = clock.now_s()
    verdict = judge(rules, last.state, snapshot, plan.status, plan.proposal, request, judged_s)
    command = verdict.command
    timing.lap("gate")

    result = WriteResult("not-sent", {}, NOTHING_TO_SEND)
    if command is not None:
        await loop.recorder.intend(rules.loop, clock.utc(), intent_body(command, loop.hashes))
        timing.lap("record")
        result = await loop.plant.write(command)
        timing.lap("write")
    over_s = clock.now_s()
    verified = verify(rules, verdict.state, command, result, over_s)

    utc = clock.utc()
    body = {
        **heading(rules.loop, utc, now_s, request, verified.state, loop.hashes),
        **findings(raw, snapshot, plan, verdict, result, verified),
        "judged_s": judged_s,
        "over_s": over_s,
        "timing": timing.to_json(),
    }
    loop.last = CycleRecord(body, verified.state, snapshot.memory)
    await loop.recorder.append("cycle", rules.loop, utc, body)
    return loop.last


async def guarded_cycle(loop: LoopContext, now_s: float) -> CycleRecord:
    """Run one cycle; whatever it raises, this loop sheds and the others live on.

    Shedding needs no message: from now on nothing is written, our heartbeat stands still, and the
    PLC takes the loop back. It stays so until a person asks anew.
    """
    try:
        return await run_cycle(loop, now_s)
    except Exception as error:  # noqa: BLE001 - the one place: bugs and lost disks end in SHED
        return await shed(loop, now_s, f"{type(error).__name__}: {error}")


async def shed(loop: LoopContext, now_s: float, why: str) -> CycleRecord:
    """Put the loop in SHED from outside the gate, and record it if the disk still takes it."""
    state, utc = loop.last.state, loop.clock.utc()
    modes = state.modes
    if modes.mode not in (Mode.OFF, Mode.TRIPPED):
        modes = ModeState(Mode.SHED, spent=mark_of(loop.request))
    state = state._replace(modes=modes, sequence=state.sequence + 1)
    body = {
        **heading(loop.rules.loop, utc, now_s, loop.request, state, loop.hashes),
        **shed_finding(why),
    }
    loop.last = CycleRecord(body, state, loop.last.memory)
    with contextlib.suppress(Exception):  # no record, and no write either: that is what SHED means
        await loop.recorder.append("cycle", loop.rules.loop, utc, body)
    return loop.last


async def _plan(loop: LoopContext, request: Request, snapshot: Snapshot) -> Plan:
    """Ask the controller, unless nobody wants this loop controlled."""
    if request.mode is RequestedMode.OFF:
        return NO_PLAN
    asked = question(loop.rules, loop.last.state, snapshot)
    return await loop.planner.plan(asked, loop.clock.wall_s(loop.deadline_s))


def question(rules: LoopRules, state: GateState, snapshot: Snapshot) -> PlanRequest:
    """Return what a controller is asked in one cycle; `state` is the gate's before it."""
    return PlanRequest(
        loop=rules.loop,
        sequence=state.sequence + 1,
        now_s=snapshot.now_s,
        values=snapshot.usable(),
        quality=snapshot.quality(),
        applied=snapshot.applied,
        limits=rules.limits(),
        max_step=rules.max_step(),
        closed=state.mode in CLOSED,
    )
