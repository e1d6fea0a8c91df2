"""How the alarm system did in a demo: what came while nothing was scripted, and what chattered.

A scripted event may raise alarms, and has `SETTLED_S` to be over. Whatever comes outside of that is
a nuisance or a fault of ours: at most one in ten minutes (ISA-18.2, section 16).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.alarms.flood import TEN_MINUTES_S, Flood

SETTLED_S = 300.0


def alarm_figures(
    events: Sequence[Mapping[str, Any]], scripted_s: Sequence[float], start_s: float, end_s: float
) -> dict[str, Any]:
    """Return how many alarms came and which of them unasked; `events` are records with `at_s`.

    Times are plant seconds.
    """
    flood = Flood()
    came = [
        (float(event["at_s"]), str(event["alarm"]))
        for event in events
        if event.get("event") == "alarm" and event["to"] == "UNACK"
        and start_s <= float(event["at_s"]) < end_s
    ]  # fmt: skip
    for at_s, name in came:
        flood.note(name, at_s)
    quiet_s = _quiet_s(sorted(scripted_s), start_s, end_s)
    unasked = [
        name for at_s, name in came
        if not any(0.0 <= at_s - scripted < SETTLED_S for scripted in scripted_s)
    ]  # fmt: skip
    return {
        "came": len(came),
        "quiet_min": round(quiet_s / 60.0, 1),
        "unasked": unasked,
        "unasked_per_10_min": len(unasked) * TEN_MINUTES_S / quiet_s if quiet_s else 0.0,
        "chattering": flood.told(end_s, {})["chattering"],
    }


def few(figures: Mapping[str, Any]) -> bool:
    """Say whether an operator could live with it: one may come by chance, nothing chatters."""
    allowed = max(1.0, figures["quiet_min"] / 10.0)
    return len(figures["unasked"]) <= allowed and not figures["chattering"]


def _quiet_s(scripted_s: Sequence[float], start_s: float, end_s: float) -> float:
    """Return how long nothing was scripted, and what had been was over."""
    quiet, at_s = 0.0, start_s
    for scripted in scripted_s:
        quiet += max(0.0, min(scripted, end_s) - at_s)
        at_s = max(at_s, scripted + SETTLED_S)
    return quiet + max(0.0, end_s - at_s)
