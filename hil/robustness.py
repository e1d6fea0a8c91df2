"""One robustness episode: the real cycle and gate on a wrong plant, with everything going wrong.

The first half of an episode is bad weather; the second is quiet, on the published limits, and there
the loop must not swing. Counted is what may never happen, and what may but must be known.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

from controller.factory import build_controller
from controller.plan import SOLVED, LoopController, Plan, PlanRequest
from hil.bad_weather import (
    QUESTION_KINDS,
    WIRE_KINDS,
    BadWire,
    disturbance,
    narrowed,
    spoilable,
    spoilt_question,
)
from hil.judge import judge_rows
from hil.light_recorder import LightRecorder
from hil.limit_cycle import swing
from hil.scenario_run import PLC_OF, TARGET, TRUE_CV
from hil.simulate import with_kind
from hil.virtual_line import VirtualLine
from plant_models.mismatch import mismatch
from safety.rules import LoopRules, loop_rules
from safety.words import Mode, Request, RequestedMode
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context, run_cycle

QUIET_SHARE = 0.5  # of the episode, at its end
SETTLING_CYCLES = 80  # of the quiet part, not looked at for swings
CHANCES = {"disturbance": 1 / 60, "wire": 1 / 40, "limits": 1 / 80, "question": 1 / 50}
ASK_AGAIN_CYCLES = 15
ROUNDING = 1e-9  # of a limit's span
SWING_SHARE = {"coating": 0.005, "mixing": 0.01}  # of the target: less is nobody's concern


class WatchedPlanner:
    """The controller in this process; spoils questions on demand and judges every answer."""

    def __init__(
        self, controller: LoopController, deadline_s: float, rules: LoopRules, draw: random.Random
    ) -> None:
        self._controller = controller
        self._deadline_ms = 1000.0 * deadline_s
        self._rules, self._draw = rules, draw
        self.spoil = ""
        self.counts: Counter[str] = Counter()
        self.status: Counter[str] = Counter()
        self.worst_ms = 0.0
        self._failed = 0

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer one cycle, and count what came of it."""
        asked = request
        if self.spoil:
            asked = spoilt_question(request, self.spoil, self._rules, self._draw)
        plan = self._controller.plan(asked)
        self._count(asked, plan, fit=not self.spoil and is_fit(request))
        return plan

    async def close(self) -> None:
        """Nothing to let go of."""

    def _count(self, request: PlanRequest, plan: Plan, *, fit: bool) -> None:
        counts = self.counts
        counts["plans"] += 1
        counts["late"] += plan.solve_ms > self._deadline_ms
        self.worst_ms = max(self.worst_ms, plan.solve_ms)
        self.status[plan.status.partition(":")[0]] += 1
        if plan.proposal is None or plan.status != SOLVED:
            counts["failed"] += 1
            counts["failed_when_fit"] += fit
            counts["stuck"] += fit and self._failed > 0
            self._failed += 1
            return
        if fit and self._failed:
            counts["recovered"] += 1
        self._failed = 0
        fault = proposal_fault(request, plan)
        counts[fault or "good"] += 1


def is_fit(request: PlanRequest) -> bool:
    """Whether a controller has all it needs: a read-back and a proper range for each setpoint."""
    return bool(request.limits) and all(
        math.isfinite(request.applied.get(tag, math.nan)) and low < high
        for tag, (low, high) in request.limits.items()
    )


def proposal_fault(request: PlanRequest, plan: Plan) -> str:
    """Return 'non_finite', 'out_of_limit' or ''.

    A setpoint found outside a limit that has moved may come back no faster than its rate.
    """
    assert plan.proposal is not None  # noqa: S101 - the caller has looked
    for tag, value in plan.proposal.setpoints.items():
        if not math.isfinite(value):
            return "non_finite"
        low, high = request.limits[tag]
        applied, step = request.applied[tag], request.max_step[tag]
        slack = ROUNDING * (high - low)
        if not min(low, applied + step) - slack <= value <= max(high, applied - step) + slack:
            return "out_of_limit"
        if abs(value - applied) > step + slack:
            return "out_of_limit"
    return ""


class Episode:
    """One loop on one plant for a number of cycles."""

    def __init__(self, loop: str, seed: int, kind: str, sealed: Mapping[str, Any]) -> None:
        self.loop, self.sealed = loop, with_kind(sealed, kind)
        self.draw = random.Random(f"{seed}:{loop}:robustness")
        self.line = VirtualLine(mismatch(seed), seed, sealed=self.sealed)
        self.wire = BadWire(self.line.port)
        self.clock = ManualClock()
        share = float(self.sealed["loops"][loop]["gate"]["deadline_share"])
        deadline_s = share * float(self.sealed["loops"][loop]["period"])
        self.published = loop_rules(self.sealed, loop)
        self.planner = WatchedPlanner(
            build_controller(loop, self.sealed),
            deadline_s,
            self.published,
            random.Random(f"{seed}:{loop}:lies"),
        )
        hashes = {"software": "simulation", "model": "simulation", "config": "simulation"}
        self.context: LoopContext = loop_context(
            self.sealed, loop, self.wire, self.planner, LightRecorder(), self.clock, hashes
        )
        self.context.request = Request(RequestedMode.AUTO, "simulation", False, 1)
        self.weather: Counter[str] = Counter()
        self.modes: Counter[str] = Counter()
        self.quiet_cv: list[float] = []
        self._ends: dict[str, int] = {}
        self._asked_at = 0

    async def play(self, cycles: int) -> None:
        """Play all cycles."""
        period_s = self.published.period_s
        quiet_from = round((1.0 - QUIET_SHARE) * cycles)
        listen_from = quiet_from + SETTLING_CYCLES
        for cycle in range(cycles):
            self.line.advance((cycle + 1) * period_s)
            self.clock.set_s(self.line.time_s)
            self._end_weather(cycle, everything=cycle == quiet_from)
            if cycle < quiet_from:
                self._begin_weather(cycle)
            await run_cycle(self.context, self.line.time_s)
            self._operate(cycle)
            if cycle >= listen_from:
                self.quiet_cv.append(self.line.truth()[TRUE_CV[self.loop]])

    def _begin_weather(self, cycle: int) -> None:
        draw = self.draw
        happens = {what: draw.random() < chance for what, chance in CHANCES.items()}
        if happens["disturbance"]:
            self._disturb()
        if happens["wire"] and not self.wire.spoilt:
            kind = draw.choice(WIRE_KINDS)
            self.wire.spoilt = dict.fromkeys(spoilable(self.published, draw), kind)
            self._until("wire", cycle, draw.randint(1, 12), kind)
        if happens["limits"] and "limits" not in self._ends:
            self.context.rules = narrowed(self.published, draw)
            self._until("limits", cycle, draw.randint(5, 40), "limits")
        if happens["question"] and not self.planner.spoil:
            self.planner.spoil = draw.choice(QUESTION_KINDS)
            self._until("question", cycle, draw.randint(1, 20), self.planner.spoil)

    def _until(self, what: str, cycle: int, lasts: int, name: str) -> None:
        self._ends[what] = cycle + lasts
        self.weather[name] += 1

    def _end_weather(self, cycle: int, *, everything: bool) -> None:
        for what in [w for w, end in self._ends.items() if everything or cycle >= end]:
            del self._ends[what]
            if what == "wire":
                self.wire.spoilt = {}
            elif what == "limits":
                self.context.rules = self.published
            else:
                self.planner.spoil = ""

    def _disturb(self) -> None:
        kind, details = disturbance(self.loop, self.draw)
        self.weather[kind] += 1
        if kind == "line_speed":
            self.line.panel("coater", line_speed_sp=float(details["m_min"]) / 60.0)
        elif kind == "scale":
            self.line.scale(str(details["path"]), float(details["factor"]))
        else:
            self.line.event(kind, **details)

    def _operate(self, cycle: int) -> None:
        """An operator who asks again when the loop has been let go."""
        mode = self.context.last.state.mode
        self.modes[mode.value] += 1
        waits = mode in (Mode.SHED, Mode.TRIPPED, Mode.OFF, Mode.SHADOW)
        if waits and cycle - self._asked_at >= ASK_AGAIN_CYCLES:
            self._asked_at = cycle
            number = self.context.request.number + 1
            self.context.request = Request(
                RequestedMode.AUTO, "simulation", mode is Mode.TRIPPED, number
            )


def play_episode(
    loop: str, seed: int, cycles: int, kind: str, sealed: Mapping[str, Any]
) -> dict[str, Any]:
    """Play one episode; return its counts as plain data."""
    episode = Episode(loop, seed, kind, sealed)
    asyncio.run(episode.play(cycles))
    counts, planner = episode.planner.counts, episode.planner
    target = float(sealed["recipe"]["targets"][TARGET[loop]])
    found = swing(episode.quiet_cv, SWING_SHARE[loop] * target)
    rows = [row for row in episode.line.log if str(row.get("tag", "")).startswith(PLC_OF[loop])]
    judgement = judge_rows(rows)
    names = (
        "plans", "good", "non_finite", "out_of_limit", "failed", "failed_when_fit", "recovered",
        "stuck", "late",
    )  # fmt: skip
    return {
        "loop": loop,
        "seed": seed,
        "kind": kind,
        "cycles": cycles,
        **{name: int(counts[name]) for name in names},
        "limit_cycle": None if found is None else {"period": found.period, "sd": found.deviation},
        "escapes": judgement.escapes[:5],
        "escape_count": len(judgement.escapes),
        "frames": judgement.frames,
        "worst_ms": planner.worst_ms,
        "status": dict(planner.status),
        "modes": dict(episode.modes),
        "weather": dict(episode.weather),
    }
