"""Learns the unknown gain of the coat weight from surprises at the gauge.

symbol  meaning                                                             unit
d       ln gain on the coat weight                                          1
P       how uncertain d is, in variances of one reading                     1
L       share of a surprise that is believed: P / (1 + P), inside bounds    1
"""

from __future__ import annotations

from collections.abc import Mapping


class GainFilter:
    """A scalar Kalman filter whose steady gain is `gauge.gain`.

    While nothing is read the doubt grows, so the readings after an outage count for more. One
    surprise beyond `gauge.doubt` is not believed before it has repeated itself.
    """

    def __init__(self, settings: Mapping[str, float]) -> None:
        """Read the settings under 'gauge.'."""
        self._s = settings
        self._steady = settings["gauge.gain"]
        self._odd = 0
        self._doubt = 1.0
        self.anchored = False
        self.value = 0.0

    def wait(self) -> None:
        """Let one cycle pass."""
        self._doubt += self._steady**2 / (1.0 - self._steady)

    def presume(self, value: float) -> None:
        """Take a value for want of a reading; the first reading replaces it."""
        if not self.anchored:
            self.value = value

    def read(self, told: float, *, new_batch: bool) -> str:
        """Take one reading of d in; returns what an operator should know, or ''."""
        surprise = told - self.value
        if not self.anchored:
            self.value, self.anchored, self._doubt = told, True, 1.0
            return ""
        self._odd = self._odd + 1 if abs(surprise) > self._s["gauge.doubt"] else 0
        if 0 < self._odd < self._s["gauge.repeats"]:
            return f"{surprise:+.1%} off the prediction, waiting for another"
        least = self._s["gauge.gain_after_batch"] if new_batch else self._steady
        most = self._s["gauge.gain_most"]
        share = max(least, min(self._doubt / (1.0 + self._doubt), most))
        self.value += share * surprise
        self._doubt *= 1.0 - share
        return ""
