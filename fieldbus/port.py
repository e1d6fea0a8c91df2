"""The one door to the plant. The wire, the simulated line and a replay all stand behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from safety.gate import Command
from safety.words import Reading, WriteResult


class PlantPort(Protocol):
    """Reads tags and carries commands out. Neither method raises for bad news from the plant."""

    async def open(self) -> None:
        """Start connecting in the background; returns at once even when no PLC answers."""
        ...

    async def read(self, tags: Sequence[str]) -> Reading:
        """Read all `tags` in one bulk request per source; every tag asked for is in the answer."""
        ...

    async def write(self, command: Command) -> WriteResult:
        """Carry out one command: setpoints first, sequence and heartbeat last, never repeated."""
        ...

    async def close(self) -> None:
        """Stop connecting and let go of every socket."""
        ...
