"""Readings as a controller meets them: some absent, none to be trusted to be a number."""

from __future__ import annotations

import math
from collections.abc import Mapping

from controller.plan import PlanRequest


def number(values: Mapping[str, float | int | bool | str], tag: str, otherwise: float) -> float:
    """The reading of `tag` as a finite number, or `otherwise`."""
    value = values.get(tag)
    if isinstance(value, str) or value is None or not math.isfinite(value):
        return otherwise
    return float(value)


def boxed(request: PlanRequest, tag: str) -> bool:
    """Whether read-back, limits (in order) and largest step of an MV are all there."""
    low, high = request.limits.get(tag, (math.nan, math.nan))
    numbers = (request.applied.get(tag, math.nan), low, high, request.max_step.get(tag, math.nan))
    return all(math.isfinite(value) for value in numbers) and low <= high


class BadCount:
    """Counts how long a measurement has been missing: predicted for a while, then dropped."""

    def __init__(self, patience: int, then: str = "dropped") -> None:
        """`patience` cycles without a good reading are bridged by prediction, `then` it is ..."""
        self._patience = patience
        self._then = then
        self.missing = 0

    def note(self, *, good: bool) -> None:
        """Take one cycle's reading into account."""
        self.missing = 0 if good else self.missing + 1

    @property
    def dropped(self) -> bool:
        """Whether the measurement has been missing for longer than prediction is trusted."""
        return self.missing > self._patience

    @property
    def text(self) -> str:
        """What an operator reads, or '' when the reading is good."""
        if self.missing == 0:
            return ""
        cycles = f"no good reading for {self.missing} cycle{'s' if self.missing > 1 else ''}"
        return f"{cycles}, {self._then}" if self.dropped else f"{cycles}, predicted"
