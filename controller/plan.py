"""What goes into a controller and what comes out: plain data, standard library only.

Both cross a process boundary as JSON, so the engine never loads a numerical library and a
recorded request can be replayed. SI units throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from safety.words import Proposal

SOLVED = "solved"
"""The status of a plan, and of its proposal, that may be used; any other says why it may not."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """One cycle's question to a controller.

    `values` holds the usable readings only (a bad one is absent), `quality` the quality of each
    tag asked for (0 bad, 1 uncertain, 2 good). `applied` is what the PLC confirmed as its active
    setpoint for each MV: move limits count from it. `limits` are the active (low, high) pairs the
    gate will enforce on each MV, and `max_step` the largest move per cycle it will let through.
    `closed` says whether the last proposals really act on the plant (AUTO) or not (SHADOW, INIT,
    HOLD), for anti-windup.
    """

    loop: str
    sequence: int
    now_s: float
    values: Mapping[str, float | int | bool | str]
    quality: Mapping[str, int]
    applied: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]]
    max_step: Mapping[str, float]
    closed: bool


@dataclass(frozen=True, slots=True)
class Trajectory:
    """A predicted course of one CV or MV: equally long `times_s` (engine time) and `values`."""

    times_s: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Plan:
    """One cycle's answer. `proposal` is None whenever anything was wrong; `status` says what.

    `binding` names the constraints that hold the optimum back ('coater.pump_sp high'),
    `gave_up` the soft limits given up and by how much (SI), lowest rank first.
    `targets` are the CV targets in force, `cv_limits` the soft (low, high) limits of each CV.
    `echo` repeats the MV limits as the solved problem really held them.
    """

    status: str
    proposal: Proposal | None
    estimate: Mapping[str, float] = field(default_factory=dict)
    predicted: Mapping[str, Trajectory] = field(default_factory=dict)
    targets: Mapping[str, float] = field(default_factory=dict)
    cv_limits: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    binding: Sequence[str] = ()
    gave_up: Sequence[tuple[str, float]] = ()
    echo: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    solve_ms: float = 0.0
    notes: Sequence[str] = ()


class LoopController(Protocol):
    """A controller for one loop: MPC, PI or hold, all on this one interface.

    It keeps its own estimate between calls and is told everything else. It must return a `Plan`
    for any request, bad readings included, and may not read a clock.
    """

    def plan(self, request: PlanRequest) -> Plan:
        """Answer one cycle."""
        ...

    def observe(self, request: PlanRequest) -> None:
        """Take one cycle's readings in without planning: how a standby keeps its estimate."""
        ...


class Planner(Protocol):
    """How the engine reaches a controller: in a worker process, or in this one for simulation."""

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer within `deadline_s` seconds of wall time; late or dead means no proposal."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


def controller_spec_of(config: Mapping[str, Any], loop: str) -> Mapping[str, Any]:
    """Return the part of a sealed configuration that the controller of `loop` is built from."""
    spec: Mapping[str, Any] = config["loops"][loop]["controller"]
    return spec
