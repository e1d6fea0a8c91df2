"""Figures every benchmark tells in the same way: spreads of times, and what was asked of them."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

QUANTILES: Mapping[str, float] = {"median": 0.5, "p99": 0.99, "p99_9": 0.999, "max": 1.0}
"""The columns of a table of times; a p99.9 of less than a thousand times is near the maximum."""


def spread(times: Sequence[float]) -> dict[str, float]:
    """Median, p99, p99.9 and maximum of `times`, in their own unit."""
    return {name: float(np.quantile(times, share)) for name, share in QUANTILES.items()}


class Stopwatch:
    """Collects laps in milliseconds, on the wall's clock and on this process's processor.

    On a busy machine only the second means much, and anywhere only ratios within one run do.
    """

    def __init__(self) -> None:
        """Start with no laps."""
        self.wall_ms: list[float] = []
        self.cpu_ms: list[float] = []

    def __enter__(self) -> Stopwatch:
        """Begin a lap."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        """End the lap."""
        cpu, wall = time.process_time(), time.perf_counter()
        self.cpu_ms.append(1000.0 * (cpu - self._cpu))
        self.wall_ms.append(1000.0 * (wall - self._wall))

    def told(self, leave_out: int = 0) -> dict[str, dict[str, float]]:
        """Both spreads, without the first `leave_out` laps (a cold start is told apart)."""
        return {
            "wall_ms": spread(self.wall_ms[leave_out:]),
            "cpu_ms": spread(self.cpu_ms[leave_out:]),
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line of acceptance: what was measured, and the limit it was held against."""

    what: str
    measured: float
    relation: Literal[">=", "<="]
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the measured number keeps the limit; no number never does."""
        if not math.isfinite(self.measured):
            return False
        return self.measured >= self.limit if self.relation == ">=" else self.measured <= self.limit

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain data."""
        return {**asdict(self), "passed": self.passed}
