"""Planted bugs: each broken gate with the play that has to find it.

A harness that passes a broken gate proves nothing. `broken_gates` breaks the gate of this process;
the play is the catalogue's own, judged as always, and must not pass. What is not here: gates whose
fault no wire shows (a rounding below the register's own grain) or that break another program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.broken_gates import broken
from hil.fault_catalogue import Fault, Play, load_catalogue
from hil.fault_run import Outcome, play_fault

FOUND_BY: Mapping[str, tuple[str, str]] = {
    "nan-blind-clamp": ("F49", "nan-called-solved"),
    "swapped-limits": ("F49", "above-operating"),
    "edge-of-the-hold-timer": ("F45", "for-good"),
    "rate-from-own-request": ("F20", "ratio"),
    "rate-per-cycle-only": ("F42", "late-while-moving"),
    "unlatched-trip": ("F74", "nobody-resets"),
    "trips-skipped": ("F74", "cause-stands"),
    "vote-averages-uncertain": ("F12", "one-in-doubt"),
    "vote-of-one": ("F12", "one-left"),
    "combinations-skipped": ("F49", "not-together"),
    "stale-accepted": ("F08", "speed"),
    "heartbeat-ignored": ("F25", "coater"),
    "remote-ignored": ("F24", "coater"),
    "token-not-checked": ("F68", "old-auto-request"),
    "nobody-asked": ("F68", "nobody"),
    "permissives-skipped": ("F16", "tension"),
    "phase-skipped": ("F72", "batch-aborted"),
    "solver-trusted": ("F46", "called-solved"),
    "model-trusted": ("F05", "told-by-the-model"),
    "balances-skipped": ("F17", "gap"),
    "write-not-verified": ("F22", "every-write"),
    "reversals-skipped": ("F19", "ratio"),
    "guards-skipped": ("F06", "pressure-guard"),
    "hold-never-ends": ("F45", "for-good"),
    "travel-unbounded": ("F19", "travel"),
    "foreign-writer-ignored": ("F23", "ratio"),
    "allow-list-skipped": ("F49", "unknown-setpoint"),
    "seal-not-checked": ("F50", "limits-in-memory"),
    "spent-request-works": ("F24", "and-back"),
    "no-handshake": ("F38", "coater"),
    "raises": ("F38", "coater"),
}
"""Broken gate: the fault and the play that find it."""


def play_of(fault_id: str, name: str) -> tuple[Fault, Play]:
    """Return a fault of the catalogue and one of its plays."""
    fault = next(fault for fault in load_catalogue() if fault.id == fault_id)
    return fault, next(play for play in fault.plays if play.name == name)


def play_with_bug(gate: str, seed: int, sealed: Mapping[str, Any], controller: str = "") -> Outcome:
    """Play what has to find the broken `gate`; '' is the whole gate's own word on the same play."""
    fault, play = play_of(*FOUND_BY[gate])
    if controller:
        play = play.model_copy(update={"controller": controller})
    with broken(gate):
        return play_fault(fault, play, seed, sealed)
