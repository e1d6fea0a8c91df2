"""The pulse of a process: it reports that it lives only while every part of it shows that it does.

A part shows it by a number that changes: cycles done, files looked at, rows written. A timer that
reported by itself would go on beside a loop that hangs, and the watchdog would guard nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.notify import Notifier

_LOOKS_PER_PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Sign:
    """A number that changes while one part of a process lives, at least every `patience_s` [s]."""

    count: Callable[[], int]
    patience_s: float


class Pulse:
    """Reports while all signs of life are fresh."""

    def __init__(self, signs: Mapping[str, Sign], notifier: Notifier) -> None:
        """Prepare; `signs` names the parts of the process as a person should read them."""
        self._signs = signs
        self._notifier = notifier
        self._seen: dict[str, tuple[int, float]] = {}
        self._said = ""

    def silent(self, now_s: float) -> list[str]:
        """Look at every part; return those without a sign of life for longer than they may be."""
        for name, sign in self._signs.items():
            count = sign.count()
            if name not in self._seen or self._seen[name][0] != count:
                self._seen[name] = (count, now_s)
        return [
            name for name, sign in self._signs.items()
            if now_s - self._seen[name][1] > sign.patience_s
        ]  # fmt: skip

    async def run(self) -> None:
        """Report until cancelled."""
        every_s = min(sign.patience_s for sign in self._signs.values()) / _LOOKS_PER_PATIENCE
        while True:
            self.look(asyncio.get_running_loop().time())
            await asyncio.sleep(every_s)

    def look(self, now_s: float) -> None:
        """Report at `now_s` [s] if every part lives, else say who is missed: last words count."""
        silent = self.silent(now_s)
        words = f"no sign of life from: {', '.join(silent)}" if silent else "every part is alive"
        if words != self._said:
            self._notifier.say(STATUS=words)
            self._said = words
        if not silent:
            self._notifier.say(WATCHDOG="1")
