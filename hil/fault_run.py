"""Plays one fault once and judges it: safe, reacted in time, ended as the catalogue says, recorded.

Safe is what the independent judge says of the frames the PLCs logged. Whether the engine reacted
is read from its records. Both are there for one run only; what stays is its outcome.
"""

from __future__ import annotations

import asyncio
import copy
import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from hil.fault_catalogue import Fault, Play
from hil.fault_reaction import Evidence, Seen, reactions, unlawful_course
from hil.fault_trace import trace_world
from hil.fault_verbs import FILES, VIRTUAL, check_play
from hil.fault_world import FaultWorld
from hil.judge import judge_rows
from hil.wire_evidence import WireEvidence
from records.chain import verify
from records.reader import RecordReader
from records.row import RecordError
from safety.words import Mode, RequestedMode

SETTLE = (6, 14)  # cycles of AUTO before a fault strikes; drawn
PATIENCE = 40  # cycles for a loop to reach AUTO
SCRATCH = Path("/dev/shm")  # a disk in memory, where there is one


@dataclass(slots=True)
class Outcome:
    """What came of one run. `misses` are sentences; none of them and `safe` is a pass.

    Times in seconds of virtual time; `within_s` is the budget. `trace` is one hash over everything
    the run recorded and every word the PLCs took.
    """

    fault: str
    play: str
    seed: int
    medium: str
    safe: bool = True
    misses: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    reacted_s: float | None = None
    within_s: float = 0.0
    final_mode: str = ""
    frames: int = 0
    setpoints: int = 0
    cycles: int = 0
    escapes: list[dict[str, Any]] = field(default_factory=list)
    trace: str = ""
    open: str = ""

    @property
    def passed(self) -> bool:
        """True when nothing escaped and nothing was missed."""
        return self.safe and not self.misses

    @property
    def key(self) -> str:
        """A name for a file, unique among all runs."""
        return f"{self.fault}.{self.play}.{self.seed:04d}"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "passed": self.passed}


def play_fault(
    fault: Fault, play: Play, seed: int, sealed: Mapping[str, Any], trace: Path | None = None
) -> Outcome:
    """Play one fault in one way on plant number `seed`; a virtual run may leave a `trace` file."""
    check_play(fault.id, play)
    outcome = Outcome(fault.id, play.name, seed, play.medium, open=play.open)
    place = SCRATCH if SCRATCH.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="rheostat-hil-", dir=place) as scratch:
        folder = Path(scratch)
        if play.medium == "files":
            _play_files(play, folder, sealed, outcome)
        else:
            asyncio.run(_play_virtual([play], folder, sealed, outcome, trace))
    return outcome


def play_pair(
    faults: Sequence[Fault],
    plays: Sequence[Play],
    seed: int,
    sealed: Mapping[str, Any],
    trace: Path | None = None,
) -> Outcome:
    """Play two faults of one loop together; only safety and records are judged."""
    blind = [play.model_copy(update={"expect": play.expect.__class__(), "then": []})
             for play in plays]  # fmt: skip
    name = "+".join(f"{f.id}-{p.name}" for f, p in zip(faults, plays, strict=True))
    outcome = Outcome("pair", name, seed, "virtual")
    place = SCRATCH if SCRATCH.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="rheostat-hil-", dir=place) as scratch:
        asyncio.run(_play_virtual(blind, Path(scratch), sealed, outcome, trace))
    return outcome


def _play_files(play: Play, folder: Path, sealed: Mapping[str, Any], outcome: Outcome) -> None:
    said = FILES[play.verb](folder, sealed, **play.args)
    evidence = Evidence([], [], [(0.0, said)], 0.0)
    outcome.trace = sha256(said.encode()).hexdigest()
    _judge_reaction(play, 1.0, evidence, outcome)
    if outcome.misses:
        outcome.misses.append(f"said: {said[:200]}")


async def _play_virtual(
    plays: Sequence[Play],
    folder: Path,
    sealed: Mapping[str, Any],
    outcome: Outcome,
    trace: Path | None,
) -> None:
    first = plays[0]
    configured = sealed
    for play in plays:
        configured = with_values(configured, play.config)
    world = FaultWorld(first.loop, outcome.seed, configured, first.controller, folder)
    world.ask_at(0.0, RequestedMode.AUTO)
    _arm(world, plays, random.Random(f"{outcome.fault}:{outcome.play}:{outcome.seed}"))
    await world.live()
    world.recorder.abandon()
    outcome.frames, outcome.setpoints = _judge_frames(world, outcome)
    rows = judge_records(world, folder, outcome)
    if trace is not None:
        trace_world(trace, world, f"{outcome.fault} {outcome.play}")
    if world.struck_s is None:
        outcome.misses.append("the fault never struck: the loop did not reach AUTO in time")
        return
    evidence = Evidence(rows, world.line.log, world.notes, world.struck_s)
    outcome.cycles = sum(1 for kind, _, _ in rows if kind == "cycle")
    last = [body for kind, _, body in rows if kind == "cycle"]
    outcome.final_mode = str(last[-1]["mode"]) if last else ""
    for play in plays:
        _judge_reaction(play, world.period_s, evidence, outcome)
    if first.then and len(plays) == 1 and outcome.final_mode not in first.then:
        outcome.misses.append(f"ended in {outcome.final_mode}, not in {'/'.join(first.then)}")


def _arm(world: FaultWorld, plays: Sequence[Play], draw: random.Random) -> None:
    """Let the faults strike some cycles after the loop is closed, in a phase of the dice."""
    settle = draw.randint(*SETTLE)
    phase = draw.random()
    since: list[float] = []

    def when_closed() -> None:
        now_s, period_s = world.line.time_s, world.period_s
        if since or now_s % period_s != 0.0:
            return
        if world.lives and world.mode is Mode.AUTO:
            since.append(now_s)
            for number, play in enumerate(plays):
                from_s = now_s + (settle + number) * period_s
                if play.when == "anytime":
                    from_s += round(phase * (period_s - 1.0))
                _plan(world, play, from_s)
        elif now_s > PATIENCE * period_s:
            world.ends_s = now_s

    world.line.after_scan.append(when_closed)


def _plan(world: FaultWorld, play: Play, from_s: float) -> None:
    injection = VIRTUAL[play.verb](world, **play.args)
    period_s = world.period_s
    lasts = play.lasts * period_s
    looked_s = (play.lasts + play.watch) * period_s

    def strike() -> None:
        world.note(f"struck: {play.verb}")
        world.ends_s = max(world.line.time_s + looked_s, world.ends_s if _finite(world) else 0.0)
        if play.lasts:
            world.end_at(world.line.time_s + lasts - 0.5, injection.end)
        injection.begin()

    world.strike_at(play.when, from_s, strike)


def _finite(world: FaultWorld) -> bool:
    return world.ends_s != float("inf")


def _judge_frames(world: FaultWorld, outcome: Outcome) -> tuple[int, int]:
    judgement = judge_rows(world.line.log)
    outcome.safe = not judgement.escapes
    outcome.escapes = judgement.escapes[:5]
    return judgement.frames, judgement.setpoints


def judge_records(
    world: FaultWorld, folder: Path, outcome: Outcome
) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Verify the chain and compare the wire with the intents; return the rows."""
    path = folder / "records.sqlite"
    if world.damaged:
        kept = sha256(path.read_bytes()).hexdigest() == world.damaged
        if not kept:
            outcome.misses.append("the damaged records were changed")
        outcome.trace = world.trace_hash(world.damaged)
        return []
    report = verify(path)
    if not report.ok:
        outcome.misses.append(f"records: {report.text}")
    reader = RecordReader(path)
    try:
        entries = list(reader.since(0, limit=1_000_000))
    except RecordError as error:
        outcome.misses.append(f"records: {error}")
        return []
    finally:
        reader.close()
    if not world.neighbours:
        bodies = [entry.body for entry in entries if entry.kind == "intent"]
        orphans = WireEvidence(world.sealed).orphans(world.line.log, {world.loop: bodies})
        outcome.misses += [f"orphan write: {text}" for text in orphans[:3]]
    outcome.trace = world.trace_hash(report.head.hash)
    rows: list[tuple[str, str, Mapping[str, Any]]] = [
        (entry.kind, entry.loop, entry.body) for entry in entries
    ]
    if course := unlawful_course(rows):
        outcome.misses.append(course)
    return rows


def _judge_reaction(play: Play, period_s: float, evidence: Evidence, outcome: Outcome) -> None:
    within_s = play.within * period_s
    outcome.within_s = within_s
    seen: list[Seen] = reactions(play.expect, evidence)
    for one in seen:
        when = "never" if one.after_s is None else f"{one.after_s:g} s"
        outcome.seen.append(f"{one.what}: {when}")
        if one.after_s is None:
            outcome.misses.append(f"{one.what} was not seen")
        elif one.after_s > within_s:
            outcome.misses.append(f"{one.what} after {one.after_s:g} s, budget {within_s:g} s")
    times = [one.after_s for one in seen if one.after_s is not None]
    outcome.reacted_s = max(times) if times else None


def with_values(sealed: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with values replaced, by path ('limits/votes/x')."""
    changed = copy.deepcopy(dict(sealed))
    for path, value in values.items():
        *way, last = path.split("/")
        place = changed
        for word in way:
            place = place.setdefault(word, {})
        place[last] = json.loads(json.dumps(value))
    return changed
