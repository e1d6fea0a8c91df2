"""The records of a fault run: the real record file on a scratch disk that can be made to fail.

Where the engine has a thread between itself and the disk (`records.recorder`), a virtual run has
none: nobody waits in virtual time, and the same rows land in the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from records.record_key import keep_key, key_path
from records.row import RecordError
from records.store import RecordStore

if TYPE_CHECKING:
    from hil.fault_world import FaultWorld

PATIENCE_S = 2.0  # the engine's own patience with a disk (records.recorder)


class FaultyRecorder:
    """A recorder with moments before each row, and a disk that fills up, locks or crawls."""

    def __init__(self, store: RecordStore, world: FaultWorld) -> None:
        self.store, self.world = store, world
        self.slow = False

    @classmethod
    async def open(cls, path: Path, world: FaultWorld) -> FaultyRecorder:
        """Open the record file; raises RecordError when it must be refused.

        Its key comes from the plant's number, or no two runs would sign the same roots.
        """
        place = key_path(path)
        if not place.exists():
            seed = sha256(f"{world.loop}:{world.seed}".encode()).digest()
            keep_key(place, Ed25519PrivateKey.from_private_bytes(seed))
        return cls(RecordStore(path), world)

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record an intent."""
        await self.world.moment("intent")
        return await self._append("intent", loop, utc, body)

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record anything else."""
        if kind == "cycle":
            await self.world.moment("record")
        return await self._append(kind, loop, utc, body)

    async def _append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        if self.slow:
            self.world.let_pass(PATIENCE_S)
            raise RecordError(f"the disk did not confirm a record within {PATIENCE_S:g} s")
        return self.store.append(kind, loop, utc, body).seq

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last recorded cycle."""
        return self.store.last_state(loop)

    async def unresolved_intent(self, loop: str) -> tuple[int, dict[str, Any]] | None:
        """Return the last intent whose run ended before its cycle, or None."""
        return self.store.unresolved_intent(loop)

    def pragma(self, text: str) -> None:
        """Tell SQLite what its disk can do: 'max_page_count', 'query_only'.

        A dead engine has no file open; the next one opens it on whatever the disk is by then.
        """
        connection = self.store._connection  # noqa: SLF001 - a disk fault is below its door
        if connection is not None:
            connection.execute(f"PRAGMA {text}").fetchall()

    def abandon(self) -> None:
        """Let go of the file as a killed process does: no last row, no farewell."""
        self.store.close()

    async def close(self) -> None:
        """Close the file."""
        self.store.close()
