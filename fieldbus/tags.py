"""The tag table: where each signal is on the wire, and how its wire value becomes SI and back.

`si = wire * gain + offset`. A wrong type, a NaN or an integer that does not fit never leaves: it
raises `NotWritable` before anything is sent.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

Wire = float | int | bool
"""A value as the wire carries it, in the unit of the tag table."""

FORMATS: Final[Mapping[str, str]] = {
    "bool": "H",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""Wire type to `struct` format; a bool travels in a whole register on Modbus."""

_ALIASES: Final[Mapping[str, str]] = {"float": "float32", "double": "float64"}
REGISTERS_IN_ALL: Final = 65536
_RANGE_SLACK: Final = 1e-6  # of the span: a float32 at the end of its range is not outside


class WiringError(ValueError):
    """The tag table and the wire do not fit: what, where and what next, in words."""


class NotWritable(ValueError):  # noqa: N818 - reads as the fact it states
    """A value that must not leave: wrong type, not finite, or too large for its tag."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One row of the tag table; `low` and `high` are the instrument's range in SI.

    `must_be` is the wire value that proves device, type and word order: another one, and nothing of
    that source is believed.
    """

    name: str
    source: str
    direction: Literal["read", "write"]
    type: str
    gain: float = 1.0
    offset: float = 0.0
    unit: str = ""
    low: float | None = None
    high: float | None = None
    max_age_s: float | None = None
    node: str = ""
    table: str = "holding"
    register: int = 0
    word_order: str = "big"
    byte_order: str = "big"
    write_function: int | None = None
    must_be: Wire | None = None

    @property
    def registers(self) -> int:
        """Return how many Modbus registers it takes."""
        return (struct.calcsize(">" + FORMATS[self.type]) + 1) // 2


def tags_of(sealed: Mapping[str, Any]) -> dict[str, Tag]:
    """Return the tag table of a sealed configuration by name."""
    return {name: _tag(name, row) for name, row in sealed["tags"].items()}


def _tag(name: str, row: Mapping[str, Any]) -> Tag:
    kind = _ALIASES.get(row["type"], row["type"])
    gain, offset = row.get("gain"), row.get("offset")
    tag = Tag(
        name=name,
        source=row["source"],
        direction=row["direction"],
        type=kind,
        gain=1.0 if gain is None else float(gain),
        offset=0.0 if offset is None else float(offset),
        unit=row.get("unit") or "",
        low=row.get("low"),
        high=row.get("high"),
        max_age_s=row.get("max_age"),
        node=row.get("node") or "",
        table=row.get("table") or "holding",
        register=int(row.get("register") or 0),
        word_order=row.get("word_order") or "big",
        byte_order=row.get("byte_order") or "big",
        write_function=row.get("write_function"),
        must_be=row.get("must_be"),
    )
    _check(tag)
    if tag.type == "float32" and tag.must_be is not None:
        return replace(tag, must_be=_as_float32(tag, tag.must_be))
    return tag


def _check(tag: Tag) -> None:
    """Refuse a row that could not mean anything; the config's door has checked most of it."""
    if tag.type not in FORMATS:
        raise WiringError(f"tag {tag.name}: type {tag.type!r} is unknown; use {', '.join(FORMATS)}")
    if not math.isfinite(tag.gain) or tag.gain == 0 or not math.isfinite(tag.offset):
        raise WiringError(f"tag {tag.name}: gain and offset must be finite, and the gain not 0")
    if tag.table not in ("holding", "input"):
        raise WiringError(f"tag {tag.name}: table {tag.table!r} is unknown; use holding or input")
    if tag.direction == "write" and tag.table == "input":
        raise WiringError(f"tag {tag.name}: input registers cannot be written; use holding")
    for order in (tag.word_order, tag.byte_order):
        if order not in ("big", "little"):
            raise WiringError(f"tag {tag.name}: order {order!r} is unknown; use big or little")
    if tag.must_be is not None and (fault := type_fault(tag, tag.must_be)):
        raise WiringError(f"tag {tag.name}: must_be: {fault}")
    if tag.write_function == 6 and tag.registers > 1:
        raise WiringError(f"tag {tag.name}: FC06 writes one register, {tag.type} takes more")
    if not 0 <= tag.register <= REGISTERS_IN_ALL - tag.registers:
        raise WiringError(f"tag {tag.name}: register {tag.register} is outside 0..65535")


def type_fault(tag: Tag, wire: object) -> str:
    """Say why `wire` is not a value of the tag's type, or '' when it is one."""
    if tag.type == "bool":
        return "" if isinstance(wire, bool) else f"{wire!r} is not a bool"
    if isinstance(wire, bool):
        return f"{wire!r} is not a number"
    if tag.type.startswith("float"):
        if not isinstance(wire, (int, float)):
            return f"{wire!r} is not a number"
        return "" if math.isfinite(wire) else f"{wire!r} is not finite"
    if not isinstance(wire, int):
        return f"{wire!r} is not a whole number"
    low, high = integer_range(tag)
    return "" if low <= wire <= high else f"{wire} does not fit {tag.type}"


def integer_range(tag: Tag) -> tuple[int, int]:
    """Return the lowest and highest value of the tag's integer type."""
    bits = int(tag.type.removeprefix("uint").removeprefix("int"))
    return (
        (0, 2**bits - 1) if tag.type.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    )


def to_si(tag: Tag, wire: Wire) -> Wire:
    """Return the SI value of a wire value; a bool, or an integer without a scale, stays one."""
    if isinstance(wire, bool) or (isinstance(wire, int) and tag.gain == 1 and tag.offset == 0):
        return wire
    return wire * tag.gain + tag.offset


def to_wire(tag: Tag, si: object) -> Wire:
    """Return the wire value of an SI value, exactly as it will be stored (float32 is rounded).

    Raises:
        NotWritable: not a number of the tag's kind, not finite, outside the instrument's range
            or too large for the type.
    """
    if tag.type == "bool":
        if not isinstance(si, bool):
            raise NotWritable(f"{tag.name}: {si!r} is not a bool")
        return si
    if isinstance(si, bool) or not isinstance(si, (int, float)) or not math.isfinite(si):
        raise NotWritable(f"{tag.name}: {si!r} is not a finite number")
    if range_fault(tag, si):
        raise NotWritable(f"{tag.name}: {range_fault(tag, si)}")
    if isinstance(si, int) and tag.gain == 1 and tag.offset == 0:
        wire: Wire = si
    else:
        wire = (si - tag.offset) / tag.gain
    if tag.type == "float32":
        return _as_float32(tag, wire)
    if tag.type != "float64" and math.isfinite(wire):
        wire = round(wire)
    if fault := type_fault(tag, wire):
        raise NotWritable(f"{tag.name}: {fault}")
    return wire


def _as_float32(tag: Tag, wire: float) -> float:
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", wire))[0]
    except OverflowError:
        raise NotWritable(f"{tag.name}: {wire!r} is too large for a 32-bit float") from None
    return rounded


def range_fault(tag: Tag, si: float) -> str:
    """Say how an SI value is outside the instrument's range, or '' when it is inside."""
    if tag.low is None or tag.high is None:
        return ""
    slack = _RANGE_SLACK * (tag.high - tag.low)
    if tag.low - slack <= si <= tag.high + slack:
        return ""
    return f"{shown(tag, si)} is outside the range {shown(tag, tag.low)} .. {shown(tag, tag.high)}"


def shown(tag: Tag, si: float) -> str:
    """Return an SI value in people's unit, as the tag table names it."""
    return f"{(si - tag.offset) / tag.gain:.6g} {tag.unit}".strip()


def wrapped(tag: Tag, count: int) -> int:
    """Return a counter wrapped into what the tag's integer type can hold (never negative)."""
    return count % (integer_range(tag)[1] + 1)
