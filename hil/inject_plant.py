"""Faults of the machine itself: instruments both PLC and engine see, drives that do not follow."""

from __future__ import annotations

from hil.fault_world import FaultWorld
from hil.injection import Injection


def instrument(world: FaultWorld, name: str, value: float) -> Injection:
    """Let an instrument show `value`, to the PLC and to everybody behind it."""
    show = world.line.faulty_plant.show

    def begin() -> None:
        show[name] = lambda _shown: value

    return Injection(begin, lambda: show.pop(name, None) and None)


def drive_stuck(world: FaultWorld, name: str) -> Injection:
    """Let a drive go on doing what it does at that moment, whatever it is told."""
    drive = world.line.faulty_plant.drive
    held: list[float] = []

    def act(told: float) -> float:
        if not held:
            held.append(told)
        return held[0]

    def begin() -> None:
        drive[name] = act

    return Injection(begin, lambda: drive.pop(name, None) and None)


def drive_sluggish(world: FaultWorld, name: str, lag_s: float) -> Injection:
    """Let a drive follow with a first-order lag of `lag_s`."""
    drive, scan_s = world.line.faulty_plant.drive, world.line.scan_s
    now: list[float] = []

    def act(told: float) -> float:
        if not now:
            now.append(told)
        now[0] += (told - now[0]) * scan_s / (lag_s + scan_s)
        return now[0]

    def begin() -> None:
        drive[name] = act

    return Injection(begin, lambda: drive.pop(name, None) and None)


def drive_inverted(world: FaultWorld, name: str) -> Injection:
    """Mirror a drive about where it stands: what should give more now gives less."""
    drive = world.line.faulty_plant.drive
    middle: list[float] = []

    def act(told: float) -> float:
        if not middle:
            middle.append(told)
        return max(0.0, 2.0 * middle[0] - told)

    def begin() -> None:
        drive[name] = act

    return Injection(begin, lambda: drive.pop(name, None) and None)


def plant_parameter(world: FaultWorld, path: str, factor: float) -> Injection:
    """Multiply a parameter of the plant (plant_models) by `factor`, for good."""
    return Injection(lambda: world.line.scale(path, factor))


def plant_event(world: FaultWorld, kind: str, **details: float) -> Injection:
    """Let something happen in the plant (plant_models.line_plant.EVENTS)."""
    return Injection(lambda: world.line.event(kind, **details))
