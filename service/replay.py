"""Replay: recorded inputs folded through the present code, every differing decision named.

The fold is the cycle without its wire: what was read is doubted again, the controller is asked
again, the gate judges again, the recorded result of the write is verified again. On the version
that wrote the records every decision comes out the same to the last bit (REC-10, GMP-06). Where
one differs, the fold goes on from the recorded state, so that each difference stands for itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from controller.plan import Plan
from records.canonical import canonical_json, sha256_of
from records.reader import Entry
from safety.gate import judge
from safety.modes import repair_of
from safety.readback import verify
from safety.signals import SignalMemory, validate
from safety.state import StateError, initial_state, state_from_json
from safety.words import Reading, Request, WriteResult
from service.cycle import CycleRecord, LoopContext, loop_context, question
from service.cycle_body import findings, heading, intent_body
from service.loop_runner import remembered
from service.replay_planner import ReplayPlanner
from service.replay_read import judged_s, over_s, plan_of, reading_of, request_of, result_of

_NOT_DECIDED = ("utc", "due_s", "timing", "hashes", "raw", "judged_s", "over_s")


@dataclass(frozen=True, slots=True)
class _Given:
    """What one recorded cycle was given, and the text of what it decided."""

    raw: Reading
    request: Request
    plan: Plan
    result: WriteResult
    judged_s: float
    over_s: float
    decided: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision that came out differently: which record, and which parts of it."""

    record: int
    loop: str
    sequence: int
    parts: tuple[str, ...]


@dataclass(slots=True)
class Replayed:
    """What a fold found. `hash` is over every decision the present code made."""

    cycles: int = 0
    runs: int = 0
    broken_off: int = 0
    unreadable: int = 0
    takeovers: int = 0
    other_software: int = 0
    hash: str = ""
    differences: list[Difference] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


class _Loop:
    """One loop in the fold: its context, its controller, and the intent that is open."""

    def __init__(self, sealed: Mapping[str, Any], name: str, *, plans: bool) -> None:
        nobody = cast("Any", None)  # no wire, no planner, no records, no clock: a fold has none
        self.context: LoopContext = loop_context(sealed, name, nobody, nobody, nobody, nobody, {})
        self.planner = ReplayPlanner(name, sealed) if plans else None
        self.intent: Mapping[str, Any] | None = None
        self.config = sha256_of(sealed)


class Fold:
    """Folds the records of one file, oldest first."""

    def __init__(
        self, software: str, *, plans: bool = True, read: dict[int, _Given] | None = None
    ) -> None:
        """`software` is the hash of the present code; without `plans` only the gate is folded.

        `read` keeps what was read of each record, for another fold of the same ones.
        """
        self.found = Replayed()
        self._read = {} if read is None else read
        self._software, self._plans = software, plans
        self._digest = hashlib.sha256()
        self._configurations: dict[str, Mapping[str, Any]] = {}
        self._loops: dict[str, _Loop] = {}
        self._last_state: dict[str, Mapping[str, Any]] = {}

    def run(self, entries: Iterable[Entry]) -> Replayed:
        """Fold `entries`; return what was found."""
        for entry in entries:
            if entry.kind == "start":
                self._start(entry.body["sealed"])
            elif entry.kind == "seal":
                self._know(entry.body["proposal"]["config"])
            elif entry.loop in self._loops and entry.kind == "intent":
                self._loops[entry.loop].intent = entry.body
            elif entry.loop in self._loops and entry.kind == "cycle":
                self._cycle(entry)
        self._count_takeovers()
        self.found.hash = self._digest.hexdigest()
        return self.found

    def _know(self, sealed: Mapping[str, Any]) -> None:
        self._configurations[sha256_of(sealed)] = sealed

    def _start(self, sealed: Mapping[str, Any]) -> None:
        """A new run: everything is OFF, and only what was recorded is remembered."""
        self._count_takeovers()
        self.found.runs += 1
        self._know(sealed)
        self._loops = {name: _Loop(sealed, name, plans=self._plans) for name in sealed["loops"]}
        for name, loop in self._loops.items():
            loop.context.last = remembered(loop.context, self._last_state.get(name))

    def _count_takeovers(self) -> None:
        planners = [loop.planner for loop in self._loops.values() if loop.planner is not None]
        self.found.takeovers += sum(planner.takeovers for planner in planners)

    def _cycle(self, entry: Entry) -> None:
        loop, body = self._loops[entry.loop], entry.body
        self._last_state[entry.loop] = body["state"]
        self.found.other_software += body["hashes"].get("software") != self._software
        if "inputs" not in body:  # it broke off, or shed from outside: nothing was decided
            self.found.broken_off += 1
            self._go_on_from(loop, body)
            loop.intent = None
            return
        self._change_over(loop, entry.loop, str(body["hashes"].get("config")))
        self.found.cycles += 1
        try:
            given = self._read.get(entry.seq) or self._given(loop, entry)
            decided = self._decide(loop, given, body["now_s"])
        except (KeyError, ValueError, TypeError) as error:
            self.found.unreadable += 1
            self._differs(entry, (f"cannot be read: {error!r}",))
            self._go_on_from(loop, body)
            return
        text = _text(decided)
        self._digest.update(text.encode("ascii"))
        loop.intent = None
        if text != given.decided:
            self._differs(entry, _parts(decided, json.loads(given.decided)))
            self._go_on_from(loop, body)

    def _given(self, loop: _Loop, entry: Entry) -> _Given:
        """Read a record once."""
        body = entry.body
        recorded = {name: value for name, value in body.items() if name not in _NOT_DECIDED}
        recorded["plan"] = {**body["plan"], "solve_ms": 0.0}
        recorded["intent"] = None if loop.intent is None else {**loop.intent, "hashes": {}}
        if not self._plans:
            del recorded["plan"]
        given = self._read[entry.seq] = _Given(
            reading_of(body, loop.context.rules), request_of(body), plan_of(body),
            result_of(body), judged_s(body), over_s(body), _text(recorded),
        )  # fmt: skip
        return given

    def _decide(self, loop: _Loop, given: _Given, now_s: float) -> dict[str, Any]:
        """Run one cycle again; return what it decided, and remember its state."""
        context = loop.context
        rules, last, request, plan = context.rules, context.last, given.request, given.plan
        snapshot = validate(given.raw, last.memory, rules, now_s, repair_of(request))
        if loop.planner is not None and plan.status != "not-asked":
            plan = loop.planner.answer(question(rules, last.state, snapshot), plan)
        verdict = judge(
            rules, last.state, snapshot, plan.status, plan.proposal, request, given.judged_s
        )
        command = verdict.command
        verified = verify(rules, verdict.state, command, given.result, given.over_s)
        context.last = CycleRecord({}, verified.state, snapshot.memory)
        decided = {
            **heading(rules.loop, "", 0.0, request, verified.state, {}),
            **findings(given.raw, snapshot, plan, verdict, given.result, verified),
            "intent": None if command is None else intent_body(command, {}),
        }
        decided["plan"]["solve_ms"] = 0.0
        skipped = _NOT_DECIDED if self._plans else (*_NOT_DECIDED, "plan")
        return {name: value for name, value in decided.items() if name not in skipped}

    def _change_over(self, loop: _Loop, name: str, config: str) -> None:
        """Work by the configuration the cycle was run with, where it changed in between."""
        if config == loop.config or config not in self._configurations:
            return
        sealed = self._configurations[config]
        loop.context.rules = _Loop(sealed, name, plans=False).context.rules
        if loop.planner is not None:
            loop.planner.change(sealed)
        loop.config = config

    def _go_on_from(self, loop: _Loop, body: Mapping[str, Any]) -> None:
        """Take the recorded state for the truth."""
        memory: SignalMemory = loop.context.last.memory
        try:
            state = state_from_json(body["state"])
        except StateError:
            state = initial_state()
        loop.context.last = CycleRecord({}, state, memory)

    def _differs(self, entry: Entry, parts: tuple[str, ...]) -> None:
        sequence = int(entry.body["sequence"])
        self.found.differences.append(Difference(entry.seq, entry.loop, sequence, parts))


def _text(decided: Mapping[str, Any]) -> str:
    """Return the canonical text of plain data; the quick way where there is no NaN in it."""
    try:
        return json.dumps(decided, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return canonical_json(decided)


def _parts(decided: Mapping[str, Any], recorded: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the fields that came out differently."""
    names = sorted(decided.keys() | recorded.keys())
    return tuple(
        name
        for name in names
        if canonical_json(decided.get(name)) != canonical_json(recorded.get(name))
    )


def folds(
    entries: Sequence[Entry], software: str, times: int, *, plans: bool = True
) -> tuple[Replayed, set[str]]:
    """Fold `entries` so many times; return the first result and the hashes of all."""
    read: dict[int, _Given] = {}
    first = Fold(software, plans=plans, read=read).run(entries)
    again = (Fold(software, plans=plans, read=read).run(entries) for _ in range(times - 1))
    return first, {first.hash, *(one.hash for one in again)}


def fold(entries: Sequence[Entry], software: str, *, plans: bool = True) -> Replayed:
    """Fold `entries`, oldest first and from a start on, through the present code."""
    return Fold(software, plans=plans).run(entries)
