"""One run of one scenario: line, engine cycles, events, and what came of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from controller.factory import build_controller
from controller.plan import LoopController, Plan, PlanRequest
from hil import kpi
from hil.judge import judge_rows
from hil.scenario import Event, Scenario
from hil.virtual_line import VirtualLine
from plant_models.mismatch import mismatch
from records.recorder import MemoryRecorder
from safety.words import Request, RequestedMode
from service.clock import ManualClock
from service.cycle import LoopContext, loop_context, run_cycle

AUTO_ASKED_AT_S = 30.0
SAMPLE_EVERY_S = 2.0
SMOOTHING_S = 60.0  # a recovery is judged on the mean of a minute, not on a pump's pulse
SETTLED_AFTER_EVENT_S = 1500.0  # ten dead times at 10 m/min
TRUE_CV = {
    "coating": "coater.dry_coat_weight_at_gauge",
    "mixing": "mixer.viscosity_25c_true",
}
TARGET = {"coating": "coater.dry_coat_weight", "mixing": "mixer.viscosity_25c"}
PLC_OF = {"coating": "coater", "mixing": "mixer"}


class InProcessPlanner:
    """The planner of a simulation: the controller itself, no process and no deadline."""

    def __init__(self, controller: LoopController) -> None:
        self._controller = controller

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer one cycle; virtual time stands still meanwhile."""
        return self._controller.plan(request)

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
    ) -> None:
        """Build line, controllers and loops; `kind` 'local' leaves the loops to the PLCs."""
        self.scenario, self.seed, self.kind, self.sealed = scenario, seed, kind, sealed
        plant = mismatch(seed) if scenario.mismatch else {}
        self.line = VirtualLine(
            {**plant, **scenario.plant, **(overrides or {})},
            seed,
            start=scenario.start,
            sealed=sealed,
        )
        self.line.panel("coater", line_speed_sp=scenario.line_speed_m_min / 60.0)
        self.clock = ManualClock()
        self.recorders = {loop: MemoryRecorder() for loop in scenario.loops}
        self.loops = {loop: self._loop(loop) for loop in scenario.loops if kind != "local"}
        self.trace: dict[str, list[float]] = {"time_s": [], "web_m": [], "gauge_error": []}
        for loop in scenario.loops:
            self.trace[f"{loop}.cv"] = []
            for tag in sealed["loops"][loop]["mvs"]:
                self.trace[tag] = []

    def _loop(self, name: str) -> LoopContext:
        planner = InProcessPlanner(build_controller(name, self.sealed))
        recorder = self.recorders[name]
        hashes = {"software": "simulation", "model": "simulation", "config": "simulation"}
        return loop_context(
            self.sealed, name, self.line.port, planner, recorder, self.clock, hashes
        )

    def play(self) -> None:
        """Play from start to end."""
        asyncio.run(self._play())

    async def _play(self) -> None:
        events = sorted(self.scenario.events, key=lambda event: event.at_s)
        due_s = dict.fromkeys(self.loops, AUTO_ASKED_AT_S)
        for loop in self.loops.values():
            loop.request = Request(RequestedMode.AUTO, "simulation", False, 1)
        while self.line.time_s < self.scenario.duration_s:
            now_s = self.line.time_s + self.line.scan_s
            self.line.advance(now_s)
            self.clock.set_s(now_s)
            while events and events[0].at_s <= now_s:
                self._happen(events.pop(0))
            for name, loop in self.loops.items():
                if now_s >= due_s[name]:
                    due_s[name] += loop.rules.period_s
                    await run_cycle(loop, now_s)
            if now_s % SAMPLE_EVERY_S == 0.0:
                self._sample(now_s)

    def _happen(self, event: Event) -> None:
        if event.kind == "line_speed":
            self.line.panel("coater", line_speed_sp=float(event.details["m_min"]) / 60.0)
        elif event.kind == "scale":
            path = str(event.details["path"])
            self.line.scale(path, float(event.details["factor"]))
        else:
            self.line.event(event.kind, **event.details)

    def _sample(self, now_s: float) -> None:
        truth, trace = self.line.truth(), self.trace
        trace["time_s"].append(now_s)
        trace["web_m"].append(truth["coater.web_length"])
        trace["gauge_error"].append(truth["coater.gauge_error"])
        for loop in self.scenario.loops:
            trace[f"{loop}.cv"].append(truth[TRUE_CV[loop]])
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
        scenario, trace = self.scenario, self.trace
        target = float(self.sealed["recipe"]["targets"][TARGET[loop]])
        band = scenario.band_percent[loop] / 100.0
        t = trace["time_s"]
        e = kpi.relative_errors(trace[f"{loop}.cv"], target)
        scored = kpi.inside(t, [(scenario.settle_s, scenario.duration_s + 1.0)])
        settled = kpi.inside(t, self._settled_windows())
        seen = [
            e[i] + (trace["gauge_error"][i] / target if loop == "coating" else 0.0) for i in settled
        ]
        amounts = kpi.steps(trace["web_m"] if loop == "coating" else t)
        unit = "off_spec_m" if loop == "coating" else "off_spec_min"
        share = 1.0 if loop == "coating" else 1.0 / 60.0
        calm = kpi.smoothed(t, e, SMOOTHING_S)
        recoveries = [
            kpi.recovery(t, calm, band, window, event.dwell_min * 60.0)
            for event, window in zip(scenario.events, self._event_windows(), strict=True)
        ]
        verdict = judge_rows(
            row for row in self.line.log if str(row.get("tag", "")).startswith(PLC_OF[loop])
        )
        return {
            "sigma_percent": 100.0 * kpi.sigma([e[i] for i in scored]),
            "sigma_settled_percent": 100.0 * kpi.sigma([e[i] for i in settled]),
            "offset_percent": 100.0 * kpi.mean([e[i] for i in settled]),
            "offset_seen_percent": 100.0 * kpi.mean(seen),
            unit: share * kpi.off_spec([amounts[i] for i in scored], [e[i] for i in scored], band),
            "peak_percent": 100.0 * max((abs(e[i]) for i in scored), default=0.0),
            "recovery_s": [recovery.after_s for recovery in recoveries],
            "recovery_peak_percent": [100.0 * recovery.peak for recovery in recoveries],
            **{f"travel {tag}": self._travel(loop, tag, scored) for tag in self._mvs(loop)},
            "setpoint_frames": verdict.frames,
            "limit_breaches": len(verdict.escapes),
            "breaches": verdict.escapes[:5],
            "gate_interventions": sum(
                count
                for action, count in self._cycles(loop, "action").items()
                if action not in ("ALLOW",)
            ),
            "gate_actions": self._cycles(loop, "action"),
        }

    def _mvs(self, loop: str) -> list[str]:
        return list(self.sealed["loops"][loop]["mvs"])

    def _travel(self, loop: str, tag: str, scored: list[int]) -> float:
        """Actuator travel in shares of the operating range per hour."""
        low, high = self.sealed["limits"]["setpoints"][tag]["operating"]
        hours = (self.scenario.duration_s - self.scenario.settle_s) / 3600.0
        moved = kpi.travel([self.trace[tag][i] for i in scored])
        return float(moved / (high - low) / hours)

    def _event_windows(self) -> list[kpi.Window]:
        starts = [event.at_s for event in self.scenario.events]
        ends = [*starts, self.scenario.duration_s + 1.0][1:]
        return list(zip(starts, ends, strict=True))

    def _settled_windows(self) -> list[kpi.Window]:
        """What lies after the settling time and not within the transient of an event."""
        end_s = self.scenario.duration_s + 1.0
        windows = [(self.scenario.settle_s, min([e.at_s for e in self.scenario.events] + [end_s]))]
        windows += [(a + SETTLED_AFTER_EVENT_S, b) for a, b in self._event_windows()]
        return [(start, stop) for start, stop in windows if stop > start]

    def _cycles(self, loop: str, what: str) -> dict[str, int]:
        bodies = [
            body
            for row, body in zip(
                self.recorders[loop].rows, self.recorders[loop].bodies, strict=True
            )
            if row.kind == "cycle" and body["now_s"] >= self.scenario.settle_s
        ]
        words = (body["mode"] if what == "mode" else body["verdict"]["action"] for body in bodies)
        return dict(Counter(words))

    def _plans(self, loop: str) -> dict[str, Any]:
        plans = [body["plan"] for body in self.recorders[loop].bodies if "plan" in body]
        solve_ms = sorted(plan["solve_ms"] for plan in plans if plan["proposal"] is not None)
        return {
            "status": dict(Counter(plan["status"] for plan in plans)),
            "solve_ms_p50": solve_ms[len(solve_ms) // 2] if solve_ms else None,
            "solve_ms_max": solve_ms[-1] if solve_ms else None,
        }
