"""How an alarm system does: rates, floods, chatter, what stands too long (ISA-18.2, section 16)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

TEN_MINUTES_S, DAY_S = 600.0, 86_400.0
FLOOD = 10
"""Alarms within ten minutes that no operator can follow."""
CHATTER = 3
"""Times within a minute that make one alarm a chattering one."""
_KEPT = 20_000


class Flood:
    """Remembers when alarms came, for a day."""

    def __init__(self) -> None:
        self._came: deque[tuple[float, str]] = deque(maxlen=_KEPT)

    def note(self, name: str, now_s: float) -> None:
        """An alarm came into view at `now_s`."""
        self._came.append((now_s, name))
        while self._came and now_s - self._came[0][0] > DAY_S:
            self._came.popleft()

    def told(self, now_s: float, standing: Mapping[str, float]) -> dict[str, Any]:
        """Return the figures at `now_s`; `standing` are the alarms in view and since when."""
        times = [at_s for at_s, _ in self._came]
        lately = [at_s for at_s in times if now_s - at_s < TEN_MINUTES_S]
        hours = max(1.0 / 6.0, (now_s - times[0]) / 3600.0) if times else 1.0 / 6.0
        return {
            "standing": len(standing),
            "stale": sorted(n for n, since_s in standing.items() if now_s - since_s > DAY_S),
            "last_10_min": len(lately),
            "flood": len(lately) > FLOOD,
            "average_per_10_min": len(times) / (6.0 * hours),
            "peak_per_10_min": _peak(times),
            "chattering": sorted(self._chattering()),
            "most_frequent": Counter(name for _, name in self._came).most_common(10),
            "in_a_day": len(times),
        }

    def _chattering(self) -> set[str]:
        found, of = set(), {name: deque[float](maxlen=CHATTER) for _, name in self._came}
        for at_s, name in self._came:
            of[name].append(at_s)
            if len(of[name]) == CHATTER and at_s - of[name][0] < 60.0:
                found.add(name)
        return found


def _peak(times: list[float]) -> int:
    """Return the most alarms that came within any ten minutes."""
    most = first = 0
    for last, at_s in enumerate(times):
        while at_s - times[first] >= TEN_MINUTES_S:
            first += 1
        most = max(most, last - first + 1)
    return most
