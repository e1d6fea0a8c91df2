"""What is mutated, and by which tests it must be noticed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the program: its modules, and the tests that have to notice every change in it."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = {
    "safety": Area(
        tuple(sorted(f"safety/{path.name}" for path in (ROOT / "safety").glob("[!_]*.py"))),
        ("tests/safety",),
    ),
    "writer": Area(
        (
            "service/cycle.py",
            "service/cycle_body.py",
            "fieldbus/port_wire.py",
            "fieldbus/line.py",
            "fieldbus/registers.py",
        ),
        (
            "tests/service/test_cycle.py",
            "tests/service/test_cycle_record.py",
            "tests/fieldbus/test_line.py",
            "tests/fieldbus/test_port.py",
            "tests/fieldbus/test_registers.py",
        ),
    ),
    "audit": Area(
        tuple(
            f"records/{name}.py"
            for name in (
                "canonical", "chain", "door", "merkle", "record_key", "recorder", "roots", "row",
                "store", "verify",
            )
        ),
        ("tests/records",),
    ),
}  # fmt: skip
"""The writer is what stands between a verdict and the wire: intent, order, registers, read-back. It
is judged by devices that are dictionaries; tests with real sockets are too slow for thousands."""

LEFT_OUT = (
    "tests/safety/test_house.py",  # reads sources, and these are never changed
    "tests/safety/test_attack.py",  # attacks broken gates of its own: slow, and no wiser here
    "tests/records/test_stand_alone_verifier.py",  # tries a program that shares no code with ours
)
"""Tests that do not judge mutants; all of them are slow."""


def modules_named(names: tuple[str, ...]) -> list[str]:
    """Return the modules meant by names of areas, folders or modules; all when none is named.

    Raises LookupError, with the name, when one means nothing.
    """
    known = [module for area in AREAS.values() for module in area.modules]
    if not names:
        return known
    found: list[str] = []
    for name in names:
        meant = AREAS[name].modules if name in AREAS else ()
        meant = meant or tuple(
            module for module in known if name in (module, module.rpartition("/")[0])
        )
        if not meant:
            raise LookupError(name)
        found += [module for module in meant if module not in found]
    return found


def tests_for(modules: list[str]) -> list[str]:
    """Return the test paths that judge these modules."""
    areas = [area for area in AREAS.values() if set(area.modules) & set(modules)]
    return [path for area in areas for path in area.tests]
