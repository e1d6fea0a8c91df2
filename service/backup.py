"""A line's state in one archive, and back: records, keys, limits, accounts, history.

A record file that is being written is copied by SQLite's own backup, so a backup can be taken while
the engine runs and holds whole rows only. The manifest inside tells the SHA-256 of every file and
the head of the record chain; a restore believes nothing it has not compared.

The archive holds private keys. It is as secret as the machine it comes from.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from records.chain import verify
from records.reader import RecordReader

MANIFEST = "manifest.json"
_FORMAT = "rheostat backup 1"
_PASSING = ("engine.pid", "engine.sock", "supervision.json", "proposed.json")
_LARGEST_MANIFEST = 16 * 2**20


class BackupError(ValueError):
    """The archive or the place cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has found: how many files, each equal by hash, and the chain's head."""

    files: int
    rows: int
    head: str


def backup(state_dir: Path, archive: Path) -> Restored:
    """Write the state of a line into a new file `archive`, readable by its owner only.

    Raises BackupError when there are no records, OSError when the file cannot be written new.
    """
    if not (state_dir / "records.sqlite").is_file():
        raise BackupError(f"there are no records in {state_dir}")
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        copies = _copies(_files(state_dir), Path(scratch))
        hashes = {name: _sha256(path) for name, path in copies.items()}
        found = _judged(copies["records.sqlite"], len(copies))
        manifest = {"format": _FORMAT, "files": hashes, "rows": found.rows, "head": found.head}
        descriptor = os.open(archive, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            with tarfile.open(fileobj=out, mode="w:gz") as tar:
                _add_text(tar, MANIFEST, json.dumps(manifest, indent=1))
                for name, path in copies.items():
                    tar.add(path, f"state/{name}", filter=_plain)
            out.flush()
            os.fsync(out.fileno())
    return found


def restore(archive: Path, state_dir: Path) -> Restored:
    """Put the state in `archive` into the new or empty folder `state_dir` and compare every byte.

    Raises BackupError when anything differs from the manifest; the folder must not be used then.
    """
    if state_dir.exists() and any(state_dir.iterdir()):
        raise BackupError(f"{state_dir} is not empty: a restore never mixes two histories")
    try:
        with tarfile.open(archive) as tar:
            manifest = _manifest(tar)
            state_dir.mkdir(parents=True, exist_ok=True)
            _extract(tar, state_dir, set(manifest["files"]))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{archive} cannot be read as a backup: {error}") from error
    for name, wanted in manifest["files"].items():
        path = state_dir / name
        if not path.is_file() or _sha256(path) != wanted:
            raise BackupError(f"{name} is not what the manifest of {archive} says")
    found = _judged(state_dir / "records.sqlite", len(manifest["files"]))
    if (found.rows, found.head) != (manifest["rows"], manifest["head"]):
        raise BackupError(f"the record chain in {archive} does not end as its manifest says")
    return found


def drill(archive: Path) -> Restored:
    """Restore into a folder that is thrown away: whether the archive would be good when needed."""
    with tempfile.TemporaryDirectory(prefix="rheostat-drill-") as place:
        return restore(archive, Path(place) / "state")


def _files(state_dir: Path) -> Iterator[tuple[str, Path]]:
    """Yield what belongs to the state: regular files, without locks, sockets and SQLite's logs."""
    for path in sorted(state_dir.rglob("*")):
        name = path.relative_to(state_dir).as_posix()
        passing = name in _PASSING or name.endswith((".lock", ".new", "-wal", "-shm", "-journal"))
        if stat.S_ISREG(path.lstat().st_mode) and not passing:
            yield name, path


def _copies(files: Iterator[tuple[str, Path]], scratch: Path) -> dict[str, Path]:
    """Return copies that no longer change, with the rights of the originals.

    Databases come last, as the engine writes them first: the head it keeps beside the records may
    be behind them in a copy, and is never ahead.
    """
    ordered = sorted(files, key=lambda file: file[1].suffix == ".sqlite")
    copies = {}
    for number, (name, path) in enumerate(ordered):
        copies[name] = scratch / f"{number}{path.suffix}"
        if path.suffix == ".sqlite":
            _copy_database(path, copies[name])
        else:
            shutil.copyfile(path, copies[name])
        shutil.copymode(path, copies[name])
    return copies


def _copy_database(path: Path, copy: Path) -> None:
    source = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    target = apsw.Connection(str(copy))
    with target.backup("main", source, "main") as running:
        while not running.done:
            running.step(1000)
    target.pragma("journal_mode", "delete")
    target.close()
    source.close()


def _judged(records: Path, files: int) -> Restored:
    report = verify(records)
    if not report.ok:
        raise BackupError(f"the record chain is broken: {report.text}")
    reader = RecordReader(records)
    try:
        last = reader.one(reader.last_seq())
    finally:
        reader.close()
    return Restored(files, last.seq if last else 0, last.hash if last else "")


def _manifest(tar: tarfile.TarFile) -> Mapping[str, Any]:
    first = tar.next()
    if first is None or first.name != MANIFEST or first.size > _LARGEST_MANIFEST:
        raise BackupError("the archive does not begin with a manifest")
    text = tar.extractfile(first)
    try:
        manifest = json.loads(text.read() if text else b"")
    except ValueError as error:
        raise BackupError(f"the manifest cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise BackupError(f"the manifest does not say {_FORMAT!r}")
    return manifest


def _extract(tar: tarfile.TarFile, state_dir: Path, wanted: set[str]) -> None:
    """Take out what the manifest names and nothing else; no name can leave the folder."""
    for member in tar:
        name = member.name.removeprefix("state/")
        if member.name == MANIFEST:
            continue
        if name not in wanted or not member.isreg():
            raise BackupError(
                f"the archive holds {member.name!r}, which its manifest does not name"
            )
        member.name = name
        tar.extract(member, state_dir, filter="data")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _add_text(tar: tarfile.TarFile, name: str, text: str) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(text.encode()), 0o600
    tar.addfile(member, io.BytesIO(text.encode()))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
