"""What of a cycle is written down: everything one needs to answer 'why did it do that?'.

One row answers alone: what was read and how far it was believed, what the controller wanted and
how well it solved, what the gate said and why, what went out, what the PLC uses (REC-10).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.plan import Plan
from safety.gate import Command, Verdict
from safety.readback import Verified
from safety.signals import Snapshot
from safety.state import GateState, state_to_json
from safety.words import Action, Reading, Reason, Request, Sample, WriteResult
from service.clock import EngineClock


class Timing:
    """How long each part of a cycle took [wall ms], and how late the cycle began [engine s].

    Of the gate the processor's time is told as well: its cost, whoever else wanted the machine.
    """

    def __init__(self, clock: EngineClock, due_s: float, period_s: float) -> None:
        self._clock = clock
        self._tolerated_s = _TOLERATED * period_s
        self._start_s = self._last_s = clock.now_s()
        self._late_s = max(0.0, self._start_s - due_s)
        self._laps: dict[str, float] = {}
        self._busy_s = clock.busy_s()
        self._gate_cpu_ms = 0.0

    def lap(self, name: str) -> None:
        """Note that the part called `name` ends here."""
        now_s = self._clock.now_s()
        self._laps[name] = self._ms(now_s - self._last_s)
        self._last_s = now_s
        busy_s = self._clock.busy_s()
        if name == "gate":
            self._gate_cpu_ms = round(1000.0 * (busy_s - self._busy_s), 4)
        self._busy_s = busy_s

    def to_json(self) -> dict[str, float | bool]:
        """Return the parts, their total, and whether the cycle began late."""
        parts = {f"{name}_ms": self._laps.get(name, 0.0) for name in _PARTS}
        total_ms = self._ms(self._clock.now_s() - self._start_s)
        late = self._late_s > self._tolerated_s
        return {
            **parts,
            "gate_cpu_ms": self._gate_cpu_ms,
            "total_ms": total_ms,
            "late": late,
            "late_s": round(self._late_s, 6),
        }

    def _ms(self, engine_seconds: float) -> float:
        return round(1000.0 * self._clock.wall_s(engine_seconds), 4)


_PARTS = ("read", "plan", "gate", "record", "write")
_TOLERATED = 0.1  # of a period: a start later than this is called late


def intent_body(command: Command, hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what is recorded before a command may go out (REC-03)."""
    return {
        "loop": command.loop,
        "sequence": command.sequence,
        "setpoints": dict(command.setpoints),
        "remote": command.remote,
        "heartbeat": command.heartbeat,
        "minted_s": command.minted_s,
        "expires_s": command.expires_s,
        "hashes": dict(hashes),
    }


def heading(
    loop: str,
    utc: str,
    due_s: float,
    request: Request,
    state: GateState,
    hashes: Mapping[str, str],
) -> dict[str, Any]:
    """Return what every cycle record begins with: which, when, who asked, which hashes."""
    return {
        "loop": loop,
        "sequence": state.sequence,
        "utc": utc,
        "due_s": due_s,
        "now_s": due_s,
        "requested": request.mode.value,
        "request": {
            "number": request.number,
            "reset": request.reset,
            **({"lapsed": request.lapsed} if request.lapsed else {}),
        },
        "mode": state.mode.value,
        "who": request.who,
        "hashes": dict(hashes),
        "state": state_to_json(state),
    }


def findings(
    raw: Reading,
    snapshot: Snapshot,
    plan: Plan,
    verdict: Verdict,
    result: WriteResult,
    verified: Verified,
) -> dict[str, Any]:
    """Return what one cycle found, decided and did. `now_s` is when the reading was judged.

    `inputs` is what was believed; `raw` what the wire had brought where that was something else,
    so that a replay can doubt it again (REC-10).
    """
    return {
        "now_s": snapshot.now_s,
        "inputs": {tag: _sample_body(sample) for tag, sample in snapshot.samples.items()},
        "raw": {
            tag: _sample_body(sample)
            for tag, sample in raw.items()
            if sample != snapshot.samples.get(tag)
        },
        "plan": plan_body(plan),
        "verdict": {
            "action": verdict.action.name,
            "limiting": verdict.limiting,
            "reasons": [_reason_body(why) for why in verdict.reasons],
            "requested": dict(verdict.requested),
            "allowed": dict(verdict.allowed),
        },
        "written": {
            "outcome": result.outcome,
            "landed": dict(result.landed),
            "reason": result.reason,
            "reasons": [_reason_body(why) for why in verified.reasons],
        },
        "applied": dict(snapshot.applied),
    }


def shed_finding(why: str) -> dict[str, Any]:
    """Return what is recorded of a cycle that could not be finished."""
    reason = Reason("IL-00", Action.SHED, "", f"the cycle broke off: {why}")
    return {
        "verdict": {
            "action": reason.action.name,
            "limiting": f"{reason.rule}: {reason.text}",
            "reasons": [_reason_body(reason)],
            "requested": {},
            "allowed": {},
        },
        "written": {"outcome": "not-sent", "landed": {}, "reason": reason.text, "reasons": []},
    }


def plan_body(plan: Plan) -> dict[str, Any]:
    """Return the recorded form of a plan; `proposal` is null when there was none."""
    proposal = plan.proposal
    return {
        "status": plan.status,
        "proposal": None if proposal is None else dict(proposal.setpoints),
        "solver_status": None if proposal is None else proposal.status,
        "iterations": None if proposal is None else proposal.iterations,
        "residual": None if proposal is None else proposal.residual,
        "cost": None if proposal is None else proposal.cost,
        "made_s": None if proposal is None else proposal.made_s,
        "innovation": None if proposal is None else proposal.innovation,
        "solve_ms": plan.solve_ms,
        "estimate": dict(plan.estimate),
        "targets": dict(plan.targets),
        "cv_limits": {tag: list(pair) for tag, pair in plan.cv_limits.items()},
        "predicted": {
            tag: {"times_s": list(course.times_s), "values": list(course.values)}
            for tag, course in plan.predicted.items()
        },
        "binding": list(plan.binding),
        "gave_up": [list(pair) for pair in plan.gave_up],
        "notes": list(plan.notes),
        "echo": {tag: list(pair) for tag, pair in plan.echo.items()},
    }


def _sample_body(sample: Sample) -> list[Any]:
    return [
        sample.value,
        int(sample.quality),
        sample.reason,
        sample.source_time_s,
        sample.received_s,
        sample.epoch,
    ]


def _reason_body(why: Reason) -> dict[str, str]:
    return {"rule": why.rule, "action": why.action.name, "tag": why.tag, "text": why.text}
