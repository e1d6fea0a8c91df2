"""Calibration dates of instruments: which have ended, which soon will, how long they last (GMP-15).

A date is the last day, in UTC. The calendar is read when a person asks for AUTO, or when a new
version of the configuration comes into force; from then on engine time counts, so a clock that is
set anew neither sheds a loop nor keeps it closed (REC-11).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from service.clock import EngineClock

SOON_DAYS = 30
DAY_S = 86400.0


def calibrations(sealed: Mapping[str, Any], tags: Collection[str]) -> Mapping[str, str]:
    """Return the last day of calibration of every instrument in `tags` that says one."""
    days = {tag: sealed["tags"][tag].get("calibrated_until") for tag in tags}
    return {tag: str(day) for tag, day in days.items() if day}


def first_end(days: Mapping[str, str], clock: EngineClock) -> tuple[float, str]:
    """Return at which engine time [s] the first of these calibrations ends, and words for it.

    Where none has a date it is never; where one has ended already it lies in the past.
    """
    if not days:
        return math.inf, ""
    tag = min(days, key=lambda one: _end(days[one]))
    left_s = (_end(days[tag]) - datetime.fromisoformat(clock.utc())).total_seconds()
    words = f"the calibration of {tag} ended on {days[tag]}"
    return clock.now_s() + left_s / clock.wall_s(1.0), words


def to_renew(days: Mapping[str, str], utc: str) -> str:
    """Say of every instrument whose calibration has ended, or will within SOON_DAYS; '' of none."""
    found = []
    for tag, day in days.items():
        left_s = (_end(day) - datetime.fromisoformat(utc)).total_seconds()
        if left_s <= 0.0:
            found.append(f"the calibration of {tag} ended on {day}")
        elif left_s <= SOON_DAYS * DAY_S:
            found.append(f"the calibration of {tag} ends on {day}, in {left_s / DAY_S:.0f} days")
    return "; ".join(found)


def _end(day: str) -> datetime:
    """Return the first moment after a day."""
    return datetime.combine(date.fromisoformat(day) + timedelta(days=1), datetime.min.time(), UTC)
