"""The words between a loop controller and an optimiser: one question, one answer, all SI.

A `Shape` is what an optimiser is built for, once. A `Question` is everything that may differ from
cycle to cycle (state, limits, targets, weights, disturbances): none of it needs a rebuild. An
`Answer` without `moves` is bad news and says why in `status`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from plant_models.control_model import ControlModel, Vector

UNIT_SHARE = 0.1
"""Costs count errors, moves and slacks in tenths of a variable's scale."""
RANK_FACTOR = 10.0
"""Each rank is worth this much more than the next one, so the lowest (largest number) yields first.

Rank 1 is given up last: a squared unit of its error costs `weight` x 100, a unit beyond its soft
limits 1000. A limit of rank 2 costs so little in comparison that it moves no target of rank 1.
"""


@dataclass(frozen=True, slots=True)
class SoftLimit:
    """One side of a CV's range; `side` is 'low' or 'high'."""

    tag: str
    side: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What an optimiser is built for: model, step, horizon, and which CVs have which soft limits.

    `cvs` are outputs of the model, `limits` the soft limits that exist; the MVs are the model's
    inputs.
    """

    model: ControlModel
    period_s: float
    horizon: int
    cvs: tuple[str, ...]
    limits: tuple[SoftLimit, ...]

    @property
    def mvs(self) -> tuple[str, ...]:
        """The manipulated variables: the model's inputs."""
        return self.model.inputs


@dataclass(frozen=True, slots=True)
class CvAim:
    """What one CV shall do: follow `reference` (one value a step, None: not tracked), stay inside.

    `bias` is added to the model's output. `weight` prices a squared error, in units of
    0.1 CV scales; `rank` says what yields to what (1 yields last).
    """

    reference: Vector | None
    low: float | None
    high: float | None
    weight: float
    rank: int
    bias: float = 0.0


@dataclass(frozen=True, slots=True)
class MvAim:
    """The box of one MV, counted from what the PLC confirmed as `applied`.

    `move_weight` and `rest_weight` price squared moves and squared distance from `rest`, in
    units of 0.1 MV scales.
    """

    applied: float
    low: float
    high: float
    max_step: float
    move_weight: float
    rest: float
    rest_weight: float


@dataclass(frozen=True, slots=True)
class Question:
    """One cycle: `x0` is the estimated state, `disturbances` has a row for each of N+1 instants."""

    x0: Vector
    disturbances: Vector
    cvs: Mapping[str, CvAim]
    mvs: Mapping[str, MvAim]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the optimiser found, after a check that does not trust it.

    `moves` is the first setpoint of each MV, or None. `inputs` has N rows (one a step), `states`
    N+1, `outputs` N (end of each step, bias included, columns as `Shape.cvs`); `slack` is the
    largest excess over each soft limit (SI). `echo` is read back from the bounds the solver got.
    `notes` say in words what is unusual.
    """

    status: str
    moves: Mapping[str, float] | None
    iterations: int = 0
    residual: float = float("nan")
    cost: float = float("nan")
    inputs: Vector | None = None
    states: Vector | None = None
    outputs: Vector | None = None
    slack: Mapping[SoftLimit, float] = field(default_factory=dict)
    echo: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Optimizer(Protocol):
    """Solves one cycle's problem. Deterministic: bounded by iterations, never by a clock."""

    @property
    def shape(self) -> Shape:
        """What it was built for."""
        ...

    def solve(self, question: Question) -> Answer:
        """Answer one question; never raises for numbers it cannot digest."""
        ...

    def forget(self) -> None:
        """Drop every warm start."""
        ...


def tracking_price(weight: float, rank: int) -> float:
    """The price of a squared unit of error of a CV of `rank`."""
    return weight * 100.0 * RANK_FACTOR ** (1 - rank)


def slack_price(rank: int) -> float:
    """The price of one unit beyond a soft limit of `rank`: far apart, so ranks do not trade."""
    return 1000.0 if rank <= 1 else 20.0 * RANK_FACTOR ** (1 - rank)
