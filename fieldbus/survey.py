"""What a PLC has to offer, beside what the tag table says of it: for whoever connects a new one.

Everything here reads; nothing is ever written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product

from fieldbus.likeness import likeness
from fieldbus.link import Link, sample_of
from fieldbus.modbus import Fences, ModbusLink
from fieldbus.modbus_rtu import RtuBus, Silence
from fieldbus.modbus_tcp import TcpBus
from fieldbus.opcua_browse import Found, browse
from fieldbus.pki import Pki
from fieldbus.sources import Source
from fieldbus.tags import Tag, shown
from safety.words import Quality

_NEAR = 0.45  # a likeness below this is no suggestion
_LEAST_NORMAL = 1.18e-38  # of a float32; swapped words often read less
_SHIFTS = (0, -1, 1)  # registers counted from 1 instead of 0, and the other way round


@dataclass(frozen=True, slots=True)
class Finding:
    """One tag as the PLC has it. `faults` are what must be settled before anything runs."""

    tag: str
    address: str
    value: str
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Where a tag might be: an address, how alike it is (0 to 1), and what speaks for it."""

    tag: str
    address: str
    score: float
    why: str


async def examine(source: Source, tags: Sequence[Tag], pki: Pki | None) -> list[Finding]:
    """Read every tag of a source and hold it against its row; raises when nobody answers."""
    if source.protocol == "opcua":
        there = {found.node: found for found in await browse(source, pki)}
        return [_opcua_finding(tag, there.get(tag.node)) for tag in tags]
    return [finding for finding, _ in await _modbus_findings(source, tags, pki)]


async def suggest(source: Source, tags: Sequence[Tag], pki: Pki | None) -> list[Suggestion]:
    """Suggest addresses for the tags that are not where the table says, the best first."""
    if source.protocol == "opcua":
        there = await browse(source, pki)
        known = {found.node for found in there}
        lost = [tag for tag in tags if tag.node not in known]
        taken = {tag.node for tag in tags}
        return _by_name(lost, [found for found in there if found.node not in taken])
    found = await _modbus_findings(source, tags, pki)
    doubtful = [tag for tag, (finding, _) in zip(tags, found, strict=True) if finding.faults]
    return await _by_range(source, doubtful, pki)


def _by_name(lost: Iterable[Tag], free: Sequence[Found]) -> list[Suggestion]:
    suggestions = []
    for tag in lost:
        scored = [(likeness(tag, found), found) for found in free]
        best = sorted(scored, key=lambda pair: -pair[0].score)[:3]
        suggestions += [
            Suggestion(tag.name, found.node, round(like.score, 2), like.why)
            for like, found in best
            if like.score >= _NEAR
        ]
    return suggestions


def _opcua_finding(tag: Tag, found: Found | None) -> Finding:
    if found is None:
        return Finding(tag.name, tag.node, "", ("the server has no such node",))
    faults = []
    if found.type != tag.type:
        faults.append(f"the server has {found.type}, the table says {tag.type}")
    if tag.direction == "write" and not found.writable:
        faults.append("the server does not let us write it")
    if found.fault:
        faults.append(found.fault)
    if found.unit and found.unit != tag.unit:
        faults.append(f"the server says it is in {found.unit}, the table says {tag.unit or '-'}")
    faults += _range_faults(tag, found)
    return Finding(tag.name, tag.node, _with_unit(tag, found.value), tuple(faults))


def _range_faults(tag: Tag, found: Found) -> list[str]:
    faults = []
    if tag.low is not None and tag.high is not None:
        low, high = ((end - tag.offset) / tag.gain for end in (tag.low, tag.high))
        slack = 1e-6 * (high - low)
        theirs = found.span
        if theirs and max(abs(theirs[0] - low), abs(theirs[1] - high)) > slack:
            faults.append(
                f"the server says {theirs[0]:g} to {theirs[1]:g}, the table {low:g} to {high:g}"
            )
        number = found.value
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            if not (math.isfinite(number) and low - slack <= number <= high + slack):
                faults.append(f"{number:g} is outside the range {low:g} to {high:g}")
    return faults


def _with_unit(tag: Tag, value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g} {tag.unit}".strip()
    return "" if value is None else f"{value} {tag.unit}".strip()


def _link(source: Source, tags: Sequence[Tag], pki: Pki | None) -> Link:
    if source.serial is not None:
        silence = Silence(source.serial.slowest_answer_s)
        return ModbusLink(
            source, tags, frozenset(), Fences(), lambda lost: RtuBus(source, silence, lost)
        )
    return ModbusLink(source, tags, frozenset(), Fences(), lambda lost: TcpBus(source, pki, lost))


async def _modbus_findings(
    source: Source, tags: Sequence[Tag], pki: Pki | None
) -> list[tuple[Finding, object]]:
    """Return the findings of a Modbus source, with the SI value that each tag reads."""
    link = _link(source, tags, pki)
    try:
        await link.open()
        readings = await link.read(tags)
    finally:
        await link.close()
    found: list[tuple[Finding, object]] = []
    for tag in tags:
        reading = readings[tag.name]
        sample = sample_of(tag, reading, 0.0, 1)
        faults = [sample.reason] if sample.quality is Quality.BAD else []
        if tag.must_be is not None and reading.value != tag.must_be:
            faults.append(f"reads {reading.value!r} and must be {tag.must_be!r}")
        value = sample.value
        if isinstance(reading.value, float) and 0 < abs(reading.value) < _LEAST_NORMAL:
            faults.append(f"reads {reading.value:.3g}, less than anything: which word order?")
        text = (
            shown(tag, value)
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else str(value if value is not None else reading.value)
        )
        address = f"{tag.table} {tag.register}"
        found.append((Finding(tag.name, address, text, tuple(faults)), value))
    return found


async def _by_range(source: Source, doubtful: Sequence[Tag], pki: Pki | None) -> list[Suggestion]:
    """Try the neighbouring registers and every word order for a number that would be plausible."""
    trials: dict[str, tuple[Tag, Tag, str]] = {}
    for tag in doubtful:
        wide = tag.registers > 1
        orders = list(product(("big", "little"), repeat=2)) if wide else [("big", "big")]
        for shift, (word, byte) in product(_SHIFTS, orders):
            register = tag.register + shift
            if register < 0 or (shift, word, byte) == (0, tag.word_order, tag.byte_order):
                continue
            name = f"{tag.name}/{len(trials)}"
            trial = replace(tag, name=name, register=register, word_order=word, byte_order=byte)
            order = f", word_order: {word}, byte_order: {byte}" if wide else ""
            trials[name] = (tag, trial, f"{tag.table} {register}{order}")
    if not trials:
        return []
    found = await _modbus_findings(source, [trial for _, trial, _ in trials.values()], pki)
    suggestions = []
    for (tag, _, address), (finding, value) in zip(trials.values(), found, strict=True):
        if finding.faults or not value or isinstance(value, bool):
            continue  # a zero is in most ranges and shows nothing
        proved = tag.must_be is not None
        why = f"would read {finding.value}" + (", as it must be" if proved else ", in its range")
        suggestions.append(Suggestion(tag.name, address, 1.0 if proved else 0.5, why))
    return suggestions


def as_row(found: Found, source: str, name: str) -> dict[str, dict[str, object]]:
    """Return a row of the tag table for a node; what the server does not say is left to people."""
    row: dict[str, object] = {
        "source": source,
        "direction": "write" if found.writable else "read",
        "node": found.node,
        "type": {"float32": "float", "float64": "double"}.get(found.type, found.type),
    }
    if found.unit:
        row["unit"] = found.unit
    if found.span:
        row["range"] = [f"{end:g} {found.unit}".strip() for end in found.span]
    return {name: row}
