"""A backup restores to the same bytes and the same chain, and a spoiled one is refused."""

from __future__ import annotations

import io
import json
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from records.chain import verify
from records.reader import RecordReader
from records.store import RecordStore
from service.backup import MANIFEST, BackupError, backup, drill, restore


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state folder whose records are open in a writer, as beside a running engine."""
    place = tmp_path / "state"
    (place / "pki").mkdir(parents=True)
    (place / "pki" / "key.pem").write_text("secret", "ascii")
    (place / "engine.pid").write_text("1\n", "ascii")
    return place


def fill(store: RecordStore, rows: int) -> None:
    for number in range(rows):
        store.append("event", "", "2026-01-01T00:00:00.000Z", {"event": "x", "n": number})


def hashes(path: Path) -> list[str]:
    reader = RecordReader(path / "records.sqlite")
    found = [row.hash for row in reader.since(0)]
    reader.close()
    return found


@pytest.mark.requirement("SEC-17")
def test_a_restore_drill_beside_a_running_writer_is_equal_by_hash(
    state: Path, tmp_path: Path
) -> None:
    store = RecordStore(state / "records.sqlite")
    fill(store, 40)
    archive = tmp_path / "b.tar.gz"
    made = backup(state, archive)
    fill(store, 3)  # what comes after the backup is not in it
    assert oct(os.stat(archive).st_mode & 0o777) == "0o600"
    assert drill(archive) == made
    target = tmp_path / "elsewhere"
    assert restore(archive, target) == made
    assert verify(target / "records.sqlite").ok
    assert hashes(target) == hashes(state)[:-3]
    assert (target / "pki" / "key.pem").read_text("ascii") == "secret"
    assert not (target / "engine.pid").exists()
    store.close()
    goes_on = RecordStore(target / "records.sqlite")  # a new engine can write on
    fill(goes_on, 1)
    goes_on.close()
    assert verify(target / "records.sqlite").ok


@pytest.mark.requirement("SEC-17")
def test_a_backup_is_good_however_the_writer_goes_on_meanwhile(state: Path, tmp_path: Path) -> None:
    written, enough = threading.Event(), threading.Event()

    def write() -> None:
        store = RecordStore(state / "records.sqlite")
        while not enough.is_set():
            fill(store, 5)
            written.set()
        store.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(30)
        for number in range(5):
            archive = tmp_path / f"{number}.tar.gz"
            assert backup(state, archive) == restore(archive, tmp_path / f"{number}")
            RecordStore(tmp_path / f"{number}" / "records.sqlite").close()  # its head fits as well
    finally:
        enough.set()
        writer.join(30)


def rewritten(archive: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Return an archive with other contents."""
    with tarfile.open(archive) as tar:
        members = {m.name: (f.read() if (f := tar.extractfile(m)) else b"") for m in tar}
    change(members)
    spoiled = archive.with_name("spoiled.tar.gz")
    with tarfile.open(spoiled, "w:gz") as tar:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return spoiled


def other_key(members: dict[str, bytes]) -> None:
    members["state/pki/key.pem"] = b"Secret"


def missing(members: dict[str, bytes]) -> None:
    del members["state/pki/key.pem"]


def outside(members: dict[str, bytes]) -> None:
    members["state/../../evil"] = b"x"


def named_outside(members: dict[str, bytes]) -> None:
    outside(members)
    manifest = json.loads(members[MANIFEST])
    manifest["files"]["../../evil"] = "0" * 64
    members[MANIFEST] = json.dumps(manifest).encode()


def other_head(members: dict[str, bytes]) -> None:
    manifest = json.loads(members[MANIFEST])
    members[MANIFEST] = json.dumps(manifest | {"head": "0" * 64}).encode()


def no_manifest(members: dict[str, bytes]) -> None:
    del members[MANIFEST]


def other_format(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b'{"format": "x"}'


def garbled(members: dict[str, bytes]) -> None:
    members[MANIFEST] = b"{"


@pytest.mark.requirement("SEC-17")
@pytest.mark.parametrize(
    ("change", "says"),
    [(other_key, "not what the manifest"), (missing, "not what the manifest"),
     (outside, "does not name"), (named_outside, "cannot be read"), (other_head, "does not end"),
     (no_manifest, "does not begin"), (other_format, "does not say"), (garbled, "cannot be read")],
)  # fmt: skip
def test_a_spoiled_archive_is_refused(
    state: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], says: str
) -> None:
    store = RecordStore(state / "records.sqlite")
    fill(store, 5)
    store.close()
    archive = tmp_path / "b.tar.gz"
    backup(state, archive)
    with pytest.raises(BackupError, match=says):
        restore(rewritten(archive, change), tmp_path / "place" / "deep" / "state")
    assert not (tmp_path / "place" / "evil").exists()


def test_no_restore_over_what_is_there_and_no_backup_of_nothing(
    state: Path, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="no records"):
        backup(state, tmp_path / "b.tar.gz")
    RecordStore(state / "records.sqlite").close()
    backup(state, tmp_path / "b.tar.gz")
    with pytest.raises(BackupError, match="not empty"):
        restore(tmp_path / "b.tar.gz", state)
    with pytest.raises(OSError, match="exists"):
        backup(state, tmp_path / "b.tar.gz")
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    with pytest.raises(BackupError, match="cannot be read"):
        drill(tmp_path / "no.tar.gz")
