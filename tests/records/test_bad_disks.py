"""Disks that are full, read-only, slow or rotten: nothing is claimed, and the words say what to do.

The faults are made inside SQLite's file system, where a real disk would make them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from records import store as store_module
from records.chain import ChainReport, Head, RecordError, open_read_only, page_faults, verify
from records.recorder import FileRecorder
from records.store import RecordStore


class BadDisk(apsw.VFS):  # type: ignore[misc,unused-ignore]
    """SQLite's file system with a fault: 'full', 'write', 'sync', 'read' or 'stuck'."""

    def __init__(self, name: str) -> None:
        self.fault = ""
        self.released = threading.Event()
        self._registered = True
        super().__init__(name, base="unix", makedefault=True)

    def xOpen(  # noqa: N802
        self, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> apsw.VFSFile:
        return _BadFile(self, name, flags)

    def repair(self) -> None:
        """Let go of whoever waits, and put the real file system back."""
        self.fault = ""
        self.released.set()
        if self._registered:
            self._registered = False
            self.unregister()


class _BadFile(apsw.VFSFile):  # type: ignore[misc,unused-ignore]
    def __init__(
        self, disk: BadDisk, name: apsw.URIFilename | str | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        if self._disk.fault == "full":
            raise apsw.FullError("no space left")
        if self._disk.fault == "write":
            raise apsw.IOError("the disk did not take it")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._disk.fault == "sync":
            raise apsw.IOError("fsync failed")
        if self._disk.fault == "stuck":
            self._disk.released.wait(20.0)
        super().xSync(flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        if self._disk.fault == "read":
            raise apsw.IOError("unreadable sector")
        return super().xRead(amount, offset)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[BadDisk]:
    """Return a disk that is in order until told otherwise."""
    disk = BadDisk(f"bad-{tmp_path}")
    yield disk
    disk.repair()


@pytest.mark.requirement("REC-03")
@pytest.mark.parametrize(("fault", "advice"), [
    ("full", "free space"), ("write", "check the disk"), ("sync", "check the disk"),
])  # fmt: skip
def test_a_row_that_did_not_land_is_an_error_and_the_chain_goes_on(
    tmp_path: Path, disk: BadDisk, fault: str, advice: str
) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    first = store.append("cycle", "coating", "now", {"n": 1})
    disk.fault = fault
    for _ in range(2):
        with pytest.raises(RecordError, match=f"{path}.*nothing is written to a PLC.*{advice}"):
            store.append("intent", "coating", "now", {"n": 2})
        assert store.head is None, "nobody knows where the chain ends"
    disk.fault = ""
    row = store.append("cycle", "coating", "now", {"n": 3})
    assert row.seq > first.seq
    store.close()
    disk.repair()
    report = verify(path)
    assert report.ok, report.text
    assert report.head.seq == row.seq


@pytest.mark.requirement("REC-03")
@pytest.mark.parametrize("fault", ["full", "write", "sync", "read"])
def test_a_bad_disk_refuses_the_start_in_words(tmp_path: Path, disk: BadDisk, fault: str) -> None:
    path = tmp_path / "records.sqlite"
    if fault == "read":
        RecordStore(path).close()
    disk.fault = fault
    with pytest.raises(RecordError, match="Next:"):
        RecordStore(path)
    disk.fault = ""
    RecordStore(path).close()  # the lock was let go


@pytest.mark.requirement("REC-03")
def test_an_fsync_that_hangs_is_no_permission_to_write(tmp_path: Path, disk: BadDisk) -> None:
    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite", patience_s=0.05)
        disk.fault = "stuck"
        with pytest.raises(RecordError, match="did not confirm a record within"):
            await recorder.intend("coating", "now", {"sequence": 1})
        disk.fault = ""
        disk.released.set()
        await recorder.close()

    asyncio.run(story())
    disk.repair()
    assert verify(tmp_path / "records.sqlite").rows == 1, "it landed late, and led to no write"


@pytest.mark.requirement("REC-02")
def test_a_file_made_read_only_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    RecordStore(path).close()
    with pytest.raises(RecordError, match="write permission"):
        _open_read_only(path)


def _open_read_only(path: Path) -> None:
    """Open as on a disk that was mounted read-only (a test may run as root)."""

    class ReadOnlyDisk(apsw.VFS):  # type: ignore[misc,unused-ignore]
        def xOpen(  # noqa: N802
            self, name: apsw.URIFilename | str | None, flags: list[int]
        ) -> apsw.VFSFile:
            raise apsw.CantOpenError("read-only file system")

    disk = ReadOnlyDisk(f"read-only-{path}", base="unix", makedefault=True)
    try:
        RecordStore(path)
    finally:
        disk.unregister()


@pytest.mark.parametrize("content", [b"", b"\xff" * 600])
def test_what_stands_in_the_head_file_never_stops_a_start(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    store.append("event", "", "now", {})
    store.close()
    path.with_name("records.sqlite.head").write_bytes(content)
    RecordStore(path).close()
    assert verify(path).ok


def test_a_large_file_starts_on_its_chain_and_is_checked_whole_by_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path, root_every=20)
    for number in range(60):
        store.append("cycle", "coating", "now", {"n": number, "padding": "x" * 3000})
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER record_no_update").fetchall()
    connection.execute("UPDATE record SET body = 'x' WHERE seq = 5").fetchall()
    connection.close()
    looked: list[str] = []
    real = store_module._last_root

    def seen(connection: apsw.Connection, path: Path) -> object:
        def note(_: object, sql: str, __: object) -> bool:
            looked.append(sql)
            return True

        connection.set_exec_trace(note)
        return real(connection, path)

    monkeypatch.setattr(store_module, "CHECKED_BYTES", 0)
    monkeypatch.setattr(store_module, "_last_root", seen)
    RecordStore(path, root_every=20).close()
    assert any("seq > ?" in sql for sql in looked)
    assert verify(path).first_bad_seq == 5


def test_a_whole_verification_looks_at_every_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that lies leaves the chain alone; only the pages show it."""
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    for number in range(30):
        store.append("cycle", "coating", "now", {"n": number})
    store.close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA writable_schema = ON").fetchall()
    changed = "UPDATE sqlite_schema SET sql = replace(sql, 'loop, kind', 'kind, loop') "
    connection.execute(changed + "WHERE name = 'record_by_loop'").fetchall()
    connection.close()
    connection = open_read_only(path)
    ((head,),) = connection.execute("SELECT hash FROM record WHERE seq = 30").fetchall()
    found = page_faults(connection)
    connection.close()
    assert "record_by_loop" in found
    assert verify(path) == ChainReport(30, False, None, found, Head(30, str(head)))
    size = path.stat().st_size
    monkeypatch.setattr(store_module, "CHECKED_BYTES", size)
    with pytest.raises(RecordError, match=r"damaged: .*record_by_loop"):
        RecordStore(path)
    monkeypatch.setattr(store_module, "CHECKED_BYTES", size - 1)
    RecordStore(path).close()
