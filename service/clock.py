"""Engine time: monotonic seconds times the bench speed, and the sleep that belongs to it.

All control time is engine time, and it is an argument everywhere but here. In a plant the speed
is 1. On the bench the engine, the virtual PLCs and the plant run, say, forty times faster with one
number; periods, ages, rates and watchdogs are then all in plant seconds and scale together.
Control never looks at the wall clock, so a step of it cannot move a cycle (REC-11).
"""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class EngineClock(Protocol):
    """What the loops need of a clock."""

    def now_s(self) -> float:
        """Return engine time [s]; it never goes back."""
        ...

    def wall_s(self, engine_seconds: float) -> float:
        """Return how many seconds of a wall clock `engine_seconds` take."""
        ...

    def utc(self) -> str:
        """Return the calendar time for people and records, never for control."""
        ...

    def busy_s(self) -> float:
        """Return the processor time [s] that this thread has used, for figures."""
        ...

    async def sleep_until(self, t_s: float) -> None:
        """Return when engine time has reached `t_s`, at once when it is past."""
        ...


class Clock:
    """The real clock, `speed` times as fast as the world's."""

    def __init__(self, speed: float = 1.0) -> None:
        if not (math.isfinite(speed) and speed > 0.0):
            raise ValueError(f"a clock's speed must be a positive number, not {speed!r}")
        self.speed = speed

    def now_s(self) -> float:
        """Return engine time [s]."""
        return time.monotonic() * self.speed

    def wall_s(self, engine_seconds: float) -> float:
        """Return the wall seconds that `engine_seconds` take."""
        return engine_seconds / self.speed

    def utc(self) -> str:
        """Return now in UTC, ISO 8601 with milliseconds."""
        return utc_text(datetime.now(UTC))

    def busy_s(self) -> float:
        """Return the processor time [s] that this thread has used: the world's, at any speed."""
        return time.thread_time()

    async def sleep_until(self, t_s: float) -> None:
        """Sleep until engine time `t_s`; gives way to other tasks even when it is past."""
        await asyncio.sleep(max(0.0, self.wall_s(t_s - self.now_s())))


class ManualClock:
    """A clock that moves only when told: for simulation and tests, so that runs repeat exactly."""

    def __init__(self, start_s: float = 0.0, utc_start: datetime | None = None) -> None:
        self._now_s = start_s
        self._start_s = start_s
        self._utc_start = utc_start or datetime(2026, 1, 1, tzinfo=UTC)

    def now_s(self) -> float:
        """Return engine time [s]."""
        return self._now_s

    def set_s(self, t_s: float) -> None:
        """Move on to `t_s`; a clock that went back would be a bug in the test."""
        if t_s < self._now_s:
            raise ValueError(f"time cannot go back from {self._now_s} s to {t_s} s")
        self._now_s = t_s

    def wall_s(self, engine_seconds: float) -> float:
        """Return `engine_seconds`: nothing here is faster than anything else."""
        return engine_seconds

    def utc(self) -> str:
        """Return the calendar time that belongs to engine time."""
        return utc_text(self._utc_start + timedelta(seconds=self._now_s - self._start_s))

    def busy_s(self) -> float:
        """Return 0: what a processor takes would be another figure in every run."""
        return 0.0

    async def sleep_until(self, t_s: float) -> None:
        """Jump to `t_s`."""
        self.set_s(max(t_s, self._now_s))
        await asyncio.sleep(0)


def utc_text(moment: datetime) -> str:
    """Return `moment` as the records spell it: 2026-11-22T22:31:05.123Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
