"""Faults of network and writes: silence, loss, delay, doubles, refusals, registers that lie."""

from __future__ import annotations

import math

from hil.fault_wire import Fate
from hil.fault_world import FaultWorld
from hil.injection import Injection
from hil.virtual_line import Frame
from safety.gate import Command
from safety.words import Reading, WriteResult


def silence(world: FaultWorld) -> Injection:
    """Nothing comes back, and nobody says so: a blackhole, a switch that fails over."""

    def say(on: bool) -> None:
        world.wire.silent = on

    return Injection(lambda: say(on=True), lambda: say(on=False))


def connection_lost(world: FaultWorld) -> Injection:
    """The connection is gone at once; while the fault lasts there is no new one."""

    def say(on: bool) -> None:
        world.wire.cut, world.wants_link = on or world.wire.cut, not on

    return Injection(lambda: say(on=True), lambda: say(on=False))


def reconnected(world: FaultWorld) -> Injection:
    """A session that expired and was renewed between two cycles: a new connection, no gap."""

    def begin() -> None:
        world.wire.epoch += 1

    return Injection(begin)


def slow_answers(world: FaultWorld, seconds: float) -> Injection:
    """Answers take `seconds`: reads time out, writes are doubtful and land late."""

    def begin() -> None:
        world.wire.fates.append(late)
        if seconds > world.wire.timeout_s:
            world.wire.spoils.append(nothing)
        else:
            world.wire.answer_s = seconds

    def end() -> None:
        world.wire.fates.remove(late)
        world.wire.answer_s = 0.0
        if nothing in world.wire.spoils:
            world.wire.spoils.remove(nothing)

    def nothing(shown: Reading) -> Reading:
        return world.wire.timed_out(shown)

    def late(frame: Frame, command: Command) -> WriteResult:
        world.wire.deliver_later(frame, seconds)
        return world.wire.unknown(command, f"no answer within {world.wire.timeout_s:g} s")

    return Injection(begin, end)


def loss(world: FaultWorld, share: float) -> Injection:
    """Lose `share` of all requests and answers; a write whose answer is lost has landed."""
    draw = world.draw

    def fate(frame: Frame, command: Command) -> WriteResult | None:
        if draw.random() >= share:
            return None
        if draw.random() < 0.5:
            world.wire.deliver(frame)
        return world.wire.unknown(command, "no answer")

    def spoil(shown: Reading) -> Reading:
        return shown if draw.random() >= share else world.wire.timed_out(shown)

    def begin() -> None:
        world.wire.fates.append(fate)
        world.wire.spoils.append(spoil)

    def end() -> None:
        world.wire.fates.remove(fate)
        world.wire.spoils.remove(spoil)

    return Injection(begin, end)


def doubled(world: FaultWorld) -> Injection:
    """Every frame arrives twice, the second one a scan after the first."""

    def fate(frame: Frame, _command: Command) -> WriteResult | None:
        world.wire.deliver_later(frame, world.line.scan_s)
        return None

    return _fated(world, fate)


def refused(world: FaultWorld) -> Injection:
    """The PLC refuses every write: nothing lands."""

    def fate(_frame: Frame, command: Command) -> WriteResult:
        landed = dict.fromkeys(command.setpoints)
        return WriteResult("refused", landed, "BadNotWritable")

    return _fated(world, fate)


def not_applied(world: FaultWorld) -> Injection:
    """Writes are acknowledged and not stored: the registers go on showing what was there."""
    stood: dict[str, float] = {}

    def fate(frame: Frame, _command: Command) -> WriteResult:
        for name, value in world.line.port.landed(frame).items():
            station = world.line.stations[frame.source]
            held = station.wire.get(name, math.nan)
            stood.setdefault(name, float(held) if math.isfinite(float(held)) else value)
        handshake = Frame(frame.source, (), frame.words)
        world.wire.deliver(handshake)
        return WriteResult("written", {name: stood[name] for name, _ in frame.setpoints}, "")

    return _fated(world, fate)


def lost_before_the_heartbeat(world: FaultWorld) -> Injection:
    """The connection breaks inside a frame: setpoints land, the handshake words do not."""

    def fate(frame: Frame, command: Command) -> WriteResult:
        world.wire.deliver(frame, only=max(1, len(frame.setpoints) // 2))
        world.wire.cut = True
        return world.wire.unknown(command, "the connection broke while writing")

    return _fated(world, fate)


def _fated(world: FaultWorld, fate: Fate) -> Injection:
    return Injection(lambda: world.wire.fates.append(fate), lambda: world.wire.fates.remove(fate))
