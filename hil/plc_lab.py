"""How the PLC reads its viscometer: corrected to 25 C and set against the last lab sample.

A resonator shears at a rate of its own, fouls and is commissioned on one mass only; the factor
between it and the laboratory is learnt from each lab result, at the time its sample was taken.

symbol   meaning                                    unit
eta25    viscosity corrected to 25 C                Pa s
"""

from __future__ import annotations

import math
from collections import deque

from hil.plc_program import Words, number

ACTIVATION_OVER_R_K = 35_000.0 / 8.314
MEMORY_S = 3600.0
FILTER_S = 60.0
FACTOR_AS_COMMISSIONED = 1.0
FACTOR_LOW, FACTOR_HIGH = 0.6, 1.6
TRUST_IN_ONE_SAMPLE = 0.5  # a lab result has its own error of some percent


class LabCorrection:
    """Learns the factor from lab results, the first one fully, later ones by half."""

    def __init__(self) -> None:
        self.factor = FACTOR_AS_COMMISSIONED
        self._trust = 1.0
        self._seen = 0
        self._past: deque[tuple[float, float]] = deque()
        self._now_s = 0.0
        self._smooth = math.nan

    def scan(self, dt_s: float, field: Words, *, learn: bool) -> float:
        """Take this scan's readings; return eta25 [Pa s], filtered, as the lab would find it."""
        self._now_s += dt_s
        temp = number(field, "mixer.temp")
        shift = ACTIVATION_OVER_R_K * (1.0 / temp - 1.0 / 298.15)
        shown = number(field, "mixer.viscosity") * math.exp(-shift)
        if not (math.isfinite(shown) and shown > 0.0):
            return math.nan
        weight = 1.0 if math.isnan(self._smooth) else min(dt_s / FILTER_S, 1.0)
        self._smooth = weight * shown + (1.0 - weight) * (0.0 if weight == 1.0 else self._smooth)
        self._past.append((self._now_s, self._smooth))
        while self._past[0][0] < self._now_s - MEMORY_S:
            self._past.popleft()
        self._learn(field, learn=learn)
        return self._smooth * self.factor

    def _learn(self, field: Words, *, learn: bool) -> None:
        sample = int(number(field, "mixer.lab_number", 0.0))
        found = number(field, "mixer.lab_viscosity")
        if sample <= self._seen or not found > 0.0:
            return
        self._seen = sample
        if not learn:
            return
        taken_s = self._now_s - number(field, "mixer.lab_age", 0.0)
        then = next((value for at_s, value in self._past if at_s >= taken_s), self._smooth)
        factor = min(max(found / then, FACTOR_LOW), FACTOR_HIGH)
        self.factor += self._trust * (factor - self.factor)
        self._trust = TRUST_IN_ONE_SAMPLE
