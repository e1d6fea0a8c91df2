"""One small loop with one setpoint, and a plant that lives in a dict: no wire, no solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.plan import Plan, PlanRequest
from safety.gate import Command
from safety.words import Proposal, Quality, Reading, Sample, WriteResult
from service.clock import ManualClock

LOOP = "coating"
SP = "coater.gap_sp"
ACTIVE = "coater.gap_sp_active"


def small_sealed() -> dict[str, Any]:
    """Return a sealed configuration of one loop, as small as the gate accepts."""

    def read(kind: str, **more: Any) -> dict[str, Any]:
        return {**tag("read", kind), "max_age": 20.0, **more}

    def write(kind: str) -> dict[str, Any]:
        return tag("write", kind)

    def tag(direction: str, kind: str) -> dict[str, Any]:
        grain = {"unit": "", "gain": 1.0, "offset": 0.0, "low": None, "high": None}
        return {"source": "coater", "direction": direction, "type": kind, **grain}

    return {
        "schema": 1,
        "line": {"id": "test", "site": "bench", "product": "none"},
        "recipe": {"recipe": "A", "title": "none", "targets": {}, "phases_in_control": []},
        "sources": {"coater": {"protocol": "opcua", "timeout": 1.0}},
        "tags": {
            "coater.heartbeat": read("uint32"),
            "coater.running": read("bool"),
            "coater.remote_ready": read("bool"),
            "coater.remote_active": read("bool"),
            ACTIVE: read("float", low=0.0, high=2e-3),
            SP: write("float"),
            "coater.remote_request": write("bool"),
            "coater.engine_sequence": write("uint32"),
            "coater.engine_heartbeat": write("uint32"),
        },
        "limits": {
            "setpoints": {
                SP: {
                    "equipment": [1e-4, 1e-3], "proven": [1e-4, 1e-3], "operating": [2e-4, 9e-4],
                    "rate": 1e-6, "resolution": 1e-7, "tolerance": 1e-6,
                    "dwell": 0.0, "travel": 1e-2, "swing": 5e-5, "reversals": 100,
                }
            },
            "inputs": {}, "votes": {}, "cross": {}, "sums": {}, "guards": {}, "balances": {},
            "models": {},
        },
        "loops": {
            LOOP: {
                "title": "Gap",
                "period": 8.0,
                "handshake": {
                    "source": "coater",
                    "heartbeat_in": "coater.heartbeat",
                    "heartbeat_out": "coater.engine_heartbeat",
                    "sequence": "coater.engine_sequence",
                    "remote_request": "coater.remote_request",
                    "remote_ready": "coater.remote_ready",
                    "remote_active": "coater.remote_active",
                },
                "permissives": ["coater.running"],
                "critical": [ACTIVE],
                "optional": [],
                "mvs": {SP: ACTIVE},
                "gate": {
                    "hold_cycles": 6, "heartbeat_cycles": 3, "max_plan_age": 6.0,
                    "max_residual": 1e-4, "max_iterations": 200, "command_life": 3.0,
                    "deadline_share": 0.5,
                },
                "controller": {"kind": "hold", "cvs": {}, "mvs": {SP: {}}},
            }
        },
    }  # fmt: skip


@dataclass
class FakePlant:
    """A PLC in a dict: takes remote when asked, applies what it is sent, counts its heartbeat."""

    clock: ManualClock
    story: list[str] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    gap_m: float = 3e-4
    heartbeat: int = 0
    remote_active: bool = False
    trouble: Exception | None = None

    async def open(self) -> None:
        """Nothing to connect."""

    async def read(self, tags: Sequence[str]) -> Reading:
        """Return every tag asked for."""
        self.story.append("read")
        if self.trouble is not None:
            raise self.trouble
        self.heartbeat += 1
        values: Mapping[str, Any] = {
            "coater.heartbeat": self.heartbeat,
            "coater.running": True,
            "coater.remote_ready": True,
            "coater.remote_active": self.remote_active,
            ACTIVE: self.gap_m,
        }
        now_s = self.clock.now_s()
        return {tag: Sample(values[tag], Quality.GOOD, "", None, now_s, 1) for tag in tags}

    async def write(self, command: Command) -> WriteResult:
        """Apply the command and read it back."""
        self.story.append("write")
        self.commands.append(command)
        self.gap_m = command.setpoints.get(SP, self.gap_m)
        self.remote_active = command.remote
        return WriteResult("written", dict(command.setpoints), "")

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class FakePlanner:
    """Wants the gap at `wish_m`, whatever is asked."""

    story: list[str] = field(default_factory=list)
    wish_m: float = 3.05e-4
    trouble: Exception | None = None
    asked: list[PlanRequest] = field(default_factory=list)

    async def plan(self, request: PlanRequest, deadline_s: float) -> Plan:
        """Answer at once."""
        self.story.append("plan")
        self.asked.append(request)
        if self.trouble is not None:
            raise self.trouble
        wish = Proposal({SP: self.wish_m}, "solved", 3, 1e-9, 1.0, request.now_s)
        return Plan("solved", wish)

    async def close(self) -> None:
        """Nothing to let go of."""
