"""Faults of the PLC and at its panel: stopped, restarted, in LOCAL, clamping, moved by somebody."""

from __future__ import annotations

from collections.abc import Callable

from hil.fault_world import FaultWorld
from hil.injection import Injection
from hil.plc_program import Value


def panel(world: FaultWorld, **words: Value) -> Injection:
    """Turn keys and press buttons at the PLC's panel; what was there comes back at the end."""
    before: dict[str, Value] = {}

    def begin() -> None:
        station = world.line.stations[world.plc]
        before.update({word: station.panel.get(word, False) for word in words})
        station.operate(words)

    return Injection(begin, lambda: world.line.panel(world.plc, **before))


def plc_stopped(world: FaultWorld) -> Injection:
    """Stop the PLC's program: its image stands still; at the end it comes up anew."""

    def begin() -> None:
        world.line.stopped.add(world.plc)

    return Injection(begin, lambda: world.line.restart_plc(world.plc))


def plc_clamps(world: FaultWorld, tag: str) -> Injection:
    """Let the PLC go no further up with a setpoint than it is now."""
    highest: list[float] = []

    def capped(active: float) -> float:
        if not highest:
            highest.append(active)
        return min(active, highest[0])

    return _set_after_scans(world, tag, capped)


def foreign_setpoint(world: FaultWorld, tag: str, amount: float) -> Injection:
    """Let somebody at the PLC set a setpoint in use to another value, and keep it there."""
    there: list[float] = []

    def moved(active: float) -> float:
        if not there:
            there.append(active + amount)
            station = world.line.stations[world.plc]
            by_hand = {"event": "setpoint moved by hand", "moved": tag, "by": amount}
            world.line.log.append({"plant_s": station.plant_s, **by_hand})
        return there[0]

    return _set_after_scans(world, tag, moved)


def other_device(world: FaultWorld) -> Injection:
    """Let another PLC of the same kind answer at this address, in LOCAL and on its own values."""
    from hil.fault_line import FaultyLine

    own: list[object] = []

    def begin() -> None:
        other = FaultyLine({}, world.seed + 1000, world.sealed)
        other.log = world.line.log
        other.advance(60.0)
        station = other.stations[world.plc]
        own.append(world.line.stations[world.plc])
        station.plant_s = world.line.stations[world.plc].plant_s
        world.line.stations[world.plc] = station

    return Injection(begin)


def _set_after_scans(world: FaultWorld, tag: str, value_of: Callable[[float], float]) -> Injection:
    """Set the setpoint in use after every scan, in the program and in the image it shows."""
    hooks = world.line.after_scan

    def act() -> None:
        station = world.line.stations[world.plc]
        active = station.program.active
        active[tag] = value_of(active[tag])
        station.image[f"{tag}_active"] = active[tag]

    return Injection(lambda: hooks.append(act), lambda: hooks.remove(act))
