"""The recorder: what the cycle calls to remember something, and when it may go on.

`intend` returns only when the row is on the disk: the wire comes after it, never before (REC-03).
The disk is slow and blocking, so one thread of its own owns the file; the event loop never waits
for more than `patience_s`. Anything that goes wrong is a `RecordError`, and the engine sheds.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

from records.canonical import canonical_json
from records.row import GENESIS, KINDS, Head, RecordError, Row, link_hash
from records.store import RecordStore

_Answer = TypeVar("_Answer")
_QUEUE_LIMIT = 64  # more than this waiting means the disk has stopped, not that it is slow


class Recorder(Protocol):
    """What the cycle and the engine need of the records."""

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record what is about to be written; durable when this returns its row number."""
        ...

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record anything else; durable when this returns its row number."""
        ...

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last recorded cycle of `loop`."""
        ...

    async def close(self) -> None:
        """Let go of the file."""
        ...


class FileRecorder:
    """A recorder on a record file, with the one thread that may touch it."""

    def __init__(self, store: RecordStore, thread: ThreadPoolExecutor, patience_s: float) -> None:
        self._store = store
        self._thread = thread
        self._patience_s = patience_s
        self._waiting = 0
        self.finished = 0  # what the thread has done so far, well or not: its sign of life
        self._count = threading.Lock()

    @classmethod
    async def open(cls, path: Path, patience_s: float = 2.0) -> FileRecorder:
        """Open the record file; raises RecordError with words when it must be refused.

        `patience_s` [s, wall] bounds how long a caller waits for the disk.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="recorder")
        try:
            store = await asyncio.get_running_loop().run_in_executor(thread, RecordStore, path)
        except BaseException:
            thread.shutdown()
            raise
        return cls(store, thread, patience_s)

    @property
    def path(self) -> Path:
        """Return where the record file is."""
        return self._store.path

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record an intent; on the disk when this returns."""
        return await self.append("intent", loop, utc, body)

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Record one row; on the disk when this returns."""
        return (await self._on_thread(self._store.append, kind, loop, utc, body)).seq

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last recorded cycle of `loop`."""
        return await self._on_thread(self._store.last_state, loop)

    async def seals(self) -> list[dict[str, Any]]:
        """Return every sealed version of the configuration that was in force, oldest first."""
        return await self._on_thread(self._store.seals)

    async def unresolved_intent(self, loop: str) -> tuple[int, dict[str, Any]] | None:
        """Return row and body of the last intent whose run ended before its cycle, or None."""
        return await self._on_thread(self._store.unresolved_intent, loop)

    async def close(self) -> None:
        """Finish what waits, close the file, end the thread."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._store.close)
        self._thread.shutdown()

    async def _on_thread(self, work: Callable[..., _Answer], *arguments: object) -> _Answer:
        """Run `work` on the recorder's thread, and wait no longer than our patience."""
        if self._waiting >= _QUEUE_LIMIT:
            raise RecordError(f"the disk under {self.path} has stopped answering")

        def job() -> _Answer:
            try:
                return work(*arguments)
            finally:
                with self._count:
                    self._waiting -= 1
                    self.finished += 1

        with self._count:
            self._waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._thread, job)
        done, _ = await asyncio.wait({running}, timeout=self._patience_s)
        if not done:
            # The row may still land; without its caller it is an intent that led to no write.
            running.add_done_callback(lambda late: late.cancelled() or late.exception())
            raise RecordError(
                f"the disk under {self.path} did not confirm a record within "
                f"{self._patience_s:g} s. Next: look for a slow or failing disk"
            )
        return running.result()


class MemoryRecorder:
    """The same interface without a disk, for simulation and tests. `rows` is all it remembers."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.bodies: list[Mapping[str, Any]] = []

    async def intend(self, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Remember an intent."""
        return await self.append("intent", loop, utc, body)

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        """Remember one row, chained as on the disk."""
        if kind not in KINDS:
            raise ValueError(f"{kind!r} is not a kind of record: {', '.join(KINDS)}")
        before = Head(self.rows[-1].seq, self.rows[-1].hash) if self.rows else Head(0, GENESIS)
        seq, text = before.seq + 1, canonical_json(body)
        sealed = link_hash(seq, kind, loop, utc, before.hash, text)
        self.rows.append(Row(seq, kind, loop, utc, text, before.hash, sealed))
        self.bodies.append(body)
        return seq

    async def last_state(self, loop: str) -> Mapping[str, Any] | None:
        """Return the gate state of the last remembered cycle of `loop`."""
        for row in reversed(self.rows):
            if row.kind == "cycle" and row.loop == loop:
                state: Mapping[str, Any] | None = json.loads(row.body).get("state")
                return state
        return None

    async def close(self) -> None:
        """Nothing to let go of."""
