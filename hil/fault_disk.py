"""The records of a fault run: the real record file on a scratch disk that can be made to fail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from records.recorder import FileRecorder
from records.row import RecordError

if TYPE_CHECKING:
    from hil.fault_world import FaultWorld

PATIENCE_S = 2.0  # the engine's own patience with a disk (records.recorder)


class FaultyRecorder:
    """A `FileRecorder` with moments before each row, and a disk that fills up, locks or crawls."""

    def __init__(self, file: FileRecorder, world: FaultWorld) -> None:
        self.file, self.world = file, world
        self.slow = False

    @classmethod
    async def open(cls, path: Path, world: FaultWorld) -> FaultyRecorder:
        """Open the record file; raises RecordError when it must be refused."""
        return cls(await FileRecorder.open(path, patience_s=60.0), world)

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
        return await self.file.append(kind, loop, utc, body)

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last recorded cycle."""
        return await self.file.last_state(loop)

    async def unresolved_intent(self, loop: str) -> tuple[int, dict[str, Any]] | None:
        """Return the last intent whose run ended before its cycle, or None."""
        return await self.file.unresolved_intent(loop)

    def pragma(self, text: str) -> None:
        """Tell SQLite what its disk can do: 'max_page_count', 'query_only'.

        A dead engine has no file open; the next one opens it on whatever the disk is by then.
        """
        connection = self.file._store._connection  # noqa: SLF001 - a disk fault is below its door
        if connection is not None:
            connection.execute(f"PRAGMA {text}").fetchall()

    def abandon(self) -> None:
        """Let go of the file as a killed process does: no last row, no farewell."""
        self.file._store.close()  # noqa: SLF001 - nobody says goodbye when killed
        self.file._thread.shutdown(wait=True)  # noqa: SLF001

    async def close(self) -> None:
        """Finish and close."""
        await self.file.close()
