"""Reads a trace back with the mcap library: what was played, the wire, the records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.exceptions import McapError
from mcap.reader import make_reader

from hil.trace_mcap import FORMAT
from records.reader import Entry

_NS = 1_000_000_000


class TraceError(ValueError):
    """A file is no trace of ours; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it was read: topic, plant seconds, body."""

    topic: str
    at_s: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trace:
    """A whole trace."""

    about: Mapping[str, str]
    sealed: Mapping[str, Any]
    said: Sequence[Said]

    def entries(self) -> list[Entry]:
        """Return the engine's records, oldest first; the hashes stay in the record file."""
        rows = [one.body for one in self.said if one.topic.startswith("/record/")]
        return [
            Entry(row["seq"], row["kind"], row["loop"], row["utc"], "", row["body"])
            for row in sorted(rows, key=lambda row: int(row["seq"]))
        ]

    def wire(self) -> list[Mapping[str, Any]]:
        """Return what the PLCs logged, for the judge."""
        return [one.body for one in self.said if one.topic.startswith("/wire/")]


def read_trace(path: Path) -> Trace:
    """Read a trace.

    Raises:
        TraceError: the file cannot be read, is cut off, or is no trace of this format.
    """
    try:
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            about = {one.name: one.metadata for one in reader.iter_metadata()}.get("run", {})
            attached = {one.name: one.data for one in reader.iter_attachments()}
            said = [
                Said(channel.topic, message.log_time / _NS, json.loads(message.data))
                for _, channel, message in reader.iter_messages()
            ]
        if about.get("format") != FORMAT:
            raise TraceError(f"{path} is an MCAP file, but no '{FORMAT}'")
        return Trace(about, json.loads(attached["config.json"]), said)
    except (OSError, McapError, ValueError, KeyError) as error:
        if isinstance(error, TraceError):
            raise
        raise TraceError(f"{path} cannot be read as a trace: {error}") from error
