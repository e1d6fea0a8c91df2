"""Anti-windup against what stands below us: a PLC or gate that does not follow is not pushed.

Moves are counted from what the PLC confirmed, so nothing winds up by itself. But an MV that two
cycles on end was asked to go further and did not, is saturated downstream, whatever its limits say:
for a while the optimiser may not plan with that direction and has to use the others. Then it asks
again, since nobody tells when a saturation ends.

An MV that moves the other way than it was asked is no saturation: between here and the plant a sign
is wrong, or somebody else moves it. Seen twice, without a move the right way in between for each,
it is told as a surprise, which the gate judges like any other (IL-12).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.plan import PlanRequest

NOTICED = 2
"""Cycles on end that an MV stays behind before it counts as saturated."""
PATIENCE = 8
"""Cycles for which a direction is then left alone."""
ASTRAY = 2
"""Moves the wrong way, net of those the right way, that make an MV one that goes astray."""
ROUNDING = 0.05
"""Share of the largest step that read-back and setpoint may differ by."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Directions that lead nowhere: tag -> +1 (up), -1 (down)."""

    ways: Mapping[str, int]

    def box(self, tag: str, request: PlanRequest) -> tuple[float, float]:
        """The limits of an MV without its blocked direction."""
        low, high = request.limits[tag]
        applied, way = request.applied[tag], self.ways.get(tag, 0)
        if way > 0:
            high = max(low, min(high, applied))
        elif way < 0:
            low = min(high, max(low, applied))
        return low, high

    def words(self) -> list[str]:
        """What an operator reads among the binding constraints."""
        return [f"{tag} {'high' if way > 0 else 'low'} WDUP" for tag, way in self.ways.items()]


class Downstream:
    """Compares what was asked with what the PLC confirmed a cycle later."""

    def __init__(self) -> None:
        """Begin with everything free."""
        self._asked: dict[str, float] = {}
        self._behind: dict[str, int] = {}  # signed count of cycles
        self._rest: dict[str, int] = {}  # signed cycles for which a way is still blocked
        self._before: Mapping[str, float] = {}  # what was applied when it was asked
        self._wrong: dict[str, int] = {}  # moves the wrong way, net of those the right way

    @property
    def astray(self) -> list[str]:
        """MVs that move the other way than they are asked."""
        return [tag for tag, count in self._wrong.items() if count >= ASTRAY]

    def asked(self, setpoints: Mapping[str, float]) -> None:
        """Remember what was proposed this cycle."""
        self._asked = dict(setpoints)

    def update(self, request: PlanRequest) -> Blocked:
        """Take one cycle's read-back in; what does not act on the plant (HOLD) says nothing."""
        if not request.closed:
            self._asked, self._behind, self._rest, self._wrong = {}, {}, {}, {}
        self._note_ways(request)
        for tag, way in list(self._rest.items()):
            left = way - (1 if way > 0 else -1)
            self._rest[tag] = left
            if left == 0:
                del self._rest[tag]
        behind: dict[str, int] = {}
        for tag, wish in self._asked.items():
            gap = wish - request.applied.get(tag, wish)
            way = 0
            if abs(gap) > ROUNDING * request.max_step.get(tag, 0.0):  # false where it is no number
                way = 1 if gap > 0.0 else -1
            count = self._behind.get(tag, 0)
            behind[tag] = count + way if way * count >= 0 and way != 0 else way
            if abs(behind[tag]) >= NOTICED:
                self._rest[tag] = way * PATIENCE
                behind[tag] = 0
        self._behind = behind
        return Blocked({tag: 1 if way > 0 else -1 for tag, way in self._rest.items()})

    def _note_ways(self, request: PlanRequest) -> None:
        """Count which MVs moved the way they were asked, and which the other way.

        Less than half of what counts as rounding is no way: a setpoint has a grain.
        """
        for tag, wish in self._asked.items():
            was = self._before.get(tag, wish)
            wanted, moved = wish - was, request.applied.get(tag, was) - was
            if min(abs(wanted), abs(moved)) > 0.5 * ROUNDING * request.max_step.get(tag, 0.0):
                step = 1 if wanted * moved < 0.0 else -1
                self._wrong[tag] = max(0, self._wrong.get(tag, 0) + step)
        self._before = request.applied
