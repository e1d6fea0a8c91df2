"""Planted bugs: each broken gate, writer or controller with what has to find it.

A harness that passes a broken engine proves nothing. `broken_gates` and `broken_parts` break this
process; the play is the catalogue's own, judged as always, and must not pass. A broken controller
writes nothing unsafe: the figures of its run have to fail. What is not here: gates whose fault no
wire shows (a rounding below the register's own grain) or that break another program.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.broken_controllers import CONTROLLERS, play_controller
from hil.broken_gates import BROKEN, patched
from hil.broken_parts import PARTS
from hil.fault_catalogue import Fault, Play, load_catalogue
from hil.fault_run import Outcome, play_fault

FOUND_BY: Mapping[str, tuple[str, str]] = {
    "nan-blind-clamp": ("F49", "nan-called-solved"),
    "swapped-limits": ("F49", "above-operating"),
    "edge-of-the-hold-timer": ("F45", "for-good"),
    "rate-from-own-request": ("F20", "ratio"),
    "rate-per-cycle-only": ("F42", "late-while-moving"),
    "rate-from-the-judgement": ("F42", "late-on-the-wire"),
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
    "writes-before-it-records": ("F30", "coater"),
    "sends-what-is-void": ("F44", "between-intent-and-wire"),
    "believes-the-acknowledgement": ("F22", "every-write"),
    "trusts-a-new-connection": ("F34", "renewed"),
    "forgets-what-it-meant": ("F62", "inside-a-frame"),
}
"""Broken gate or part: the fault and the play that find it."""

BUGS = (*FOUND_BY, *(name for name in CONTROLLERS if name))
"""Everything that is planted."""


def play_of(fault_id: str, name: str) -> tuple[Fault, Play]:
    """Return a fault of the catalogue and one of its plays."""
    fault = next(fault for fault in load_catalogue() if fault.id == fault_id)
    return fault, next(play for play in fault.plays if play.name == name)


def play_with_bug(bug: str, seed: int, sealed: Mapping[str, Any], controller: str = "") -> Outcome:
    """Play what has to find the broken gate or part `bug`."""
    fault, play = play_of(*FOUND_BY[bug])
    if controller:
        play = play.model_copy(update={"controller": controller})
    with patched((BROKEN[bug] if bug in BROKEN else PARTS[bug])()):
        return play_fault(fault, play, seed, sealed)


def caught(bug: str, sealed: Mapping[str, Any], *, seed: int = 1) -> dict[str, Any]:
    """Say whether a bug was caught: the whole engine passes what the broken one does not.

    One at a time: it breaks the process that it is planted in.
    """
    if bug in CONTROLLERS:
        return _controller_caught(bug, seed, sealed)
    fault, play = play_of(*FOUND_BY[bug])
    # The model is only needed where its own watch is meant; the PI takes a tenth of the time.
    kind = "mpc" if play.expect.rule == "IL-12" else "pi"
    whole = play_fault(fault, play.model_copy(update={"controller": kind}), seed, sealed)
    broken = play_with_bug(bug, seed, sealed, kind)
    return {
        "bug": bug,
        "in": "gate" if bug in BROKEN else "writer",
        "fault": fault.id,
        "play": play.name,
        "whole_gate_passes": whole.passed,
        "caught": whole.passed and not broken.passed,
        "by": [f"unsafe: {one['why']}" for one in broken.escapes[:1]] + broken.misses[:2],
    }


def _controller_caught(bug: str, seed: int, sealed: Mapping[str, Any]) -> dict[str, Any]:
    whole, broken = (play_controller(name, seed, sealed) for name in ("", bug))
    safe = not whole["unsafe"] + broken["unsafe"] + len(whole["misses"]) + len(broken["misses"])
    return {
        "bug": bug,
        "in": "controller",
        "fault": "",
        "play": "a worn pump",
        "whole_gate_passes": not whole["failed"],
        "caught": safe and not whole["failed"] and bool(broken["failed"]),
        "by": broken["failed"],
    }
