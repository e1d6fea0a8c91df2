"""The record file survives a killed writer, refuses a second one, and sheds on a bad disk."""

from __future__ import annotations

import os
import random
import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from records import door
from records.chain import RecordError, head_path, verify
from records.reader import RecordReader
from records.store import RecordStore
from tests.records.tampering import tamper


def fill(store: RecordStore, rows: int) -> None:
    for number in range(rows):
        store.append("cycle", "coating", "now", {"state": {"n": number}})


@pytest.mark.requirement("REC-13")
def test_no_acknowledged_record_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    dice = random.Random(1)
    promised = 0
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-m", "tests.records.scribe", str(path)],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with writer:
            assert writer.stdout is not None
            for _ in range(dice.randrange(2, 60)):
                promised = int(writer.stdout.readline())
            writer.kill()
            # What it managed to promise before the kill counts too; a torn last line does not.
            rest = writer.stdout.read().split("\n")[:-1]
        promised = int(rest[-1]) if rest else promised
        report = verify(path)
        assert report.ok, report.text
        assert report.rows >= promised
    store = RecordStore(path)
    assert store.append("stop", "", "now", {}).seq == report.rows + 1
    store.close()
    assert verify(path).ok


def test_a_second_writer_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.records.scribe", str(path)], stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(RecordError, match=f"process {writer.pid}"):
            RecordStore(path)
        writer.kill()
    RecordStore(path).close()


def test_a_second_store_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    with pytest.raises(RecordError, match="another engine"):
        RecordStore(tmp_path / "records.sqlite")
    store.close()


@pytest.mark.requirement("REC-03")
@pytest.mark.parametrize("rows", [0, 10])
def test_a_full_disk_is_an_error_in_words_and_the_chain_goes_on_after_it(
    tmp_path: Path, rows: int
) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    fill(store, rows)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        for _ in range(3):
            with pytest.raises(RecordError, match="Next:"):
                store.append("cycle", "coating", "now", {"padding": "x" * 5000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.append("cycle", "coating", "now", {}).seq == rows + 1
    store.close()
    assert verify(path).rows == rows + 1


def test_a_file_that_was_moved_away_is_not_written_any_more(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    fill(store, 3)
    path.rename(tmp_path / "elsewhere.sqlite")
    with pytest.raises(RecordError):
        store.append("cycle", "coating", "now", {})
    path.write_bytes(b"another file")
    with pytest.raises(RecordError, match="replaced"):
        store.append("cycle", "coating", "now", {})
    store.close()


def test_a_text_that_is_none_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    fill(store, 3)
    store.close()
    tamper(path, "UPDATE record SET body = CAST(x'ff' AS TEXT) WHERE seq = 2")
    with pytest.raises(RecordError, match=rf"{path} is damaged: a text in it is none: .*0xff"):
        RecordStore(path)


def test_the_sealed_versions_are_told_oldest_first(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    for version in (1, 2):
        store.append("seal", "", "now", {"version": version})
    store.append("event", "", "now", {"version": 3})
    assert store.seals() == [{"version": 1}, {"version": 2}]
    store.close()


def test_a_place_that_cannot_be_written_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory", "ascii")
    path = tmp_path / "file" / "records.sqlite"
    with pytest.raises(RecordError, match=f"{path} cannot be written: .*Not a directory"):
        RecordStore(path)


def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    with pytest.raises(RecordError, match=r"3\.40\.1 can corrupt"):
        RecordStore(tmp_path / "records.sqlite")
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.3")
    RecordStore(tmp_path / "records.sqlite").close()


def test_a_network_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_bytes(
        f"rootfs / ext4 rw 0 0\nserver:/share {tmp_path}/far nfs4 rw 0 0\n".encode()
        + b"/dev/sdb1 /mnt/\xff vfat rw 0 0\n"
        + f"server:/b {tmp_path}/so\u00a0far cifs rw 0 0\n".encode()
    )
    monkeypatch.setattr(door, "MOUNTS", mounts)
    (tmp_path / "far").mkdir()
    with pytest.raises(RecordError, match=r"network file system \(nfs4\)"):
        RecordStore(tmp_path / "far" / "records.sqlite")
    (tmp_path / "so\u00a0far").mkdir()
    with pytest.raises(RecordError, match=r"network file system \(cifs\)"):
        RecordStore(tmp_path / "so\u00a0far" / "records.sqlite")
    RecordStore(tmp_path / "near.sqlite").close()
    mounts.write_bytes(b"proc /proc proc rw 0 0\n")  # in a chroot: what holds the file is not told
    RecordStore(tmp_path / "far" / "records.sqlite").close()
    mounts.unlink()  # a system that does not say what is mounted where
    RecordStore(tmp_path / "far" / "records.sqlite").close()


def test_the_lock_holds_the_process_that_has_it_and_nothing_else(tmp_path: Path) -> None:
    path, lock = tmp_path / "records.sqlite", tmp_path / "records.sqlite.lock"
    lock.write_text("99999999999999999999 from an older engine", "ascii")
    RecordStore(path).close()
    assert lock.read_text("ascii") == str(os.getpid())
    assert head_path(path) == tmp_path / "records.sqlite.head"


@pytest.mark.parametrize(("content", "holder"), [(b"", r"\?"), (b"\xff1", "\ufffd1")])
def test_a_lock_that_does_not_say_whose_it_is_refuses_all_the_same(
    tmp_path: Path, content: bytes, holder: str
) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    (tmp_path / "records.sqlite.lock").write_bytes(content)
    with pytest.raises(RecordError, match=rf"process {holder}\)"):
        RecordStore(tmp_path / "records.sqlite")
    store.close()


def test_files_of_the_engine_are_not_for_everybody(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        RecordStore(tmp_path / "records.sqlite").close()
    finally:
        os.umask(before)
    for name in ("lock", "head"):
        assert stat.S_IMODE((tmp_path / f"records.sqlite.{name}").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "records.sqlite.key").stat().st_mode) == 0o600


def test_a_closed_store_says_so_and_can_be_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    store.close()
    store.close()
    with pytest.raises(RecordError, match=f"{path} is closed"):
        store.append("event", "", "now", {})


def test_a_disk_that_fails_at_the_close_does_not_keep_the_lock(tmp_path: Path) -> None:
    class Failing:
        def close(self) -> None:
            raise apsw.IOError("the last page was not taken")

    store = RecordStore(tmp_path / "records.sqlite")
    assert store._connection is not None
    store._connection.close()
    store._connection = Failing()  # type: ignore[assignment]
    store.close()
    RecordStore(tmp_path / "records.sqlite").close()


def test_a_lost_head_file_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    fill(store, 3)
    store.close()
    head_path(path).unlink()
    assert verify(path).ok
    RecordStore(path).close()
    assert head_path(path).read_text("ascii").startswith(f"{3:020d} ")


def test_the_last_state_and_an_unresolved_intent_are_found_again(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    assert store.last_state("coating") is None
    store.append("cycle", "coating", "now", {"state": {"n": 1}})
    store.append("cycle", "mixing", "now", {"state": {"n": 2}})
    assert store.unresolved_intent("coating") is None
    store.append("intent", "coating", "now", {"sequence": 7})
    store.close()
    store = RecordStore(path)
    assert store.last_state("coating") == {"n": 1}
    assert store.last_state("mixing") == {"n": 2}
    assert store.unresolved_intent("coating") == (3, {"sequence": 7})
    assert store.unresolved_intent("mixing") is None
    store.close()


@pytest.mark.requirement("SVC-04")
def test_an_intent_stays_unresolved_over_restarts_until_it_was_compared(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    store.append("start", "", "now", {})
    store.append("intent", "coating", "now", {"sequence": 7})
    store.append("cycle", "coating", "now", {})
    assert store.unresolved_intent("coating") is None, "its own run confirmed it"
    store.append("intent", "coating", "now", {"sequence": 8})
    for _ in range(2):  # the engine dies, starts, dies again before it could read the PLC
        store.append("start", "", "now", {})
        store.append("cycle", "coating", "now", {})
        assert store.unresolved_intent("coating") == (4, {"sequence": 8})
    store.append("event", "coating", "now", {"event": "intent-reconciled", "intent": 4})
    store.append("start", "", "now", {})
    assert store.unresolved_intent("coating") is None
    store.close()


@pytest.mark.parametrize(("kind", "loop", "utc", "why"), [
    ("gossip", "coating", "now", "'gossip' is not a kind of record: start, seal, "),
    ("cycle", "coa\nting", "now", "no line break"),
    ("cycle", "coating", "now\n", "no line break"),
])  # fmt: skip
def test_what_is_no_record_is_refused(
    tmp_path: Path, kind: str, loop: str, utc: str, why: str
) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    with pytest.raises(ValueError, match=why):
        store.append(kind, loop, utc, {})
    assert store.seals() == []
    store.close()


def test_a_reader_sees_records_as_they_come_and_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    with pytest.raises(RecordError, match="no record file"):
        RecordReader(path)
    store = RecordStore(path)
    reader = RecordReader(path)
    assert reader.last_seq() == 0
    fill(store, 5)
    store.append("event", "coating", "now", {"event": "slip"})
    assert reader.last_seq() == 6
    assert [entry.seq for entry in reader.since(3)] == [4, 5, 6]
    assert [entry.seq for entry in reader.since(0, limit=2)] == [1, 2]
    assert [entry.body["state"]["n"] for entry in reader.last_cycles("coating", 2)] == [3, 4]
    assert [entry.kind for entry in reader.last_of_kind("event", 9)] == ["event"]
    assert reader.one(7) is None
    with pytest.raises(apsw.ReadOnlyError):
        reader._connection.execute("DELETE FROM record").fetchall()
    reader.close()
    store.close()
    late = RecordReader(path)  # the file can be read when no engine runs
    assert late.last_seq() == 6
    late.close()


@pytest.mark.requirement("REC-15")
def test_a_backup_taken_beside_the_writer_is_restored_hash_for_hash(tmp_path: Path) -> None:
    place, vault, restored = (tmp_path / name for name in ("place", "vault", "restored"))
    for folder in (place, vault, restored):
        folder.mkdir()
    store = RecordStore(place / "records.sqlite", root_every=10)
    fill(store, 35)
    for file in place.iterdir():  # the log is not in the file yet: all of them belong together
        if not file.name.endswith(("-shm", ".lock")):
            shutil.copy2(file, vault / file.name)
    fill(store, 3)
    store.close()
    for file in vault.iterdir():
        shutil.copy2(file, restored / file.name)
    report = verify(restored / "records.sqlite")
    assert report.ok, report.text
    whole = RecordReader(place / "records.sqlite")
    then = whole.one(report.head.seq)
    whole.close()
    assert then is not None
    assert then.hash == report.head.hash
    again = RecordStore(restored / "records.sqlite", root_every=10)
    assert again.append("start", "", "now", {}).seq == report.head.seq + 1
    again.close()
    assert verify(restored / "records.sqlite").ok
