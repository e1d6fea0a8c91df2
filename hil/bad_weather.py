"""Everything that goes wrong in a robustness episode, drawn from a seed: data, limits, questions.

Bad data comes in two places: on the wire, where the signal checks should see it, and past them,
where the controller has to cope alone.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controller.plan import PlanRequest
from fieldbus.port import PlantPort
from safety.gate import Command
from safety.rules import LoopRules
from safety.words import Reading, Sample, WriteResult

WIRE_KINDS = ("nan", "absurd", "stale", "frozen", "missing")
QUESTION_KINDS = ("crossed", "no-step", "nan-values", "lies")
DISTURBANCES: Mapping[str, tuple[str, ...]] = {
    "coating": ("batch_change", "gauge_outage", "line_speed", "scale", "splice", "hot_day"),
    "mixing": ("viscosity_lot", "clean_viscometer", "scale", "hot_day"),
}
SAFE = ("_active", "remote", "heartbeat", "running", "interlocks_ok", "phase", "sp_")
"""Parts of names that wire faults leave alone in most cases, or the loop would never be closed."""


@dataclass(slots=True)
class BadWire:
    """A `PlantPort` that spoils the readings of some tags; writes pass."""

    port: PlantPort
    spoilt: dict[str, str] = field(default_factory=dict)  # tag: kind
    _last: dict[str, Sample] = field(default_factory=dict)

    async def open(self) -> None:
        """Open what is behind."""
        await self.port.open()

    async def close(self) -> None:
        """Close what is behind."""
        await self.port.close()

    async def write(self, command: Command) -> WriteResult:
        """Write as asked."""
        return await self.port.write(command)

    async def read(self, tags: Sequence[str]) -> Reading:
        """Read, then spoil."""
        good = await self.port.read(tags)
        shown = {tag: self._spoil(tag, sample) for tag, sample in good.items()}
        self._last.update({tag: good[tag] for tag in good if tag not in self.spoilt})
        return {tag: sample for tag, sample in shown.items() if sample is not None}

    def _spoil(self, tag: str, sample: Sample) -> Sample | None:
        kind = self.spoilt.get(tag)
        if kind is None:
            return sample
        if kind == "missing":
            return None
        if kind == "nan":
            return sample._replace(value=math.nan)
        if kind == "absurd":
            return sample._replace(value=-1.0e9)
        before = self._last.get(tag, sample)
        return before if kind == "stale" else sample._replace(value=before.value)


def spoilt_question(
    request: PlanRequest, kind: str, rules: LoopRules, draw: random.Random
) -> PlanRequest:
    """Return a request no controller should answer: limits that cross, numbers that are none.

    'lies' are readings anywhere in the range of their instruments, and nothing says that they are
    bad: the worst that can come through the signal checks.
    """
    if kind == "crossed":
        crossed = {tag: (high, low) for tag, (low, high) in request.limits.items()}
        return replace(request, limits=crossed)
    if kind == "no-step":
        return replace(request, max_step=dict.fromkeys(request.max_step, math.nan))
    values: dict[str, Any] = dict(request.values)
    for tag, value in request.values.items():
        rule = rules.inputs.get(tag)
        if not isinstance(value, float) or rule is None:
            continue
        low, high = rule.validity or rule.span or (value, value)
        values[tag] = math.nan if kind == "nan-values" else draw.uniform(low, high)
    return replace(request, values=values)


def narrowed(rules: LoopRules, draw: random.Random) -> LoopRules:
    """Return rules with one setpoint's operating range narrowed to a part of the published one.

    The setpoint in use is often outside of it then, and has to come back at its rate.
    """
    tag = draw.choice(sorted(rules.setpoints))
    rule = rules.setpoints[tag]
    low, high = rule.operating
    width = (high - low) * draw.uniform(0.1, 0.5)
    start = draw.uniform(low, high - width)
    moved = rule._replace(operating=(start, start + width))
    return replace(rules, setpoints={**rules.setpoints, tag: moved})


def spoilable(rules: LoopRules, draw: random.Random) -> list[str]:
    """Return one to three tags whose readings go bad; now and then any tag at all."""
    usual = [tag for tag in rules.inputs if not any(part in tag for part in SAFE)]
    chosen = sorted(rules.inputs) if draw.random() < 0.1 else sorted(usual)
    return draw.sample(chosen, draw.randint(1, 3))


def disturbance(loop: str, draw: random.Random) -> tuple[str, Mapping[str, float | str]]:
    """Return an event of the plant or of its operator: its kind and details."""
    kind = draw.choice(DISTURBANCES[loop])
    details: dict[str, Mapping[str, float | str]] = {
        "viscosity_lot": {"mw_factor": draw.uniform(0.98, 1.04)},
        "batch_change": {"solids_offset": draw.uniform(-0.01, 0.01)},
        "gauge_outage": {"duration_s": draw.uniform(20.0, 600.0)},
        "line_speed": {"m_min": draw.uniform(5.0, 14.0)},
        "hot_day": {"kelvin": draw.uniform(-3.0, 6.0)},
        "scale": {
            "path": "coater.pump.slip" if loop == "coating" else "mixer.jacket.conductance",
            "factor": draw.uniform(0.7, 1.5),
        },
    }
    return kind, details.get(kind, {})
