"""What the Modbus link needs of a transport: one request, one answer, and a cut when in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

READ: Final = {"holding": 3, "input": 4}
WRITE_ONE: Final = 6
WRITE_MANY: Final = 16
WRITE_AND_READ: Final = 23


class Answer(NamedTuple):
    """The registers a device sent, or none and its exception code."""

    words: list[int]
    code: int = 0


class Bus(Protocol):
    """One device behind one transport. Every method but `cut` raises when the wire fails."""

    async def connect(self) -> None:
        """Reach the device's door; that says nothing about the device behind it yet."""
        ...

    async def read(self, table: str, start: int, count: int) -> Answer:
        """Read `count` registers by FC03 ('holding') or FC04 ('input')."""
        ...

    async def write(self, start: int, words: Sequence[int], function: int) -> int:
        """Write registers by FC06, FC16 or FC23; return the exception code, 0 for done."""
        ...

    def cut(self) -> None:
        """Let go at once; bytes that are not out yet never leave."""
        ...
