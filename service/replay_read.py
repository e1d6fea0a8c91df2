"""From a cycle record back to what the cycle was given: reading, request, plan, what was written.

Nothing here decides anything. A record that lacks a field raises KeyError, one with a field of
another kind ValueError or TypeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from controller.plan import Plan, Trajectory
from records.canonical import as_float
from safety.rules import LoopRules
from safety.words import Proposal, Quality, Reading, Request, RequestedMode, Sample, WriteResult

Body = Mapping[str, Any]


def reading_of(body: Body, rules: LoopRules) -> Reading:
    """Return the reading as the wire had brought it, before any check."""
    rows: Mapping[str, list[Any]] = {**body["inputs"], **body["raw"]}
    return {tag: _sample(row, rules, tag) for tag, row in rows.items()}


def request_of(body: Body) -> Request:
    """Return what a person had asked for."""
    asked = body["request"]
    return Request(
        RequestedMode(body["requested"]),
        body["who"],
        bool(asked["reset"]),
        int(asked["number"]),
        str(asked.get("lapsed", "")),
    )


def plan_of(body: Body) -> Plan:
    """Return the plan the cycle had."""
    plan = body["plan"]
    return Plan(
        status=plan["status"],
        proposal=_proposal(plan),
        estimate=_numbers(plan["estimate"]),
        predicted={
            tag: Trajectory(
                [as_float(t) for t in one["times_s"]], [as_float(v) for v in one["values"]]
            )
            for tag, one in plan["predicted"].items()
        },
        targets=_numbers(plan["targets"]),
        cv_limits={tag: _open_pair(pair) for tag, pair in plan["cv_limits"].items()},
        binding=list(plan["binding"]),
        gave_up=[(tag, as_float(by)) for tag, by in plan["gave_up"]],
        echo={tag: (as_float(low), as_float(high)) for tag, (low, high) in plan["echo"].items()},
        solve_ms=as_float(plan["solve_ms"]),
        notes=list(plan["notes"]),
    )


def result_of(body: Body) -> WriteResult:
    """Return what came of the command."""
    written = body["written"]
    landed = {
        tag: None if value is None else as_float(value) for tag, value in written["landed"].items()
    }
    return WriteResult(written["outcome"], landed, written["reason"])


def judged_s(body: Body) -> float:
    """Return when the gate judged [engine s]; older records have it in the gate's state only."""
    moment = body.get("judged_s", body["state"]["now_s"])
    return float(body["now_s"] if moment is None else moment)


def over_s(body: Body) -> float:
    """Return when the write was over [engine s]; older records do not tell, and counted without."""
    return float(body.get("over_s", judged_s(body)))


def _sample(row: list[Any], rules: LoopRules, tag: str) -> Sample:
    value, quality, reason, source_time_s, received_s, epoch = row
    if isinstance(value, str) and tag in rules.inputs and rules.inputs[tag].kind == "float":
        value = as_float(value)  # NaN and the infinities are written as words
    source = None if source_time_s is None else as_float(source_time_s)
    return Sample(value, Quality(quality), reason, source, as_float(received_s), epoch)


def _proposal(plan: Body) -> Proposal | None:
    if plan["proposal"] is None:
        return None
    known = {**plan, "setpoints": _numbers(plan["proposal"]), "status": plan["solver_status"]}
    for name in ("residual", "cost", "made_s"):
        known[name] = as_float(known[name])
    return Proposal(**{one.name: known[one.name] for one in fields(Proposal) if one.name in known})


def _numbers(body: Body) -> dict[str, float]:
    return {tag: as_float(value) for tag, value in body.items()}


def _open_pair(pair: list[Any]) -> tuple[float | None, float | None]:
    low, high = (None if side is None else as_float(side) for side in pair)
    return low, high
