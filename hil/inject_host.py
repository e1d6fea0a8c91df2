"""Faults of the engine's machine: killed, paused, starved, its disk full, its clock set."""

from __future__ import annotations

from hil.fault_world import FaultWorld, Killed
from hil.injection import Injection


def killed(world: FaultWorld, away_s: float = 40.0, power_cut: bool = False) -> Injection:
    """End the engine's process at once; after `away_s` a new one starts on what it left.

    With `power_cut` the PLC loses its power at the same instant and comes up anew.
    """

    def begin() -> None:
        world.dead_s = away_s
        if power_cut:
            world.line.restart_plc(world.plc)
        raise Killed

    return Injection(begin)


def paused(world: FaultWorld, seconds: float) -> Injection:
    """Stop the engine's process for a while and let it go on: a virtual machine is moved."""
    return Injection(lambda: world.let_pass(seconds))


def clock_set(world: FaultWorld, seconds: float) -> Injection:
    """Set the calendar clock of the engine's machine."""

    def begin() -> None:
        world.clock.step_s += seconds

    return Injection(begin)


def disk_full(world: FaultWorld) -> Injection:
    """No page more fits on the disk of the records."""
    return Injection(
        lambda: world.recorder.pragma("max_page_count = 1"),
        lambda: world.recorder.pragma("max_page_count = 1073741823"),
    )


def disk_read_only(world: FaultWorld) -> Injection:
    """The disk of the records takes no write any more."""
    return Injection(
        lambda: world.recorder.pragma("query_only = ON"),
        lambda: world.recorder.pragma("query_only = OFF"),
    )


def disk_slow(world: FaultWorld) -> Injection:
    """A sync takes longer than the engine waits."""

    def crawl(on: bool) -> None:
        world.recorder.slow = on

    return Injection(lambda: crawl(on=True), lambda: crawl(on=False))


def records_damaged(world: FaultWorld) -> Injection:
    """Kill the engine and damage its record file before the next one starts."""

    def begin() -> None:
        world.damage_records = True
        raise Killed

    return Injection(begin)
