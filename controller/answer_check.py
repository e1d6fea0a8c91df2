"""Checks a solver's answer without trusting the solver, and turns it into engineering units.

Success flags have been seen together with NaN, with violated bounds and with wrong answers. So the
moves are taken, the model is run forward with them once more, and only what agrees is passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.problem import UNIT_SHARE, Answer, Question, Shape, SoftLimit
from plant_models.control_model import Expression, Vector

MAX_RESIDUAL = 1e-5  # scaled mismatch between the answer's states and the model run forward
MAX_PRICE = 1e-6  # difference of cost, as a share of 1 + cost
PROJECTION = 1e-6  # overshoot of a bound, as a share of the MV's scale, that is cut off silently


@dataclass(frozen=True, slots=True)
class Maps:
    """The model a solver worked with, as two functions over the whole horizon."""

    course: Expression  # (x, N columns of u, N columns of p) -> N columns of x
    look: Expression  # (N columns of x, u, p) -> N columns of outputs


@dataclass(frozen=True, slots=True)
class Told:
    """What a solver says: N moves and N states (SI), its verdict, and the MV limits it got."""

    moves: Vector
    states: Vector
    cost: float
    status: str
    success: bool
    iterations: int
    echo: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Replay:
    """What comes of a solver's moves, cut to the limits and run through the model once more.

    `overshoot` is the worst cut in scales, `residual` the worst difference from the states told (in
    tenths of scale, infinite where a number is none), `cost` the plan's price or None.
    """

    inputs: Vector
    states: Vector
    outputs: Vector
    excess: Mapping[SoftLimit, float]
    overshoot: float
    residual: float
    cost: float | None = None


def judge_answer(shape: Shape, maps: Maps, question: Question, told: Told) -> Answer:
    """Return what is left of a solver's answer after checking it."""
    if why := hopeless(told):
        return refused(told, why)
    inputs, overshoot = confine(shape, question, told.moves)
    states = run_forward(maps, question, inputs)
    unit = UNIT_SHARE * shape.model.scale_vector(shape.model.states)
    miss = np.abs(told.states - states[1:]) / unit
    residual = float(np.max(miss)) if np.all(np.isfinite(miss)) else float("inf")
    outputs = outputs_of(shape, maps, question, states, inputs)
    over = excess(shape, question, outputs)
    return believed(shape, told, Replay(inputs, states, outputs, over, overshoot, residual))


def hopeless(told: Told) -> str:
    """Why an answer need not be looked at, or ''."""
    numbers = (told.moves, told.states, told.cost)
    if not all(bool(np.isfinite(part).all()) for part in numbers):
        return f"refused: not a finite answer ({told.status})"
    return "" if told.success else f"no answer: {told.status}"


def refused(told: Told, why: str, residual: float = float("nan")) -> Answer:
    """An answer without moves."""
    return Answer(why, None, told.iterations, residual, told.cost, echo=told.echo)


def believed(shape: Shape, told: Told, replay: Replay) -> Answer:
    """The replay as an answer, or a refusal where it differs from what was told."""
    residual, overshoot = replay.residual, replay.overshoot
    if not overshoot <= PROJECTION:
        why = f"refused: a limit was overshot by {overshoot:.1e} of its scale"
        return refused(told, why, residual)
    if not residual <= MAX_RESIDUAL:
        why = f"refused: states miss the model by {residual:.1e} (scaled)"
        return refused(told, why, residual)
    if replay.cost is not None and not abs(replay.cost - told.cost) <= MAX_PRICE * (
        1.0 + abs(replay.cost)
    ):
        why = f"refused: the plan costs {replay.cost:.6g}, not {told.cost:.6g}"
        return refused(told, why, residual)
    return Answer(
        "optimal",
        dict(zip(shape.mvs, replay.inputs[0].tolist(), strict=True)),
        told.iterations,
        residual,
        told.cost,
        replay.inputs,
        replay.states,
        replay.outputs,
        replay.excess,
        told.echo,
    )


def confine(shape: Shape, question: Question, moves: Vector) -> tuple[Vector, float]:
    """Add up `moves` from the applied positions inside every limit.

    Returns:
        The positions (N rows), and how far the worst of them had to be cut, in scales.
    """
    columns: list[list[float]] = []
    overshoot = 0.0
    for i, tag in enumerate(shape.mvs):  # plain numbers: a few of them are faster than arrays
        mv, scale = question.mvs[tag], shape.model.scales[tag]
        low, high, step, position = mv.low, mv.high, max(0.0, mv.max_step), mv.applied
        column: list[float] = []
        for move in moves[:, i].tolist():
            floor = max(position - step, min(low, position + step))
            ceiling = min(position + step, max(high, position - step))
            wanted = position + move
            position = min(max(wanted, floor), ceiling)
            overshoot = max(overshoot, abs(wanted - position) / scale)
            column.append(position)
        columns.append(column)
    return np.array(columns).T, overshoot


def run_forward(maps: Maps, question: Question, inputs: Vector) -> Vector:
    """N+1 states of the model from the question's own state under `inputs`."""
    ahead = maps.course(question.x0, inputs.T, question.disturbances[:-1].T)
    return np.vstack([question.x0, np.asarray(ahead, dtype=float).T])


def outputs_of(
    shape: Shape, maps: Maps, question: Question, states: Vector, inputs: Vector
) -> Vector:
    """The CVs at the end of each step, biases included."""
    every = maps.look(states[1:].T, inputs.T, question.disturbances[1:].T)
    columns = [shape.model.outputs.index(tag) for tag in shape.cvs]
    bias = np.array([question.cvs[tag].bias for tag in shape.cvs])
    biased: Vector = np.asarray(every, dtype=float).T[:, columns] + bias
    return biased


def excess(shape: Shape, question: Question, outputs: Vector) -> dict[SoftLimit, float]:
    """The largest excess over each soft limit along the horizon (0 where it is kept)."""
    found: dict[SoftLimit, float] = {}
    for limit in shape.limits:
        aim, y = question.cvs[limit.tag], outputs[:, shape.cvs.index(limit.tag)]
        if limit.side == "low":
            worst = 0.0 if aim.low is None else float(np.max(aim.low - y))
        else:
            worst = 0.0 if aim.high is None else float(np.max(y - aim.high))
        found[limit] = max(0.0, worst)
    return found
