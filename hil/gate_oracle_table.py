"""The oracle's own table of limits, in the units of the wire, in exact fractions.

Written by hand from the same sheet as `gate_fuzz_line`, not read from it, and without a line of
the gate's code. Decimals here are exact: 340.1 is 3401/10 and not the float beside it.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from fractions import Fraction

_SINGLE = struct.Struct(">f")


@dataclass(frozen=True, slots=True)
class Row:
    """One setpoint: its limits in words of the wire; `low` and `high` are operating, as floats.

    The float bounds are rounded inwards, so that comparing a float with them is exact.
    """

    tag: str
    read: str
    scale: float  # SI per word
    zero: float  # SI of word 0
    single: bool
    instrument: tuple[float, float]
    equipment: tuple[float, float]
    low: float
    high: float
    rate: Fraction  # words per second
    rate_float: float
    tolerance: float
    dwell_s: float
    travel: float
    swing: float
    reversals: int

    def word(self, si: float) -> float:
        """Return what the register holds when this SI value is written."""
        word = (si - self.zero) / self.scale
        if not self.single or abs(word) > 1e38:
            return word
        return float(_SINGLE.unpack(_SINGLE.pack(word))[0])

    def shown(self, word: float) -> float:
        """Return the SI value that is read of a register."""
        return word * self.scale + self.zero


def _up(text: str) -> float:
    """Return the smallest float not below the decimal."""
    exact, near = Fraction(text), float(text)
    return near if Fraction(near) >= exact else math.nextafter(near, math.inf)


def _down(text: str) -> float:
    exact, near = Fraction(text), float(text)
    return near if Fraction(near) <= exact else math.nextafter(near, -math.inf)


def _row(
    name: str, scale: float, zero: float, single: bool, spans: str, motion: str, wear: str
) -> Row:
    shown_low, least, low, high, most, shown_high = spans.split()
    rate, tolerance, dwell = motion.split()
    travel, swing, reversals = wear.split()
    up, down = (_up, _down) if single else (float, float)  # a 64-bit word holds the sealed limit
    return Row(
        f"a.{name}_sp", f"a.{name}_in_use", scale, zero, single,
        (float(shown_low), float(shown_high)), (up(least), down(most)), up(low), down(high),
        Fraction(rate), float(rate), float(tolerance), float(dwell), float(travel), float(swing),
        int(reversals),
    )  # fmt: skip


#           name, SI per word, SI of 0, 32 bit: what the instrument shows ( equipment
#           ( operating ) ) | rate tolerance dwell | travel swing reversals
ROWS = (
    _row("gap", 1e-6, 0.0, True, "150 180 240 340.1 1400 1500", "1 0.2 1", "400 6 30"),
    _row("jacket", 1.0, 273.15, True, "0 5 12.1 34.3 65 90", "0.05 0.02 15", "40 0.3 30"),
    _row("ratio", 1.0, 0.0, False, "0 0.5 2.2 3.1 6 8", "0.01 0.0005 1", "6 0.05 30"),
)
PERIOD_S = 10
OLDEST_S = 25.0
LONGEST_HOLD = 5
FROZEN_READING = 8
PHASES = (7, 8)
TRIPS_IN_A_BATCH = 2
COMMAND_LIFE_S = 4.0
LANDS_WITHIN_S = 1.0  # what takes longer landed late
PLAN_AGE_S = 7.0
RESIDUAL = 1e-4
ITERATIONS = 200
BELIEVED_SPEED = (0.01, 0.35)
INSTRUMENTS = {"a.speed": (0.01, 0.35), "a.speed_b": (0.01, 0.35), "a.speed_c": (0.01, 0.35),
               "a.torque": (0.0, 600.0)}  # fmt: skip
SPEEDS = ("a.speed", "a.speed_b", "a.speed_c")
VOTE_TOLERANCE = 0.008
TORQUE_TRIP, TORQUE_BACK = 450.0, (1.0, 400.0)
TORQUE_TRIP_AFTER, TORQUE_BACK_AFTER = 2, 3
FILM = (0.65, 1.2)  # 100 * ratio / gap, gap in um
SHEAR = (100.0, 900.0)  # 1e6 * speed / gap
JACKET_OVER_RATIO = (2.85, 22.85)  # jacket - 4 * ratio
LABOUR = (600.0, 3000.0)  # torque over speed
LABOUR_CYCLES = 4
SURPRISE, SURPRISES = 9.0, 6
