"""What the product and the machine must not do, for judging a run: limits on what really is.

Written down from the process design by hand, in SI, like the judge's table: if somebody widens a
limit in the configuration, this table does not follow. 'Soft' is where good practice ends and
'hard' where the design alarms or the product is lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

BAR, PPM, ZERO_C_K = 1e5, 1e-6, 273.15


@dataclass(frozen=True, slots=True)
class Constraint:
    """One quantity of the truth and its four limits; a side without a limit is infinite."""

    name: str
    truth: str
    soft: tuple[float, float]
    hard: tuple[float, float]


def _below(name: str, truth: str, soft: float, hard: float) -> Constraint:
    return Constraint(name, truth, (-math.inf, soft), (-math.inf, hard))


CONSTRAINTS: Mapping[str, tuple[Constraint, ...]] = {
    "coating": (
        Constraint("window", "coater.film_to_gap", (0.65, 0.95), (0.60, 1.00)),
        _below("pressure", "coater.die_pressure", 10.0 * BAR, 12.0 * BAR),
        _below("residual", "coater.residual_solvent", 1000.0 * PPM, 5000.0 * PPM),
        _below("web_temp", "coater.web_temp", ZERO_C_K + 85.0, ZERO_C_K + 94.0),
        _below("lel", "coater.lel", 0.35, 0.45),
    ),
    "profile": (),
    "mixing": (
        Constraint(
            "batch_temp",
            "mixer.temp_true",
            (ZERO_C_K + 24.0, ZERO_C_K + 26.0),
            (-math.inf, ZERO_C_K + 35.0),
        ),
        _below("torque", "mixer.torque_true", 400.0, 500.0),
        _below("solvent", "mixer.solvent_total_true", 25.0, 30.0),
    ),
}
"""t/H, die pressure (alarm, trip), residual solvent (internal, ICH Q3C), product temperature (rule,
melting of the drug), explosive limit (alarm, trip); release window of the batch's temperature and
its alarm, torque (80 %, 100 % of full scale), trim solvent (registered, the PLC's own cap)."""


@dataclass(frozen=True, slots=True)
class Outside:
    """How long [s] a series was outside its soft and hard limits, and how often it went hard."""

    soft_s: float
    hard_s: float
    breaches: int


def outside(constraint: Constraint, values: Sequence[float], sample_s: float) -> Outside:
    """Judge a series of equal samples; a value that is no number counts as outside everything."""
    soft = [not _within(value, constraint.soft) for value in values]
    hard = [not _within(value, constraint.hard) for value in values]
    entered = sum(now and not before for before, now in zip([False, *hard], hard, strict=False))
    return Outside(sample_s * sum(soft), sample_s * sum(hard), entered)


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]
