"""What the oracle writes down: escapes, and the moves of each setpoint over an hour."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_HOUR_S = 3600.0
SLACK = 1.0 + 1e-9
"""For sums of floats over an hour."""


@dataclass(frozen=True, slots=True)
class Escape:
    """Something the gate let through, or did, that it must not: the property and the facts."""

    property: str
    text: str


class Ledger:
    """The moves of one setpoint over the last hour, as the oracle counts them."""

    def __init__(self) -> None:
        self.moves: deque[tuple[float, float]] = deque()
        self.total = 0.0
        self.turns: deque[float] = deque()
        self.sign, self.peak = 0, 0.0
        self.last_s: float | None = None

    def add(self, now_s: float, before: float, after: float, swing: float) -> None:
        """Note a move from word to word."""
        self.moves.append((now_s, abs(after - before)))
        self.total += abs(after - before)
        self.last_s = now_s
        if self.sign == 0:
            self.sign, self.peak = (1 if after > before else -1), after
        elif (after - self.peak) * self.sign > 0:
            self.peak = after
        elif abs(after - self.peak) > swing * SLACK:
            self.sign, self.peak = -self.sign, after
            self.turns.append(now_s)

    def forget(self, now_s: float) -> None:
        """Drop what is older than an hour."""
        while self.moves and now_s - self.moves[0][0] >= _HOUR_S:
            self.total -= self.moves.popleft()[1]
        if not self.moves:
            self.total = 0.0
        while self.turns and now_s - self.turns[0] >= _HOUR_S:
            self.turns.popleft()

    def within(self, now_s: float, window_s: float) -> float:
        """Return how far it was moved in the last `window_s`; what lies ahead is not counted."""
        total = 0.0
        for at_s, by in reversed(self.moves):
            if now_s - at_s >= window_s:
                break
            total += by if at_s <= now_s else 0.0
        return total
