"""A disk that remembers: every write, truncation and sync of SQLite, in order, with the bytes.

What a power cut may leave follows from it: what was synced is there; of what was written since,
any part may be there or not, in sectors, in any order; a file that grew reads zeros where nothing
arrived. That is what disks promise, and no more.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import apsw

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: 'write' (offset, data), 'truncate' (offset), 'sync', 'delete'.

    'ack' is ours: from here on the row with the number `offset` has been acknowledged.
    """

    what: str
    file: str = ""
    offset: int = 0
    data: bytes = b""


class DiaryVfs(apsw.VFS):  # type: ignore[misc,unused-ignore]
    """SQLite's own file system, written down. It is the default one while it lives."""

    def __init__(self, name: str, steps: list[Step]) -> None:
        self.steps = steps
        super().__init__(name, base="unix", makedefault=True)

    def xOpen(self, name: apsw.URIFilename | str | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        """Open a file that keeps the diary."""
        return _DiaryFile(name, flags, self.steps)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        """Delete a file."""
        self.steps.append(Step("delete", Path(filename).name))
        super().xDelete(filename, syncdir)


class _DiaryFile(apsw.VFSFile):  # type: ignore[misc,unused-ignore]
    def __init__(
        self, name: apsw.URIFilename | str | None, flags: list[int], steps: list[Step]
    ) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._name, self._steps = Path(path).name, steps
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        super().xWrite(data, offset)
        self._steps.append(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._steps.append(Step("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        super().xSync(flags)
        self._steps.append(Step("sync", self._name))


@dataclass(slots=True)
class _File:
    synced: bytearray = field(default_factory=bytearray)
    pending: list[Step] = field(default_factory=list)


class Platter:
    """What is on the disk while the diary is read, and what a cut at this instant may leave."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}
        self.acknowledged = 0

    def follow(self, step: Step) -> None:
        """Let one more step happen."""
        if step.what == "ack":
            self.acknowledged = step.offset
            return
        file = self._files.setdefault(step.file, _File())
        if step.what == "sync":
            for one in file.pending:
                _apply(file.synced, one)
            file.pending.clear()
        elif step.what == "delete":
            del self._files[step.file]
        else:
            file.pending.append(step)

    def everything(self) -> dict[str, bytes]:
        """Return the files as a disk that lost nothing would show them."""
        return {name: bytes(_applied(file.synced, file.pending))
                for name, file in self._files.items()}  # fmt: skip

    def after_a_cut(self, dice: random.Random) -> dict[str, bytes]:
        """Return the files as one possible power cut leaves them."""
        way = dice.choice(("nothing", "everything", "some writes", "some sectors", "torn", "order"))
        return {name: bytes(self._cut(file, way, dice)) for name, file in self._files.items()}

    def _cut(self, file: _File, way: str, dice: random.Random) -> bytearray:
        if way == "nothing":
            return file.synced
        if way == "everything":
            return _applied(file.synced, file.pending)
        if way == "order":  # a later write arrived, the ones before it did not
            start = dice.randrange(len(file.pending) + 1)
            return _applied(file.synced, file.pending[start:])
        if way == "some writes":
            return _applied(file.synced, [one for one in file.pending if dice.random() < 0.5])
        kept = [part for one in file.pending for part in _sectors(one) if dice.random() < 0.7]
        if way == "torn" and kept:
            at = dice.randrange(len(kept))
            one = kept[at]
            short = one.data[: dice.randrange(len(one.data) + 1)]
            kept[at] = Step(one.what, one.file, one.offset, short)
        return _applied(file.synced, kept)


def _sectors(step: Step) -> list[Step]:
    """Return a write as the sectors it touches; anything else is one piece."""
    if step.what != "write":
        return [step]
    parts, at = [], step.offset
    end = step.offset + len(step.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        parts.append(
            Step("write", step.file, at, step.data[at - step.offset : until - step.offset])
        )
        at = until
    return parts


def _applied(synced: bytearray, steps: Sequence[Step]) -> bytearray:
    image = bytearray(synced)
    for one in steps:
        _apply(image, one)
    return image


def _apply(image: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del image[step.offset :]
        return
    if len(image) < step.offset:
        image.extend(bytes(step.offset - len(image)))
    image[step.offset : step.offset + len(step.data)] = step.data
