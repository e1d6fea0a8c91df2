"""One run of one scenario: line, engine cycles, operator, events, and what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.factory import build_controller
from controller.plan import LoopController, Plan, PlanRequest
from hil.constraints import CONSTRAINTS
from hil.figures import Course, loop_figures
from hil.light_recorder import LightRecorder
from hil.operator import ASKED_AT_S, Operator
from hil.profile_figures import profile_figures
from hil.scenario import Event, Scenario
from hil.virtual_line import VirtualLine
from plant_models.mismatch import mismatch
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context, run_cycle

SAMPLE_EVERY_S = 2.0
TRUE_CV = {
    "coating": "coater.dry_coat_weight_at_gauge",
    "profile": "coater.cd_sigma_scanned",
    "mixing": "mixer.viscosity_25c_true",
}
TARGET = {"coating": "coater.dry_coat_weight", "mixing": "mixer.viscosity_25c"}
PLC_OF = {"coating": "coater", "profile": "coater", "mixing": "mixer"}
WORDS_OF = {"coating": "coater.", "profile": "lip.", "mixing": "mixer."}


class InProcessPlanner:
    """The planner of a simulation: the controller itself, no process and no deadline."""

    def __init__(self, controller: LoopController) -> None:
        self.controller = controller

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer one cycle; virtual time stands still meanwhile."""
        return self.controller.plan(request)

    async def close(self) -> None:
        """Nothing to let go of."""


class ScenarioRun:
    """Plays a scenario once; `result` and `trace` tell what happened."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        kind: str,
        sealed: Mapping[str, Any],
        overrides: Mapping[str, float] | None = None,
        mismatch_width: float = 1.0,
        utc_start: datetime | None = None,
    ) -> None:
        """Build line, controllers and loops; `kind` 'local' leaves the loops to the PLCs.

        `utc_start` is the calendar time at virtual time zero.
        """
        self.scenario, self.seed, self.kind, self.sealed = scenario, seed, kind, sealed
        plant = mismatch(seed, mismatch_width) if scenario.mismatch else {}
        self.line = VirtualLine(
            {**plant, **scenario.plant, **(overrides or {})},
            seed,
            start=scenario.start,
            sealed=sealed,
        )
        self.line.panel("coater", line_speed_sp=scenario.line_speed_m_min / 60.0)
        self.clock = ManualClock(utc_start=utc_start)
        self.recorders = {loop: LightRecorder() for loop in scenario.loops}
        self._planners: dict[str, InProcessPlanner] = {}
        self.loops = {loop: self._loop(loop) for loop in scenario.loops if kind != "local"}
        self.operator = Operator(
            self.line, self.loops, sealed, scenario.start, self._change_controller
        )
        self._targets: list[tuple[float, float]] = []  # from which metre of web on, coat weight
        self._note_target()
        names = ["time_s", "web_m", "gauge_error", "coater.cd_sigma", "coater.line_speed"]
        for loop in scenario.loops:
            names += [f"{loop}.cv", f"{loop}.target", *sealed["loops"][loop]["mvs"]]
            names += [constraint.truth for constraint in CONSTRAINTS[loop]]
        self.trace: dict[str, list[float]] = {name: [] for name in names}

    def _loop(self, name: str) -> LoopContext:
        planner = InProcessPlanner(build_controller(name, self.sealed))
        self._planners[name] = planner
        recorder = self.recorders[name]
        hashes = {"software": "simulation", "model": "simulation", "config": "simulation"}
        return loop_context(
            self.sealed, name, self.line.port, planner, recorder, self.clock, hashes
        )

    def _change_controller(self, loop: str, sealed: Mapping[str, Any]) -> None:
        """Give the loop's controller another recipe; one that cannot change is built anew."""
        planner = self._planners[loop]
        change = getattr(planner.controller, "change_recipe", None)
        if change is not None:
            change(sealed)
        else:
            planner.controller = build_controller(loop, sealed)

    def play(self) -> None:
        """Play from start to end."""
        asyncio.run(self.played())

    async def played(self) -> None:
        """Play from start to end, inside an event loop of the caller's."""
        events = sorted(self.scenario.events, key=lambda event: event.at_s)
        due_s = dict.fromkeys(self.loops, ASKED_AT_S)
        while self.line.time_s < self.scenario.duration_s:
            now_s = self.line.time_s + self.line.scan_s
            self.line.advance(now_s)
            self.clock.set_s(now_s)
            while events and events[0].at_s <= now_s:
                self._happen(events.pop(0))
            self.operator.look(now_s)
            for name, loop in self.loops.items():
                if now_s >= due_s[name]:
                    due_s[name] += loop.rules.period_s
                    await run_cycle(loop, now_s)
            if now_s % SAMPLE_EVERY_S == 0.0:
                self._sample(now_s)

    def _happen(self, event: Event) -> None:
        if self.operator.act(event):
            self._note_target()
        elif event.kind == "scale":
            self.line.scale(str(event.details["path"]), float(event.details["factor"]))
        else:
            self.line.event(event.kind, **event.details)

    def _note_target(self) -> None:
        """Product is judged by the recipe it was laid under."""
        target = float(self.operator.sealed["recipe"]["targets"][TARGET["coating"]])
        self._targets.append((self.line.truth()["coater.web_length"], target))

    def _target(self, loop: str, web_m: float) -> float:
        if loop == "mixing":
            return float(self.operator.sealed["recipe"]["targets"][TARGET[loop]])
        laid_m = web_m - self.line.parameter("coater.gauge.distance")
        older = [target for since_m, target in self._targets if since_m <= laid_m]
        return older[-1] if older else self._targets[0][1]

    def _sample(self, now_s: float) -> None:
        truth, trace = self.line.truth(), self.trace
        trace["time_s"].append(now_s)
        trace["web_m"].append(truth["coater.web_length"])
        trace["gauge_error"].append(truth["coater.gauge_error"])
        for name in ("coater.cd_sigma", "coater.line_speed"):
            trace[name].append(truth[name])
        for loop in self.scenario.loops:
            trace[f"{loop}.cv"].append(truth[TRUE_CV[loop]])
            trace[f"{loop}.target"].append(self._target(loop, truth["coater.web_length"]))
            for constraint in CONSTRAINTS[loop]:
                trace[constraint.truth].append(truth[constraint.truth])
            active = self.line.stations[PLC_OF[loop]].program.active
            for tag in self.sealed["loops"][loop]["mvs"]:
                trace[tag].append(active[tag])

    def result(self) -> dict[str, Any]:
        """Return the figures of the run, as plain data."""
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "kind": self.kind,
            "loops": {loop: self._figures(loop) for loop in self.scenario.loops},
            "modes": {loop: self._cycles(loop, "mode") for loop in self.loops},
            "plans": {loop: self._plans(loop) for loop in self.loops},
            "plc_events": [row for row in self.line.log if "event" in row],
        }

    def _figures(self, loop: str) -> dict[str, Any]:
        ranges = {
            tag: tuple(self.sealed["limits"]["setpoints"][tag]["operating"])
            for tag in self.sealed["loops"][loop]["mvs"]
        }
        rows = [r for r in self.line.log if str(r.get("tag", "")).startswith(WORDS_OF[loop])]
        figures = profile_figures if loop == "profile" else loop_figures
        return figures(
            Course(
                loop=loop,
                scenario=self.scenario,
                trace=self.trace,
                ranges=ranges,
                period_s=float(self.sealed["loops"][loop]["period"]),
                delay_m=self.line.parameter("coater.gauge.distance"),
                drift=self.line.parameter("coater.drift.flow"),
                drift_seen=self.line.parameter("coater.drift.solids"),
            ),
            rows,
            self._cycles(loop, "action"),
        )

    def _cycles(self, loop: str, what: str) -> dict[str, int]:
        bodies = [
            body
            for kind, body in self.recorders[loop].rows
            if kind == "cycle" and body["now_s"] >= self.scenario.settle_s
        ]
        words = (body["mode"] if what == "mode" else body["verdict"]["action"] for body in bodies)
        return dict(Counter(words))

    def _plans(self, loop: str) -> dict[str, Any]:
        plans = [body["plan"] for _, body in self.recorders[loop].rows if "plan" in body]
        solve_ms = sorted(plan["solve_ms"] for plan in plans if plan["proposal"] is not None)
        return {
            "status": dict(Counter(plan["status"] for plan in plans)),
            "solve_ms_p50": solve_ms[len(solve_ms) // 2] if solve_ms else None,
            "solve_ms_max": solve_ms[-1] if solve_ms else None,
        }
