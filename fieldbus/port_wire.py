"""The real plant: `PlantPort` over OPC UA and Modbus, one supervised line per source.

Bad news is a value here: a silent source gives BAD samples, a doubtful write the outcome
'unknown'. Nothing is ever repeated: after a time-out the write may still land, so the next one is
a new decision on a new reading.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldbus.lease import HostLease, Ownership, number_for
from fieldbus.line import Line, Order
from fieldbus.link import Link
from fieldbus.modbus import Fences, ModbusLink
from fieldbus.modbus_rtu import RtuBus, Silence
from fieldbus.modbus_tcp import TcpBus
from fieldbus.opcua import OpcUaLink
from fieldbus.pki import Pki
from fieldbus.sources import Source, sources_of
from fieldbus.supervisor import Supervisor
from fieldbus.tags import NotWritable, Tag, Wire, WiringError, tags_of, to_wire, wrapped
from safety.gate import Command
from safety.words import Quality, Reading, Sample, WriteResult

_SHORTEST_CONNECT_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class Handshake:
    """The words of one loop: what we write last, and what must be read before we write at all."""

    source: str
    heartbeat_in: str
    remote_ready: str
    remote_active: str
    remote_request: str
    sequence: str
    heartbeat_out: str
    setpoints: frozenset[str]
    commit: str = ""
    owner: str = ""

    @property
    def proof(self) -> tuple[str, str, str]:
        """Return the tags whose good reading ends the ban on writing after a reconnect."""
        return self.heartbeat_in, self.remote_ready, self.remote_active


class WirePort:
    """Carries readings and commands over the wire.

    Args:
        sealed: the sealed configuration.
        clock: engine time [s]; samples and commands carry it. Time-outs are wall seconds.
        wall_scale: engine seconds per wall second (a bench may run faster than real time).
        seed: of the reconnect jitter only; nothing that is decided depends on it.
        pki: certificates and passwords; without, no source with security can connect.
    """

    def __init__(
        self,
        sealed: Mapping[str, Any],
        clock: Callable[[], float],
        wall_scale: float = 1.0,
        seed: int = 0,
        pki: Pki | None = None,
    ) -> None:
        self._clock = clock
        self._tags = tags_of(sealed)
        sources = sources_of(sealed)
        self._loops = {name: _handshake(name, row) for name, row in sealed["loops"].items()}
        _check_wiring(sources, self._tags, self._loops)
        self._proved: dict[str, int] = {}
        self._spent: dict[str, Command] = {}
        heartbeats = frozenset(loop.heartbeat_in for loop in self._loops.values())
        self._lines: dict[str, Line] = {}
        for number, source in enumerate(sources.values()):
            own = [tag for tag in self._tags.values() if tag.source == source.name]
            canaries = [tag for tag in own if tag.must_be is not None]
            supervisor = Supervisor(
                _dialler(source, own, heartbeats, wall_scale, pki),
                clock,
                random.Random(f"{seed}/{number}"),
                _connect_limit_s(source),
            )
            self._lines[source.name] = Line(source, supervisor, clock, canaries)
        self._leases = {source.name: HostLease(source.address) for source in sources.values()}
        self._owners = {
            name: _ownership(loop, sealed["loops"][name], self._tags)
            for name, loop in self._loops.items()
            if loop.owner
        }

    async def open(self) -> None:
        """Start connecting in the background; returns at once even when no PLC answers."""
        for name, line in self._lines.items():
            line.supervisor.start(name)

    async def read(self, tags: Sequence[str]) -> Reading:
        """Read all `tags` at once, one bulk request per source, all sources side by side.

        Takes no longer than the slowest source's time-out, and nothing at all for a source that
        is not connected. A tag nobody answered for is BAD and says why.
        """
        wanted: dict[str, list[Tag]] = {}
        for name in tags:
            if name in self._tags:
                wanted.setdefault(self._tags[name].source, []).append(self._tags[name])
        parts = await asyncio.gather(
            *(self._lines[source].read(rows) for source, rows in wanted.items())
        )
        found = {name: sample for part in parts for name, sample in part.items()}
        self._note_proof(found)
        now_s = self._clock()
        return {
            name: found.get(name) or Sample.bad(f"{name} is not in the tag table", now_s)
            for name in tags
        }

    async def write(self, command: Command) -> WriteResult:
        """Carry out one command: setpoints first, sequence and heartbeat last, never repeated."""
        loop = self._loops.get(command.loop)
        if loop is None:
            return self._not_sent(command, f"there is no loop {command.loop}")
        line = self._lines[loop.source]
        if self._spent.get(command.loop) is command:
            return self._not_sent(command, "this command was carried out before")
        self._spent[command.loop] = command
        try:
            order = self._order(loop, command)
        except NotWritable as fault:
            line.counts.writes_not_sent += 1
            return self._not_sent(command, str(fault))
        if not self._leases[loop.source].held():
            line.counts.writes_not_sent += 1
            why = f"another engine on this machine writes to {loop.source}"
            return self._not_sent(command, why)
        return await line.write(order, lambda: self._void(command, loop, line))

    async def close(self) -> None:
        """Stop connecting and let go of every socket."""
        await asyncio.gather(*(line.supervisor.stop() for line in self._lines.values()))
        for lease in self._leases.values():
            lease.release()

    def sources_status(self) -> dict[str, dict[str, Any]]:
        """Return what the page shows for each source: connected, epoch, last error, counters."""
        return {name: line.status() for name, line in self._lines.items()}

    def _order(self, loop: Handshake, command: Command) -> Order:
        """Return the command as wire values, or raise NotWritable: all of it leaves or nothing."""
        strangers = sorted(set(command.setpoints) - loop.setpoints)
        if strangers:
            raise NotWritable(f"{strangers[0]} is not a setpoint of the loop {command.loop}")
        tags = self._tags
        setpoints = [
            (tags[name], to_wire(tags[name], si)) for name, si in command.setpoints.items()
        ]
        sequence, heartbeat = tags[loop.sequence], tags[loop.heartbeat_out]
        words = [
            (tags[loop.remote_request], to_wire(tags[loop.remote_request], command.remote)),
            (sequence, to_wire(sequence, wrapped(sequence, command.sequence))),
            (heartbeat, to_wire(heartbeat, wrapped(heartbeat, command.heartbeat))),
        ]
        ownership = self._owners.get(command.loop)
        if ownership is not None and not command.remote and not setpoints:
            words.insert(0, (ownership.word, 0))  # with the loop goes the right to write to it
        commit: list[tuple[Tag, Wire]] = []
        if loop.commit and setpoints:
            missing = sorted(loop.setpoints - set(command.setpoints))
            if missing:
                raise NotWritable(f"{missing[0]} is missing: {loop.source} takes all or none")
            word = tags[loop.commit]
            commit.append((word, to_wire(word, wrapped(word, command.sequence))))
        return Order(tuple(setpoints), tuple(words), tuple(commit), ownership)

    def _void(self, command: Command, loop: Handshake, line: Line) -> str:
        """Say why the command must not go out (any more), or ''."""
        now_s, supervisor = self._clock(), line.supervisor
        if command.expired(now_s):
            return f"the command is void: made {now_s - command.minted_s:.3g} s ago"
        if not supervisor.ready:
            return f"{loop.source} is not connected: {supervisor.last_error}"
        if self._proved.get(command.loop) != supervisor.epoch:
            return f"{loop.source} has reconnected: nothing is written before one good full read"
        if not supervisor.connected_s <= command.minted_s:
            return f"{loop.source} has reconnected since the command was made"
        return ""

    def _note_proof(self, found: Mapping[str, Sample]) -> None:
        """Note the loops whose handshake words were just read well on the present connection."""
        for name, loop in self._loops.items():
            proof = [found.get(tag) for tag in loop.proof]
            supervisor = self._lines[loop.source].supervisor
            if all(sample is not None and _is_well(sample, supervisor.epoch) for sample in proof):
                self._proved[name] = supervisor.epoch
                supervisor.proved()

    def _not_sent(self, command: Command, why: str) -> WriteResult:
        return WriteResult("not-sent", dict.fromkeys(command.setpoints), why)


def _is_well(sample: Sample, epoch: int) -> bool:
    """Say whether a sample is usable and was read on the connection of this number."""
    return sample.quality is not Quality.BAD and sample.epoch == epoch


def _handshake(name: str, row: Mapping[str, Any]) -> Handshake:
    words = row["handshake"]
    try:
        return Handshake(
            source=words["source"],
            heartbeat_in=words["heartbeat_in"],
            remote_ready=words["remote_ready"],
            remote_active=words["remote_active"],
            remote_request=words["remote_request"],
            sequence=words["sequence"],
            heartbeat_out=words["heartbeat_out"],
            setpoints=frozenset(row["mvs"]),
            commit=words.get("commit") or "",
            owner=words.get("owner") or "",
        )
    except KeyError as missing:
        raise WiringError(f"loop {name}: the handshake lacks {missing}") from None


def _ownership(loop: Handshake, row: Mapping[str, Any], tags: Mapping[str, Tag]) -> Ownership:
    """Return who has the loop; another engine is gone when its heartbeat is too old for a gate."""
    word, lease_s = tags[loop.owner], row["gate"]["heartbeat_cycles"] * row["period"]
    return Ownership(word, tags[loop.heartbeat_out], lease_s, number_for(word))


def _check_wiring(
    sources: Mapping[str, Source], tags: Mapping[str, Tag], loops: Mapping[str, Handshake]
) -> None:
    """Refuse a wiring in which a loop could write half of its setpoints or the wrong word."""
    for tag in tags.values():
        if tag.source not in sources:
            raise WiringError(f"tag {tag.name}: there is no source {tag.source}")
    for name, loop in loops.items():
        optional = tuple(word for word in (loop.commit, loop.owner) if word)
        counters = (loop.sequence, loop.heartbeat_out, *optional)
        writes = (*sorted(loop.setpoints), loop.remote_request, *counters)
        for word in (*writes, *loop.proof):
            if word not in tags:
                raise WiringError(f"loop {name}: {word} is not in the tag table")
            if tags[word].source != loop.source:
                raise WiringError(
                    f"loop {name}: {word} is on {tags[word].source}, but all that a loop writes "
                    f"must go to one PLC ({loop.source}), or it could be half written"
                )
        for word in writes:
            if tags[word].direction != "write":
                raise WiringError(f"loop {name}: {word} is to be written, its direction is 'read'")
        if tags[loop.remote_request].type != "bool":
            raise WiringError(f"loop {name}: {loop.remote_request} must be a bool")
        for word in counters:
            if "int" not in tags[word].type:
                raise WiringError(f"loop {name}: {word} counts, so it must be an integer")


def _connect_limit_s(source: Source) -> float:
    """Return how long one attempt to connect may take [wall s]; a serial line first stays quiet."""
    quiet_s = source.serial.slowest_answer_s if source.serial is not None else 0.0
    return max(_SHORTEST_CONNECT_LIMIT_S, 2 * source.timeout_s) + quiet_s


def _dialler(
    source: Source,
    tags: Sequence[Tag],
    heartbeats: frozenset[str],
    wall_scale: float,
    pki: Pki | None,
) -> Callable[[], Link]:
    """Return what makes a fresh link for each attempt to connect."""
    if source.protocol == "opcua":
        return lambda: OpcUaLink(source, tags, wall_scale, pki)
    fences = Fences()
    if source.serial is not None:
        silence = Silence(source.serial.slowest_answer_s)
        return lambda: ModbusLink(
            source, tags, heartbeats, fences, lambda lost: RtuBus(source, silence, lost)
        )
    return lambda: ModbusLink(
        source, tags, heartbeats, fences, lambda lost: TcpBus(source, pki, lost)
    )
