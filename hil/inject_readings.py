"""Faults of readings, past the fieldbus: values, qualities and stamps the gate must doubt."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence

from fieldbus.opcua_quality import quality_of
from hil.fault_world import FaultWorld
from hil.injection import Injection
from safety.words import Quality, Reading, Sample

Change = Callable[[Sample], Sample | None]


def reading(
    world: FaultWorld,
    tags: Sequence[str],
    how: str,
    amount: float = 0.0,
    status: int = 0,
) -> Injection:
    """Spoil the readings of `tags`; 'all' is every tag of the loop's PLC.

    `how` is one of HOWS; `amount` is its size (a share, a factor, seconds, an SI value).
    """
    changes: dict[str, Change] = {}

    def spoil(shown: Reading) -> Reading:
        spoilt = dict(shown)
        for tag in _chosen(world, tags, shown):
            if tag not in changes:
                changes[tag] = _change(world, how, amount, status)
            changed = changes[tag](shown[tag])
            if changed is None:
                del spoilt[tag]
            else:
                spoilt[tag] = changed
        return spoilt

    def begin() -> None:
        if how in ("stuck", "old-stamp", "standing"):  # they go on showing what they showed last
            for tag in _chosen(world, tags, world.wire.last_reading):
                changes[tag] = _change(world, how, amount, status)
                changes[tag](world.wire.last_reading[tag])
        world.wire.spoils.append(spoil)

    return Injection(begin, lambda: world.wire.spoils.remove(spoil))


def swapped_words(world: FaultWorld) -> Injection:
    """Swap the two words of every 32-bit value of the loop's PLC, as a wrong byte order does."""

    def spoil(shown: Reading) -> Reading:
        spoilt = dict(shown)
        for tag in _chosen(world, ("all",), shown):
            sample = shown[tag]
            if isinstance(sample.value, float):
                raw = struct.pack(">f", sample.value)
                (value,) = struct.unpack(">f", raw[2:] + raw[:2])
                spoilt[tag] = sample._replace(value=value)
        return spoilt

    return Injection(
        lambda: world.wire.spoils.append(spoil), lambda: world.wire.spoils.remove(spoil)
    )


def plc_clock(world: FaultWorld, seconds: float) -> Injection:
    """Set the PLC's own clock: all its source times jump together."""

    def spoil(shown: Reading) -> Reading:
        return {tag: _stamped(sample, seconds) for tag, sample in shown.items()}

    return Injection(
        lambda: world.wire.spoils.append(spoil), lambda: world.wire.spoils.remove(spoil)
    )


def _chosen(world: FaultWorld, tags: Sequence[str], shown: Mapping[str, Sample]) -> Sequence[str]:
    if "all" not in tags:
        return [tag for tag in tags if tag in shown]
    table = world.sealed["tags"]
    return [tag for tag in shown if table[tag]["source"] == world.plc]


def _stamped(sample: Sample, seconds: float) -> Sample:
    if sample.source_time_s is None:
        return sample
    return sample._replace(source_time_s=sample.source_time_s + seconds)


def _change(world: FaultWorld, how: str, amount: float, status: int) -> Change:
    """Return what happens to each sample of one tag; it may remember the first it saw."""
    first: list[Sample] = []
    began_s = world.line.time_s

    def remember(sample: Sample) -> Sample:
        if not first:
            first.append(sample)
        return first[0]

    def number(sample: Sample, value: Callable[[float], float]) -> Sample:
        if isinstance(sample.value, bool) or not isinstance(sample.value, int | float):
            return sample
        return sample._replace(value=value(float(sample.value)))

    hours = 1.0 / 3600.0
    changes: dict[str, Change] = {
        "nan": lambda s: s._replace(value=math.nan),
        "inf": lambda s: s._replace(value=math.inf),
        "minus-inf": lambda s: s._replace(value=-math.inf),
        "huge": lambda s: s._replace(value=10**40),
        "text": lambda s: s._replace(value=str(s.value)),
        "bool": lambda s: s._replace(value=True),
        "missing": lambda _s: None,
        "unknown-code": lambda s: s._replace(quality=7),  # type: ignore[arg-type] # that is it
        "uncertain": lambda s: s._replace(quality=Quality.UNCERTAIN, reason="uncertain"),
        "bad": lambda s: Sample.bad("sensor failure", s.received_s, s.epoch),
        "status": lambda s: _with_status(s, status),
        "value": lambda s: s._replace(value=amount),
        "stuck": lambda s: s._replace(value=remember(s).value),
        "old-stamp": lambda s: s._replace(source_time_s=remember(s).source_time_s),
        "standing": lambda s: s._replace(
            value=remember(s).value, source_time_s=remember(s).source_time_s
        ),
        "ahead": lambda s: _stamped(s, amount),
        "add": lambda s: number(s, lambda v: v + amount),
        "scaled": lambda s: number(s, lambda v: v * amount),
        "drift": lambda s: number(
            s, lambda v: v * (1.0 + amount * hours * (world.line.time_s - began_s))
        ),
        "noise": lambda s: number(s, lambda v: v * (1.0 + amount * world.draw.gauss(0.0, 1.0))),
    }
    return changes[how]


HOWS = (
    "nan", "inf", "minus-inf", "huge", "text", "bool", "missing", "unknown-code", "uncertain",
    "bad", "status", "value", "stuck", "old-stamp", "standing", "ahead", "add", "scaled", "drift",
    "noise",
)  # fmt: skip


def _with_status(sample: Sample, status: int) -> Sample:
    quality, reason = quality_of(status)
    value = None if quality is Quality.BAD else sample.value
    return sample._replace(value=value, quality=quality, reason=reason)
