"""The beat of a loop: absolute deadlines on engine time, never a burst.

Beat k of a loop is due at `start + k * period`, whatever happened to the beats before. A cycle that
runs past one or more beats loses them: they are counted as slips and recorded, and the next beat is
the next one of the same grid. Nothing is queued or caught up, and nothing drifts (REC-11, F42).
"""

from __future__ import annotations

import math


class Metronome:
    """The grid of one loop's beats [engine seconds]."""

    def __init__(self, period_s: float, start_s: float) -> None:
        if not (math.isfinite(period_s) and period_s > 0.0 and math.isfinite(start_s)):
            raise ValueError(f"no beat can come every {period_s!r} s from {start_s!r} s on")
        self.period_s = period_s
        self.start_s = start_s
        self.beat = 0
        self.slips = 0

    @property
    def due_s(self) -> float:
        """Return when the present beat is due."""
        return self.start_s + self.beat * self.period_s

    def next(self, now_s: float) -> int:
        """Move on to the first beat after `now_s`; return how many were lost on the way.

        The beat right after the present one is lost as soon as its time has come: a cycle that
        took a whole period has cost its successor, which would read the plant late.
        """
        following = max(self.beat + 1, math.floor((now_s - self.start_s) / self.period_s) + 1)
        lost = following - (self.beat + 1)
        self.beat = following
        self.slips += lost
        return lost
