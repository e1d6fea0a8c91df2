"""A campaign of attacks on the gate: segments played by several processes, resumable.

The state file holds the seed, how many segments are done and what was found; a campaign that was
interrupted carries on where it stopped and ends with the same counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hil.broken_gates import broken
from hil.gate_fuzz import SEGMENT, Story, tell
from hil.pool import processes

ENOUGH = 5
"""A campaign stops after so many segments with an escape: the gate is broken."""


class CampaignError(ValueError):
    """The state file does not belong to this campaign."""


@dataclass(slots=True)
class Campaign:
    """How far a campaign is and what it found; `wall_s` and `python` are of this run only."""

    seed: int
    gate: str
    cycles: int = 0
    segments: int = 0
    escapes: list[dict[str, Any]] = field(default_factory=list)
    modes: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    wall_s: float = 0.0
    played: int = 0
    python: str = sys.executable

    def take(self, story: dict[str, Any]) -> None:
        """Add one segment."""
        self.segments += 1
        self.cycles += story["cycles"]
        self.played += story["cycles"]
        self.modes.update(story["modes"])
        self.rules.update(story["rules"])
        if story["escape_at"] is not None:
            self.escapes.append(
                {"segment": story["number"], "cycle": story["escape_at"], "what": story["escapes"]}
            )

    def to_json(self) -> dict[str, Any]:
        """Return the campaign as plain data."""
        return {
            "schema": 1, "seed": self.seed, "gate": self.gate, "segment_cycles": SEGMENT,
            "cycles": self.cycles, "segments": self.segments, "escapes": self.escapes,
            "modes": dict(self.modes), "rules": dict(sorted(self.rules.items())),
            "wall_s": round(self.wall_s, 3), "cycles_per_s": round(self.rate(), 1),
            "python": self.python,
        }  # fmt: skip

    def rate(self) -> float:
        """Return the cycles per second of this run."""
        return self.played / self.wall_s if self.wall_s else 0.0


def resumed(path: Path | None, seed: int, gate: str) -> Campaign:
    """Return the campaign of a state file, or a new one; refuse one of another seed or gate."""
    if path is None or not path.exists():
        return Campaign(seed, gate)
    try:
        body = json.loads(path.read_text("utf-8"))
        known = (body["seed"], body["gate"], body["segment_cycles"]) == (seed, gate, SEGMENT)
        if not known:
            raise CampaignError(
                f"{path} belongs to seed {body['seed']}, gate {body['gate'] or 'ours'!r}, segments "
                f"of {body['segment_cycles']} cycles"
            )
        return Campaign(
            seed, gate, body["cycles"], body["segments"], body["escapes"],
            Counter(body["modes"]), Counter(body["rules"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, CampaignError):
            raise
        raise CampaignError(f"{path} is no state of a campaign: {error}") from error


def fuzz(
    cycles: int,
    seed: int,
    workers: int,
    gate: str = "",
    out: Path | None = None,
    said: Callable[[Campaign], None] = lambda _: None,
    python: str = sys.executable,
) -> Campaign:
    """Play a campaign until `cycles` are played in all, or the gate has escaped often enough.

    Several workers run under `python`, any Python 3.11; a single one is this process.
    """
    campaign = resumed(out, seed, gate)
    campaign.python = python if workers > 1 else sys.executable
    start = time.monotonic()
    for story in _stories(campaign, cycles, workers):
        campaign.take(story)
        campaign.wall_s = time.monotonic() - start
        if out is not None:
            _keep(out, campaign)
        said(campaign)
        if len(campaign.escapes) >= ENOUGH:
            break
    return campaign


def _stories(campaign: Campaign, cycles: int, workers: int) -> Iterator[dict[str, Any]]:
    """Yield the segments in order, so that the count of segments says which are done."""
    first = campaign.segments
    count = max(0, -(-(cycles - campaign.cycles) // SEGMENT))
    numbers = range(first, first + count)
    if workers == 1:
        for number in numbers:
            yield segment(campaign.seed, number, campaign.gate)
        return
    context = get_context("spawn")
    context.set_executable(campaign.python)
    with processes(workers) as pool:
        todo = iter(numbers)
        running: dict[Future[dict[str, Any]], int] = {}
        done: dict[int, dict[str, Any]] = {}
        due = first
        try:
            while due < first + count:
                while len(running) < 2 * workers and (number := next(todo, -1)) >= 0:
                    running[pool.submit(segment, campaign.seed, number, campaign.gate)] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
                while due in done:
                    yield done.pop(due)
                    due += 1
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            context.set_executable(sys.executable)  # it is the whole process's


def segment(seed: int, number: int, gate: str) -> dict[str, Any]:
    """Play one segment against the gate, or against a broken one."""
    with broken(gate):
        return tell(seed, number).to_json()


def again(seed: int, number: int, gate: str) -> Story:
    """Play one segment once more, to look at its escape."""
    with broken(gate):
        return tell(seed, number)


def _keep(path: Path, campaign: Campaign) -> None:
    """Write the state so that a reader finds the old one or the new one, never half of it."""
    new = path.with_name(path.name + ".new")
    new.write_text(json.dumps(campaign.to_json(), indent=1) + "\n", "utf-8")
    os.replace(new, path)
