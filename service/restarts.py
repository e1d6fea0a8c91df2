"""When a process that ended is started again: after a growing pause, and not for ever.

A process that ends again and again will not be healed by one more start, and on a plant somebody
should look. So after `starts` of them within `within_s` seconds it stays down until a person acts.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RestartRule:
    """How patient a supervisor is with one process; the same numbers go into its systemd unit."""

    starts: int = 5
    within_s: float = 300.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0


@dataclass(slots=True)
class Restarts:
    """The starts of one process so far."""

    rule: RestartRule
    _started: deque[float] = field(default_factory=deque)

    def started(self, now_s: float) -> None:
        """Remember a start at `now_s` [s, monotonic]."""
        self._started.append(now_s)
        while now_s - self._started[0] > self.rule.within_s:
            self._started.popleft()

    def pause_s(self, now_s: float) -> float | None:
        """Return how long to wait before the next start; None when it has to stay down."""
        recent = sum(1 for at_s in self._started if now_s - at_s <= self.rule.within_s)
        if recent >= self.rule.starts:
            return None
        growing = self.rule.first_pause_s * 2.0 ** max(0, recent - 1)
        return min(growing, self.rule.longest_pause_s)
