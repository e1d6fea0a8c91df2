"""Proposes tunings: a seeded search over few settings, judged on scenarios under mismatch.

Trial 0 is the configuration as it stands. Then settings are drawn log-uniformly about it, and, once
something better is known, closer about that. A trial's price is half its mean and half its worst,
over plants and scenarios, of what it costs relative to trial 0 on the same plant: sigma, off-spec,
a tenth for actuator travel. A trial with a single setpoint outside limits is out. The winner meets
plants the search has not seen; what it saves there, with its 95 % interval, is the evidence.
Nothing here writes a configuration.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hil.kpi import mean
from hil.paired import Paired, paired

LEAST_OFF_SPEC = 1.0  # metres or minutes that a share of off-spec counts from
TRAVEL_SHARE = 0.1
EXPLORE = 0.5  # share of the trials that look everywhere
CLOSER = 0.3  # how much nearer the others look


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting: where it stands under the loop's controller, and how far it may be turned."""

    path: tuple[str, ...]
    factor: float

    @property
    def name(self) -> str:
        """Its place in the file."""
        return ": ".join(self.path)


KNOBS: Mapping[str, tuple[Knob, ...]] = {
    "coating": (
        Knob(("estimator", "gauge.gain"), 2.5),
        Knob(("estimator", "gauge.gain_after_batch"), 2.0),
        Knob(("estimator", "solids.trust"), 1.25),
        Knob(("estimator", "solids.span"), 3.0),
        Knob(("mvs", "coater.pump_ratio_sp", "move_weight"), 10.0),
    ),
    "mixing": (
        Knob(("estimator", "approach.time"), 2.0),
        Knob(("estimator", "walk.visc"), 3.0),
        Knob(("estimator", "noise.probe"), 2.0),
        Knob(("mvs", "mixer.solvent_sp", "move_weight"), 10.0),
    ),
}
"""What may be tuned: few, and none that is a limit, a rank or a target."""

Play = Callable[[str, int, Mapping[str, Any]], Mapping[str, Any]]
"""(scenario, seed, sealed configuration) -> the result of one run."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One tuning and its price; infinite when it may not be used."""

    number: int
    settings: Mapping[str, float]
    price: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the search found: all trials, the best, and what it saves on plants it has not seen."""

    loop: str
    before: Mapping[str, float]
    trials: Sequence[Trial]
    best: Trial
    evidence: Mapping[str, Paired]

    @property
    def changes(self) -> dict[str, tuple[float, float]]:
        """Settings that the best trial changes: before and after."""
        pairs = ((name, self.before[name], self.best.settings[name]) for name in self.before)
        return {name: (old, new) for name, old, new in pairs if old != new}


def present(loop: str, sealed: Mapping[str, Any]) -> dict[str, float]:
    """The settings in force, by the name of their knob."""
    from controller.coating_settings import COATING_SETTINGS
    from controller.mixing_settings import MIXING_SETTINGS

    table = COATING_SETTINGS if loop == "coating" else MIXING_SETTINGS
    default = {row.path: row.value for row in table}
    controller = sealed["loops"][loop]["controller"]
    found: dict[str, float] = {}
    for knob in KNOBS[loop]:
        if knob.path[0] == "estimator":
            given = controller.get("estimator") or {}
            found[knob.name] = float(given.get(knob.path[1], default[knob.path[1]]))
        else:
            found[knob.name] = float(controller["mvs"][knob.path[1]][knob.path[2]])
    return found


def turned(loop: str, sealed: Mapping[str, Any], settings: Mapping[str, float]) -> dict[str, Any]:
    """A copy of the configuration with these settings."""
    changed = copy.deepcopy(dict(sealed))
    controller = changed["loops"][loop]["controller"]
    for knob in KNOBS[loop]:
        place = controller
        for step in knob.path[:-1]:
            if place.get(step) is None:
                place[step] = {}
            place = place[step]
        place[knob.path[-1]] = settings[knob.name]
    return changed


def tune(
    loop: str,
    sealed: Mapping[str, Any],
    scenarios: Sequence[str],
    seeds: int,
    trials: int,
    seed: int,
    play: Play,
    say: Callable[[str], None] = lambda _: None,
) -> Tuning:
    """Search with `trials` trials on plants 1..`seeds`; verify on as many plants beyond them."""
    draw = random.Random(f"{seed}:tune:{loop}")
    before = present(loop, sealed)
    jobs = [(scenario, plant) for scenario in scenarios for plant in range(1, seeds + 1)]
    reference = _costs(loop, sealed, jobs, play)
    best = Trial(0, before, _price(reference, reference))
    done = [best]
    for number in range(1, trials + 1):
        settings = _drawn(loop, draw, before, best.settings, everywhere=draw.random() < EXPLORE)
        costs = _costs(loop, turned(loop, sealed, settings), jobs, play)
        trial = Trial(number, settings, _price(costs, reference))
        done.append(trial)
        best = min(best, trial, key=lambda one: one.price)
        say(f"trial {number} of {trials}: {trial.price:.3f} (best {best.price:.3f})")
    unseen = [(scenario, plant + seeds) for scenario, plant in jobs]
    evidence: dict[str, Paired] = {}
    if best.number:
        ours = _costs(loop, turned(loop, sealed, best.settings), unseen, play)
        theirs = _costs(loop, sealed, unseen, play)
        names = [name for name in theirs[0] if name != "breaches"]
        evidence = {n: paired([c[n] for c in ours], [c[n] for c in theirs]) for n in names}
        if any(cost["breaches"] for cost in ours):
            best = done[0]
    return Tuning(loop, before, done, best, evidence)


def _drawn(
    loop: str,
    draw: random.Random,
    before: Mapping[str, float],
    best: Mapping[str, float],
    *,
    everywhere: bool,
) -> dict[str, float]:
    """Another tuning: anywhere within the knobs' factors of `before`, or near to `best`."""
    settings: dict[str, float] = {}
    for knob in KNOBS[loop]:
        reach = math.log(knob.factor)
        if everywhere:
            turn = math.log(before[knob.name]) + draw.uniform(-reach, reach)
        else:
            turn = math.log(best[knob.name]) + CLOSER * reach * draw.gauss(0.0, 1.0)
        low, high = before[knob.name] / knob.factor, before[knob.name] * knob.factor
        settings[knob.name] = float(f"{min(max(math.exp(turn), low), high):.3g}")
    return settings


def _costs(
    loop: str, sealed: Mapping[str, Any], jobs: Sequence[tuple[str, int]], play: Play
) -> list[dict[str, float]]:
    found = []
    for scenario, plant in jobs:
        figures = play(scenario, plant, sealed)["loops"][loop]
        off_spec = "off_spec_m" if loop == "coating" else "off_spec_min"
        travel = [float(figures[name]) for name in figures if name.startswith("travel ")]
        found.append(
            {
                "sigma_percent": float(figures["sigma_percent"]),
                off_spec: float(figures[off_spec]),
                "travel": mean(travel),
                "breaches": float(figures["limit_breaches"]),
            }
        )
    return found


def _price(costs: Sequence[Mapping[str, float]], base: Sequence[Mapping[str, float]]) -> float:
    """Half the mean and half the worst of the costs relative to `base`; 1 is `base` itself."""
    if any(cost["breaches"] for cost in costs):
        return math.inf
    shares = []
    for cost, other in zip(costs, base, strict=True):
        off_spec = next(name for name in cost if name.startswith("off_spec"))
        parts = (
            cost["sigma_percent"] / max(other["sigma_percent"], 1e-9),
            (cost[off_spec] + LEAST_OFF_SPEC) / (other[off_spec] + LEAST_OFF_SPEC),
            (cost["travel"] + 1e-9) / (other["travel"] + 1e-9),
        )
        weights = (1.0, 1.0, TRAVEL_SHARE)
        total = sum(w * part for w, part in zip(weights, parts, strict=True))
        shares.append(total / sum(weights))
    price = 0.5 * mean(shares) + 0.5 * max(shares)
    return price if math.isfinite(price) else math.inf
