"""Says what an optimum means: predicted courses, what holds it back, what was given up."""

from __future__ import annotations

import math

import numpy as np

from controller.estimate import Estimate
from controller.plan import Trajectory
from controller.problem import UNIT_SHARE, Answer, Question, Shape, SoftLimit

TOUCHING = 1.0e-3
"""This near to a limit, in scales, counts as held by it."""


def echo(answer: Answer) -> dict[str, tuple[float, float]]:
    """The MV limits as the solver held them; one that is not finite is left out."""
    pairs = answer.echo.items()
    return {tag: pair for tag, pair in pairs if all(math.isfinite(side) for side in pair)}


def courses(
    shape: Shape, now_s: float, estimate: Estimate, answer: Answer
) -> dict[str, Trajectory]:
    """Courses of all CVs and MVs on engine time, a CV as its instrument will show it."""
    if answer.outputs is None or answer.inputs is None:
        return {}
    ends = [now_s + shape.period_s * (k + 1) for k in range(shape.horizon)]
    found: dict[str, Trajectory] = {}
    for i, tag in enumerate(shape.cvs):
        times, values = ends, [float(value) for value in answer.outputs[:, i]]
        if tag in estimate.underway:
            late = estimate.underway[tag]
            times = [*late.times_s, *(end + late.delay_s for end in ends)]
            values = [*late.values, *values]
        found[tag] = Trajectory(times, values)
    for i, tag in enumerate(shape.mvs):
        starts = [now_s, *ends[:-1]]
        found[tag] = Trajectory(starts, [float(value) for value in answer.inputs[:, i]])
    return found


def binding(shape: Shape, question: Question, answer: Answer) -> list[str]:
    """The constraints that hold the first move or the course of a CV back."""
    if answer.inputs is None:
        return []
    words: list[str] = []
    for i, tag in enumerate(shape.mvs):
        aim, near = question.mvs[tag], TOUCHING * shape.model.scales[tag] * UNIT_SHARE
        first = float(answer.inputs[0, i])
        if first >= aim.high - near:
            words.append(f"{tag} high")
        elif first <= aim.low + near:
            words.append(f"{tag} low")
        if abs(first - aim.applied) >= aim.max_step - near:
            words.append(f"{tag} rate")
    touched = [limit for limit in shape.limits if _touches(shape, question, answer, limit)]
    return [*words, *(f"{limit.tag} {limit.side}" for limit in touched)]


def gave_up(shape: Shape, question: Question, answer: Answer) -> list[tuple[str, float]]:
    """Soft limits given up and by how much, the least important first."""
    given = [
        (limit, excess)
        for limit, excess in answer.slack.items()
        if excess > TOUCHING * shape.model.scales[limit.tag]
    ]
    given.sort(key=lambda pair: -question.cvs[pair[0].tag].rank)
    return [(f"{limit.tag} {limit.side}", excess) for limit, excess in given]


def _touches(shape: Shape, question: Question, answer: Answer, limit: SoftLimit) -> bool:
    """Whether a course runs along a soft limit, or beyond it, anywhere."""
    if answer.outputs is None:
        return False
    y = answer.outputs[:, shape.cvs.index(limit.tag)]
    aim, near = question.cvs[limit.tag], TOUCHING * shape.model.scales[limit.tag]
    if limit.side == "low":
        return aim.low is not None and bool(np.min(y) <= aim.low + near)
    return aim.high is not None and bool(np.max(y) >= aim.high - near)
