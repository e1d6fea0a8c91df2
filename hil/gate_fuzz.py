"""One story of the gate under attack: world, gate and oracle, cycle by cycle (P1 to P12).

A segment of a campaign begins with an engine that has never run and ends after so many cycles or
at the first escape. It depends on nothing but the seed and its number.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from random import Random
from typing import Any

from hil.gate_fuzz_line import LOOP, SEALED
from hil.gate_fuzz_world import World
from hil.gate_oracle import Oracle
from hil.gate_oracle_ledger import Escape
from safety import gate, readback, signals
from safety.modes import repair_of
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory
from safety.state import initial_state, restart, state_from_json, state_to_json
from safety.vote import Ballot

SEGMENT = 10_000
"""Cycles of one segment."""

_EPISODE = 64


@dataclass(slots=True)
class Story:
    """What came of one segment."""

    number: int
    cycles: int = 0
    escape_at: int | None = None
    escapes: list[Escape] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """Return the story as plain data."""
        return {
            "number": self.number,
            "cycles": self.cycles,
            "escape_at": self.escape_at,
            "escapes": [asdict(escape) for escape in self.escapes],
            "modes": dict(self.modes),
            "rules": dict(self.rules),
        }


@functools.cache
def sealed_rules() -> LoopRules:
    """Return the rules of the line that is attacked."""
    return loop_rules(SEALED, LOOP)


def tell(seed: int, number: int, cycles: int = SEGMENT) -> Story:
    """Play one segment; stop at the first escape."""
    random = Random(f"{seed}:{number}")
    world, oracle, story = World(random), Oracle(), Story(number)
    rules, draw = sealed_rules(), random.random
    state, memory = initial_state(), SignalMemory()
    modes, fired = story.modes, story.rules
    validate, judge, verify = signals.validate, gate.judge, readback.verify
    for cycle in range(cycles):
        if cycle % _EPISODE == 0:
            world.turn()
        if draw() < 0.04 * world.hostility:
            state = restart(state_from_json(json.loads(json.dumps(state_to_json(state)))))
            memory = SignalMemory(ballot=Ballot({}, state.struck, ""))
            oracle.restarted()
        request = world.ask(str(state.modes.mode))
        now_s = world.pass_time()
        raw = world.read(now_s)
        world.linger(raw, now_s)
        snapshot = validate(raw, memory, rules, now_s, repair_of(request))
        memory = snapshot.memory
        status, plan = world.propose(now_s)
        sealed = draw() >= 0.01 * world.hostility
        known = rules if sealed else _tampered(rules, random)
        judged_s = world.stand_still()
        verdict = judge(known, state, snapshot, status, plan, request, judged_s)
        found = oracle.check(raw, now_s, request, status, plan, judged_s, verdict, sealed=sealed)
        if cycle % 97 == 0 and sealed:
            again = judge(rules, state, snapshot, status, plan, request, judged_s)
            if repr(again) != repr(verdict):
                found.append(Escape("P4", "the same question has another answer"))
        command, result, over_s = verdict.command, None, world.dawdle()
        if command is not None:
            result = world.write(command)
            oracle.heard(result.outcome, result.landed, command, over_s)
        state = verify(rules, verdict.state, command, result, over_s).state
        modes[str(verdict.mode)] += 1
        if verdict.limiting:
            fired[verdict.limiting[:5]] += 1
        if found:
            story.escapes, story.escape_at = found, cycle
            story.cycles = cycle + 1
            return story
    story.cycles = cycles
    return story


def _tampered(rules: LoopRules, random: Random) -> LoopRules:
    """Return the rules with a limit changed and the seal as it was."""
    tag = random.choice(tuple(rules.setpoints))
    row = rules.setpoints[tag]
    name = random.choice(("operating", "equipment", "rate_per_s"))
    was = getattr(row, name)
    new: Any = was * 10.0 if isinstance(was, float) else (was[0] - 1.0, was[1] + 1.0)
    return replace(rules, setpoints={**rules.setpoints, tag: row._replace(**{name: new})})
