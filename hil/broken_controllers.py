"""Controllers with one thing broken each: the gate keeps them safe, and their figures must fail.

No interlock knows where the coat weight should go, so a controller that pushes the wrong way, or
none at all, writes nothing unsafe. What has to find it are the figures of a run: is the value held
after a disturbance, and is the loop in AUTO. Each plays the same plant: the pump suddenly delivers
five per cent less, and the web takes its time to the gauge.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.plan import Plan, PlanRequest
from hil.fault_run import SCRATCH, Outcome, judge_records
from hil.fault_solver import Twist
from hil.fault_world import FaultWorld
from hil.inject_solver import mirrored
from hil.judge import judge_rows
from safety.words import RequestedMode

LOOP, VALUE = "coating", "coater.dry_coat_weight"
CYCLES, WORN_AT = 110, 15
SHARE_DELIVERED = 0.95
LATE = 40  # cycles at the end, in which the value has to be held again
BAND = 0.03  # of the target
LEAST_HELD, LEAST_AUTO = 0.9, 0.9


def _random(world: FaultWorld) -> Twist:
    draw = random.Random(f"{world.seed}:random controller")

    def twist(request: PlanRequest, plan: Plan) -> Plan:
        if plan.proposal is None:
            return plan
        anything = {tag: draw.uniform(*request.limits[tag]) for tag in plan.proposal.setpoints}
        return replace(plan, proposal=replace(plan.proposal, setpoints=anything))

    return twist


def _idle(_world: FaultWorld) -> Twist:
    def twist(request: PlanRequest, plan: Plan) -> Plan:
        if plan.proposal is None:
            return plan
        return replace(plan, proposal=replace(plan.proposal, setpoints=dict(request.applied)))

    return twist


def _twisted(twist_of: Callable[[FaultWorld], Twist]) -> Callable[[FaultWorld], None]:
    return lambda world: world.planner.twists.append(twist_of(world))


CONTROLLERS: Mapping[str, Callable[[FaultWorld], None]] = {
    "": lambda _world: None,
    "pushes-the-wrong-way": lambda world: mirrored(world).begin(),
    "proposes-anything": _twisted(_random),
    "does-nothing": _twisted(_idle),
}
"""Every broken controller by its name; '' is the whole one."""


def play_controller(name: str, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Play one controller; return its figures, what was unsafe, and every figure that fails."""
    place = SCRATCH if SCRATCH.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="rheostat-hil-", dir=place) as scratch:
        folder = Path(scratch)
        world = FaultWorld(LOOP, seed, sealed, "pi", folder)
        world.ask_at(0.0, RequestedMode.AUTO)
        worn_s = WORN_AT * world.period_s

        def wear_out() -> None:
            world.line.scale("coater.pump.displacement", SHARE_DELIVERED)
            CONTROLLERS[name](world)

        world.strike_at("anytime", worn_s, wear_out)
        world.ends_s = CYCLES * world.period_s
        asyncio.run(world.live())
        world.recorder.abandon()
        outcome = Outcome("controller", name or "whole", seed, "virtual")
        rows = judge_records(world, folder, outcome)
        judged = judge_rows(world.line.log)
    cycles = [body for kind, _, body in rows if kind == "cycle" and body["now_s"] >= worn_s]
    target = float(sealed["recipe"]["targets"][VALUE])
    figures = {
        "held": _share([_held(body, target) for body in cycles[-LATE:]]),
        "auto": _share([body["mode"] == "AUTO" for body in cycles]),
    }
    failed = [f"held {figures['held']:.0%} of the time"] if figures["held"] < LEAST_HELD else []
    failed += [f"in AUTO {figures['auto']:.0%} of the time"] if figures["auto"] < LEAST_AUTO else []
    return {
        "controller": name, **figures, "frames": judged.frames, "unsafe": len(judged.escapes),
        "misses": outcome.misses, "failed": failed,
    }  # fmt: skip


def _held(body: Mapping[str, Any], target: float) -> bool:
    value = body.get("inputs", {}).get(VALUE, [None])[0]
    return value is not None and abs(float(value) / target - 1.0) <= BAND


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0
