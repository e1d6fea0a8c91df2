"""A scenario played in virtual time and kept as a record file, as an engine would have kept it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hil.campaign_store import manifest_of_sources
from hil.revision import commit_of_tree
from hil.scenario import load_scenario
from hil.scenario_run import ScenarioRun
from hil.simulate import with_kind
from hil.trace_mcap import Run, write_trace
from hil.virtual_line import default_sealed
from records.canonical import in_canonical_order, sha256_of
from records.reader import RecordReader
from records.recorder import MemoryRecorder
from records.roots import ROOT_EVERY
from records.store import RecordStore
from service.identity import hashes_of


def record_scenario(
    path: Path,
    scenario: str = "nominal",
    *,
    minutes: float | None = None,
    seed: int = 1,
    kind: str = "mpc",
    sealed: Mapping[str, Any] | None = None,
    root_every: int = ROOT_EVERY,
) -> ScenarioRun:
    """Play `scenario` (for `minutes`, or to its end) and write its records to a new file `path`."""
    configuration = in_canonical_order(with_kind(sealed or default_sealed(), kind))
    chosen = load_scenario(scenario)
    if minutes is not None:
        chosen = chosen.model_copy(update={"duration_min": minutes})
    run = ScenarioRun(chosen, seed, kind, configuration)
    memory, hashes = MemoryRecorder(), hashes_of(configuration)
    for loop in run.loops.values():
        loop.recorder, loop.hashes = memory, hashes
    utc = run.clock.utc()
    run.play()
    store = RecordStore(path, root_every)
    try:
        first = {"sealed": configuration, "hashes": hashes, "speed": 1.0, "unresolved_intents": {}}
        store.append("start", "", utc, first)
        for row, body in zip(memory.rows, memory.bodies, strict=True):
            store.append(row.kind, row.loop, row.utc, body)
        store.append("stop", "", run.clock.utc(), {"why": "the scenario is over"})
    finally:
        store.close()
    return run


def trace_scenario(
    path: Path,
    scratch: Path,
    scenario: str = "nominal",
    *,
    minutes: float | None = None,
    seed: int = 1,
    kind: str = "mpc",
    sealed: Mapping[str, Any] | None = None,
) -> Path:
    """Play `scenario` and write its trace to `path`; `scratch` is a folder for the records.

    Times of the wall clock are left out, so that the same seed gives the same bytes.
    """
    records = scratch / "records.sqlite"
    run = record_scenario(records, scenario, minutes=minutes, seed=seed, kind=kind, sealed=sealed)
    reader = RecordReader(records)
    try:
        found = [replace(one, body=_timeless(one.body)) for one in reader.since(0, limit=2**31)]
    finally:
        reader.close()
    about = {
        "played": scenario,
        "controller": kind,
        "seed": str(seed),
        "config": sha256_of(run.sealed),
        "sources": manifest_of_sources(),
        "commit": commit_of_tree(),
    }
    rows = [one for one in found if one.kind != "root"]  # signed by a key of this scratch folder
    return write_trace(path, Run(rows, run.line.log, [], run.sealed, about))


def _timeless(body: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in body.items() if name != "timing"}
    if "plan" in kept:
        kept["plan"] = {**kept["plan"], "solve_ms": 0.0}
    return kept
