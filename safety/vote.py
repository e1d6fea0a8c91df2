"""Two out of three: one value from several instruments, or none (IL-05).

Three good: the median, if at least one other agrees with it. Two good: their mean, if they agree.
Fewer: nothing. A reading that is only uncertain has no vote, so it can never be averaged with a
good one. A member that is off for long is struck, until a person says that it was repaired. Pure
functions over floats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from safety.strict import LARGEST_INTEGER
from safety.watch_rules import VoteRule
from safety.words import Quality, Sample


class Voted(NamedTuple):
    """What came of a vote: its value, or None, and how many members took part."""

    value: float | None
    voters: int


class Ballot(NamedTuple):
    """What the votes remember: cycles each member was off, who is struck, the repair acted on."""

    off: Mapping[str, int]
    struck: tuple[str, ...]
    repair: str


NO_BALLOT = Ballot(MappingProxyType({}), (), "")
"""Before the first vote."""


def vote(values: Sequence[float], tolerance: float) -> Voted:
    """Return what two or three good readings say together."""
    count = len(values)
    if count == 3:
        low, middle, high = sorted(values)
        agreed = middle - low <= tolerance or high - middle <= tolerance
        return Voted(middle if agreed else None, count)
    if count == 2 and abs(values[0] - values[1]) <= tolerance:
        return Voted(0.5 * values[0] + 0.5 * values[1], count)
    return Voted(None, count)


def cast(
    rule: VoteRule, samples: Mapping[str, Sample], ballot: Ballot
) -> tuple[Voted, Sample, Ballot]:
    """Hold one vote; return it, the sample that stands for it, and what to remember."""
    voters = {
        member: float(sample.value)
        for member in rule.members
        if member not in ballot.struck
        and (sample := samples[member]).quality is Quality.GOOD
        and isinstance(sample.value, float | int)
    }
    result = vote(tuple(voters.values()), rule.tolerance)
    sample = _sample(rule, result, voters, samples)
    if result.value is None:
        return result, sample, ballot
    off, struck = dict(ballot.off), ballot.struck
    for member, value in voters.items():
        if abs(value - result.value) <= rule.tolerance:
            off.pop(member, None)
            continue
        off[member] = min(off.get(member, 0) + 1, LARGEST_INTEGER)
        if off[member] >= rule.cycles:
            struck = (*struck, member)
    return result, sample, Ballot(off, struck, ballot.repair)


def repaired(ballot: Ballot, repair: str) -> Ballot:
    """Return the ballot after a person's repair, if it is a new one; '' is none."""
    if not repair or repair == ballot.repair:
        return ballot
    return Ballot({}, (), repair)


def _sample(
    rule: VoteRule, result: Voted, voters: Mapping[str, float], samples: Mapping[str, Sample]
) -> Sample:
    own = samples[rule.tag]
    if result.value is None:
        text = f"{result.voters} of {len(rule.members)} good" + (
            ", they disagree" if result.voters > 1 else ""
        )
        return Sample.bad(text, own.received_s, own.epoch)
    oldest_s = min(samples[member].received_s for member in voters)
    return Sample(result.value, Quality.GOOD, "", own.source_time_s, oldest_s, own.epoch)
