"""The line the gate is attacked on: one loop in which every interlock has something to do.

This is what the gate is told. The oracle has a table of its own, written again by hand in the
units of the wire (`gate_oracle_table`): a slip in either shows as an escape.
"""

from __future__ import annotations

from typing import Any

LOOP = "attack"
PERIOD_S = 10.0
GAP, JACKET, RATIO = "a.gap_sp", "a.jacket_sp", "a.ratio_sp"
GAP_IN, JACKET_IN, RATIO_IN = "a.gap_in_use", "a.jacket_in_use", "a.ratio_in_use"
BEAT, READY, ACTIVE = "a.heartbeat", "a.remote_ready", "a.remote_active"
RUNNING, LOCKED, PHASE, BATCH = "a.running", "a.interlocks_ok", "a.phase", "a.batch"
SPEED, SPEED_B, SPEED_C, TORQUE = "a.speed", "a.speed_b", "a.speed_c", "a.torque"


def _read(kind: str, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    return {
        "source": "plc", "direction": "read", "type": kind, "gain": 1.0, "offset": 0.0,
        "low": low, "high": high, "max_age": 25.0,
    }  # fmt: skip


def _write(kind: str, gain: float = 1.0, offset: float = 0.0) -> dict[str, Any]:
    return {"source": "plc", "direction": "write", "type": kind, "gain": gain, "offset": offset}


SEALED: dict[str, Any] = {
    "recipe": {"phases_in_control": ["TRIM", "HOMOGENISE"]},
    "tags": {
        BEAT: _read("uint32"),
        READY: _read("bool"),
        ACTIVE: _read("bool"),
        RUNNING: _read("bool"),
        LOCKED: _read("bool"),
        PHASE: _read("uint16"),
        BATCH: _read("int32"),
        SPEED: _read("float", 0.0, 0.5),
        SPEED_B: _read("float", 0.0, 0.5),
        SPEED_C: _read("float", 0.0, 0.5),
        TORQUE: _read("float", 0.0, 600.0),
        GAP_IN: _read("float", 150e-6, 1500e-6),
        JACKET_IN: _read("float", 273.15, 363.15),
        RATIO_IN: _read("double", 0.0, 8.0),
        GAP: _write("float", 1e-6),
        JACKET: _write("float32", 1.0, 273.15),
        RATIO: _write("double"),
        "a.engine_heartbeat": _write("uint16"),
        "a.engine_sequence": _write("uint16"),
    },
    "limits": {
        "setpoints": {
            GAP: {
                "equipment": [180e-6, 1400e-6], "proven": [220e-6, 500e-6],
                "operating": [240e-6, 340.1e-6], "rate": 1e-6, "resolution": 0.1e-6,
                "tolerance": 0.2e-6, "dwell": 1.0, "travel": 400e-6, "swing": 6e-6,
                "reversals": 30,
            },
            JACKET: {
                "equipment": [278.15, 338.15], "proven": [283.25, 318.15],
                "operating": [285.25, 307.45], "rate": 0.05, "resolution": 0.01,
                "tolerance": 0.02, "dwell": 15.0, "travel": 40.0, "swing": 0.3, "reversals": 30,
            },
            RATIO: {
                "equipment": [0.5, 6.0], "proven": [1.8, 3.6], "operating": [2.2, 3.1],
                "rate": 0.01, "resolution": 0.0002, "tolerance": 0.0005, "dwell": 1.0,
                "travel": 6.0, "swing": 0.05, "reversals": 30,
            },
        },
        "inputs": {
            SPEED: {"validity": [0.01, 0.35], "frozen_after": 8, "max_step": 0.1,
                   "max_jitter": 0.05},
            SPEED_B: {"validity": [0.01, 0.35], "frozen_after": 8, "max_step": 0.1,
                   "max_jitter": 0.05},
            SPEED_C: {"validity": [0.01, 0.35], "frozen_after": 8, "max_step": 0.1,
                   "max_jitter": 0.05},
        },
        "votes": {
            SPEED: {"members": [SPEED, SPEED_B, SPEED_C], "tolerance": 0.008, "cycles": 5},
        },
        "cross": {
            "film to gap": {"powers": {RATIO: 1, GAP: -1}, "factor": 1e-4, "range": [0.65, 1.2]},
            "shear": {"powers": {SPEED: 1, GAP: -1}, "factor": 1.0, "range": [100.0, 900.0]},
        },
        "sums": {
            "jacket over ratio": {"weights": {JACKET: 1, RATIO: -4}, "range": [276.0, 296.0]},
        },
        "guards": {
            TORQUE: {"trip": [0.0, 450.0], "return": [1.0, 400.0], "trip_after": 2,
                     "return_after": 3},
        },
        "balances": {
            "torque to speed": {"powers": {TORQUE: 1, SPEED: -1}, "factor": 1.0,
                                "range": [600.0, 3000.0], "cycles": 4},
        },
        "models": {LOOP: {"innovation": 9.0, "cycles": 6}},
    },
    "loops": {
        LOOP: {
            "period": PERIOD_S,
            "handshake": {
                "source": "plc", "heartbeat_in": BEAT, "heartbeat_out": "a.engine_heartbeat",
                "sequence": "a.engine_sequence", "remote_request": "a.remote_request",
                "remote_ready": READY, "remote_active": ACTIVE,
            },
            "permissives": [RUNNING, LOCKED],
            "critical": [SPEED, GAP_IN, JACKET_IN, RATIO_IN],
            "optional": [SPEED_B, SPEED_C, TORQUE],
            "mvs": {GAP: GAP_IN, JACKET: JACKET_IN, RATIO: RATIO_IN},
            "phase": {"tag": PHASE, "codes": {"TRIM": 8, "HOMOGENISE": 7, "CLEAN": 12}},
            "trips": {"batch": BATCH, "most": 2},
            "gate": {
                "hold_cycles": 5, "heartbeat_cycles": 3, "max_plan_age": 7.0,
                "max_residual": 1e-4, "max_iterations": 200, "command_life": 4.0,
            },
        }
    },
}  # fmt: skip
