"""Is this one sample to be believed? The checks a reading must pass, one tag at a time (IL-07).

Quality only ever goes down: a sample leaves as it came, or BAD with the reason. Type, size and
finiteness first, then time, then range, then how it moves. Time is engine time; a device's own
clock is only compared with that device's other stamps, so a clock that is set anew on either side
changes nothing (F39, F40).
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeGuard

from safety.rules import InputRule
from safety.strict import LARGEST_INTEGER, Span
from safety.words import Quality, Sample

NEW_LEVEL_AFTER = 3
"""So many consistent samples beyond a jump make it a new level instead of a spike [cycles]."""


JITTER_SPAN = 8.0
"""The running mean of a reading's jitter is over about so many samples."""

JITTER_MOST = 4.0
"""One sample counts as at most so many times the jitter allowed: a lone spike is no noise."""

_GOOD, _UNCERTAIN = Quality.GOOD, Quality.UNCERTAIN


class Track(NamedTuple):
    """What is remembered of one tag from cycle to cycle.

    `last` is the last value seen and `same` how many cycles it stood unchanged; `good` the last
    value believed; `suspect` the level a jump went to and `seen` how often it was met there;
    `stamp` the device's last source time and `stamp_s` the engine time at which it was new.
    `step` is the last change and `jitter` the running mean of what it goes to and fro, squared.
    """

    last: float | None = None
    same: int = 0
    good: float | None = None
    suspect: float | None = None
    seen: int = 0
    stamp: float | None = None
    stamp_s: float | None = None
    step: float = 0.0
    jitter: float = 0.0


def check(
    sample: Sample, track: Track, rule: InputRule, reference: float | None, now_s: float
) -> tuple[Sample, Track]:
    """Return the sample as far as it can be believed, and what to remember of it."""
    given, quality, _, stamp, received_s, _ = sample
    if quality is not _GOOD and quality is not _UNCERTAIN:
        return bad(sample), track
    kind = rule.kind
    problem = _malformed(given, kind) or _untimely(received_s, stamp, rule, reference, now_s)
    if problem:
        return bad(sample, problem), track
    since_s, problem = _source_clock(stamp, track, rule, now_s)
    if problem:
        return bad(sample, problem), track
    if kind != "float":
        return sample, _stamped(track, stamp, since_s)
    value = float(given)  # type: ignore[arg-type]  # _malformed let a number through
    if value is not given:
        sample = sample._replace(value=value)
    problem = _implausible(value, rule)
    if problem:
        return bad(sample, problem), _stamped(track, stamp, since_s)
    track, problem = _moves(value, track, rule, stamp, since_s)
    return (bad(sample, problem) if problem else sample), track


def believable(quality: object) -> bool:
    """Say whether a sample of this quality has a value at all."""
    return quality is _GOOD or quality is _UNCERTAIN


def _malformed(value: object, kind: str) -> str:
    """Say what is wrong with the form of the value: its type, its size, its being a number."""
    if kind == "bool":
        return "" if isinstance(value, bool) else f"is no yes/no but {type(value).__name__}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "is not a finite number"
        whole = kind != "int" or (value.is_integer() and abs(value) <= LARGEST_INTEGER)
        return "" if whole else "is no whole number"
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is no number but {type(value).__name__}"
    return "" if abs(value) <= LARGEST_INTEGER else "is too large to be a measurement"


def _untimely(
    received_s: object, stamp: object, rule: InputRule, reference: float | None, now_s: float
) -> str:
    """Say what is wrong with when it was received, or with a stamp ahead of its own device."""
    if not is_time(received_s) or not is_time(now_s):
        return "has no usable time of receipt"
    if received_s > now_s:
        return "was received in the future"
    age_s = now_s - received_s
    if not age_s <= rule.max_age_s:
        return f"is stale: received {age_s:.1f} s ago, allowed {rule.max_age_s:.1f} s"
    if stamp is None:
        return ""
    if not is_time(stamp):
        return "has no usable source time"
    if reference is not None and stamp - reference > rule.max_age_s:
        ahead_s = stamp - reference
        return f"has a source time {ahead_s:.1f} s ahead of its own device's heartbeat"
    return ""


def _source_clock(
    stamp: float | None, track: Track, rule: InputRule, now_s: float
) -> tuple[float | None, str]:
    """Return since when the device's stamp stands [engine s], and what is wrong with that.

    One that stands still while reads come is an old value.
    """
    since_s = track.stamp_s
    if stamp is None:
        return None, ""
    if stamp != track.stamp or since_s is None:
        return now_s, ""
    age_s = now_s - since_s
    if not age_s <= rule.max_age_s:
        return since_s, f"is stale: its source time stands since {age_s:.1f} s"
    return since_s, ""


def _stamped(track: Track, stamp: float | None, since_s: float | None) -> Track:
    """Return the track with the device's stamp, and nothing new of the value."""
    last, same, good, suspect, seen, _, _, step, jitter = track
    return Track(last, same, good, suspect, seen, stamp, since_s, step, jitter)


def _implausible(value: float, rule: InputRule) -> str:
    span, validity = rule.span, rule.validity
    if span is not None and not span[0] <= value <= span[1]:
        return _outside(value, span, "instrument's")
    if validity is not None and not validity[0] <= value <= validity[1]:
        return _outside(value, validity, "validity")
    return ""


def _outside(value: float, span: Span, name: str) -> str:
    return f"is outside the {name} range {span[0]:.6g} to {span[1]:.6g}: {value:.6g}"


def _moves(
    value: float, track: Track, rule: InputRule, stamp: float | None, since_s: float | None
) -> tuple[Track, str]:
    """Follow how it moves: not at all, to the last bit, is a dead instrument; a jump is a spike.

    A jump is disbelieved until it has stayed at its new level for a few samples. What goes to and
    fro too much is noisy.
    """
    last, same, good, suspect, seen, _, _, change, jitter = track
    problem, most, max_step = "", rule.max_jitter, rule.max_step
    if most is None or last is None:
        change = jitter = 0.0
    else:
        before, change = change, value - last
        jitter = _jitter(jitter, before, change, most * most)
        if jitter > most * most:
            problem = f"is noisy: goes to and fro by {math.sqrt(jitter):.3g}"
    if max_step is None or good is None or abs(value - good) <= max_step:
        good, suspect, seen = value, None, 0
    else:
        stays = suspect is not None and abs(value - suspect) <= max_step
        seen = seen + 1 if stays else 1
        if seen >= NEW_LEVEL_AFTER:
            good, suspect, seen = value, None, 0
        else:
            problem = f"is a spike: {value:.6g} after {good:.6g}"
            suspect = value
    same = min(same + 1, LARGEST_INTEGER) if value == last else 0
    if rule.frozen_after and same >= rule.frozen_after:
        problem = f"is frozen: unchanged for {same} cycles"
    return Track(value, same, good, suspect, seen, stamp, since_s, change, jitter), problem


def _jitter(mean: float, before: float, change: float, allowed: float) -> float:
    """Return the running mean of what it goes to and fro, squared, after one more change.

    A change that takes the one before back counts with their product; a ramp and a lasting step
    do not. White noise of spread s jitters by 1.1 s.
    """
    back = min(max(-change * before, 0.0), JITTER_MOST * allowed)
    return mean + (back - mean) / JITTER_SPAN


def bad(sample: Sample, problem: str = "") -> Sample:
    """Return the sample without its value, with the problem (or its own) as the reason."""
    reason: object = problem or sample.reason
    received_s = sample.received_s if is_time(sample.received_s) else 0.0
    epoch: object = sample.epoch
    return Sample.bad(
        reason if isinstance(reason, str) and reason else "bad",
        received_s,
        epoch if isinstance(epoch, int) else 0,
    )


def is_time(value: object) -> TypeGuard[float]:
    """Say whether `value` is a finite number of seconds."""
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) <= LARGEST_INTEGER
