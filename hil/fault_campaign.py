"""Plays many fault runs in a few processes, one small file each, so that a campaign goes on.

Pairs are drawn from the catalogue by a seed: two virtual plays of one loop, of different faults.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hil.campaign_plan import CampaignError
from hil.campaign_store import CampaignStore, manifest_of_sources
from hil.fault_catalogue import FOLDER, Fault, Play, load_catalogue
from hil.pool import played
from hil.trace_mcap import SUFFIX
from records.canonical import sha256_of

Progress = Callable[[int, int, Mapping[str, Any]], None]


class Job(NamedTuple):
    """One run: one play of one fault, or two of a pair, on plant number `seed`."""

    faults: tuple[str, ...]
    plays: tuple[str, ...]
    seed: int

    @property
    def key(self) -> str:
        """A name for a file, unique in the campaign."""
        parts = (f"{fault}-{play}" for fault, play in zip(self.faults, self.plays, strict=True))
        return f"{'+'.join(parts)}.{self.seed:04d}"


def jobs_of(faults: Sequence[Fault], seeds: int, pairs: int = 0, first: int = 1) -> list[Job]:
    """Return every play of every fault on every seed, then so many pairs."""
    numbers = range(first, first + seeds)
    jobs = [
        Job((fault.id,), (play.name,), seed)
        for seed in numbers
        for fault in faults
        for play in fault.plays
        if play.medium != "real" and (play.medium == "virtual" or seed == first)
    ]
    return jobs + list(_pairs(faults, pairs, first))


def _pairs(faults: Sequence[Fault], pairs: int, first: int) -> Iterator[Job]:
    """Draw pairs of virtual plays of one loop, alike for the same faults and seed."""
    draw = random.Random(f"{first}:pairs")
    known = [(fault.id, play) for fault in faults for play in fault.plays]
    virtual = [(f, p) for f, p in known if p.medium == "virtual" and p.watch <= 60]
    seen: set[tuple[Any, ...]] = set()
    tries = 0
    while len(seen) < pairs and tries < 50 * pairs:
        tries += 1
        (one, a), (two, b) = draw.choice(virtual), draw.choice(virtual)
        if one == two or a.loop != b.loop or set(a.config) & set(b.config):
            continue
        key = (one, a.name, two, b.name)
        if key not in seen:
            seen.add(key)
            yield Job((one, two), (a.name, b.name), first + len(seen) - 1)


def play_job(job: Job, sealed: Mapping[str, Any], traces: Path | None = None) -> dict[str, Any]:
    """Play one run in this process; return its outcome as plain data.

    `traces` is a folder for the trace of a run in virtual time. A run that cannot be played to its
    end is no pass: the outcome says what broke.
    """
    from hil.fault_run import Outcome, play_fault, play_pair

    faults = {fault.id: fault for fault in load_catalogue()}
    named = [faults[one] for one in job.faults]
    plays = [_play(f, name) for f, name in zip(named, job.plays, strict=True)]
    trace = None if traces is None else trace_of(traces, job.key)
    try:
        if len(named) == 1:
            outcome = play_fault(named[0], plays[0], job.seed, sealed, trace)
        else:
            outcome = play_pair(named, plays, job.seed, sealed, trace)
    except Exception as error:  # noqa: BLE001 - a harness that breaks off must say so, by name
        outcome = Outcome(named[0].id, plays[0].name, job.seed, plays[0].medium, safe=False)
        outcome.misses.append(f"the run broke off: {type(error).__name__}: {error}")
    return {"key": job.key, "pair": len(named) == 2, **outcome.to_json()}


def trace_of(traces: Path, key: str) -> Path:
    """Return where the trace of the run `key` lies in the folder `traces`."""
    return traces / f"{key}{SUFFIX}"


def _play(fault: Fault, name: str) -> Play:
    return next(play for play in fault.plays if play.name == name)


def manifest_of(sealed: Mapping[str, Any], controller: str = "") -> dict[str, Any]:
    """Return what the outcomes depend on: configuration, catalogue, sources."""
    catalogue = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.yaml"))}
    return {
        "campaign": "faults",
        "config": sha256_of(sealed),
        "catalogue": sha256_of(catalogue),
        "sources": manifest_of_sources(),
    }


def play_all(
    jobs: Sequence[Job],
    sealed: Mapping[str, Any],
    folder: Path,
    workers: int = 2,
    *,
    resume: bool = False,
    traces: Path | None = None,
    progress: Progress = lambda done, of, outcome: None,
) -> list[dict[str, Any]]:
    """Play what is not there yet and return all outcomes in the jobs' order.

    With a folder for `traces`, a run that left none is played again.

    Raises:
        CampaignError: the folder holds outcomes of something else, or of a run not to be resumed.
    """
    store = CampaignStore(folder, manifest_of(sealed), resume=resume)
    missing = [
        job
        for job in jobs
        if not store.has(job.key)
        or (traces is not None and not trace_of(traces, job.key).is_file())
    ]
    done = len(jobs) - len(missing)
    play = partial(play_job, traces=traces)
    for outcome in played(play, missing, sealed, workers):
        store.put(outcome["key"], outcome)
        done += 1
        progress(done, len(jobs), outcome)
    return [store.get(job.key) for job in jobs]


__all__ = ["CampaignError", "Job", "jobs_of", "manifest_of", "play_all", "play_job"]
