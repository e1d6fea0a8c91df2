"""One source in use: its requests one after the other, each with a limit, all counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fieldbus.lease import Ownership
from fieldbus.link import Link, LinkError, WireReading, sample_of, within
from fieldbus.registers import order_hint
from fieldbus.sources import Source
from fieldbus.supervisor import Supervisor, in_words
from fieldbus.tags import Tag, Wire, shown, to_si, type_fault
from safety.words import Quality, Sample, WriteResult


@dataclass(frozen=True, slots=True)
class Order:
    """One command in wire values: the setpoints, then remote request, sequence, heartbeat.

    `commit` is the word at which the PLC takes the setpoints all together, if it has one;
    `ownership` the word that says which engine may write, if it has one.
    """

    setpoints: tuple[tuple[Tag, Wire], ...]
    words: tuple[tuple[Tag, Wire], ...]
    commit: tuple[tuple[Tag, Wire], ...] = ()
    ownership: Ownership | None = None


@dataclass(slots=True)
class Counts:
    """What happened on one source since the start, for the page."""

    reads: int = 0
    reads_failed: int = 0
    writes: int = 0
    writes_refused: int = 0
    writes_unknown: int = 0
    writes_not_sent: int = 0
    readback_mismatches: int = 0
    last_read_ms: float = 0.0  # wall
    last_write_ms: float = 0.0  # wall, with the read-back


@dataclass(slots=True)
class _Progress:
    """How far a write got: what is certain when the wire fails half-way."""

    stage: str = "nothing"
    outcome: str = "written"
    reasons: list[str] = field(default_factory=list)
    landed: dict[str, float | None] = field(default_factory=dict)


class Line:
    """Reads and writes one source through its supervisor's present link."""

    def __init__(
        self,
        source: Source,
        supervisor: Supervisor,
        clock: Callable[[], float],
        canaries: Sequence[Tag] = (),
    ) -> None:
        self.source = source
        self._canaries = canaries
        self.supervisor = supervisor
        self.counts = Counts()
        self._clock = clock
        self._turn = asyncio.Lock()

    async def read(self, tags: Sequence[Tag]) -> dict[str, Sample]:
        """Read all tags within the source's time-out; a connection that fails in it is dropped."""
        supervisor = self.supervisor
        link, epoch, began = supervisor.link, supervisor.epoch, time.perf_counter()
        if link is None or not supervisor.ready:
            why = f"{self.source.name} is not connected: {supervisor.last_error}"
            return {tag.name: Sample.bad(why, self._clock(), epoch) for tag in tags}
        try:
            async with within(self.source.timeout_s), self._turn:
                readings = await link.read([*tags, *(c for c in self._canaries if c not in tags)])
            self._check(readings)
        except asyncio.CancelledError:
            link.drop("a read was abandoned half-way")
            raise
        except Exception as error:  # noqa: BLE001 - whatever a bad peer provokes is bad news only
            self.counts.reads_failed += 1
            why = f"{self.source.name}: {self._fail(link, error, 'reading')}"
            return {tag.name: Sample.bad(why, self._clock(), epoch) for tag in tags}
        received_s = self._clock()
        self.counts.reads += 1
        self.counts.last_read_ms = (time.perf_counter() - began) * 1e3
        return {tag.name: sample_of(tag, readings[tag.name], received_s, epoch) for tag in tags}

    def _check(self, readings: Mapping[str, WireReading]) -> None:
        """Look at the words that prove the device; raises when one of them is another."""
        for tag in self._canaries:
            reading = readings[tag.name]
            if reading.quality is Quality.BAD or reading.value != tag.must_be:
                there = reading.reason or f"is {reading.value!r}"
                hint = order_hint(tag, reading.value) if self.source.protocol != "opcua" else ""
                raise LinkError(
                    f"{tag.name} {there} and must be {tag.must_be!r}: another device, or another "
                    f"word order{hint}"
                )

    async def write(self, order: Order, void: Callable[[], str]) -> WriteResult:
        """Carry out one order once; `void` says why it must not go out, asked before each step."""
        progress = _Progress(landed={tag.name: None for tag, _ in order.setpoints})
        link, began = self.supervisor.link, time.perf_counter()
        try:
            async with within(self.source.timeout_s), self._turn:
                await self._steps(link, order, void, progress)
        except asyncio.CancelledError:
            if link is not None:
                link.drop("a write was abandoned half-way; it may still land")
            raise
        except Exception as error:  # noqa: BLE001 - whatever a bad peer provokes is bad news only
            self._broke_off(link, error, progress)
        self._count(progress.outcome)
        self.counts.last_write_ms = (time.perf_counter() - began) * 1e3
        reason = "; ".join(progress.reasons)
        return WriteResult(progress.outcome, progress.landed, reason)

    def status(self) -> dict[str, Any]:
        """Return what the page shows of this source."""
        supervisor = self.supervisor
        return {
            "protocol": self.source.protocol,
            "address": self.source.address,
            "insecure": not self.source.protection,
            "protection": self.source.protection,
            "connected": supervisor.ready,
            "epoch": supervisor.epoch,
            "attempts": supervisor.attempts,
            "last_error": supervisor.last_error,
            "refusals": supervisor.refusals,
            "last_refusal": supervisor.last_refusal,
            **asdict(self.counts),
        }

    async def _steps(
        self, link: Link | None, order: Order, void: Callable[[], str], progress: _Progress
    ) -> None:
        if link is not self.supervisor.link or void() or link is None:
            progress.outcome = "not-sent"
            progress.reasons.append(void() or f"{self.source.name} has just reconnected")
            return
        if order.ownership is not None:
            if not await self._is_ours(link, order.ownership, progress):
                return
        if order.setpoints:
            await self._send_setpoints(link, order, void, progress)
        if progress.outcome == "written":
            progress.stage = "the handshake words"
            refused = await link.write((*order.commit, *order.words))
            if refused:
                progress.reasons = [f"{name}: {why}" for name, why in refused.items()]
                progress.outcome = "unknown" if order.setpoints else "refused"
        progress.stage = "the read-back"
        if order.setpoints and not order.commit:
            await self._read_back(link, order, progress)

    async def _send_setpoints(
        self, link: Link, order: Order, void: Callable[[], str], progress: _Progress
    ) -> None:
        """Write the setpoint words. With a commit word they are nothing yet, until it follows."""
        progress.stage = "the setpoints"
        refused = await link.write(order.setpoints)
        if refused:
            progress.reasons = [f"{name}: {why}" for name, why in refused.items()]
            whole = order.commit or len(refused) == len(order.setpoints)
            progress.outcome = "refused" if whole else "unknown"
        elif order.commit:
            await self._read_back(link, order, progress)
            if progress.reasons:
                progress.outcome = "refused"
        if progress.outcome == "refused" and order.commit:
            progress.reasons.append("not committed, so the PLC takes none of them")
        elif progress.outcome == "written" and (why := void()):
            progress.outcome = "unknown"
            progress.reasons.append(f"the setpoints are out, the handshake is not: {why}")

    async def _is_ours(self, link: Link, ownership: Ownership, progress: _Progress) -> bool:
        """Look who may write to this loop, and claim it when nobody may; a claim is no command."""
        progress.stage, progress.outcome = "the owner word", "not-sent"
        there = await link.read([ownership.word, ownership.heartbeat])
        owner, beat = (there[tag.name] for tag in (ownership.word, ownership.heartbeat))
        if Quality.BAD in (owner.quality, beat.quality):
            progress.reasons.append(f"nobody knows who may write: {owner.reason or beat.reason}")
            return False
        found = ownership.found(as_wire(owner.value), as_wire(beat.value), self._clock())
        if found == "ours":
            progress.outcome = "written"
            return True
        if found != "free":
            progress.reasons.append(found)
            return False
        refused = await link.write([(ownership.word, ownership.number)])
        progress.reasons.append(
            f"the PLC lets nobody claim the loop: {refused[ownership.word.name]}"
            if refused
            else "this engine has just claimed the loop; it may write when the claim has stood"
        )
        return False

    async def _read_back(self, link: Link, order: Order, progress: _Progress) -> None:
        """Read the setpoint words again and compare them with what was sent, bit for bit."""
        readings = await link.read([tag for tag, _ in order.setpoints])
        for tag, sent in order.setpoints:
            reading = readings[tag.name]
            there = reading.value
            usable = reading.quality is not Quality.BAD and not type_fault(tag, there)
            if not usable or not isinstance(there, (int, float)):
                progress.reasons.append(f"{tag.name} cannot be read back: {reading.reason}")
                continue
            progress.landed[tag.name] = float(to_si(tag, there))
            if there != sent:
                self.counts.readback_mismatches += 1
                progress.reasons.append(
                    f"{tag.name} reads back {shown(tag, to_si(tag, there))}, "
                    f"sent {shown(tag, to_si(tag, sent))}"
                )

    def _broke_off(self, link: Link | None, error: Exception, progress: _Progress) -> None:
        """Say what is certain after the wire failed: never that nothing landed."""
        doing = "waiting for our turn" if progress.stage == "nothing" else f"in {progress.stage}"
        why = self._fail(link, error, "writing")
        if progress.stage == "nothing":
            progress.outcome = "not-sent"
        elif progress.stage not in ("the read-back", "the owner word"):
            progress.outcome = "unknown"
        doubt = "; it may still land" if progress.outcome == "unknown" else ""
        progress.reasons.append(f"{doing}: {why}{doubt}")

    def _fail(self, link: Link | None, error: Exception, doing: str) -> str:
        why = in_words(error, self.source.timeout_s)
        if link is not None:
            link.drop(f"{why} while {doing}")
        return why

    def _count(self, outcome: str) -> None:
        counts = self.counts
        counts.writes += outcome == "written"
        counts.writes_refused += outcome == "refused"
        counts.writes_unknown += outcome == "unknown"
        counts.writes_not_sent += outcome == "not-sent"


def as_wire(value: object) -> Wire:
    """Return a word as read; one that is no number can be nobody's."""
    return value if isinstance(value, (bool, int, float)) else -1
