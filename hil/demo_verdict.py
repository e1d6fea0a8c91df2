"""Did the line survive the demo? One judge per beat, and the figures beside the tuned PI.

Each judge looks at the records, the PLC's own log or the truth, and answers with a sentence that
holds its numbers. The figures of our run and of the baseline come from the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil import kpi
from hil.demo_script import SCRIPT, Stage
from hil.demo_trace import Cycle, DemoTrace
from hil.scenario import Scenario
from hil.scenario_run import TARGET

COAT_WINDOW_S = 900.0
LOT_WINDOW_S = 1800.0
BUMP = 0.001  # of the operating range: more is a bump


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one beat ended."""

    key: str
    title: str
    at_s: float
    survived: bool
    text: str


def outcomes(trace: DemoTrace, stage: Stage, scenario: Scenario) -> list[Outcome]:
    """Judge every beat that happened."""
    answers = []
    for beat in SCRIPT:
        if beat.key in stage.happened_s:
            at_s = stage.happened_s[beat.key]
            survived, text = JUDGES[beat.key](trace, stage, scenario, at_s)
            answers.append(Outcome(beat.key, beat.title, at_s, survived, text))
    return answers


def _judge_start(trace: DemoTrace, _: Stage, __: Scenario, at_s: float) -> tuple[bool, str]:
    waits = {loop: _first(cycles, "AUTO", at_s) for loop, cycles in trace.cycles.items()}
    moved = {loop: _first_move(trace.cycles[loop], trace.sealed, loop) for loop in waits}
    told = ", ".join(
        f"{loop} in AUTO after {wait - at_s:.0f} s (first move {100 * moved[loop]:.2f} % of range)"
        if wait is not None
        else f"{loop} never reached AUTO"
        for loop, wait in waits.items()
    )
    return all(wait is not None for wait in waits.values()), told


def _judge_coat(trace: DemoTrace, _: Stage, scenario: Scenario, at_s: float) -> tuple[bool, str]:
    found = _recovery(trace, scenario, "coating", (at_s, at_s + COAT_WINDOW_S))
    worst = _worst_mode(trace.cycles["coating"], at_s, at_s + 300.0)
    back = found.after_s is not None and worst in IN_CONTROL
    when = "not back" if found.after_s is None else f"back in the band {found.after_s:.0f} s later"
    return back, f"peak {100 * found.peak:.2f} % of target, {when}; the worst mode was {worst}"


def _judge_lot(trace: DemoTrace, _: Stage, scenario: Scenario, at_s: float) -> tuple[bool, str]:
    found = _recovery(trace, scenario, "mixing", (at_s, at_s + LOT_WINDOW_S))
    worst = _worst_mode(trace.cycles["mixing"], at_s, at_s + LOT_WINDOW_S)
    back = found.after_s is not None and worst in IN_CONTROL
    when = "not back" if found.after_s is None else f"back {found.after_s / 60:.0f} min later"
    return back, f"peak {100 * found.peak:.1f} % of target, {when}; the worst mode was {worst}"


def _judge_solver(trace: DemoTrace, stage: Stage, _: Scenario, at_s: float) -> tuple[bool, str]:
    after = [c for c in trace.cycles["coating"] if c.at_s >= at_s][:12]
    lost = sum(1 for c in after if c.body["plan"]["status"] != "solved")
    worst = _worst_mode(trace.cycles["coating"], at_s, at_s + 100.0)
    well = bool(after) and worst in IN_CONTROL and after[-1].mode == "AUTO"
    return well, (
        f"worker {stage.notes['killed_worker']} killed: {lost} of 12 cycles without a proposal, "
        f"worst mode {worst}, then AUTO by a fresh worker"
    )


def _judge_freeze(trace: DemoTrace, _: Stage, __: Scenario, at_s: float) -> tuple[bool, str]:
    cycles = [c for c in trace.cycles["coating"] if c.at_s >= at_s]
    shed_s = _first(cycles, "SHED", at_s)
    took = [
        row for row in trace.judgement.takeovers
        if row["plc"] == "coater" and row["plant_s"] > at_s - 5.0
    ]  # fmt: skip
    if shed_s is None or not took:
        return False, f"SHED: {shed_s is not None}, PLC took over: {bool(took)}"
    first = took[0]
    bump = first["bump_share_of_range"]
    well = bump <= BUMP and first["silent_s"] <= 1.5 * first["watchdog_s"]
    return well, (
        f"SHED after {shed_s - at_s:.0f} s; the PLC took the loop after {first['silent_s']:.0f} s "
        f"of our silence (its watchdog: {first['watchdog_s']:.0f} s), "
        f"setpoint bump {100 * bump:.3f} % of range"
    )


def _judge_thaw(trace: DemoTrace, stage: Stage, _: Scenario, at_s: float) -> tuple[bool, str]:
    until_s = stage.happened_s.get("return", at_s + 200.0)
    modes = {c.mode for c in trace.cycles["coating"] if at_s <= c.at_s < until_s}
    return modes <= {"SHED"}, f"no return by itself: the loop stayed in {', '.join(sorted(modes))}"


def _judge_return(trace: DemoTrace, _: Stage, __: Scenario, at_s: float) -> tuple[bool, str]:
    auto_s = _first([c for c in trace.cycles["coating"] if c.at_s >= at_s], "AUTO", at_s)
    if auto_s is None:
        return False, "coating never came back to AUTO"
    return True, f"coating in AUTO again after {auto_s - at_s:.0f} s"


Judge = Callable[[DemoTrace, Stage, Scenario, float], tuple[bool, str]]
JUDGES: Mapping[str, Judge] = {
    "start": _judge_start,
    "batch": _judge_coat,
    "lot": _judge_lot,
    "speed": _judge_coat,
    "gauge": _judge_coat,
    "solver": _judge_solver,
    "freeze": _judge_freeze,
    "thaw": _judge_thaw,
    "return": _judge_return,
}


def figures(
    courses: Mapping[str, Sequence[float]],
    sealed: Mapping[str, Any],
    scenario: Scenario,
    from_s: float,
    to_s: float,
) -> dict[str, dict[str, float]]:
    """Return the figures of merit of each loop between two plant times, from true courses."""
    t = courses["time_s"]
    scored = kpi.inside(t, [(from_s, to_s)])
    answer: dict[str, dict[str, float]] = {}
    for loop in scenario.loops:
        target = float(sealed["recipe"]["targets"][TARGET[loop]])
        band = scenario.band_percent[loop] / 100.0
        e = kpi.relative_errors(courses[f"{loop}.cv"], target)
        coating = loop == "coating"
        amounts = kpi.steps(courses["web_m"] if coating else t)
        off = kpi.off_spec([amounts[i] for i in scored], [e[i] for i in scored], band)
        row = {
            "sigma_percent": 100.0 * kpi.sigma([e[i] for i in scored]),
            "mean_error_percent": 100.0 * kpi.mean([e[i] for i in scored]),
            "off_spec_m" if coating else "off_spec_min": off if coating else off / 60.0,
        }
        for tag in sealed["loops"][loop]["mvs"]:
            low, high = sealed["limits"]["setpoints"][tag]["operating"]
            times = courses.get(f"{tag} time_s", t)
            chosen = kpi.inside(times, [(from_s, to_s)])
            moved = kpi.travel([courses[tag][i] for i in chosen])
            row[f"travel {tag}"] = moved / (high - low) * 3600.0 / (to_s - from_s)
        answer[loop] = row
    return answer


def _recovery(trace: DemoTrace, scenario: Scenario, loop: str, window: kpi.Window) -> kpi.Recovery:
    target = float(trace.sealed["recipe"]["targets"][TARGET[loop]])
    courses = trace.courses()
    e = kpi.relative_errors(courses[f"{loop}.cv"], target)
    band = float(scenario.band_percent[loop]) / 100.0
    return kpi.recovery(courses["time_s"], e, band, window, dwell_s=60.0)


IN_CONTROL = ("AUTO", "HOLD")
LADDER = ("AUTO", "INIT", "HOLD", "SHADOW", "OFF", "SHED", "TRIPPED")


def _worst_mode(cycles: Sequence[Cycle], from_s: float, to_s: float) -> str:
    """Return the worst mode while somebody wanted control: a short demo ends inside a window."""
    asked = (c for c in cycles if c.body["requested"] != "OFF")
    modes = [c.mode for c in asked if from_s <= c.at_s < to_s]
    return max(modes, key=LADDER.index, default="OFF")


def _first(cycles: Sequence[Cycle], mode: str, from_s: float) -> float | None:
    return next((c.at_s for c in cycles if c.at_s >= from_s and c.mode == mode), None)


def _first_move(cycles: Sequence[Cycle], sealed: Mapping[str, Any], loop: str) -> float:
    """Return the largest share of its range that the first written setpoint was off the PLC's."""
    for cycle in cycles:
        allowed = cycle.body["verdict"]["allowed"]
        if cycle.body["written"]["outcome"] == "written" and allowed:
            applied = cycle.body["applied"]
            limits = sealed["limits"]["setpoints"]
            spans = {tag: limits[tag]["operating"] for tag in allowed}
            moves = [
                abs(float(allowed[tag]) - float(applied[tag])) / (spans[tag][1] - spans[tag][0])
                for tag in allowed
                if tag in applied
            ]
            return float(max(moves))
    return float("nan")
