"""A closed day goes into the archive as anybody can read it, and comes back equal by hash."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from service.history.archive import Archive, archive_of, mark_of
from service.history.day_files import DayFiles
from service.history.day_tables import content_of, tables_of
from service.history.follower import carry_all
from service.history.manifest import NAME
from service.history.store import HistoryError, Store
from tests.service.history.world import START, TAG, sealed

DAY, NEXT = "2026-11-27", "2026-11-28"
NOW = "2026-11-29T00:00:00.000Z"
ALL = (TAG, 0, 2**42, 10_000)


def archived(state: Path, store: Store, folder: Path) -> Archive:
    carry_all(state, store)
    archive = Archive(folder)
    archive.add(store, DAY, sealed(), NOW)
    return archive


@pytest.mark.requirement("REC-15")
def test_a_day_comes_back_equal_by_hash(state: Path, store: Store, tmp_path: Path) -> None:
    archive = archived(state, store, tmp_path / "archive")
    line = archive.days()[DAY]
    content, trend = content_of(tables_of(store, DAY)), store.trend(*ALL)
    assert line.body["content"] == content
    assert line.body["rows"] == {"readings": 1800, "cycles": 450, "events": 3}
    store.drop(DAY)
    assert store.days() == [NEXT]
    store.put_back(DAY, archive.rows(line))
    assert content_of(tables_of(store, DAY)) == content
    assert store.trend(*ALL) == trend
    assert [batch.cycles for batch in store.batches()] == [300, 300, 300]
    with pytest.raises(HistoryError, match="already"):
        store.put_back(DAY, archive.rows(line))


def test_both_stores_archive_the_same_bytes(
    state: Path, tmp_path: Path, request: pytest.FixtureRequest, store: Store
) -> None:
    line = archived(state, store, tmp_path / "a").days()[DAY]
    files = DayFiles(tmp_path / "other", write=True)
    other = archived(state, files, tmp_path / "b").days()[DAY]
    files.close()
    assert line.body == other.body


def test_only_closed_days_are_due(state: Path, store: Store, tmp_path: Path) -> None:
    carry_all(state, store)
    archive = Archive(tmp_path / "archive")
    assert archive.due(store, NEXT) == [DAY]
    assert archive.due(store, DAY) == []  # a clock that is ahead ends no day
    archive.add(store, DAY, sealed(), NOW)
    assert archive.due(store, NEXT) == []


def test_a_day_can_be_read_by_anybody(state: Path, store: Store, tmp_path: Path) -> None:
    archive = archived(state, store, tmp_path / "archive")
    table = pq.read_table(archive.folder / DAY / "readings.parquet")
    assert table.column_names == ["utc", "loop", "tag", "value_si", "quality", "record"]
    about = {key.decode(): text.decode() for key, text in table.schema.metadata.items()}
    assert json.loads(about["units"])[TAG] == "kg/m2"
    assert (about["line"], about["day"]) == ("test-1", DAY)
    first = table.filter(pq.filters_to_expression([("tag", "=", TAG)])).slice(0, 1).to_pylist()
    assert first[0]["value_si"] == pytest.approx(0.0857)
    assert first[0]["utc"] == START


def altered(folder: Path) -> None:
    path = folder / DAY / "readings.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def missing(folder: Path) -> None:
    (folder / DAY / "events.parquet").unlink()


def extra(folder: Path) -> None:
    (folder / DAY / "more.parquet").write_bytes(b"x")


def changed_line(folder: Path) -> None:
    text = (folder / NAME).read_text("ascii")
    (folder / NAME).write_text(text.replace('"readings":1800', '"readings":1801'), "ascii")


def cut_line(folder: Path) -> None:
    (folder / NAME).write_text((folder / NAME).read_text("ascii")[:-5], "ascii")


def no_line(folder: Path) -> None:
    (folder / NAME).write_text("", "ascii")


@pytest.mark.parametrize(
    ("change", "says"),
    [(altered, "altered"), (missing, "missing"), (extra, "no line"), (changed_line, "line 1 of"),
     (cut_line, "line 1 of"), (no_line, "no line")],
)  # fmt: skip
def test_whatever_is_wrong_with_an_archive_is_found(
    state: Path, tmp_path: Path, change: Callable[[Path], None], says: str
) -> None:
    store = DayFiles(tmp_path / "history", write=True)
    archive = archived(state, store, tmp_path / "archive")
    assert archive.faults() == []
    change(archive.folder)
    assert any(says in fault for fault in archive.faults())
    store.close()


def test_a_day_that_is_in_the_archive_only_answers_all_the_same(
    state: Path, tmp_path: Path
) -> None:
    store = DayFiles(tmp_path / "history", write=True)
    archive = archived(state, store, archive_of(store.folder).folder)
    trend, batches, mark = store.trend(*ALL), store.batches(), store.mark()
    store.drop(DAY)
    looking = DayFiles(store.folder)
    assert looking.days() == [NEXT]
    assert (looking.trend(*ALL), looking.batches()) == (trend, batches)
    assert not store.path(DAY).exists()
    assert looking.mark() == mark
    store.drop(NEXT)
    assert looking.mark() == mark_of(archive.days()[DAY])
    altered(archive.folder)
    with pytest.raises(HistoryError, match="altered"):
        DayFiles(store.folder).trend(*ALL)
    looking.close()
    store.close()


def test_a_record_that_comes_late_brings_its_day_back_first(state: Path, tmp_path: Path) -> None:
    store = DayFiles(tmp_path / "history", write=True)
    archive = archived(state, store, archive_of(store.folder).folder)
    whole = tables_of(store, DAY)["cycles"].num_rows
    store.drop(DAY)
    last = archive.rows(archive.days()[DAY])[-1]
    store.add([replace(last, seq=5000, hash="f" * 64)])
    assert tables_of(store, DAY)["cycles"].num_rows == whole + 1
    assert archive.due(store, NEXT) == [DAY]
    archive.add(store, DAY, sealed(), NOW)
    assert archive.days()[DAY].body["folder"] == f"{DAY}.2"
    assert archive.faults() == []
    store.close()
