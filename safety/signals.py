"""Is this reading to be believed? Turns what the wire brought into a `Snapshot` of degraded samples.

Quality only ever goes down here: a sample leaves as it came, or BAD with the reason. The memory is
small, frozen and JSON-able, so that a recorded shift can be folded again. No clock: `now_s` is
engine time; a device's own clock is only ever compared with that device's other stamps, so a
stepped clock on either side changes nothing (F39, F40). Requirements IL-07, IL-08, FS-09, REC-10.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from safety.rules import InputRule, LoopRules
from safety.words import Quality, Reading, Sample

NEW_LEVEL_AFTER = 3
"""So many consistent samples beyond a jump make it a new level instead of a spike [cycles]."""

LARGEST_INTEGER = 2**53
"""Beyond this a float cannot hold every integer, so a larger one is not a measurement."""

ZERO_IMAGE_TAGS = 4
"""A source is called zeroed only when at least so many of its tags were read, all of them zero."""


@dataclass(frozen=True, slots=True)
class Track:
    """What is remembered of one tag from cycle to cycle.

    `last` is the last value seen and `same` how many cycles it stood unchanged; `good` the last
    value believed; `suspect` the level a jump went to and `seen` how often it was met there;
    `stamp` the device's last source time and `stamp_s` the engine time at which it was new.
    """

    last: float | None = None
    same: int = 0
    good: float | None = None
    suspect: float | None = None
    seen: int = 0
    stamp: float | None = None
    stamp_s: float | None = None


@dataclass(frozen=True, slots=True)
class SignalMemory:
    """What the signal checks remember: a track per tag, the PLC's pulse, connection epochs."""

    tracks: Mapping[str, Track] = field(default_factory=dict)
    pulse: int | None = None
    pulse_still: int = 0
    pulse_moved: bool = False
    epochs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One cycle's picture of the plant, after every check; what controller and gate may use.

    `applied` maps each setpoint tag to the active setpoint the PLC reports (only believed ones).
    `heartbeat_alive` is True once the PLC's counter was seen moving and while it keeps moving;
    `heartbeat_still` counts the cycles it stood. `remote_ready` and `remote_active` are None when
    unknown. `reconnected` says that a connection is newer than in the cycle before.
    """

    now_s: float
    samples: Mapping[str, Sample]
    memory: SignalMemory
    applied: Mapping[str, float]
    bad_critical: tuple[str, ...]
    heartbeat_alive: bool
    heartbeat_still: int
    remote_ready: bool | None
    remote_active: bool | None
    reconnected: bool

    def usable(self) -> dict[str, float | int | bool | str]:
        """Return the values a controller may use: everything that is not BAD."""
        return {t: s.value for t, s in self.samples.items() if s.value is not None}

    def quality(self) -> dict[str, int]:
        """Return the quality of each tag: 0 bad, 1 uncertain, 2 good."""
        return {tag: int(sample.quality) for tag, sample in self.samples.items()}


def validate(raw: Reading, memory: SignalMemory, rules: LoopRules, now_s: float) -> Snapshot:
    """Check every input of the loop and return the snapshot with the memory for the next cycle.

    Tags the loop does not name are dropped; a named tag that is missing is BAD. Total: bad input
    of any kind becomes a BAD sample, never an exception.
    """
    raw = raw if isinstance(raw, Mapping) else {}
    epochs, reconnected = _epochs(raw, memory, rules)
    reference = _reference_times(raw, rules)
    zeroed = _zeroed_sources(raw, rules)
    samples: dict[str, Sample] = {}
    tracks: dict[str, Track] = {}
    for tag, rule in rules.inputs.items():
        track = memory.tracks.get(tag, Track())
        sample = raw.get(tag)
        if not isinstance(sample, Sample):
            sample = Sample.bad("not read", now_s)
        if rule.source in zeroed:
            sample = _bad(sample, f"the whole image of {rule.source} is zero")
        samples[tag], tracks[tag] = _check(sample, track, rule, reference.get(rule.source), now_s)
    pulse, still, moved = _pulse(samples[rules.handshake.heartbeat_in], memory)
    if still >= rules.heartbeat_cycles:
        source = rules.inputs[rules.handshake.heartbeat_in].source
        for tag, rule in rules.inputs.items():
            if rule.source == source:
                samples[tag] = _bad(samples[tag], f"heartbeat frozen for {still} cycles")
    return Snapshot(
        now_s=now_s,
        samples=MappingProxyType(samples),
        memory=SignalMemory(MappingProxyType(tracks), pulse, still, moved, epochs),
        applied=_applied(samples, rules),
        bad_critical=tuple(t for t in rules.critical if samples[t].quality is not Quality.GOOD),
        heartbeat_alive=moved and still < rules.heartbeat_cycles,
        heartbeat_still=still,
        remote_ready=_known_bool(samples[rules.handshake.remote_ready]),
        remote_active=_known_bool(samples[rules.handshake.remote_active]),
        reconnected=reconnected,
    )


def _check(
    sample: Sample, track: Track, rule: InputRule, reference: float | None, now_s: float
) -> tuple[Sample, Track]:
    """Return the sample as far as it can be believed, and what to remember of it."""
    if not isinstance(sample.quality, Quality) or sample.quality is Quality.BAD:
        return _bad(sample, ""), track
    problem = _malformed(sample, rule) or _untimely(sample, rule, reference, now_s)
    if problem:
        return _bad(sample, problem), track
    track, problem = _source_clock(sample, track, rule, now_s)
    if problem:
        return _bad(sample, problem), track
    if rule.kind != "float":
        return sample, track
    value = float(sample.value)  # type: ignore[arg-type]  # _malformed let a number through
    sample = Sample(
        value, sample.quality, sample.reason, sample.source_time_s, sample.received_s, sample.epoch
    )
    problem = _implausible(value, rule)
    if problem:
        return _bad(sample, problem), track
    track, frozen = _frozen(value, track, rule)
    track, spike = _spike(value, track, rule)
    problem = frozen or spike
    return (_bad(sample, problem) if problem else sample), track


def _malformed(sample: Sample, rule: InputRule) -> str:
    """Say what is wrong with the form of the value: its type, its size, its being a number."""
    value = sample.value
    if rule.kind == "bool":
        return "" if isinstance(value, bool) else f"is no yes/no but {type(value).__name__}"
    if isinstance(value, bool) or not isinstance(value, float | int):
        return f"is no number but {type(value).__name__}"
    if isinstance(value, int):
        return "" if abs(value) <= LARGEST_INTEGER else "is too large to be a measurement"
    if not math.isfinite(value):
        return "is not a finite number"
    if rule.kind == "int" and (not value.is_integer() or abs(value) > LARGEST_INTEGER):
        return "is no whole number"
    return ""


def _untimely(sample: Sample, rule: InputRule, reference: float | None, now_s: float) -> str:
    """Say what is wrong with when it was received, or with a stamp ahead of its own device."""
    if not _is_time(sample.received_s) or not _is_time(now_s):
        return "has no usable time of receipt"
    if sample.received_s > now_s:
        return "was received in the future"
    age_s = now_s - sample.received_s
    if not age_s <= rule.max_age_s:
        return f"is stale: received {age_s:.1f} s ago, allowed {rule.max_age_s:.1f} s"
    if sample.source_time_s is None:
        return ""
    if not _is_time(sample.source_time_s):
        return "has no usable source time"
    if reference is not None and sample.source_time_s - reference > rule.max_age_s:
        ahead_s = sample.source_time_s - reference
        return f"has a source time {ahead_s:.1f} s ahead of its own device's heartbeat"
    return ""


def _source_clock(sample: Sample, track: Track, rule: InputRule, now_s: float) -> tuple[Track, str]:
    """Follow the device's stamp: one that stands still while reads come is an old value."""
    stamp = sample.source_time_s
    if stamp is None:
        return _with(track, stamp=None, stamp_s=None), ""
    if stamp != track.stamp or track.stamp_s is None:
        return _with(track, stamp=stamp, stamp_s=now_s), ""
    age_s = now_s - track.stamp_s
    if not age_s <= rule.max_age_s:
        return track, f"is stale: its source time stands since {age_s:.1f} s"
    return track, ""


def _implausible(value: float, rule: InputRule) -> str:
    for name, span in (("instrument's", rule.span), ("validity", rule.validity)):
        if span is not None and not span[0] <= value <= span[1]:
            return f"is outside the {name} range {span[0]:.6g} to {span[1]:.6g}: {value:.6g}"
    return ""


def _frozen(value: float, track: Track, rule: InputRule) -> tuple[Track, str]:
    """Count unchanged values; so many unchanged to the last bit are a dead instrument."""
    same = min(track.same + 1, LARGEST_INTEGER) if value == track.last else 0
    track = _with(track, last=value, same=same)
    if rule.frozen_after and same >= rule.frozen_after:
        return track, f"is frozen: unchanged for {same} cycles"
    return track, ""


def _spike(value: float, track: Track, rule: InputRule) -> tuple[Track, str]:
    """Disbelieve a jump until it has stayed at its new level for a few samples."""
    if rule.max_step is None or track.good is None or abs(value - track.good) <= rule.max_step:
        return _with(track, good=value, suspect=None, seen=0), ""
    stays = track.suspect is not None and abs(value - track.suspect) <= rule.max_step
    seen = track.seen + 1 if stays else 1
    if seen >= NEW_LEVEL_AFTER:
        return _with(track, good=value, suspect=None, seen=0), ""
    text = f"is a spike: {value:.6g} after {track.good:.6g}"
    return _with(track, suspect=value, seen=seen), text


def _pulse(sample: Sample, memory: SignalMemory) -> tuple[int | None, int, bool]:
    """Follow the PLC's heartbeat: its value, cycles it stood still, and whether it ever moved."""
    if sample.quality is Quality.BAD or not isinstance(sample.value, int | float):
        return memory.pulse, _more(memory.pulse_still), memory.pulse_moved
    value = int(sample.value)
    if memory.pulse is None:
        return value, memory.pulse_still, False
    if value == memory.pulse:
        return value, _more(memory.pulse_still), memory.pulse_moved
    return value, 0, True


def _more(count: int) -> int:
    return min(count + 1, LARGEST_INTEGER)


def _epochs(raw: Reading, memory: SignalMemory, rules: LoopRules) -> tuple[Mapping[str, int], bool]:
    """Return the newest connection epoch of each source, and whether any of them is new."""
    epochs = dict(memory.epochs)
    for source, sample in _good_samples(raw, rules):
        if isinstance(sample.epoch, int):
            epochs[source] = sample.epoch
    changed = any(epochs[source] != epoch for source, epoch in memory.epochs.items())
    return MappingProxyType(epochs), changed


def _reference_times(raw: Reading, rules: LoopRules) -> dict[str, float]:
    """Return each source's own idea of now: the stamp on the heartbeat, where it carries one."""
    tag = rules.handshake.heartbeat_in
    sample = raw.get(tag)
    if isinstance(sample, Sample) and _is_time(sample.source_time_s):
        return {rules.inputs[tag].source: float(sample.source_time_s)}  # type: ignore[arg-type]
    return {}


def _zeroed_sources(raw: Reading, rules: LoopRules) -> frozenset[str]:
    """Return the sources whose whole image reads zero: a device that came up empty."""
    count: dict[str, int] = {}
    alive: set[str] = set()
    for source, sample in _good_samples(raw, rules):
        count[source] = count.get(source, 0) + 1
        if not isinstance(sample.value, int | float) or sample.value != 0:
            alive.add(source)
    return frozenset(s for s, n in count.items() if n >= ZERO_IMAGE_TAGS and s not in alive)


def _good_samples(raw: Reading, rules: LoopRules) -> list[tuple[str, Sample]]:
    pairs = [(rule.source, raw.get(tag)) for tag, rule in rules.inputs.items()]
    return [
        (source, sample)
        for source, sample in pairs
        if isinstance(sample, Sample) and sample.quality in (Quality.GOOD, Quality.UNCERTAIN)
    ]


def _applied(samples: Mapping[str, Sample], rules: LoopRules) -> Mapping[str, float]:
    applied = {}
    for tag, rule in rules.setpoints.items():
        sample = samples[rule.active_tag]
        if sample.quality is Quality.GOOD and isinstance(sample.value, float):
            applied[tag] = sample.value
    return MappingProxyType(applied)


def _known_bool(sample: Sample) -> bool | None:
    good = sample.quality is Quality.GOOD and isinstance(sample.value, bool)
    return bool(sample.value) if good else None


def _bad(sample: Sample, problem: str) -> Sample:
    reason = problem or (sample.reason if isinstance(sample.reason, str) else "") or "bad"
    received_s = sample.received_s if _is_time(sample.received_s) else 0.0
    epoch = sample.epoch if isinstance(sample.epoch, int) else 0
    return Sample.bad(reason, received_s, epoch)


def _is_time(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, float | int):
        return False
    return math.isfinite(value) if isinstance(value, float) else abs(value) <= LARGEST_INTEGER


def _with(track: Track, **changes: Any) -> Track:
    fields = {name: getattr(track, name) for name in Track.__slots__}
    return Track(**{**fields, **changes})
