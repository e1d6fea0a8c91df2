"""What a number looks like on the wire: the tag's type, unit and scale, float32 and all.

The bench PLCs and the simulated line both pass every value through here, so a run without a wire
sees the same quantisation as one with it. SI = wire * gain + offset (the sealed tag table).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from hil.plc_program import Value

_FLOATS = frozenset({"float", "float32", "double", "float64"})
_WIDTHS = {"int16": (16, True), "uint16": (16, False), "int32": (32, True), "uint32": (32, False)}


def to_wire(tag: Mapping[str, Any], value: Value) -> Value:
    """Return the wire's word for an SI value: its unit, its width, float32 where it is one."""
    kind = tag["type"]
    if kind == "bool":
        return bool(value)
    gain, offset = _scale(tag)
    wire = (float(value) - offset) / gain
    if kind in ("float", "float32"):
        return float32(wire)
    if kind in ("double", "float64"):
        return wire
    bits, signed = _WIDTHS[kind]
    if not math.isfinite(wire):
        return 0
    whole = round(wire) % (1 << bits)
    return whole - (1 << bits) if signed and whole >= 1 << (bits - 1) else whole


def from_wire(tag: Mapping[str, Any], wire: Value) -> Value:
    """Return the SI value of a wire word; whole numbers stay whole, bools stay bools."""
    if tag["type"] == "bool":
        return bool(wire)
    gain, offset = _scale(tag)
    if tag["type"] in _WIDTHS and (gain, offset) == (1.0, 0.0):
        return int(wire)
    return float(wire) * gain + offset


def _scale(tag: Mapping[str, Any]) -> tuple[float, float]:
    gain, offset = tag.get("gain"), tag.get("offset")
    return (1.0 if gain is None else float(gain)), (0.0 if offset is None else float(offset))


def float32(value: float) -> float:
    """Return the nearest float32; too large becomes infinity, as hardware does."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def registers_of_wire(tag: Mapping[str, Any], wire: Value) -> list[int]:
    """Return the Modbus registers of a wire word, in the tag's word order."""
    width = 2 * register_count(tag)
    if tag["type"] in _FLOATS:
        raw = struct.pack(">f" if width == 4 else ">d", wire)
    else:
        raw = (int(wire) % (1 << 8 * width)).to_bytes(width, "big")
    words = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, width, 2)]
    return words if tag.get("word_order") != "little" else words[::-1]


def wire_of_registers(tag: Mapping[str, Any], registers: Sequence[int]) -> Value:
    """Return the wire word that stands in Modbus registers."""
    words = registers if tag.get("word_order") != "little" else registers[::-1]
    raw = b"".join(word.to_bytes(2, "big") for word in words)
    kind = tag["type"]
    if kind in _FLOATS:
        return float(struct.unpack(">f" if len(raw) == 4 else ">d", raw)[0])
    whole = int.from_bytes(raw, "big", signed=kind.startswith("int"))
    return bool(whole) if kind == "bool" else whole


def register_count(tag: Mapping[str, Any]) -> int:
    """Return how many Modbus registers the tag takes."""
    kind = tag["type"]
    if kind in ("bool", "int16", "uint16"):
        return 1
    return 4 if kind in ("double", "float64") else 2
