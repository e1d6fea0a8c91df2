"""Faults of the controller: no answer, a late one, nonsense, and success that is none."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from controller.plan import Plan, PlanRequest
from hil.fault_solver import Twist
from hil.fault_world import FaultWorld
from hil.injection import Injection
from safety.words import Proposal


def no_plan(world: FaultWorld, status: str) -> Injection:
    """Answer without a proposal: 'infeasible', 'dead', 'garbled', ..."""
    return _twisted(world, lambda _request, _plan: Plan(status, None))


def hangs(world: FaultWorld) -> Injection:
    """Never answer: the deadline passes in every cycle."""

    def take(seconds: float) -> None:
        world.planner.takes_s = seconds

    return Injection(lambda: take(math.inf), lambda: take(0.0))


def takes(world: FaultWorld, seconds: float) -> Injection:
    """Answer late, but within the deadline."""

    def take(spent_s: float) -> None:
        world.planner.takes_s = spent_s

    return Injection(lambda: take(seconds), lambda: take(0.0))


def lies(world: FaultWorld, **fields: Any) -> Injection:  # noqa: ANN401 - a proposal's own fields
    """Claim success with other `fields` of the proposal (iterations, residual, cost, ...)."""

    def twist(_request: PlanRequest, plan: Plan) -> Plan:
        if plan.proposal is None:
            return plan
        given: dict[str, Any] = {
            n: math.nan if value == "nan" else value for n, value in fields.items()
        }
        return replace(plan, proposal=replace(plan.proposal, **given))

    return _twisted(world, twist)


def wishes(world: FaultWorld, tag: str, value: float | str) -> Injection:
    """Propose `value` for one setpoint, with a solved face; 'nan' is none at all."""
    wanted = math.nan if value == "nan" else float(value)
    return _twisted(world, lambda request, _plan: _plan_of(request, {tag: wanted}))


def swings(world: FaultWorld, tag: str, share: float) -> Injection:
    """Turn round in every cycle, by `share` of a cycle's largest move."""

    def twist(request: PlanRequest, _plan: Plan) -> Plan:
        side = 1.0 if request.sequence % 2 else -1.0
        value = request.applied.get(tag, math.nan)
        return _plan_of(request, {tag: value + side * share * request.max_step[tag]})

    return _twisted(world, twist)


def mirrored(world: FaultWorld) -> Injection:
    """Move every setpoint the other way: a controller with the sign of its gain wrong."""

    def twist(request: PlanRequest, plan: Plan) -> Plan:
        if plan.proposal is None:
            return plan
        applied = request.applied
        moved = {
            tag: 2.0 * applied[tag] - value if tag in applied else value
            for tag, value in plan.proposal.setpoints.items()
        }
        return replace(plan, proposal=replace(plan.proposal, setpoints=moved))

    return _twisted(world, twist)


def random_wishes(world: FaultWorld) -> Injection:
    """Propose anything: far outside, on the edge, no numbers, unknown setpoints, lies about it."""
    draw = world.draw

    def wild(low: float, high: float) -> Any:  # noqa: ANN401 - anything is the point
        width = high - low
        return draw.choice((
            draw.uniform(low, high), draw.uniform(low - width, high + width), low, high,
            math.nextafter(high, math.inf), math.nan, math.inf, -math.inf, -0.0, 5e-324, 1e308,
            10**40, True, "7.0", None,
        ))  # fmt: skip

    def twist(request: PlanRequest, _plan: Plan) -> Plan:
        moved: dict[str, Any] = {}
        for tag, (low, high) in request.limits.items():
            moved[tag] = draw.uniform(low, high) if draw.random() < 0.7 else wild(low, high)
        if draw.random() < 0.1:
            moved["coater.emergency_stop"] = 1.0
        return _plan_of(request, moved, fill=draw.random() < 0.9)

    return _twisted(world, twist)


def wanders(world: FaultWorld) -> Injection:
    """Want to be anywhere within the limits, elsewhere in every cycle: lawful, and never still."""
    draw = world.draw

    def twist(request: PlanRequest, _plan: Plan) -> Plan:
        moved = {tag: draw.uniform(low, high) for tag, (low, high) in request.limits.items()}
        return _plan_of(request, dict(moved))

    return _twisted(world, twist)


def _plan_of(request: PlanRequest, moved: dict[str, Any], *, fill: bool = True) -> Plan:
    setpoints = {**(request.applied if fill else {}), **moved}
    return Plan("solved", Proposal(setpoints, "solved", 1, 0.0, 0.0, request.now_s, 1.0))


def _twisted(world: FaultWorld, twist: Twist) -> Injection:
    def end() -> None:
        if twist in world.planner.twists:
            world.planner.twists.remove(twist)

    return Injection(lambda: world.planner.twists.append(twist), end)


def rules_swapped(world: FaultWorld) -> Injection:
    """Widen the operating ranges of the running engine in its memory, the seal as it was."""

    def begin() -> None:
        loop = world.runner.loop
        wider = {
            tag: rule._replace(operating=rule.equipment)
            for tag, rule in loop.rules.setpoints.items()
        }
        loop.rules = replace(loop.rules, setpoints=wider)

    return Injection(begin)


def both(world: FaultWorld, verbs: list[dict[str, Any]]) -> Injection:
    """Play several verbs of any module at once, as one fault: a list of {verb, its arguments}."""
    from hil.fault_verbs import VIRTUAL

    parts = [
        VIRTUAL[str(one["verb"])](world, **{n: v for n, v in one.items() if n != "verb"})
        for one in verbs
    ]

    def begin() -> None:
        for part in parts:
            part.begin()

    def end() -> None:
        for part in parts:
            part.end()

    return Injection(begin, end)
