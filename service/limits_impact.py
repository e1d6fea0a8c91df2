"""What other limits would have done: recorded hours judged again by the gate, old against new.

Each recorded cycle is judged from what was read and planned then, so the answer is exact for that
cycle and an upper bound for the clamps: a controller that knew the new limits would have planned
inside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from records.reader import RecordReader
from safety.gate import Verdict, judge
from safety.modes import repair_of
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory, validate
from safety.state import GateState, StateError, state_from_json
from safety.words import Action
from service.replay_read import judged_s, plan_of, reading_of, request_of

_WARM_UP = 40  # cycles judged before those counted, so that heartbeats and ages are known


@dataclass(slots=True)
class Judged:
    """How often the gate would have acted in one loop: cycles by action, and clamps by setpoint."""

    actions: dict[str, int] = field(default_factory=dict)
    clamped: dict[str, int] = field(default_factory=dict)
    outside: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LoopImpact:
    """One loop: how many recorded cycles were judged, and what came of them before and after.

    `not_reproduced` counts cycles whose recorded action is not what the limits in force give now:
    another software wrote them, so they prove less.
    """

    loop: str
    cycles: int
    hours: float
    before: Judged
    after: Judged
    not_reproduced: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def impact(
    records: Path, old: Mapping[str, Any], new: Mapping[str, Any], hours: float
) -> list[LoopImpact]:
    """Judge the last `hours` of every loop again; raises RecordError when they cannot be read."""
    reader = RecordReader(records)
    try:
        return [_loop(reader, loop, old, new, hours) for loop in old["loops"]]
    finally:
        reader.close()


def _loop(
    reader: RecordReader, loop: str, old: Mapping[str, Any], new: Mapping[str, Any], hours: float
) -> LoopImpact:
    period_s = float(old["loops"][loop]["period"])
    wanted = max(1, round(hours * 3600.0 / period_s))
    entries = reader.last_cycles(loop, wanted + _WARM_UP)
    benches = _Bench(loop_rules(old, loop)), _Bench(loop_rules(new, loop))
    state, counted, differing = GateState(), 0, 0
    uncounted = max(0, min(_WARM_UP, len(entries) - 1))
    for number, entry in enumerate(entries):
        if "inputs" not in entry.body:  # a cycle that broke off was never judged
            continue
        verdicts = [bench.judge(entry.body, state) for bench in benches]
        try:
            state = state_from_json(entry.body["state"])
        except StateError:
            state = GateState()
        if number >= uncounted:
            counted += 1
            differing += verdicts[0].action.name != entry.body["verdict"]["action"]
            for bench, verdict in zip(benches, verdicts, strict=True):
                bench.count(verdict, entry.body)
    before, after = (bench.judged() for bench in benches)
    return LoopImpact(loop, counted, counted * period_s / 3600.0, before, after, differing)


class _Bench:
    """Folds recorded cycles through one set of rules."""

    def __init__(self, rules: LoopRules) -> None:
        self._rules = rules
        self._memory = SignalMemory()
        self._actions: Counter[str] = Counter()
        self._clamped: Counter[str] = Counter()
        self._outside: Counter[str] = Counter()

    def judge(self, body: Mapping[str, Any], state: GateState) -> Verdict:
        request, plan, raw = request_of(body), plan_of(body), reading_of(body, self._rules)
        snapshot = validate(raw, self._memory, self._rules, body["now_s"], repair_of(request))
        self._memory = snapshot.memory
        return judge(
            self._rules, state, snapshot, plan.status, plan.proposal, request, judged_s(body)
        )

    def count(self, verdict: Verdict, body: Mapping[str, Any]) -> None:
        self._actions[verdict.action.name] += 1
        cut = {why.tag for why in verdict.reasons
               if why.rule == "IL-01" and why.action is Action.CLAMP}  # fmt: skip
        self._clamped.update(cut)
        for tag, rule in self._rules.setpoints.items():
            applied = body["applied"].get(tag)
            if applied is not None and not rule.operating[0] <= applied <= rule.operating[1]:
                self._outside[tag] += 1

    def judged(self) -> Judged:
        return Judged(dict(self._actions), dict(self._clamped), dict(self._outside))
