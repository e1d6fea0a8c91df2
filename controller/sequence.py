"""Where the coater stands in its day: standing, starting, splicing, changing batch, producing.

A small machine driven by what the PLC shows, so that nobody has to tell the controller: its phase
decides how far a gauge reading is believed and whether the line may be pushed, and stands in words
in the plan. It changes no setpoint itself.

phase         begins                                        ends
STANDSTILL    the web stands, or the die has never been in   coat is laid
START_UP      the first coat is laid                         the gauge has read it `settled` times
SPLICE        the die lifts from moving, coated web          the bare web has passed the gauge
BATCH_CHANGE  the feed shows another batch                   its first metres have passed the gauge
PRODUCTION    none of these
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from controller.readings import number

PASSED_M = 5.0
"""Web beyond the gauge's believed distance after which something has surely passed it."""


class Phase(StrEnum):
    """What the line is doing."""

    STANDSTILL = "standstill"
    START_UP = "start-up"
    SPLICE = "splice"
    BATCH_CHANGE = "batch change"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Moment:
    """One cycle of the sequence: `fresh` good readings have been had since the gauge was blind.

    `edge` is True for the reading that shows the edge of a coat and is no measurement of it.
    """

    phase: Phase
    die_in: bool
    fresh: int
    edge: bool


class CoatingSequence:
    """Follows the line by die, web length, gauge and feed batch."""

    def __init__(self, gauge_m: float, settled: int) -> None:
        """`gauge_m` is the web from die to gauge, `settled` the readings that end a start-up."""
        self._gauge_m = gauge_m
        self._settled = settled
        self._die_in: bool | None = None
        self._batch: int | None = None
        self._starting = False
        self._bare_until_m = -1.0
        self._new_batch_until_m = -1.0
        self._fresh = settled
        self._edge_due = False

    def update(
        self,
        values: Mapping[str, float | int | bool | str],
        length_m: float,
        *,
        moving: bool,
        good: bool,
    ) -> Moment:
        """Take one cycle in; `good` says whether the gauge gave a usable reading."""
        die_in = moving and values.get("coater.die_in", True) is not False
        batch = int(number(values, "coater.feed_batch", float(self._batch or 0)))
        if self._die_in is not None and die_in != self._die_in:
            self._die_moved(values, length_m, moving=moving, die_in=die_in)
        if self._batch is not None and batch != self._batch:
            self._new_batch_until_m = length_m + self._gauge_m + PASSED_M
        self._die_in, self._batch = die_in, batch
        edge = good and self._edge_due
        if edge:
            self._edge_due = False
        elif good:
            self._fresh += 1
        if self._fresh >= self._settled:
            self._starting = False
        return Moment(self._phase(length_m, moving=moving), die_in, self._fresh, edge)

    def _die_moved(
        self,
        values: Mapping[str, float | int | bool | str],
        length_m: float,
        *,
        moving: bool,
        die_in: bool,
    ) -> None:
        running = moving and values.get("coater.running", True) is not False
        if die_in and self._bare_until_m < length_m:  # not the end of a splice: a new coat
            self._starting, self._fresh, self._edge_due = True, 0, True
        elif running:
            self._bare_until_m = length_m + self._gauge_m + PASSED_M

    def _phase(self, length_m: float, *, moving: bool) -> Phase:
        if not moving or (not self._die_in and length_m > self._bare_until_m):
            return Phase.STANDSTILL
        if self._starting:
            return Phase.START_UP
        if length_m <= self._bare_until_m:
            return Phase.SPLICE
        return Phase.BATCH_CHANGE if length_m <= self._new_batch_until_m else Phase.PRODUCTION
