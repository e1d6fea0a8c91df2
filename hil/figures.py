"""From the course of a run to its figures: how good one loop was, from what really was.

symbol   meaning                                                       unit
e        (true value - target) / target, without bare web              1
band     half width of the release band                                1
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil import kpi
from hil.constraints import CONSTRAINTS, outside
from hil.end_point import end_point_min
from hil.harris import harris_index, random_walk_floor
from hil.judge import judge_rows
from hil.scenario import Scenario

SMOOTHING_S = 60.0  # a recovery is judged on the mean of a minute, not on a pump's pulse
SETTLED_AFTER_EVENT_S = 1500.0  # ten dead times at 10 m/min
BARE = 0.1  # of the target: less than that is bare web, which is scrap but no coat weight
BARE_EDGE = 3  # samples either side of bare web that show a cell coated in part
BATCH_END_S = 600.0  # a batch's viscosity is its mean over the last ten minutes


@dataclass(frozen=True, slots=True)
class Course:
    """What one loop did in a run: equal samples by name (SI), and what it is judged by.

    `ranges` are the operating ranges of its setpoints, `delay_m` the web from die to gauge, `drift`
    and `drift_seen` the random walks of the coat weight that no instrument and that the solids
    meter sees before the die [1/s^0.5].
    """

    loop: str
    scenario: Scenario
    trace: Mapping[str, Sequence[float]]
    ranges: Mapping[str, tuple[float, float]]
    period_s: float
    delay_m: float
    drift: float
    drift_seen: float

    @property
    def sample_s(self) -> float:
        """Time between two samples [s]."""
        return self.trace["time_s"][1] - self.trace["time_s"][0]


def loop_figures(
    course: Course, rows: Sequence[Mapping[str, Any]], gate_actions: Mapping[str, int]
) -> dict[str, Any]:
    """Return the figures; `rows` are the loop's rows of the PLC's write log.

    A figure that cannot be told (never settled, never on spec, too short) is None.
    """
    verdict = judge_rows(rows)
    figures = {
        **_errors(course),
        **_off_spec(course),
        **(_coating(course) if course.loop == "coating" else _mixing(course)),
        **_constraints(course),
        **{f"travel {tag}": _travel(course, tag) for tag in course.ranges},
        "setpoint_frames": verdict.frames,
        "limit_breaches": len(verdict.escapes),
        "breaches": verdict.escapes[:5],
        "gate_interventions": sum(n for word, n in gate_actions.items() if word != "ALLOW"),
        "gate_actions": dict(gate_actions),
    }
    return {name: None if value != value else value for name, value in figures.items()}


def _relative(course: Course) -> list[float]:
    cv, target = course.trace[f"{course.loop}.cv"], course.trace[f"{course.loop}.target"]
    return [value / wanted - 1.0 for value, wanted in zip(cv, target, strict=True)]


def _coated(course: Course) -> list[bool]:
    """Which samples have a product at all: not before the first coat, not on or beside bare web."""
    bare = [e <= BARE - 1.0 for e in _relative(course)]
    return [not any(bare[max(0, i - BARE_EDGE) : i + BARE_EDGE + 1]) for i in range(len(bare))]


def _scored(course: Course) -> list[int]:
    scenario = course.scenario
    window = (scenario.settle_s, scenario.duration_s + 1.0)
    return kpi.inside(course.trace["time_s"], [window])


def _settled(course: Course) -> list[int]:
    """What lies after the settling time and not within the transient of an event, if coated."""
    scenario, coated = course.scenario, _coated(course)
    end_s = scenario.duration_s + 1.0
    windows = [(scenario.settle_s, min([e.at_s for e in scenario.events] + [end_s]))]
    windows += [(a + SETTLED_AFTER_EVENT_S, b) for a, b in _event_windows(scenario)]
    chosen = [(start, stop) for start, stop in windows if stop > start]
    return [i for i in kpi.inside(course.trace["time_s"], chosen) if coated[i]]


def _event_windows(scenario: Scenario) -> list[kpi.Window]:
    starts = [event.at_s for event in scenario.events]
    ends = [*starts, scenario.duration_s + 1.0][1:]
    return list(zip(starts, ends, strict=True))


def _errors(course: Course) -> dict[str, Any]:
    e, coated = _relative(course), _coated(course)
    scored = [i for i in _scored(course) if coated[i]]
    settled = _settled(course)
    return {
        "sigma_percent": 100.0 * kpi.sigma([e[i] for i in scored]),
        "sigma_settled_percent": 100.0 * kpi.sigma([e[i] for i in settled]),
        "offset_percent": 100.0 * kpi.mean([e[i] for i in settled]),
        "peak_percent": 100.0 * max((abs(e[i]) for i in scored), default=0.0),
    }


def _off_spec(course: Course) -> dict[str, Any]:
    scenario, t = course.scenario, course.trace["time_s"]
    band = scenario.band_percent[course.loop] / 100.0
    e, coating = _relative(course), course.loop == "coating"
    amounts = kpi.steps(course.trace["web_m"] if coating else t)
    unit, share = ("m", 1.0) if coating else ("min", 1.0 / 60.0)
    first = next((i for i, error in enumerate(e) if error > BARE - 1.0), len(e))

    def outside_band(chosen: Sequence[int]) -> float:
        kept = [i for i in chosen if i >= first]
        return share * kpi.off_spec([amounts[i] for i in kept], [e[i] for i in kept], band)

    calm = kpi.smoothed(t, e, SMOOTHING_S)
    begun_s = t[first] if first < len(t) else math.inf
    recoveries = [
        kpi.recovery(t, calm, band, (max(window[0], begun_s), window[1]), event.dwell_min * 60.0)
        for event, window in zip(scenario.events, _event_windows(scenario), strict=True)
    ]
    transients = kpi.inside(t, [event.transient_s for event in scenario.events])
    starting = [event.transient_s for event in scenario.events if event.kind == "start"]
    known = [r.after_s for r in recoveries if r.after_s is not None]
    figures: dict[str, Any] = {
        f"off_spec_{unit}": outside_band(_scored(course)),
        f"off_spec_transient_{unit}": outside_band(transients),
        "time_to_on_spec_s": kpi.mean(known) if len(known) == len(recoveries) else math.nan,
        "recovery_s": [recovery.after_s for recovery in recoveries],
        "recovery_peak_percent": [100.0 * recovery.peak for recovery in recoveries],
    }
    if starting:
        figures["startup_waste_m"] = outside_band(kpi.inside(t, starting))
    return figures


def _coating(course: Course) -> dict[str, float]:
    """Figures of the coater alone: what feedback sees, across the web, and the floor."""
    trace, settled, e = course.trace, _settled(course), _relative(course)
    target = trace["coating.target"]
    seen = [e[i] + trace["gauge_error"][i] / target[i] for i in settled]
    cd = [trace["coater.cd_sigma"][i] for i in settled]
    speed = kpi.mean([trace["coater.line_speed"][i] for i in settled])
    md = kpi.sigma([e[i] for i in settled])
    theta_s = course.delay_m / speed if speed > 0.0 else math.nan
    figures = {
        "offset_seen_percent": 100.0 * kpi.mean(seen),
        "cd_two_sigma_percent": 200.0 * kpi.mean(cd),
        "sigma_with_cd_percent": 100.0 * math.hypot(md, kpi.mean(cd)),
        "floor_percent": 100.0 * random_walk_floor(course.drift**2 + course.drift_seen**2, theta_s),
        "floor_feedforward_percent": 100.0 * random_walk_floor(course.drift**2, theta_s),
    }
    stride = max(1, round(course.period_s / course.sample_s))
    longest = _longest_run(settled)
    cycles = [kpi.mean([e[j] for j in chunk]) for chunk in kpi.chunks(longest, stride)]
    if math.isfinite(theta_s):
        harris = harris_index(cycles, 1 + math.ceil(theta_s / course.period_s))
        figures["harris_index"] = harris.eta
        figures["minimum_variance_percent"] = 100.0 * harris.sigma_mv
    return figures


def _longest_run(indices: Sequence[int]) -> list[int]:
    """The longest stretch of samples without a gap: a fit must not jump over one."""
    runs: list[list[int]] = [[]]
    for i in indices:
        if runs[-1] and i != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(i)
    return max(runs, key=len)


def _mixing(course: Course) -> dict[str, float]:
    t, e = course.trace["time_s"], _relative(course)
    end_s = course.scenario.duration_s
    last = kpi.inside(t, [(end_s - BATCH_END_S, end_s + 1.0)])
    return {
        "batch_end_percent": 100.0 * kpi.mean([e[i] for i in last]),
        "end_point_min": end_point_min(t, e, course.trace["mixer.temp_true"]),
    }


def _constraints(course: Course) -> dict[str, float]:
    transients = [event.transient_s for event in course.scenario.events]
    counted = {*_scored(course), *kpi.inside(course.trace["time_s"], transients)}
    coated = _coated(course)
    chosen = [i for i in sorted(counted) if coated[i]]
    figures: dict[str, float] = {}
    soft_s = hard_s = 0.0
    breaches = 0
    for constraint in CONSTRAINTS[course.loop]:
        values = [course.trace[constraint.truth][i] for i in chosen]
        if constraint.name == "window":  # a die that is lifted has no film, and no window
            values = [value for value in values if value != 0.0]
        found = outside(constraint, values, course.sample_s)
        figures[f"outside {constraint.name}_min"] = found.soft_s / 60.0
        soft_s, hard_s = soft_s + found.soft_s, hard_s + found.hard_s
        breaches += found.breaches
    return {
        "constraint_min": soft_s / 60.0,
        "constraint_hard_min": hard_s / 60.0,
        "constraint_breaches": breaches,
        **figures,
    }


def _travel(course: Course, tag: str) -> float:
    """Actuator travel in shares of the operating range per hour."""
    low, high = course.ranges[tag]
    hours = (course.scenario.duration_s - course.scenario.settle_s) / 3600.0
    moved = kpi.travel([course.trace[tag][i] for i in _scored(course)])
    return moved / (high - low) / hours
