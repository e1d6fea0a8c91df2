"""A recorder that only remembers bodies: no chain and no text, for a simulation's thousands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.chain import KINDS


class LightRecorder:
    """The interface of the records; `rows` are (kind, body) in their order."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, Mapping[str, Any]]] = []

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Remember an intent."""
        return await self.append("intent", loop, utc, body)

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Remember one body."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of record: {', '.join(KINDS)}")
        self.rows.append((kind, body))
        return len(self.rows)

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """A simulation begins without a past."""
        return None

    async def close(self) -> None:
        """Nothing to let go of."""
