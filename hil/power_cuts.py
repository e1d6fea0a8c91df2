"""A hundred thousand power cuts: what the record file makes of every disk a cut can leave (G4).

Two kinds. A *lawful* cut loses only what was never synced: the file must open, its chain must be
whole, and every acknowledged row must be there. A *lying* disk loses synced bytes as well: the
tail of the log cut at any byte, sectors zeroed, swapped or scrambled. Then the file either opens
with a whole chain that is a beginning of the true one, or is refused; never anything else.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hil.disk_diary import SECTOR, DiaryVfs, Platter, Step
from records.record_key import key_path, keys_path
from records.row import Head, RecordError, head_path
from records.store import RecordStore

ROWS = 120
ROOT_EVERY = 16
CHECKPOINT_PAGES = 40  # far fewer than SQLite's 1000, so that many cuts fall into a checkpoint
NAME = "records.sqlite"


class PowerCuts:
    """Writes a record file once, keeping the diary; then cuts the power, again and again."""

    def __init__(self, folder: Path, seed: int, *, careless: bool = False) -> None:
        """`folder` is for scratch files, best on a disk in memory.

        `careless` writes without syncing: then cuts must lose rows, or this proves nothing.
        """
        self._folder = folder
        self._seed = seed
        self._path = folder / NAME
        self.steps, self.hashes = _write_down(folder / "written", seed, careless)
        for place in (key_path, keys_path):
            shutil.copy2(place(folder / "written" / NAME), place(self._path))

    def run(self, cuts: int, say: Callable[[str], None]) -> dict[str, Any]:
        """Cut `cuts` times, evenly over the diary; return what came of them."""
        found: Counter[str] = Counter()
        faults: list[str] = []
        platter, done, heads = Platter(), 0, [b""]
        for at, step in enumerate(self.steps):
            platter.follow(step)
            if step.what == "ack":
                heads.append(Head(step.offset, self.hashes[step.offset]).to_line().encode("ascii"))
            until = (at + 1) * cuts // len(self.steps)
            for number in range(done, until):
                outcome, fault = self._one(number, platter, heads)
                found[outcome] += 1
                if fault:
                    faults.append(f"cut {number} after step {at}: {fault}")
                if number % 10_000 == 9_999:
                    say(f"{number + 1} cuts, {len(faults)} fault(s)")
            done = until
        return {
            "cuts": cuts,
            "steps": len(self.steps),
            "outcomes": dict(sorted(found.items())),
            "faults": len(faults),
            "first_faults": faults[:10],
            "ok": not faults,
        }

    def _one(self, number: int, platter: Platter, heads: list[bytes]) -> tuple[str, str]:
        dice = random.Random(f"{self._seed} {number}")
        lawful = dice.random() < 0.5
        files = platter.after_a_cut(dice) if lawful else _lied(platter.everything(), dice)
        self._lay_out(files, _some_head(heads, dice))
        try:
            store = RecordStore(self._path, ROOT_EVERY)
        except RecordError as error:
            if lawful and platter.acknowledged:
                return "lawful: refused", f"refused after a lawful cut: {error}"
            return ("lawful" if lawful else "lying") + ": refused", ""
        last = store.head or Head(0, "")
        store.close()
        kind = "lawful" if lawful else "lying"
        if last.seq and self.hashes.get(last.seq) != last.hash:
            return f"{kind}: not a prefix", f"row {last.seq} is none that was ever written"
        if lawful and last.seq < platter.acknowledged:
            return (
                "lawful: lost",
                f"row {platter.acknowledged} was acknowledged, last is {last.seq}",
            )
        whole = last.seq >= platter.acknowledged
        return f"{kind}: " + ("whole" if whole else "a shorter prefix"), ""

    def _lay_out(self, files: dict[str, bytes], head: bytes) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            self._path.with_name(NAME + suffix).unlink(missing_ok=True)
        for name, content in files.items():
            (self._folder / name).write_bytes(content)
        head_path(self._path).unlink(missing_ok=True)
        if head:
            head_path(self._path).write_bytes(head)


def _write_down(folder: Path, seed: int, careless: bool) -> tuple[list[Step], dict[int, str]]:
    """Write a record file under a diary; return the diary and the hash of every row."""
    folder.mkdir(parents=True)
    steps: list[Step] = []
    vfs = DiaryVfs(f"diary-{folder}", steps)
    dice = random.Random(seed)
    hashes: dict[int, str] = {}
    try:
        store = RecordStore(folder / NAME, ROOT_EVERY)
        connection = store._connection  # noqa: SLF001 - smaller checkpoints than the engine's
        if connection is not None:
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}").fetchall()
            if careless:
                connection.execute("PRAGMA synchronous = OFF").fetchall()
        for number in range(ROWS):
            body = {"state": {"n": number}, "padding": "x" * dice.randrange(20, 6000)}
            kind = "intent" if number % 2 else "cycle"
            row = store.append(kind, "coating", "now", body)
            hashes[row.seq] = row.hash
            last = store.head or Head(row.seq, row.hash)
            hashes[last.seq] = last.hash
            steps.append(Step("ack", offset=last.seq))
        store.close()
    finally:
        vfs.unregister()
    return steps, hashes


def _some_head(heads: list[bytes], dice: random.Random) -> bytes:
    """Return a head that may be on the disk: never synced, so any older one, or a torn one."""
    line = heads[-1] if dice.random() < 0.5 else dice.choice(heads)
    if dice.random() < 0.2:
        older, cut = dice.choice(heads), dice.randrange(len(line) + 1)
        return line[:cut] + older[cut:]
    return line


def _lied(files: dict[str, bytes], dice: random.Random) -> dict[str, bytes]:
    """Damage the end of the log, or of the file where there is no log, beyond what disks may do."""
    target = f"{NAME}-wal" if files.get(f"{NAME}-wal") else NAME
    image = bytearray(files.get(target, b""))
    if not image:
        return files
    reach = max(0, len(image) - dice.choice((SECTOR, 8 * SECTOR, 40 * SECTOR)))
    way = dice.choice(("truncated", "zeroed", "swapped", "scrambled"))
    if way == "truncated":
        del image[dice.randrange(reach, len(image)) :]
    else:
        first = dice.randrange(reach // SECTOR, len(image) // SECTOR + 1) * SECTOR
        sector = slice(first, first + SECTOR)
        size = len(image[sector])
        if way == "zeroed":
            image[sector] = bytes(size)
        elif way == "scrambled":
            image[sector] = dice.randbytes(size)
        else:
            other = dice.randrange(0, max(1, len(image) // SECTOR)) * SECTOR
            swap = slice(other, other + size)
            image[sector], image[swap] = image[swap], image[sector]
    return {**files, target: bytes(image)}


def cut_power(
    cuts: int, seed: int, say: Callable[[str], None], scratch: Path | None = None
) -> dict[str, Any]:
    """Run a campaign on scratch files, in memory where the machine has a disk there."""
    memory = Path("/dev/shm")
    place = scratch or (memory if memory.is_dir() else None)
    with tempfile.TemporaryDirectory(prefix="rheostat-cuts-", dir=place) as folder:
        return PowerCuts(Path(folder), seed).run(cuts, say)
