"""The wire of a fault run: a `PlantPort` between engine and virtual line that does what wires do.

It stands for the fieldbus together with the network: what arrives here is what the port would
have made of it (a silent peer is a BAD sample after the time-out, a doubtful write is 'unknown').
Frames can be lost, late, doubled, cut off or refused. A late frame still lands, as it would, but
none overtakes another: a connection keeps its order, and our side resets one that is in doubt
(`fieldbus.link.cut`), so that nothing is left in a queue of ours when the next one is dialled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fieldbus.tags import NotWritable
from hil.virtual_line import Frame
from safety.gate import Command
from safety.words import Quality, Reading, Sample, WriteResult

if TYPE_CHECKING:
    from hil.fault_world import FaultWorld

Spoil = Callable[[Reading], Reading]
Fate = Callable[[Frame, Command], WriteResult | None]
"""What becomes of a write; None: nothing special."""


@dataclass(slots=True)
class FaultyWire:
    """The port the engine gets. `silent` and `cut` are the link's own troubles.

    `silent`: requests go out and nothing comes back. `cut`: there is no connection at all.
    `epoch` counts connections; after a new one nothing is written before a good full read.
    """

    world: FaultWorld
    timeout_s: float
    spoils: list[Spoil] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    silent: bool = False
    cut: bool = False
    epoch: int = 1
    answer_s: float = 0.0
    last_reading: dict[str, Sample] = field(default_factory=dict)
    _proved: int = 0
    _on_the_way: list[tuple[float, Frame]] = field(default_factory=list)

    async def open(self) -> None:
        """Nothing to connect."""

    async def close(self) -> None:
        """Nothing to let go of."""

    async def read(self, tags: Sequence[str]) -> Reading:
        """Read as the line shows it now, or after the time-out find that nobody answered."""
        world = self.world
        await world.moment("read")
        self._connected()
        if self.cut:
            return self._nothing(tags, "not connected")
        if self.silent:
            return self.timed_out(tags)
        world.let_pass(self.answer_s)
        good = await world.line.port.read(tags)
        shown: Reading = {tag: sample._replace(epoch=self.epoch) for tag, sample in good.items()}
        for spoil in list(self.spoils):
            shown = spoil(shown)
        self.last_reading = {t: s for t, s in good.items() if s.quality is Quality.GOOD}
        self._proved = self.epoch
        return shown

    async def write(self, command: Command) -> WriteResult:
        """Carry out one command, as far as the wire lets it."""
        world, port = self.world, self.world.line.port
        await world.moment("write")
        if command.expired(world.line.time_s):
            return port.not_sent(command, "the command is void")
        if self.cut or self._proved != self.epoch:
            return port.not_sent(command, "not connected, or nothing read since")
        try:
            frame = port.frame_of(command)
        except NotWritable as fault:
            return port.not_sent(command, str(fault))
        if self.silent:
            return self.unknown(command, "no answer")
        for fate in list(self.fates):
            result = fate(frame, command)
            if result is not None:
                return result
        cut_after = len(frame.setpoints) if world.waits_for("mid-write") else None
        self.deliver(frame, cut_after)
        if cut_after is not None:
            await world.moment("mid-write")
            self.deliver(Frame(frame.source, (), frame.words))
        return WriteResult("written", dict(port.landed(frame)), "")

    def timed_out(self, tags: Iterable[str]) -> Reading:
        """Wait for the time-out, and return that nobody answered."""
        self.world.let_pass(self.timeout_s)
        return self._nothing(tags, f"no answer within {self.timeout_s:g} s")

    def unknown(self, command: Command, why: str) -> WriteResult:
        """Return the result of a write nobody answered: it may have landed, or may still."""
        self.world.let_pass(self.timeout_s)
        landed = dict.fromkeys(command.setpoints)
        return WriteResult("unknown", landed, why)

    def deliver(self, frame: Frame, only: int | None = None) -> None:
        """Let a frame arrive, or the first words of it, after whatever is still before it."""
        before = [late for _, late in self._on_the_way if late.source == frame.source]
        self._on_the_way = [one for one in self._on_the_way if one[1].source != frame.source]
        for late in before:
            self.world.line.port.deliver(late)
        self.world.line.port.deliver(frame, only)

    def deliver_later(self, frame: Frame, after_s: float) -> None:
        """Put a frame on a way that takes `after_s`."""
        self._on_the_way.append((self.world.line.time_s + after_s, frame))

    def deliver_due(self) -> None:
        """Let what has been on the way long enough arrive; called after every scan."""
        now_s = self.world.line.time_s
        due = [frame for at_s, frame in self._on_the_way if at_s <= now_s]
        self._on_the_way = [one for one in self._on_the_way if one[0] > now_s]
        for frame in due:
            self.world.line.port.deliver(frame)

    def _connected(self) -> None:
        if self.cut and self.world.wants_link:
            self.cut = False
            self.epoch += 1

    def _nothing(self, tags: Iterable[str], why: str) -> Reading:
        now_s = self.world.line.time_s
        return {tag: Sample.bad(why, now_s, self.epoch) for tag in tags}
