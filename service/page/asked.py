"""What the page asks the engine, at most twice a second, however many viewers ask the page."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from service.commands import ask

FRESH_S = 0.5


class Asked:
    """One question to the engine and its last answer."""

    def __init__(self, state_dir: Path, do: str) -> None:
        self._state_dir = state_dir
        self._do = do
        self._answer: dict[str, Any] = {}
        self._at_s = -FRESH_S
        self._one_asks = asyncio.Lock()

    async def answer(self) -> dict[str, Any]:
        """Return the engine's answer, or in words that there is none; at most `FRESH_S` old."""
        async with self._one_asks:
            if time.monotonic() - self._at_s >= FRESH_S:
                try:
                    self._answer = await asyncio.to_thread(ask, self._state_dir, {"do": self._do})
                except OSError as error:
                    text = f"The engine does not answer: {error}"
                    self._answer = {"ok": False, "text": text}
                self._at_s = time.monotonic()
            return self._answer
