"""Soak: line after line under random faults in virtual time, until so many cycles are judged.

A chunk is a fixed number of cycles with a seed of its own, so that a soak is the same whoever plays
it, in however many processes, at once or in parts. Within a chunk a storm strikes the loop with one
or two faults of the catalogue at random moments for random times; between the storms a person
brings the loop back to AUTO. A line that does not come back is replaced by the next plant. Only
safety, records and the lawful course of the modes are judged: no fault has its budget here.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hil.fault_campaign import manifest_of
from hil.fault_run import SCRATCH, Outcome, judge_records
from hil.fault_storm import Storm
from hil.fault_world import FaultWorld
from hil.judge import judge_rows
from safety.words import RequestedMode

CHUNK = 1000  # cycles
SHOWN = 5  # escapes of a line kept in words; all are counted
LOOPS = ("coating", "coating", "profile", "mixing")
CONTROLLERS = ("mpc", "pi", "pi", "hold", "hold")
"""Drawn from, once per line. What is judged is the gate, so most lines have a quick controller."""
RESTLESS = "hold"  # of itself it moves nothing: these lines are made to wander


class Chunk(NamedTuple):
    """So many cycles from one seed; `number` tells the chunks of a soak apart."""

    number: int
    seed: int
    cycles: int

    @property
    def key(self) -> str:
        """A name for a file, unique in the soak."""
        return f"chunk-{self.seed}-{self.number:05d}-{self.cycles}"


def chunks_of(cycles: int, seed: int) -> list[Chunk]:
    """Return the chunks that make at least so many cycles."""
    whole, rest = divmod(cycles, CHUNK)
    sizes = [CHUNK] * whole + ([rest] if rest else [])
    return [Chunk(number, seed, size) for number, size in enumerate(sizes)]


def play_chunk(chunk: Chunk, sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Play one chunk in this process; return what was seen as plain data.

    A line that breaks off the harness is no pass: `misses` says what broke.
    """
    found: dict[str, Any] = {
        "key": chunk.key, "cycles": 0, "auto": 0, "lines": 0, "frames": 0, "setpoints": 0,
        "unsafe": 0, "escapes": [], "misses": [], "struck": {}, "traces": [],
    }  # fmt: skip
    struck: Counter[str] = Counter()
    while found["cycles"] < chunk.cycles:
        draw = random.Random(f"{chunk.seed}:{chunk.number}:{found['lines']}:soak")
        wanted = chunk.cycles - found["cycles"]
        try:
            _play_line(draw, wanted, sealed, found, struck)
        except Exception as error:  # noqa: BLE001 - a harness that breaks off must say so, by name
            where = f"line {found['lines']}"
            found["misses"].append(f"{where} broke off: {type(error).__name__}: {error}")
            break
    found["struck"] = dict(sorted(struck.items()))
    return found


def _play_line(
    draw: random.Random,
    cycles: int,
    sealed: Mapping[str, Any],
    found: dict[str, Any],
    struck: Counter[str],
) -> None:
    """Play one plant with one loop until it has had its cycles or does not come back."""
    loop, kind, seed = draw.choice(LOOPS), draw.choice(CONTROLLERS), draw.randrange(1, 10**6)
    place = SCRATCH if SCRATCH.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="rheostat-soak-", dir=place) as scratch:
        folder = Path(scratch)
        world = FaultWorld(loop, seed, sealed, kind, folder)
        storm = Storm(world, draw, cycles, restless=kind == RESTLESS)
        world.line.after_scan.append(storm.look)
        world.ask_at(0.0, RequestedMode.AUTO)
        asyncio.run(world.live())
        world.recorder.abandon()
        outcome = Outcome("soak", f"{loop}-{kind}", seed, "virtual")
        judged = judge_rows(world.line.log)
        rows = judge_records(world, folder, outcome)
    bodies = [body for row, _, body in rows if row == "cycle"]
    who = f"{loop} {kind} seed {seed}"
    found["lines"] += 1
    found["cycles"] += len(bodies)
    found["auto"] += sum(1 for body in bodies if body["mode"] == "AUTO")
    found["frames"] += judged.frames
    found["setpoints"] += judged.setpoints
    found["unsafe"] += len(judged.escapes)
    found["escapes"] += [{"line": who, **one} for one in judged.escapes[:SHOWN]]
    found["misses"] += [f"{who}: {text}" for text in outcome.misses]
    found["traces"].append(outcome.trace)
    struck.update(storm.struck)
    if not bodies:
        raise RuntimeError(f"{who} recorded no cycle")


def soak_manifest(sealed: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return what the chunks depend on."""
    return {**manifest_of(sealed), "campaign": f"soak, seed {seed}"}


def total_of(chunks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up chunks; `ok` when something was written, nothing escaped and nothing was missed."""
    struck: Counter[str] = Counter()
    for one in chunks:
        struck.update(one["struck"])
    total: dict[str, Any] = {
        name: sum(one[name] for one in chunks)
        for name in ("cycles", "auto", "lines", "frames", "setpoints", "unsafe")
    }
    total["faults"] = sum(struck.values())
    total["struck"] = dict(sorted(struck.items()))
    for name in ("escapes", "misses"):
        total[name] = [text for one in chunks for text in one[name]]
    total["ok"] = total["setpoints"] > 0 and not total["unsafe"] and not total["misses"]
    return total
