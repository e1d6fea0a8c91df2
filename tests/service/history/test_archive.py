"""A closed day goes into the archive as anybody can read it, and comes back equal by hash."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from service.history.archive import Archive, archive_of, mark_of
from service.history.batches import batch_list, batch_record
from service.history.day_files import DayFiles
from service.history.day_tables import content_of, tables_of
from service.history.export import batch_readings, period_readings
from service.history.follower import carry_all
from service.history.kept import day_span
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


@pytest.fixture
def from_archive(state: Path, tmp_path: Path) -> Iterator[tuple[DayFiles, DayFiles]]:
    """The same history twice: all of it at hand, and with its first day in the archive only."""
    hot = DayFiles(tmp_path / "hot", write=True)
    carry_all(state, hot)
    cold = DayFiles(tmp_path / "cold", write=True)
    archived(state, cold, archive_of(cold.folder).folder)
    cold.drop(DAY)
    yield hot, DayFiles(cold.folder)
    hot.close()
    cold.close()


@pytest.mark.parametrize("tag", [TAG, "coater.running", "coater.computed", "coater.other"])
@pytest.mark.parametrize("points", [17, 10_000])
def test_a_trend_from_the_archive_is_that_of_the_store(
    from_archive: tuple[DayFiles, DayFiles], tag: str, points: int
) -> None:
    hot, cold = from_archive
    midnight = day_span(NEXT)[0]
    for span in ((0, 2**42), (midnight - 600_000, midnight + 600_000)):
        assert cold.trend(tag, *span, points) == hot.trend(tag, *span, points)
    assert bool(hot.trend(tag, 0, 2**42, points)) == (tag != "coater.other")
    assert cold.days() == [NEXT]


def test_a_trend_reads_no_other_tag_of_an_archived_day(
    from_archive: tuple[DayFiles, DayFiles],
) -> None:
    _, cold = from_archive
    names, begin, end = "SELECT DISTINCT name FROM tag", *day_span(DAY)
    assert list(cold.ask(names, (), begin, end - 1, TAG)) == [(TAG,)]
    assert len(list(cold.ask(names, (), begin, end - 1))) == 4


def test_of_a_file_only_the_row_groups_of_a_tag_are_read(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.history.day_tables._IN_A_GROUP", 100)
    store = DayFiles(tmp_path / "history", write=True)
    archive = archived(state, store, archive_of(store.folder).folder)
    table = archive.readings(archive.days()[DAY], TAG)
    assert 450 <= table.num_rows <= 650  # of 1800; the first and the last may hold its neighbours
    assert table["tag"].to_pylist().count(TAG) == 450
    assert archive.readings(archive.days()[DAY], "a.first").num_rows == 0
    store.close()


def test_batches_and_exports_from_the_archive_are_those_of_the_store(
    from_archive: tuple[DayFiles, DayFiles],
) -> None:
    hot, cold = from_archive
    assert batch_list(cold) == batch_list(hot)
    for batch in (7, 8):  # the second goes on past midnight
        assert batch_record(cold, batch) == batch_record(hot, batch)
        readings = list(batch_readings(cold, batch))
        assert readings == list(batch_readings(hot, batch))
        assert len(readings) == 1200
    assert list(period_readings(cold, 0, 2**42)) == list(period_readings(hot, 0, 2**42))


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
