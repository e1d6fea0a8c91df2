"""Plans and requests as plain JSON values: how they cross the pipe to a worker process.

Standard library only, because the engine process uses it. Reading is strict: an answer that is
not exactly a plan raises ValueError, TypeError or KeyError, and the caller has no proposal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.plan import Plan, PlanRequest, Trajectory
from safety.words import Proposal


def request_to_json(request: PlanRequest) -> dict[str, Any]:
    """Return the request as plain JSON values."""
    return {
        "loop": request.loop,
        "sequence": request.sequence,
        "now_s": request.now_s,
        "values": dict(request.values),
        "quality": dict(request.quality),
        "applied": dict(request.applied),
        "limits": {tag: list(pair) for tag, pair in request.limits.items()},
        "max_step": dict(request.max_step),
        "closed": request.closed,
    }


def request_from_json(body: Mapping[str, Any]) -> PlanRequest:
    """Return the request that `request_to_json` wrote."""
    return PlanRequest(
        loop=_text(body["loop"]),
        sequence=_whole(body["sequence"]),
        now_s=_number(body["now_s"]),
        values=dict(body["values"]),
        quality={tag: _whole(value) for tag, value in body["quality"].items()},
        applied=_numbers(body["applied"]),
        limits={tag: _pair(pair) for tag, pair in body["limits"].items()},
        max_step=_numbers(body["max_step"]),
        closed=bool(body["closed"]),
    )


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON values."""
    wish = plan.proposal
    return {
        "status": plan.status,
        "proposal": None
        if wish is None
        else {
            "setpoints": dict(wish.setpoints),
            "status": wish.status,
            "iterations": wish.iterations,
            "residual": wish.residual,
            "cost": wish.cost,
            "made_s": wish.made_s,
            "innovation": wish.innovation,
        },
        "estimate": dict(plan.estimate),
        "predicted": {
            tag: [list(course.times_s), list(course.values)]
            for tag, course in plan.predicted.items()
        },
        "targets": dict(plan.targets),
        "cv_limits": {tag: list(pair) for tag, pair in plan.cv_limits.items()},
        "binding": list(plan.binding),
        "gave_up": [list(pair) for pair in plan.gave_up],
        "echo": {tag: list(pair) for tag, pair in plan.echo.items()},
        "solve_ms": plan.solve_ms,
        "notes": list(plan.notes),
    }


def plan_from_json(body: Mapping[str, Any]) -> Plan:
    """Return the plan that `plan_to_json` wrote."""
    wish = body["proposal"]
    return Plan(
        status=_text(body["status"]),
        proposal=None if wish is None else _proposal(wish),
        estimate=_numbers(body["estimate"]),
        predicted={
            tag: Trajectory([_number(t) for t in times], [_number(v) for v in values])
            for tag, (times, values) in body["predicted"].items()
        },
        targets=_numbers(body["targets"]),
        cv_limits={tag: _open_pair(pair) for tag, pair in body["cv_limits"].items()},
        binding=[_text(word) for word in body["binding"]],
        gave_up=[(_text(tag), _number(by)) for tag, by in body["gave_up"]],
        echo={tag: _pair(pair) for tag, pair in body["echo"].items()},
        solve_ms=_number(body["solve_ms"]),
        notes=[_text(note) for note in body["notes"]],
    )


def _proposal(body: Mapping[str, Any]) -> Proposal:
    return Proposal(
        setpoints=_numbers(body["setpoints"]),
        status=_text(body["status"]),
        iterations=_whole(body["iterations"]),
        residual=_number(body["residual"]),
        cost=_number(body["cost"]),
        made_s=_number(body["made_s"]),
        innovation=None if body["innovation"] is None else _number(body["innovation"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _numbers(body: Mapping[str, Any]) -> dict[str, float]:
    return {tag: _number(value) for tag, value in body.items()}


def _pair(body: Sequence[object]) -> tuple[float, float]:
    low, high = body
    return _number(low), _number(high)


def _open_pair(body: Sequence[object]) -> tuple[float | None, float | None]:
    low, high = (None if side is None else _number(side) for side in body)
    return low, high
