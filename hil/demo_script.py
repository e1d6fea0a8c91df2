"""The demo's hour of production, as data: what happens when, and what the audience is told.

Times are shares of the run's length, so that a shorter run keeps its order. Each beat acts on the
bench as a person or a fate would: at a panel, in the plant, or with a signal to a process. What
counts as having survived it is judged afterwards, in `hil.demo_verdict`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hil.bench import Bench

OPERATOR = "demo operator"
OUTAGE_S = 90.0
NEW_SPEED_M_MIN = 11.5
SOLIDS_OFFSET = 0.005
MW_FACTOR = 1.05


@dataclass(slots=True)
class Stage:
    """The bench, and the plant time [s] at which each beat really happened."""

    bench: Bench
    happened_s: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beat:
    """One thing that happens: `at` is its share of the run's length."""

    key: str
    at: float
    title: str
    act: Callable[[Stage], None]


def _to_auto(stage: Stage) -> None:
    stage.bench.ask_engine(do="mode", loop="all", mode="AUTO", who=OPERATOR)


def _fresh_batch(stage: Stage) -> None:
    stage.bench.event("batch_change", solids_offset=SOLIDS_OFFSET)


def _new_lot(stage: Stage) -> None:
    stage.bench.event("viscosity_lot", mw_factor=MW_FACTOR)


def _faster(stage: Stage) -> None:
    stage.bench.panel("coater", line_speed_sp=NEW_SPEED_M_MIN / 60.0)


def _gauge_out(stage: Stage) -> None:
    stage.bench.event("gauge_outage", duration_s=OUTAGE_S)


def _kill_solver(stage: Stage) -> None:
    pids = stage.bench.ask_engine(do="status")["workers"]["coating"]
    stage.notes["killed_worker"] = pids[0]
    os.kill(pids[0], signal.SIGKILL)


def _freeze(stage: Stage) -> None:
    stage.bench.panel("coater", freeze_heartbeat=True)


def _thaw(stage: Stage) -> None:
    stage.bench.panel("coater", freeze_heartbeat=False)


def _return(stage: Stage) -> None:
    for loop in ("coating", "profile"):  # whatever the coater PLC took back
        stage.bench.ask_engine(do="mode", loop=loop, mode="AUTO", who=OPERATOR)


SCRIPT: Sequence[Beat] = (
    Beat("start", 0.01, "start-up: the operator asks for AUTO on all loops", _to_auto),
    Beat("batch", 0.15, "batch change: the fresh batch has 0.5 wt% more solids than its label",
         _fresh_batch),
    Beat("lot", 0.27, "a new polymer lot in the mixer: molar mass +5 %, viscosity x1.18", _new_lot),
    Beat("speed", 0.40, f"line speed from 10 to {NEW_SPEED_M_MIN:g} m/min", _faster),
    Beat("gauge", 0.54, f"the coat weight gauge leaves the web for {OUTAGE_S:g} s", _gauge_out),
    Beat("solver", 0.64, "the coating solver is killed (SIGKILL)", _kill_solver),
    Beat("freeze", 0.72, "the coater PLC's heartbeat freezes", _freeze),
    Beat("thaw", 0.77, "the coater PLC's heartbeat beats again", _thaw),
    Beat("return", 0.82, "the operator asks for AUTO again on what the PLC took", _return),
)  # fmt: skip


def baseline_events(happened_s: dict[str, float]) -> list[dict[str, Any]]:
    """Return the same disturbances at the same plant times, for a run without the faults."""
    rows: list[tuple[str, str, dict[str, float]]] = [
        ("batch", "batch_change", {"solids_offset": SOLIDS_OFFSET}),
        ("lot", "viscosity_lot", {"mw_factor": MW_FACTOR}),
        ("speed", "line_speed", {"m_min": NEW_SPEED_M_MIN}),
        ("gauge", "gauge_outage", {"duration_s": OUTAGE_S}),
    ]
    return [
        {"at_min": happened_s[key] / 60.0, "kind": kind, "details": details}
        for key, kind, details in rows
        if key in happened_s
    ]
