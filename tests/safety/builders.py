"""Small worlds for the tests: a sealed dict, its rules, readings, snapshots, a loop to drive.

`forge` is the only place outside the gate where a Command comes into being: for tests of what
stands behind the gate (the wire), which need commands with contents of their choosing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from safety import gate
from safety.gate import Command, Verdict, judge
from safety.readback import verify
from safety.rules import LoopRules, loop_rules
from safety.signals import SignalMemory, Snapshot, validate
from safety.state import GateState, initial_state
from safety.words import Proposal, Quality, Reading, Request, RequestedMode, Sample, WriteResult

LOOP = "coating"
PERIOD_S = 8.0
PUMP, GAP = "coater.pump_sp", "coater.gap_sp"
PUMP_ACTIVE, GAP_ACTIVE = "coater.pump_sp_active", "coater.gap_sp_active"
WEIGHT, SPEED, PHASE = "coater.dry_coat_weight", "coater.line_speed", "coater.phase"
BEAT, READY, ACTIVE = "coater.heartbeat", "coater.remote_ready", "coater.remote_active"
RUNNING, BATCH = "coater.running", "coater.feed_batch"
APPLIED = {PUMP: 2.6, GAP: 280e-6}
SPEEDS = (SPEED, "coater.speed_b", "coater.speed_c")
VOTE: dict[str, Any] = {"members": list(SPEEDS), "tolerance": 0.01, "cycles": 3}
BALANCE: dict[str, Any] = {
    "coat to speed": {"powers": {WEIGHT: 1, SPEED: -1}, "factor": 1.0, "range": [0.3, 0.6],
                      "cycles": 3},
}  # fmt: skip
CROSS: dict[str, Any] = {
    "film": {"powers": {PUMP: 1, GAP: -1}, "factor": 1e-4, "range": [0.8, 1.0]}
}


def _tag(kind: str, direction: str = "read", span: tuple[float, float] | None = None) -> Any:
    low, high = span or (None, None)
    return {
        "source": "coater",
        "direction": direction,
        "type": kind,
        "gain": 1.0,
        "offset": 0.0,
        "low": low,
        "high": high,
        "max_age": 20.0,
    }


SEALED: dict[str, Any] = {
    "recipe": {"phases_in_control": ["COAT"]},
    "tags": {
        BEAT: _tag("uint32"),
        PHASE: _tag("uint16"),
        BATCH: _tag("int32"),
        READY: _tag("bool"),
        ACTIVE: _tag("bool"),
        RUNNING: _tag("bool"),
        WEIGHT: _tag("float", span=(0.0, 0.2)),
        SPEED: _tag("float", span=(0.0, 0.5)),
        PUMP_ACTIVE: _tag("float", span=(0.0, 8.0)),
        GAP_ACTIVE: _tag("float", span=(150e-6, 1500e-6)),
        PUMP: _tag("float", "write", (0.0, 8.0)),
        GAP: _tag("float", "write", (150e-6, 1500e-6)),
        "coater.engine_heartbeat": _tag("uint16", "write"),
        "coater.engine_sequence": _tag("uint16", "write"),
        "coater.remote_request": _tag("bool", "write"),
    },
    "limits": {
        "setpoints": {
            PUMP: {
                "equipment": [0.5, 6.0],
                "proven": [1.8, 3.6],
                "operating": [2.2, 3.1],
                "rate": 0.01,
                "resolution": 0.0002,
                "tolerance": 0.0005,
                "dwell": 0.0,
                "travel": 8.0,
                "swing": 0.05,
                "reversals": 60,
            },
            GAP: {
                "equipment": [180e-6, 1400e-6],
                "proven": [220e-6, 500e-6],
                "operating": [240e-6, 340e-6],
                "rate": 1e-6,
                "resolution": 0.1e-6,
                "tolerance": 0.2e-6,
                "dwell": 0.0,
                "travel": 800e-6,
                "swing": 5e-6,
                "reversals": 60,
            },
        },
        "inputs": {
            WEIGHT: {
                "validity": [0.04, 0.14],
                "frozen_after": 8,
                "max_step": 0.025,
                "max_jitter": 0.02,
            },
            SPEED: {
                "validity": [0.01, 0.35],
                "frozen_after": 0,
                "max_step": 0.1,
                "max_jitter": 0.1,
            },
        },
        "votes": {},
        "cross": {},
        "sums": {},
        "guards": {},
        "balances": {},
        "models": {},
    },
    "loops": {
        LOOP: {
            "period": PERIOD_S,
            "handshake": {
                "source": "coater",
                "heartbeat_in": BEAT,
                "heartbeat_out": "coater.engine_heartbeat",
                "sequence": "coater.engine_sequence",
                "remote_request": "coater.remote_request",
                "remote_ready": READY,
                "remote_active": ACTIVE,
            },
            "permissives": [RUNNING],
            "critical": [SPEED, PUMP_ACTIVE, GAP_ACTIVE],
            "optional": [WEIGHT],
            "mvs": {PUMP: PUMP_ACTIVE, GAP: GAP_ACTIVE},
            "phase": {"tag": PHASE, "codes": {"COAT": 3, "CLEAN": 4}},
            "trips": {"batch": BATCH, "most": 2},
            "gate": {
                "hold_cycles": 6,
                "heartbeat_cycles": 3,
                "max_plan_age": 6.0,
                "max_residual": 1e-4,
                "max_iterations": 200,
                "command_life": 3.0,
                "deadline_share": 0.7,
            },
        }
    },
}


def sealed(**changes: Any) -> dict[str, Any]:
    """Return a copy of the sealed dict; `changes` are made at paths written a__b__c (dots kept)."""
    result = copy.deepcopy(SEALED)
    for path, value in changes.items():
        place: Any = result
        *way, last = path.split("__")
        for key in way:
            place = place[key]
        place[last] = value
    return result


def rules(**changes: Any) -> LoopRules:
    """Return the rules of the test loop."""
    return loop_rules(sealed(**changes), LOOP)


def good(value: Any, now_s: float, source_time_s: float | None = None, epoch: int = 1) -> Sample:
    """Return a sample that is GOOD and just received."""
    return Sample(value, Quality.GOOD, "", source_time_s, now_s, epoch)


def readings(
    now_s: float,
    beat: int,
    applied: Mapping[str, float] = MappingProxyType(APPLIED),
    *,
    remote_active: bool = False,
    **values: Any,
) -> dict[str, Sample]:
    """Return one healthy bulk read; `values` are put in by tag with dots written as two _."""
    plain: dict[str, Any] = {
        BEAT: beat,
        PHASE: 3,
        BATCH: 17,
        READY: True,
        ACTIVE: remote_active,
        RUNNING: True,
        WEIGHT: 0.0857 + 1e-5 * (beat % 7),
        SPEED: 0.1667,
        PUMP_ACTIVE: applied[PUMP],
        GAP_ACTIVE: applied[GAP],
    }
    plain |= {name.replace("__", "."): value for name, value in values.items()}
    return {
        tag: value if isinstance(value, Sample) else good(value, now_s)
        for tag, value in plain.items()
    }


def lost(raw: Mapping[str, Sample]) -> dict[str, Sample]:
    """Return the same tags as a connection that is gone shows them."""
    return {tag: Sample.bad("no answer", 0.0) for tag in raw}


def plan(
    now_s: float, setpoints: Mapping[str, Any] = MappingProxyType(APPLIED), **bad: Any
) -> Proposal:
    """Return a proposal with nothing to object to, unless told."""
    fields: dict[str, Any] = {
        "setpoints": dict(setpoints),
        "status": "solved",
        "iterations": 12,
        "residual": 1e-9,
        "cost": 0.5,
        "made_s": now_s,
    }
    return Proposal(**(fields | bad))


def ask(mode: str, number: int = 1, who: str = "A. Operator", *, reset: bool = False) -> Request:
    """Return a person's request."""
    return Request(RequestedMode(mode), who, reset, number)


def forge(
    setpoints: Mapping[str, float],
    *,
    loop: str = LOOP,
    sequence: int = 1,
    remote: bool = True,
    heartbeat: int = 1,
    minted_s: float = 0.0,
    expires_s: float = 1e9,
) -> Command:
    """Return a command with any content, for tests of the wire."""
    return Command(
        loop=loop,
        sequence=sequence,
        setpoints=MappingProxyType(dict(setpoints)),
        remote=remote,
        heartbeat=heartbeat,
        minted_s=minted_s,
        expires_s=expires_s,
        mint=gate._MINT,
    )


class Plant:
    """A PLC in a few lines: handshake, its own active setpoints, an honest read-back."""

    def __init__(self, applied: Mapping[str, float] = MappingProxyType(APPLIED)) -> None:
        self.applied = dict(applied)
        self.remote_active = False
        self.request_was = False
        self.beat = 100
        self.commands: list[Command] = []

    def read(self, now_s: float, **values: Any) -> dict[str, Sample]:
        self.beat += 1
        return readings(now_s, self.beat, self.applied, remote_active=self.remote_active, **values)

    def write(self, command: Command | None) -> WriteResult | None:
        if command is None:
            return None
        self.commands.append(command)
        if command.remote and not self.request_was:
            self.remote_active = True
        if not command.remote:
            self.remote_active = False
        self.request_was = command.remote
        if self.remote_active:
            self.applied |= command.setpoints
        return WriteResult("written", dict(command.setpoints), "")


class Drive:
    """Drives the gate cycle by cycle against a `Plant`; everything can be bent on the way."""

    def __init__(self, loop: LoopRules | None = None, plant: Plant | None = None) -> None:
        self.rules = loop or rules()
        self.plant = plant or Plant()
        self.state: GateState = initial_state()
        self.memory = SignalMemory()
        self.now_s = 1000.0
        self.snapshot: Snapshot | None = None

    def cycle(
        self,
        request: Request,
        wanted: Mapping[str, Any] | None = None,
        *,
        status: str = "solved",
        proposal: Callable[[float], Proposal | None] | None = None,
        bend: Callable[[dict[str, Sample]], Reading] | None = None,
        write: Callable[[Command | None], WriteResult | None] | None = None,
        elapsed_s: float = PERIOD_S,
        **values: Any,
    ) -> Verdict:
        self.now_s += elapsed_s
        raw = self.plant.read(self.now_s, **values)
        self.snapshot = validate(bend(raw) if bend else raw, self.memory, self.rules, self.now_s)
        self.memory = self.snapshot.memory
        wish = proposal(self.now_s) if proposal else plan(self.now_s, wanted or self.plant.applied)
        verdict = judge(self.rules, self.state, self.snapshot, status, wish, request, self.now_s)
        result = (write or self.plant.write)(verdict.command)
        self.state = verify(self.rules, verdict.state, verdict.command, result, self.over_s()).state
        return verdict

    write_takes_s = 0.0

    def over_s(self) -> float:
        """Return when the write of this cycle is over."""
        return self.now_s + self.write_takes_s

    def to_auto(self, number: int = 1) -> Verdict:
        """Drive until AUTO; the tests of the mode machine count the cycles."""
        for _ in range(10):
            verdict = self.cycle(ask("AUTO", number))
            if verdict.mode.value == "AUTO":
                return verdict
        raise AssertionError(f"no AUTO but {verdict.mode}: {verdict.reasons}")
