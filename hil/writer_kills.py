"""kill -9 of the writer alone, many a minute: what a commit leaves when it is cut anywhere (G4).

The child is a fork that does nothing but append, and says each row number into a pipe once the
row is on the disk. After each kill the same file is opened again, its tail verified, and every
number that was said must be there.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from records.chain import verify
from records.row import RecordError
from records.store import RecordStore

LONGEST_S = 0.05
ROOT_EVERY = 32


def kill_writers(path: Path, kills: int, seed: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Kill `kills` writers of the record file `path`, one after another; return what was left."""
    dice = random.Random(seed)
    promised = kept = 0
    faults: list[str] = []
    for number in range(1, kills + 1):
        said = _one(path, dice.uniform(0.0, LONGEST_S), dice.randrange(10_000))
        try:
            store = RecordStore(path, ROOT_EVERY)
        except RecordError as error:
            faults.append(f"kill {number}: refused: {error}")
            break
        kept = store.head.seq if store.head else 0
        store.close()
        promised = max(promised, said)
        if kept < promised:
            faults.append(f"kill {number}: row {promised} had been acknowledged, last is {kept}")
        if number % 250 == 0:
            say(f"{number} kills, {kept} rows, {len(faults)} fault(s)")
    report = verify(path)
    faults += [] if report.ok else [f"chain: {report.text}"]
    return {
        "kills": kills,
        "rows": kept,
        "acknowledged": promised,
        "faults": faults[:20],
        "ok": not faults and promised > 0,
    }


def _one(path: Path, alive_s: float, padding: int) -> int:
    """Let one writer live for `alive_s` after its first row; return the last row it promised."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _write(path, write, padding)
    os.close(write)
    with os.fdopen(read, "rb") as promises:
        first = promises.readline()
        time.sleep(alive_s)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines = [first, *promises.read().split(b"\n")[:-1]]
    whole = [line for line in lines if line.strip().isdigit()]
    return int(whole[-1]) if whole else 0


def _write(path: Path, promises: int, padding: int) -> None:
    """Append until killed; never returns into the parent's code."""
    try:
        store = RecordStore(path, ROOT_EVERY)
        while True:
            row = store.append("cycle", "coating", "now", {"padding": "x" * padding})
            os.write(promises, b"%d\n" % row.seq)
    finally:
        os._exit(1)
