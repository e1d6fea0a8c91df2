"""How good the loop across the web was: the profile as it really was, and what the bolts did.

symbol   meaning                                                              unit
sigma    standard deviation across the scanned width of local over mean       1
2 sigma  twice its root mean square over time: what a release looks at        %
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hil import kpi
from hil.figures import Course
from hil.judge import judge_rows

UM = 1.0e-6
MEAN_OVER_S = 120.0  # ribs and bubbles are no profile


def profile_figures(
    course: Course, rows: Sequence[Mapping[str, Any]], gate_actions: Mapping[str, int]
) -> dict[str, Any]:
    """Return the figures; `rows` are the lip's rows of the PLC's write log."""
    scenario, trace = course.scenario, course.trace
    t, sigma = trace["time_s"], trace["profile.cv"]
    scored = kpi.inside(t, [(scenario.settle_s, scenario.duration_s + 1.0)])
    band = scenario.band_percent["profile"] / 100.0
    verdict = judge_rows(rows)
    calm = kpi.smoothed(t, sigma, MEAN_OVER_S)
    metres = kpi.steps(trace["web_m"])
    hours = (scenario.duration_s - scenario.settle_s) / 3600.0
    tags = sorted(course.ranges, key=lambda tag: int(tag.partition("bolt")[2].split("_")[0]))
    lips = [[trace[tag][i] / UM for tag in tags] for i in range(len(t))]
    travels = [kpi.travel([lips[i][bolt] for i in scored]) for bolt in range(len(tags))]
    figures: dict[str, Any] = {
        "sigma_percent": 100.0 * _rms([sigma[i] for i in scored]),
        "cd_two_sigma_percent": 200.0 * _rms([sigma[i] for i in scored]),
        "cd_worst_percent": 200.0 * max((calm[i] for i in scored), default=math.nan),
        "off_spec_m": kpi.off_spec(
            [metres[i] for i in scored], [2.0 * sigma[i] for i in scored], band
        ),
        "half_time_s": _half_time_s(t, sigma, calm),
        "recovery_s": [],
        "recovery_peak_percent": [],
        "bolt_travel_um_h": kpi.mean(travels) / hours,
        "lip_bending_um": max((_bending(lips[i]) for i in scored), default=0.0),
        "lip_mean_um": max((abs(kpi.mean(lips[i])) for i in scored), default=0.0),
        "setpoint_frames": verdict.frames,
        "limit_breaches": len(verdict.escapes),
        "breaches": verdict.escapes[:5],
        "gate_interventions": sum(n for word, n in gate_actions.items() if word != "ALLOW"),
        "gate_actions": dict(gate_actions),
    }
    return {name: None if value != value else value for name, value in figures.items()}


def _half_time_s(t: Sequence[float], sigma: Sequence[float], calm: Sequence[float]) -> float:
    """When the profile had fallen to half of what it was at first; NaN if it never did."""
    start = kpi.mean([s for at, s in zip(t, sigma, strict=True) if at < MEAN_OVER_S])
    halves = (at for at, s in zip(t, calm, strict=True) if at > MEAN_OVER_S and s < 0.5 * start)
    return next(halves, math.nan)


def _rms(values: Sequence[float]) -> float:
    return math.sqrt(kpi.mean([value * value for value in values]))


def _bending(lip: Sequence[float]) -> float:
    return max(abs(lip[i - 1] - 2.0 * lip[i] + lip[i + 1]) for i in range(1, len(lip) - 1))
