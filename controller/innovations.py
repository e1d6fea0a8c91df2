"""Whether a filter's surprises are what it expects of them: their size, and whether they repeat.

A filter that fits has surprises e of the size it expects (its spread S) and no memory in them: the
mean of e^2/S^2 is one (Bar-Shalom, Li & Kirubarajan 2001, section 5.4) and their correlation from
one cycle to the next is zero. Both are running means over about `SPAN` readings.
"""

from __future__ import annotations

SPAN = 50.0


class Innovations:
    """Running statistics of normalised surprises (e/S), per channel and of all together."""

    def __init__(self) -> None:
        """Start with what a filter that fits would show."""
        self._last: dict[str, float] = {}
        self._square: dict[str, float] = {}
        self._product: dict[str, float] = {}

    def note(self, channel: str, surprise: float) -> None:
        """Take one surprise in, over its expected spread."""
        share = 1.0 / SPAN
        square = self._square.get(channel, 1.0)
        self._square[channel] = square + share * (surprise**2 - square)
        product = self._product.get(channel, 0.0)
        before = self._last.get(channel, 0.0)
        self._product[channel] = product + share * (surprise * before - product)
        self._last[channel] = surprise

    def told(self) -> dict[str, float]:
        """Mean squared surprise (one fits) and correlation between neighbours (zero fits).

        Before anything was compared they are what a filter that fits would show.
        """
        if not self._square:
            return {"innovation.nis": 1.0, "innovation.whiteness": 0.0}
        worst = max(
            (self._product[name] / max(self._square[name], 1e-12) for name in self._square),
            key=abs,
        )
        return {
            "innovation.nis": sum(self._square.values()) / len(self._square),
            "innovation.whiteness": worst,
        }
