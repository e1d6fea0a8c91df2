"""Follows the record file for the page: the latest cycles of every loop, ready to show."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from pathlib import Path
from typing import Any

from records.chain import RecordError
from records.reader import RecordReader
from service.page.read_profile import Scan, scan_of
from service.page.view import Frame, frame, loop_views

KEEP = 3000
POLL_S = 0.1


class Feed:
    """Follows the record file and keeps the latest cycles, ready to show."""

    def __init__(self, state_dir: Path) -> None:
        self.sealed: dict[str, Any] = json.loads((state_dir / "sealed.json").read_text("utf-8"))
        self.views = loop_views(self.sealed)
        self.frames: deque[Frame] = deque(maxlen=KEEP)
        self.scans: deque[Scan] = deque(maxlen=KEEP)
        self.changed = asyncio.Condition()
        self.turns = 0  # of the follower: its sign of life
        self.trouble = ""
        self._path = state_dir / "records.sqlite"
        self._reader: RecordReader | None = None
        self._seen = 0

    def catch_up(self) -> list[Frame]:
        """Read what was recorded since the last call (blocking; call it off the event loop)."""
        if self._reader is None:
            self._reader = RecordReader(self._path)
            self._seen = self._seen or max(0, self._reader.last_seq() - 2 * KEEP)
        rows = self._reader.since(self._seen, limit=2 * KEEP)
        fresh = []
        for row in rows:
            if row.kind == "seal":  # other limits are in force from here on
                self.sealed = row.body["proposal"]["config"]
                self.views = loop_views(self.sealed)
            elif row.kind == "cycle" and row.loop in self.views:
                view = self.views[row.loop]
                scan = scan_of(row.body, self.sealed)
                if scan is not None and (not self.scans or scan.number != self.scans[-1].number):
                    self.scans.append(scan)
                fresh.append(frame(row.seq, row.body, view, self.sealed, predict=True))
        if rows:
            self._seen = rows[-1].seq
        return fresh

    async def follow(self) -> None:
        """Keep following until cancelled; trouble with the file is shown, not raised."""
        while True:
            try:
                fresh = await asyncio.to_thread(self.catch_up)
                self.trouble = ""
            except (RecordError, OSError) as error:
                fresh, self.trouble, self._reader = [], str(error), None
            if fresh:
                async with self.changed:
                    self.frames.extend(fresh)
                    self.changed.notify_all()
            self.turns += 1
            await asyncio.sleep(POLL_S)

    def since(self, last: int) -> list[Frame]:
        """Return the frames after record number `last`."""
        return [f for f in self.frames if f["id"] > last]
