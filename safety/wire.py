"""What a register can hold: a setpoint rounded to the wire, and never to the unsafe side (IL-14).

A 32-bit float keeps seven digits. Rounded to nearest after the gate, a limit of 0.1 would be
written as 0.10000000149. So the gate rounds itself, towards the setpoint in use, and what it
mints is what the register will hold. Pure numbers in, numbers out.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

_SINGLE = struct.Struct("<f")
_BITS = struct.Struct("<i")
_LARGEST_SINGLE = 3.4028234663852886e38


class Grid(NamedTuple):
    """How the register of a setpoint holds it: si = word * gain + offset; `single`: 32 bits."""

    gain: float
    offset: float
    single: bool


def landed(value: float, grid: Grid) -> float:
    """Return the SI value that the register holds when `value` is written."""
    if not grid.single:
        return value
    return single((value - grid.offset) / grid.gain) * grid.gain + grid.offset


def quantised(value: float, applied: float, grid: Grid) -> float:
    """Return the value a register can hold that is nearest to `value` towards `applied`.

    It lies between the two, both included: if both may be written, so may it. Where no such value
    exists it is `applied`, which the register holds already.
    """
    if not grid.single or value == applied:
        return value
    word = single((value - grid.offset) / grid.gain)
    result = word * grid.gain + grid.offset
    if between(applied, result, value):
        return result
    word = single_towards(word, (applied - grid.offset) / grid.gain)
    result = word * grid.gain + grid.offset
    return result if between(applied, result, value) else applied


def settled(value: float, span: tuple[float, float], grid: Grid) -> float:
    """Return what the register holds for a `value` of `span`: the nearest that is in the span."""
    result = landed(value, grid)
    if span[0] <= result <= span[1]:
        return result
    return quantised(value, span[0] if result > value else span[1], grid)


def inside(value: float, span: tuple[float, float], grid: Grid) -> float:
    """Return a `value` of `span` as it is, unless the register would hold it outside."""
    return value if span[0] <= landed(value, grid) <= span[1] else settled(value, span, grid)


def spacing(value: float, grid: Grid) -> float:
    """Return how far apart, at most, neighbouring values of the register lie at `value` [SI]."""
    return abs(value - grid.offset) * 2.0**-22 if grid.single else 0.0


def single(value: float) -> float:
    """Return the nearest 32-bit float; beyond the largest, the largest."""
    # A NaN stays one: what comes first is what min and max return when nothing compares.
    cut = max(min(value, _LARGEST_SINGLE), -_LARGEST_SINGLE)
    result: float = _SINGLE.unpack(_SINGLE.pack(cut))[0]
    return result


def single_towards(word: float, goal: float) -> float:
    """Return the 32-bit float next to the 32-bit float `word` in the direction of `goal`."""
    if word == goal:
        return word
    if word == 0.0:
        return math.copysign(2.0**-149, goal)
    bits: int = _BITS.unpack(_SINGLE.pack(word))[0]
    away = math.copysign(1.0, goal - word) == math.copysign(1.0, word)
    result: float = _SINGLE.unpack(_BITS.pack(bits + 1 if away else bits - 1))[0]
    return result


def between(one: float, value: float, other: float) -> bool:
    """Say whether `value` lies between the two, both included."""
    return one <= value <= other or other <= value <= one
