"""A run as one MCAP file that other tools open: records, predictions, the judge's wire, faults.

Every message is JSON with a JSON schema; a non-finite number is the text records use for it.

topic               one message per                       time it stands at
/wire/PLC           word a PLC took, or act of its own    the PLC's own plant time
/record/KIND        row of the engine's record file       the cycle it belongs to
/prediction/LOOP    horizon a plan gave                   the same
/fault              thing an injector or a start did      when it happened

Times are nanoseconds of plant time since the run began. The configuration is attached as
`config.json`; the metadata `run` says what was played and by which sources. Nothing in the file
depends on the wall clock, so a run of virtual time repeats to the byte.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from records.canonical import canonical_json
from records.reader import Entry

FORMAT = "rheostat trace 1"
SUFFIX = ".mcap"
_NS = 1_000_000_000
_NUMBER = {"type": ["number", "string", "null", "boolean"]}
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "rheostat.wire": {
        "plant_s": {"type": "number"},
        "tag": {"type": "string"},
        "value": _NUMBER,
        "active": _NUMBER,
        "event": {"type": "string"},
    },
    "rheostat.record": {
        "seq": {"type": "integer"},
        "kind": {"type": "string"},
        "loop": {"type": "string"},
        "utc": {"type": "string"},
        "body": {"type": "object"},
    },
    "rheostat.prediction": {
        "tag": {"type": "string"},
        "times_s": {"type": "array", "items": {"type": "number"}},
        "values": {"type": "array", "items": _NUMBER},
    },
    "rheostat.fault": {"text": {"type": "string"}},
}


@dataclass(frozen=True, slots=True)
class Message:
    """One message: where it belongs, when it was (plant seconds), what it says."""

    topic: str
    schema: str
    at_s: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run left behind; `starts_s` is what the engine's clock showed at plant time zero.

    `log` are the rows of the PLCs' write logs, `notes` what faults did with their times, `about`
    texts that say what was played.
    """

    entries: Sequence[Entry]
    log: Sequence[Mapping[str, Any]]
    notes: Sequence[tuple[float, str]]
    sealed: Mapping[str, Any]
    about: Mapping[str, str]
    starts_s: float = 0.0


def messages(run: Run) -> list[Message]:
    """Return every message of a run in the order of time; what is alike in time keeps its place."""
    found = [*_wire(run.log), *_records(run), *_faults(run.notes)]
    return sorted(found, key=lambda message: message.at_s)


def write_trace(path: Path, run: Run) -> Path:
    """Write `run` to `path`, whole or not at all, and return it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)
        writer.start(profile="", library="rheostat")
        writer.add_metadata("run", {"format": FORMAT, **run.about})
        config = canonical_json(run.sealed).encode("ascii")
        writer.add_attachment(0, 0, "config.json", "application/json", config)
        _add(writer, messages(run))
        writer.finish()  # type: ignore[no-untyped-call]
    temporary.replace(path)
    return path


def _add(writer: Writer, found: Iterable[Message]) -> None:
    schemas: dict[str, int] = {}
    channels: dict[str, int] = {}
    for number, message in enumerate(found):
        if message.schema not in schemas:
            text = _schema(message.schema).encode("ascii")
            schemas[message.schema] = writer.register_schema(message.schema, "jsonschema", text)
        if message.topic not in channels:
            channels[message.topic] = writer.register_channel(
                message.topic, "json", schemas[message.schema]
            )
        at_ns = max(0, round(message.at_s * _NS))
        data = canonical_json(message.body).encode("ascii")
        writer.add_message(channels[message.topic], at_ns, data, at_ns, number)


def _schema(name: str) -> str:
    return canonical_json({"title": name, "type": "object", "properties": SCHEMAS[name]})


def _wire(log: Iterable[Mapping[str, Any]]) -> Iterator[Message]:
    for row in log:
        name = str(row["tag"]) if "tag" in row else next(iter(row.get("before", {})), "plc")
        topic = f"/wire/{name.partition('.')[0]}"
        yield Message(topic, "rheostat.wire", float(row["plant_s"]), row)


def _records(run: Run) -> Iterator[Message]:
    """Give each record the time of its cycle; a row without one stands where the last one stood."""
    at_s = 0.0
    for entry in run.entries:
        body = entry.body
        now_s = body.get("now_s", body.get("minted_s"))
        if isinstance(now_s, int | float):
            at_s = float(now_s) - run.starts_s
        row = {"seq": entry.seq, "kind": entry.kind, "loop": entry.loop, "utc": entry.utc,
               "body": body}  # fmt: skip
        yield Message(f"/record/{entry.kind}", "rheostat.record", at_s, row)
        plan = body.get("plan") if entry.kind == "cycle" else None
        for tag, course in ((plan or {}).get("predicted") or {}).items():
            told = {"tag": tag, **course}
            yield Message(f"/prediction/{entry.loop}", "rheostat.prediction", at_s, told)


def _faults(notes: Iterable[tuple[float, str]]) -> Iterator[Message]:
    for at_s, text in notes:
        yield Message("/fault", "rheostat.fault", at_s, {"text": text})
