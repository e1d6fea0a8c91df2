"""The interlock simulator: what would the gate say, its own pure function on inputs one plays with.

The last recorded cycle is judged again as it was, and once more with other readings, wishes or
mode. Nothing is sent, nothing recorded: `judge` does no I/O, and its command is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from controller.plan import SOLVED
from records.reader import RecordReader
from safety.gate import Verdict, judge
from safety.modes import ModeState, repair_of
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory, validate
from safety.state import GateState, StateError, state_from_json
from safety.words import Mode, Proposal, Quality, Reading, Request, RequestedMode, Sample
from service.page.access import require
from service.page.feed import Feed
from service.page.read_file import ask_records
from service.page.view import Shown, loop_views, shown
from service.replay_read import judged_s, plan_of, reading_of, request_of

_WARM_UP = 40  # cycles validated first, so that heartbeats, ages and frozen values are known


class Played(BaseModel):
    """One input as somebody wants it: a value in people's units, or none of it (a dead reading)."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    value: float | bool | None
    dead: bool = False


class Question(BaseModel):
    """What to play: readings, wishes, the mode before this cycle, the mode asked for."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    loop: str = Field(max_length=64)
    inputs: dict[str, Played] = Field(default_factory=dict, max_length=500)
    setpoints: dict[str, float] = Field(default_factory=dict, max_length=500)
    mode: Literal["OFF", "SHADOW", "AUTO"] | None = None
    closed: bool = False


def router(feed: Feed, state_dir: Path) -> APIRouter:
    """Return the simulator's route."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.post("/api/interlock")
    async def play(question: Question) -> dict[str, Any]:
        if question.loop not in feed.views:
            raise HTTPException(404, "There is no such loop.")
        return await ask_records(state_dir, lambda reader: played(reader, feed.sealed, question))

    return routes


def played(reader: RecordReader, sealed: Mapping[str, Any], question: Question) -> dict[str, Any]:
    """Judge the loop's last cycle as it was and as it is played; return both, in people's units."""
    loop = question.loop
    rules = loop_rules(sealed, loop)
    bodies = [
        e.body for e in reader.last_cycles(loop, _WARM_UP) if "inputs" in e.body
    ]  # one that broke off was never judged
    if not bodies:
        raise HTTPException(409, "No cycle of this loop is recorded yet.")
    memory = SignalMemory()
    for body in bodies[:-1]:
        reading = reading_of(body, rules)
        memory = validate(reading, memory, rules, body["now_s"], repair_of(request_of(body))).memory
    last = bodies[-1]
    state = _state(bodies[-2]) if len(bodies) > 1 else GateState()
    raw = reading_of(last, rules)
    plan = plan_of(last)
    now_s, moment_s = float(last["now_s"]), judged_s(last)
    request = request_of(last)
    was = _judged(rules, memory, raw, state, plan.status, plan.proposal, request, now_s, moment_s)

    if question.mode is not None:
        request = Request(RequestedMode(question.mode), request.who or "simulator",
                          number=max(request.number, state.newest))  # fmt: skip
    if question.closed:
        state = state._replace(modes=ModeState(Mode.AUTO))
    raw = _readings(raw, question.inputs, rules, sealed)
    proposal = _proposal(plan.proposal, question.setpoints, last, sealed, moment_s)
    status = SOLVED if question.setpoints else plan.status
    now = _judged(rules, memory, raw, state, status, proposal, request, now_s, moment_s)
    views = loop_views(sealed)[loop]
    return {
        "record": reader.last_cycles(loop, 1)[-1].seq,
        "was": _told(was, views.mvs),
        "now": _told(now, views.mvs),
        "inputs": [_offered(tag, raw[tag], rules, sealed) for tag in rules.inputs if tag in raw],
        "setpoints": [
            {"tag": s.tag, "label": s.label, "unit": s.unit,
             "applied": s.value(last["applied"].get(s.tag)),
             "wish": s.value(proposal.setpoints.get(s.tag)) if proposal else None}
            for s in views.mvs
        ],
    }  # fmt: skip


def _judged(
    rules: LoopRules, memory: SignalMemory, raw: Reading, state: GateState, status: str,
    proposal: Proposal | None, request: Request, now_s: float, moment_s: float,
) -> Verdict:  # fmt: skip
    snapshot = validate(raw, memory, rules, now_s, repair_of(request))
    return judge(rules, state, snapshot, status, proposal, request, moment_s)


def _state(body: Mapping[str, Any]) -> GateState:
    try:
        return state_from_json(body["state"])
    except StateError:
        return GateState()


def _readings(
    raw: Reading, inputs: Mapping[str, Played], rules: LoopRules, sealed: Mapping[str, Any]
) -> Reading:
    """Return the reading with the played values in it; times stay as they were read."""
    changed = dict(raw)
    for tag, one in inputs.items():
        if tag not in raw:
            raise HTTPException(422, "The loop reads no such tag.")
        before = raw[tag]
        if one.dead or one.value is None:
            changed[tag] = Sample.bad("played: no reading", before.received_s, before.epoch)
            continue
        value: float | int | bool = one.value
        kind = rules.inputs[tag].kind
        if kind != "bool":
            s = shown(sealed, tag)
            si = float(one.value) * s.gain + s.offset
            value = si if kind == "float" else round(si)
        changed[tag] = before._replace(value=value, quality=Quality.GOOD, reason="")
    return changed


def _proposal(
    recorded: Proposal | None, wishes: Mapping[str, float], last: Mapping[str, Any],
    sealed: Mapping[str, Any], moment_s: float,
) -> Proposal | None:  # fmt: skip
    if not wishes:
        return recorded
    mvs = sealed["loops"][last["loop"]]["mvs"]
    if set(wishes) - set(mvs):
        raise HTTPException(422, "The loop has no such setpoint.")
    known = recorded or Proposal(dict(last["applied"]), SOLVED, 0, 0.0, 0.0, moment_s)
    si = {t: v * (s := shown(sealed, t)).gain + s.offset for t, v in wishes.items()}
    return replace(known, setpoints={**known.setpoints, **si})


def _told(verdict: Verdict, mvs: Any) -> dict[str, Any]:  # noqa: ANN401 - a sequence of Shown
    signals: list[Shown] = list(mvs)
    return {
        "mode": verdict.mode.value,
        "action": verdict.action.name,
        "limiting": verdict.limiting,
        "reasons": [
            {"rule": r.rule, "action": r.action.name, "tag": r.tag, "text": r.text}
            for r in verdict.reasons
        ],
        "moves": [
            {"tag": s.tag, "requested": s.value(verdict.requested.get(s.tag)),
             "allowed": s.value(verdict.allowed.get(s.tag))}
            for s in signals
        ],
        "writes": verdict.command is not None,
    }  # fmt: skip


def _offered(
    tag: str, sample: Sample, rules: LoopRules, sealed: Mapping[str, Any]
) -> dict[str, Any]:
    s = shown(sealed, tag)
    plain = isinstance(sample.value, bool | str)
    return {
        "tag": tag, "label": s.label, "unit": s.unit, "kind": rules.inputs[tag].kind,
        "critical": tag in rules.critical or tag in rules.permissives,
        "value": sample.value if plain else s.value(sample.value),
        "quality": int(sample.quality),
    }  # fmt: skip
