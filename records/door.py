"""At the door of a record file: one writer, a local disk, and every refusal in words."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import apsw

from records.row import RecordError

MOUNTS = Path("/proc/self/mounts")
_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "fuse.gluster", "ceph", "afs", "9p.remote")


def lock_of(path: Path) -> int:
    """Take the writer's lock and return its handle; raises RecordError that says who has it."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        handle = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o640)
    except OSError as error:
        raise RecordError(unwritable(path, error)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = lock_path.read_bytes().decode("ascii", "replace")
        os.close(handle)
        raise RecordError(
            f"the record file {path} is being written by another engine (process {holder or '?'}). "
            "Why: two engines on one line would fight over its setpoints. "
            "Next: stop that engine first, or give this one its own --state directory"
        ) from error
    os.ftruncate(handle, os.pwrite(handle, str(os.getpid()).encode("ascii"), 0))
    return handle


def refuse_network(path: Path) -> None:
    """Refuse a network share: its locks and its fsync cannot be trusted."""
    try:
        lines = os.fsdecode(MOUNTS.read_bytes()).splitlines()
    except OSError:
        return
    mounts = {place: kind for _, place, kind, *_ in (line.split(" ") for line in lines)}
    for place in (path.resolve(), *path.resolve().parents):
        kind = mounts.get(str(place))
        if kind is not None:
            if kind.startswith(_NETWORK):
                raise RecordError(
                    f"the record file {path} is on a network file system ({kind}). Why: locks and "
                    "fsync there do not keep their promises. Next: use a local disk for --state"
                )
            return


def unwritable(path: Path, error: Exception) -> str:
    """Say an SQLite or system error so that a person at the plant knows what to do."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return damaged(path, str(error))
    advice = "check the disk (space, mount, permissions)"
    if isinstance(error, apsw.FullError):
        advice = "free space on that disk"
    elif isinstance(error, apsw.ReadOnlyError | apsw.CantOpenError | PermissionError):
        advice = "give this user write permission there, or use another --state directory"
    return (
        f"the record file {path} cannot be written: {error}. "
        f"Why it matters: nothing is written to a PLC that is not recorded first. Next: {advice}"
    )


def damaged(path: Path, what: str) -> str:
    """Say that a file is damaged and stays as it is."""
    return (
        f"the record file {path} is damaged: {what}. "
        "Why it matters: it is evidence, so it is neither repaired nor written on. "
        f"Next: keep {path.name} and every file whose name begins like it as they are, move them "
        "aside for QA, and start again with an empty state directory"
    )
