"""The real engine with one part that hangs when a file says so: `... STATE SEALED SPEED`.

The file `hang` of the state directory names the part; it is gone when the part hangs.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from records.store import RecordStore
from service import loop_runner
from service.commands import CommandDoor
from service.cycle import CycleRecord, LoopContext, guarded_cycle
from service.limits_keeper import SealKeeper
from tests.service.engine_with_fake_worker import main

FOREVER_S = 3600.0
PARTS = ("event loop", "loop coating", "recorder", "command door", "file watcher")


def told_to_hang(part: str) -> bool:
    """Say whether `part` shall hang from now on; asked once, answered once."""
    order = Path(sys.argv[1]) / "hang"
    if not order.exists() or order.read_text("ascii") != part:
        return False
    order.unlink()
    return True


def spoil() -> None:
    """Put the hangs where each part does its work."""
    cycle, answer = guarded_cycle, CommandDoor._answer_line
    append, look = RecordStore.append, SealKeeper.look_at_files
    files_hang: list[bool] = []

    async def slow_cycle(loop: LoopContext, now_s: float) -> CycleRecord:
        if told_to_hang("event loop"):
            time.sleep(FOREVER_S)  # noqa: ASYNC251 - this is the fault
        if told_to_hang("loop coating"):
            await asyncio.sleep(FOREVER_S)
        return await cycle(loop, now_s)

    async def slow_answer(self: CommandDoor, line: bytes) -> Mapping[str, Any]:
        if told_to_hang("command door"):
            await self.close()  # the door is shut while everything else goes on
        return await answer(self, line)

    def slow_append(self: RecordStore, *row: Any) -> Any:
        if told_to_hang("recorder"):
            time.sleep(FOREVER_S)
        return append(self, *row)

    def slow_look(self: SealKeeper) -> Any:
        if files_hang or told_to_hang("file watcher"):
            files_hang.append(True)
            raise RuntimeError("the file watcher has fallen over")
        return look(self)

    loop_runner.guarded_cycle = slow_cycle  # type: ignore[attr-defined]
    CommandDoor._answer_line = slow_answer  # type: ignore[method-assign]
    RecordStore.append = slow_append  # type: ignore[assignment,method-assign]
    SealKeeper.look_at_files = slow_look  # type: ignore[method-assign]


if __name__ == "__main__":
    spoil()
    main()
