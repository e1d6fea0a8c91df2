"""Is this reading to be believed? Turns what the wire brought into a `Snapshot`.

Each sample passes the checks of `signal_checks`; here stands what concerns a whole source: its
heartbeat, its connection, an image of nothing but zeros. The memory is small, frozen and JSON-able,
so that a recorded shift can be folded again. Requirements IL-07, IL-08, FS-09, REC-10.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from safety.rules import LoopRules
from safety.signal_checks import Track, bad, believable, check, is_time
from safety.strict import LARGEST_INTEGER
from safety.vote import NO_BALLOT, Ballot, Voted, cast, repaired
from safety.words import Quality, Reading, Sample

ZERO_IMAGE_TAGS = 4
"""A source is called zeroed only when at least so many of its tags were read, all of them zero."""

_UNTRACKED: Mapping[str, Track] = MappingProxyType({})
_UNCONNECTED: Mapping[str, int] = MappingProxyType({})


class SignalMemory(NamedTuple):
    """What the checks remember: tracks of tags, the PLC's pulse, connections, a ballot."""

    tracks: Mapping[str, Track] = _UNTRACKED
    pulse: int | None = None
    pulse_still: int = 0
    pulse_moved: bool = False
    epochs: Mapping[str, int] = _UNCONNECTED
    ballot: Ballot = NO_BALLOT


class Snapshot(NamedTuple):
    """One cycle's picture of the plant, after every check; what controller and gate may use.

    `applied` maps each setpoint tag to the active setpoint the PLC reports (only believed ones).
    `heartbeat_alive` is True once the PLC's counter was seen moving and while it keeps moving;
    `heartbeat_still` counts the cycles it stood. `remote_ready` and `remote_active` are None when
    unknown. `reconnected` says that a connection is newer than in the cycle before. `votes` tells
    what came of each vote; its value stands in the place of the reading.
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
    votes: Mapping[str, Voted]

    def usable(self) -> dict[str, float | int | bool | str]:
        """Return the values a controller may use: everything that is not BAD."""
        return {t: s.value for t, s in self.samples.items() if s.value is not None}

    def quality(self) -> dict[str, int]:
        """Return the quality of each tag: 0 bad, 1 uncertain, 2 good."""
        return {tag: int(sample.quality) for tag, sample in self.samples.items()}


def validate(
    raw: Reading, memory: SignalMemory, rules: LoopRules, now_s: float, repair: str = ""
) -> Snapshot:
    """Check every input of the loop and return the snapshot with the memory for the next cycle.

    Tags the loop does not name are dropped; a named tag that is missing is BAD. `repair` is the
    mark of a person's reset (`modes.repair_of`): struck instruments vote again. Total: bad input
    of any kind becomes a BAD sample, never an exception.
    """
    given: object = raw
    read: Mapping[str, object] = given if isinstance(given, Mapping) else {}
    missing = Sample.bad("not read", now_s)
    taken = {
        tag: sample if isinstance(sample := read.get(tag), Sample) else missing
        for tag in rules.inputs
    }
    epochs, reconnected, zeroed = _sources(taken, memory, rules)
    reference = _reference_times(taken, rules)
    samples: dict[str, Sample] = {}
    tracks: dict[str, Track] = {}
    before = memory.tracks
    for tag, rule in rules.inputs.items():
        sample, source = taken[tag], rule.source
        if source in zeroed:
            sample = bad(sample, f"the whole image of {source} is zero")
        samples[tag], tracks[tag] = check(
            sample, before.get(tag, _NEW), rule, reference.get(source), now_s
        )
    pulse, still, moved = _pulse(samples[rules.handshake.heartbeat_in], memory)
    if still >= rules.heartbeat_cycles:
        source = rules.inputs[rules.handshake.heartbeat_in].source
        for tag, rule in rules.inputs.items():
            if rule.source == source:
                samples[tag] = bad(samples[tag], f"heartbeat frozen for {still} cycles")
    votes, ballot = _voted(samples, rules, repaired(memory.ballot, repair))
    return Snapshot(
        now_s=now_s,
        samples=MappingProxyType(samples),
        memory=SignalMemory(MappingProxyType(tracks), pulse, still, moved, epochs, ballot),
        applied=_applied(samples, rules),
        bad_critical=tuple([t for t in rules.critical if samples[t].quality is not _GOOD]),
        heartbeat_alive=moved and still < rules.heartbeat_cycles,
        heartbeat_still=still,
        remote_ready=_known_bool(samples[rules.handshake.remote_ready]),
        remote_active=_known_bool(samples[rules.handshake.remote_active]),
        reconnected=reconnected,
        votes=votes,
    )


_NEW = Track()
_GOOD = Quality.GOOD


def _voted(
    samples: dict[str, Sample], rules: LoopRules, ballot: Ballot
) -> tuple[Mapping[str, Voted], Ballot]:
    """Hold the votes; put what came of each in the place of its reading (IL-05)."""
    votes: dict[str, Voted] = {}
    stands: dict[str, Sample] = {}
    for tag, rule in rules.watch.votes.items():
        votes[tag], stands[tag], ballot = cast(rule, samples, ballot)
    samples |= stands
    return MappingProxyType(votes), ballot


def _pulse(sample: Sample, memory: SignalMemory) -> tuple[int | None, int, bool]:
    """Follow the PLC's heartbeat: its value, cycles it stood still, and whether it ever moved."""
    if sample.quality is not _GOOD or not isinstance(sample.value, int | float):
        return memory.pulse, _more(memory.pulse_still), memory.pulse_moved
    value = int(sample.value)
    if memory.pulse is None:
        return value, memory.pulse_still, False
    if value == memory.pulse:
        return value, _more(memory.pulse_still), memory.pulse_moved
    return value, 0, True


def _more(count: int) -> int:
    return min(count + 1, LARGEST_INTEGER)


def _sources(
    taken: Reading, memory: SignalMemory, rules: LoopRules
) -> tuple[Mapping[str, int], bool, frozenset[str]]:
    """Return the newest connection epoch of each source, whether any is new, who reads all zero.

    A source of which many tags were read, all of them zero on the wire, is a device that came up
    empty.
    """
    epochs = dict(memory.epochs)
    changed: set[str] = set()
    zeros: dict[str, int] = {}
    alive: set[str] = set()
    for tag, rule in rules.inputs.items():
        value, quality, _, _, _, epoch = taken[tag]
        if believable(quality):
            source = rule.source
            if epochs.setdefault(source, epoch) != epoch:
                changed.add(source)
            if value != rule.wire_zero:
                alive.add(source)
            else:
                zeros[source] = zeros.get(source, 0) + 1
    for source in changed:
        del epochs[source]  # the read after this one is of one connection again, and says which
    zeroed = frozenset(s for s, n in zeros.items() if n >= ZERO_IMAGE_TAGS and s not in alive)
    return MappingProxyType(epochs), bool(changed), zeroed


def _reference_times(taken: Reading, rules: LoopRules) -> dict[str, float]:
    """Return each source's own idea of now: the stamp on the heartbeat, where it carries one."""
    tag = rules.handshake.heartbeat_in
    stamp = taken[tag].source_time_s
    return {rules.inputs[tag].source: stamp} if is_time(stamp) else {}


def _applied(samples: Mapping[str, Sample], rules: LoopRules) -> Mapping[str, float]:
    applied = {}
    for tag, rule in rules.setpoints.items():
        sample = samples[rule.active_tag]
        if sample.quality is _GOOD and isinstance(sample.value, float):
            applied[tag] = sample.value
    return MappingProxyType(applied)


def _known_bool(sample: Sample) -> bool | None:
    good = sample.quality is _GOOD and isinstance(sample.value, bool)
    return bool(sample.value) if good else None


def memory_to_json(memory: SignalMemory) -> dict[str, object]:
    """Return the memory as a JSON-able dict; `memory_from_json` gives it back."""
    return {
        "tracks": {tag: list(track) for tag, track in memory.tracks.items()},
        "pulse": memory.pulse,
        "pulse_still": memory.pulse_still,
        "pulse_moved": memory.pulse_moved,
        "epochs": dict(memory.epochs),
        "ballot": {
            "off": dict(memory.ballot.off),
            "struck": list(memory.ballot.struck),
            "repair": memory.ballot.repair,
        },
    }


def memory_from_json(body: Mapping[str, Any]) -> SignalMemory:
    """Return the memory that `memory_to_json` wrote."""
    tracks = {tag: Track(*fields) for tag, fields in body["tracks"].items()}
    return SignalMemory(
        MappingProxyType(tracks),
        body["pulse"],
        body["pulse_still"],
        body["pulse_moved"],
        MappingProxyType(dict(body["epochs"])),
        Ballot(
            dict(body["ballot"]["off"]), tuple(body["ballot"]["struck"]), body["ballot"]["repair"]
        ),
    )
