"""Whether a filter's surprises are what it expects of them: their size, and whether they repeat.

A filter that fits has surprises e of the size it expects (its spread S) and no memory in them: the
mean of e^2/S^2 is one (Bar-Shalom, Li & Kirubarajan 2001, section 5.4) and their correlation from
one cycle to the next is zero. Both are running means over about `SPAN` readings. A filter that
believes a jump is soon not surprised any more: the mean over `SHORT` readings still tells of it.
"""

from __future__ import annotations

from collections.abc import Mapping

SPAN = 50.0
SHORT = 5.0


class Innovations:
    """Running statistics of normalised surprises (e/S), per channel and of all together."""

    def __init__(self) -> None:
        """Start with what a filter that fits would show."""
        self._of: dict[str, tuple[float, float, float]] = {}  # the last, its square, its product
        self._short: dict[str, float] = {}

    def note(self, channel: str, surprise: float) -> None:
        """Take one surprise in, over its expected spread."""
        last, square, product = self._of.get(channel, (0.0, 1.0, 0.0))
        square += (surprise * surprise - square) / SPAN
        product += (surprise * last - product) / SPAN
        self._of[channel] = surprise, square, product
        short = self._short.get(channel, 1.0)
        self._short[channel] = short + (surprise * surprise - short) / SHORT

    def told(self) -> dict[str, float]:
        """Mean squared surprise (one fits) and correlation between neighbours (zero fits).

        `innovation.shock` is the largest of any channel's short mean. Before anything was compared
        they are what a filter that fits would show.
        """
        if not self._of:
            return {"innovation.nis": 1.0, "innovation.shock": 1.0, "innovation.whiteness": 0.0}
        total = worst = 0.0
        for _, square, product in self._of.values():
            total += square
            correlation = product / max(square, 1e-12)
            if abs(correlation) > abs(worst):
                worst = correlation
        return {
            "innovation.nis": total / len(self._of),
            "innovation.shock": max(self._short.values()),
            "innovation.whiteness": worst,
        }


def surprise_of(shown: Mapping[str, float]) -> float | None:
    """What the gate is told: the larger of the long mean and the short one; None: no filter."""
    told = [shown[name] for name in ("innovation.nis", "innovation.shock") if name in shown]
    return max(told) if told else None
