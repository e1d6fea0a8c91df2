"""What the historian keeps of one record: its readings, its cycle, its event. Pure functions.

Values stay in SI, as recorded. Times are calendar milliseconds since 1970 (UTC), because trends are
for people; the record's number gives the order where a clock was set back.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from records.reader import Entry
from service.history.about import about_line

BAD, UNCERTAIN = 0, 1
_EVENTS = ("start", "seal", "request", "entry", "event", "signature", "stop")
_TELL_OF_THE_LINE = ("start", "seal")
_TOO_LONG = ("sealed", "proposal", "hashes")
"""Parts of a start or a seal that are looked up in the records, not copied into every day."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading as it was believed [SI], or one estimate of what nothing measures."""

    loop: str
    tag: str
    value: float | None
    quality: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a cycle belongs to (ISA-88/95); None where no usable reading tells it."""

    recipe: str
    batch: int | None
    phase: str | None
    equipment: str


@dataclass(frozen=True, slots=True)
class Kept:
    """One record as the historian keeps it."""

    seq: int
    hash: str
    t_ms: int
    samples: Sequence[Sample] = ()
    cycle: tuple[Any, ...] | None = None
    """The columns of a cycle after its number and time, see `CYCLE_COLUMNS`."""
    event: tuple[Any, ...] | None = None
    """Loop, kind, what, body of an event, after its number and time."""


CYCLE_COLUMNS = (
    "seq", "t_ms", "loop", "mode", "requested", "action", "limiting", "outcome", "late",
    "total_ms", "solve_ms", "recipe", "batch", "phase", "equipment", "config", "hash",
)  # fmt: skip
EVENT_COLUMNS = ("seq", "t_ms", "loop", "kind", "what", "body", "hash")


def kept(entry: Entry, sealed: Mapping[str, Any]) -> Kept:
    """Return what is kept of `entry`; `sealed` is the configuration in force at that record."""
    t_ms = milliseconds(entry.utc)
    if entry.kind == "cycle" and entry.loop in sealed["loops"]:
        context = context_of(entry.loop, entry.body, sealed)
        return Kept(
            entry.seq, entry.hash, t_ms, samples_of(entry.loop, entry.body, sealed),
            cycle=(*_cycle(entry, context), entry.hash),
        )  # fmt: skip
    if entry.kind in _EVENTS:
        body = {key: value for key, value in entry.body.items() if key not in _TOO_LONG}
        if entry.kind in _TELL_OF_THE_LINE:
            body["line"] = about_line(sealed)
        what = str(entry.body.get("event") or entry.body.get("entry") or entry.kind)
        event = (entry.loop, entry.kind, what, json.dumps(body, sort_keys=True), entry.hash)
        return Kept(entry.seq, entry.hash, t_ms, event=event)
    return Kept(entry.seq, entry.hash, t_ms)


def samples_of(loop: str, body: Mapping[str, Any], sealed: Mapping[str, Any]) -> list[Sample]:
    """Return the readings of a cycle, and the estimates of controlled variables nothing measures.

    An estimate has quality UNCERTAIN and a name that is in no tag list: it never poses as a
    measurement (GMP-03).
    """
    inputs: Mapping[str, Any] = body.get("inputs") or {}
    estimate: Mapping[str, Any] = (body.get("plan") or {}).get("estimate") or {}
    found = [Sample(loop, tag, number(row[0]), int(row[1])) for tag, row in inputs.items()
             if not isinstance(row[0], str) or row[0] in _NO_NUMBERS]  # fmt: skip
    computed = [tag for tag in sealed["loops"][loop]["controller"]["cvs"] if tag not in inputs]
    return found + [
        Sample(loop, tag, number(estimate[tag]), UNCERTAIN) for tag in computed if tag in estimate
    ]


def context_of(loop: str, body: Mapping[str, Any], sealed: Mapping[str, Any]) -> Context:
    """Return what a cycle belongs to, from what the PLCs said and was believed in that cycle."""
    spec, inputs = sealed["loops"][loop], body.get("inputs") or {}
    phase = spec.get("phase") or {}
    code = _whole(inputs, phase.get("tag"))
    names = {int(number): name for name, number in (phase.get("codes") or {}).items()}
    return Context(
        recipe=str(sealed["recipe"]["recipe"]),
        batch=_whole(inputs, (spec.get("trips") or {}).get("batch")),
        phase=None if code is None else names.get(code, str(code)),
        equipment=f"{sealed['line']['id']}/{spec['handshake']['source']}/{loop}",
    )


def number(value: object) -> float | None:
    """Return `value` as a finite number, or None."""
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def milliseconds(utc: str) -> int:
    """Return the time of a record in milliseconds since 1970."""
    return round(datetime.fromisoformat(utc).timestamp() * 1000)


def utc_of(t_ms: int) -> str:
    """Return `t_ms` as the records spell times."""
    moment = datetime.fromtimestamp(t_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def day_of(t_ms: int) -> str:
    """Return the UTC day of a time, 2026-11-28."""
    return datetime.fromtimestamp(t_ms / 1000, UTC).date().isoformat()


def day_span(day: str) -> tuple[int, int]:
    """Return the first millisecond of a UTC day and of the next one."""
    begin = milliseconds(f"{day}T00:00:00+00:00")
    return begin, begin + 86_400_000


_NO_NUMBERS = ("NaN", "Infinity", "-Infinity")  # as canonical JSON spells them


def _whole(inputs: Mapping[str, Any], tag: str | None) -> int | None:
    row = inputs.get(tag) if tag else None
    value = None if row is None or row[1] == BAD else number(row[0])
    return None if value is None else int(value)


def _cycle(entry: Entry, context: Context) -> tuple[Any, ...]:
    body = entry.body
    timing, plan = body.get("timing") or {}, body.get("plan") or {}
    return (
        entry.loop, body["mode"], body["requested"], body["verdict"]["action"],
        body["verdict"]["limiting"], body["written"]["outcome"], int(bool(timing.get("late"))),
        number(timing.get("total_ms")), number(plan.get("solve_ms")), context.recipe,
        context.batch, context.phase, context.equipment, body["hashes"].get("config"),
    )  # fmt: skip
