"""The trace of a fault run: what its world left, as one MCAP file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hil.campaign_store import manifest_of_sources
from hil.revision import commit_of_tree
from hil.trace_mcap import Run, write_trace
from records.canonical import sha256_of
from records.reader import RecordReader
from records.row import RecordError

if TYPE_CHECKING:
    from hil.fault_world import FaultWorld


def trace_world(path: Path, world: FaultWorld, name: str) -> Path:
    """Write what `world` left to `path`; records that were damaged on purpose stay out of it."""
    about = {
        "played": name,
        "seed": str(world.seed),
        "loop": world.loop,
        "config": sha256_of(world.sealed),
        "sources": manifest_of_sources(),
        "commit": commit_of_tree(),
    }
    entries = []
    if not world.damaged:
        try:
            reader = RecordReader(world.folder / "records.sqlite")
            try:
                entries = list(reader.since(0, limit=1_000_000))
            finally:
                reader.close()
        except RecordError as error:
            about["records"] = str(error).replace(str(world.folder), "the run's folder")
    return write_trace(path, Run(entries, world.line.log, world.notes, world.sealed, about))
