"""A scenario played in virtual time and kept as a record file, as an engine would have kept it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil.scenario import load_scenario
from hil.scenario_run import ScenarioRun
from hil.simulate import with_kind
from hil.virtual_line import default_sealed
from records.canonical import in_canonical_order
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
) -> None:
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
