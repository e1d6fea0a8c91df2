"""What the page asks others: seldom, however many viewers ask the page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.commands import ask

FRESH_S = 0.5
"""The engine is asked at most twice a second."""


class Seldom:
    """One question and its last answer, at most `fresh_s` old; asked off the event loop."""

    def __init__(self, question: Callable[[], dict[str, Any]], fresh_s: float) -> None:
        self._question = question
        self._fresh_s = fresh_s
        self._answer: dict[str, Any] = {}
        self._at_s = -fresh_s
        self._one_asks = asyncio.Lock()

    async def answer(self) -> dict[str, Any]:
        """Return the answer; what the question raises is raised, and asked anew the next time."""
        async with self._one_asks:
            if time.monotonic() - self._at_s >= self._fresh_s:
                self._answer = await asyncio.to_thread(self._question)
                self._at_s = time.monotonic()
            return self._answer


def asked(state_dir: Path, do: str) -> Seldom:
    """Return a question to the engine; where it does not answer, the answer says so in words."""

    def question() -> dict[str, Any]:
        try:
            return ask(state_dir, {"do": do})
        except OSError as error:
            return {"ok": False, "text": f"The engine does not answer: {error}"}

    return Seldom(question, FRESH_S)
