"""What the outward server shows, in plain words: points with a unit and a range, values, alarms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["number", "text", "whole", "yes-no"]
Shown = float | int | str | bool | None

UNECE: Mapping[str, tuple[str, str]] = {
    "": ("C62", "one"),
    "%": ("P1", "percent"),
    "bar": ("BAR", "bar"),
    "degC": ("CEL", "degree Celsius"),
    "delta_degC": ("KEL", "kelvin"),
    "g/m2": ("GM", "gram per square metre"),
    "kg": ("KGM", "kilogram"),
    "kg/min": ("F31", "kilogram per minute"),
    "m": ("MTR", "metre"),
    "m/min": ("2X", "metre per minute"),
    "min": ("MIN", "minute"),
    "mm": ("MMT", "millimetre"),
    "ms": ("C26", "millisecond"),
    "N*m": ("NU", "newton metre"),
    "Pa*s": ("C65", "pascal second"),
    "ppm": ("59", "part per million"),
    "rev/m": ("C92", "reciprocal metre"),
    "rpm": ("RPM", "revolutions per minute"),
    "s": ("SEC", "second"),
    "um": ("4H", "micrometre"),
    "wt%": ("P1", "percent"),
}
"""Common code and name of each unit by UNECE Recommendation 20, as OPC 10000-8, 5.6.3 has them."""


def unit_id(code: str) -> int:
    """Return the number OPC UA makes of a UNECE code: its characters as the bytes of an integer."""
    return int.from_bytes(code.encode("ascii"), "big")


@dataclass(frozen=True, slots=True)
class Point:
    """One variable. `path` is its place and its NodeId for good: 'line-1/coating/Mode'."""

    path: str
    kind: Kind
    about: str = ""
    unit: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What a point shows now; without a value its quality is bad whatever it says."""

    value: Shown
    quality: Literal["good", "uncertain", "bad", "stale"] = "good"
    time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands. `severity` counts from 1 to 1000 (OPC 10000-5, 6.4.2)."""

    id: str
    text: str
    active: bool
    acknowledged: bool
    severity: int = 500
    comment: str = ""
    who: str = ""
    latched: bool = False
    hidden: bool = False  # shelved, suppressed by design or out of service

    @property
    def standing(self) -> bool:
        """Say whether anybody still has to look at it."""
        return self.active or self.latched or not self.acknowledged


@dataclass(frozen=True, slots=True)
class Identification:
    """Who this machine is, in the words of OPC 40001-1 (Machinery)."""

    manufacturer: str
    model: str
    serial_number: str
    product_instance_uri: str
    software_revision: str
