"""Nothing leaves the history that its rule, the archive and every batch do not let go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from records.reader import Entry
from service.door_reports import review_meaning, review_span
from service.history.archive import Archive
from service.history.follower import carry_all
from service.history.kept import kept
from service.history.manifest import ARCHIVE_PRUNED, STORE_PRUNED
from service.history.retention import ARCHIVE, STORE, Fate, Reviewed, fates, prune
from service.history.store import HistoryError, Store
from tests.service.history.world import cycle, sealed

DAY, NOW, LATER = "2026-11-27", "2026-11-29T00:00:00.000Z", "2027-01-01"
ALL_RECORDS = [(1, 10_000)]
RULES = {
    "store": {"days": 1},
    "archive": {"days": 1, "shelf_life_days": 1, "after_expiry_days": 365},
}


LAST_DAY = "2028-06-01"


class At:
    """A line with two days of records, whose archive is still empty."""

    def __init__(self, state: Path, store: Store, archive: Path) -> None:
        carry_all(state, store)
        self.store, self.archive = store, Archive(archive)

    def kept(
        self, place: str, rules: dict[str, Any], reviewed: Reviewed, today: str = LATER
    ) -> str:
        found = fates(self.store, self.archive, rules, reviewed, today)
        return next(fate.kept for fate in found if (fate.place, fate.day) == (place, DAY))

    def much_later(self, batch: int) -> None:
        """A year and more goes by, and a cycle of `batch` is recorded."""
        seq = self.store.mark().seq + 1
        entry = Entry(seq, "cycle", "coating", f"{LAST_DAY}T00:00:00.000Z", "b" * 64,
                      cycle(seq, batch))  # fmt: skip
        self.store.add([kept(entry, sealed())])


@pytest.fixture
def line(state: Path, store: Store, tmp_path: Path) -> At:
    return At(state, store, tmp_path / "archive")


@pytest.mark.requirement("REC-09")
def test_without_a_rule_nothing_goes(line: At) -> None:
    line.archive.add(line.store, DAY, sealed(), NOW)
    assert line.kept(STORE, {}, ALL_RECORDS) == "no rule deletes it"
    assert line.kept(ARCHIVE, {}, ALL_RECORDS) == "no rule deletes it"


@pytest.mark.requirement("REC-09")
def test_a_day_stays_in_the_store_until_all_let_it_go(line: At) -> None:
    line.much_later(batch=8)
    assert line.kept(STORE, RULES, ALL_RECORDS) == "not archived as it stands"
    line.archive.add(line.store, DAY, sealed(), NOW)
    assert line.kept(STORE, RULES, ALL_RECORDS, "2026-11-28").startswith("kept for 1 days")
    assert line.kept(STORE, {"store": {"days": 3650}}, ALL_RECORDS).startswith("kept for 3650")
    assert line.kept(STORE, RULES, ALL_RECORDS) == "batch 8 is open"
    line.much_later(batch=10)
    assert line.kept(STORE, RULES, []) == "batch 7, 8 is not reviewed"
    assert line.kept(STORE, RULES, [(1, 400), (402, 9000)]) == "batch 8 is not reviewed"
    assert line.kept(STORE, RULES, [(1, 400), (401, 9000)]) == ""


@pytest.mark.requirement("REC-09")
def test_raw_data_of_a_batch_outlive_its_shelf_life_by_a_year(line: At) -> None:
    line.much_later(batch=10)
    line.archive.add(line.store, DAY, sealed(), NOW)
    assert line.kept(ARCHIVE, RULES, ALL_RECORDS, LAST_DAY) == "still in the store"
    line.store.drop(DAY)
    until = "batch 8 is kept until 2027-11-29"  # ended on the 28th; 1 + 365 days
    assert line.kept(ARCHIVE, RULES, ALL_RECORDS, "2027-11-29") == until
    assert line.kept(ARCHIVE, RULES, ALL_RECORDS, "2027-11-30") == ""
    assert line.kept(ARCHIVE, RULES, [], "2027-11-30") == "batch 7, 8 is not reviewed"


def test_what_goes_is_in_the_manifest_and_nothing_else_goes(line: At) -> None:
    line.much_later(batch=10)
    line.archive.add(line.store, DAY, sealed(), NOW)
    with pytest.raises(HistoryError, match="must stay in the store: because"):
        prune(line.store, line.archive, [Fate(STORE, DAY, "because")], NOW, "Kim", "space")
    found = fates(line.store, line.archive, RULES, ALL_RECORDS, LATER)
    going = [fate for fate in found if not fate.kept]
    assert going == [Fate(STORE, DAY, "")]
    prune(line.store, line.archive, going, NOW, "Kim", "space")
    assert DAY not in line.store.days()
    assert (line.archive.folder / DAY).is_dir()
    prune(line.store, line.archive, [Fate(ARCHIVE, DAY, "")], NOW, "Kim", "expired")
    assert not (line.archive.folder / DAY).exists()
    assert line.archive.faults() == []
    told = [(one.do, one.day, one.body.get("why")) for one in line.archive.lines()[1:]]
    assert told == [(STORE_PRUNED, DAY, "space"), (ARCHIVE_PRUNED, DAY, "expired")]
    assert line.archive.days() == {}


def test_a_clock_that_is_ahead_deletes_nothing(state: Path, store: Store, tmp_path: Path) -> None:
    line = At(state, store, tmp_path / "archive")
    line.archive.add(store, DAY, sealed(), NOW)
    assert line.kept(STORE, RULES, ALL_RECORDS, "2099-01-01").startswith("kept for 1 days, 1 so")


def test_an_archive_that_is_not_whole_lets_nothing_go(line: At) -> None:
    line.archive.add(line.store, DAY, sealed(), NOW)
    (line.archive.folder / DAY / "readings.parquet").write_bytes(b"x")
    with pytest.raises(HistoryError, match="not whole"):
        fates(line.store, line.archive, RULES, ALL_RECORDS, LATER)


def test_only_the_text_of_a_review_is_one() -> None:
    assert review_span(review_meaning(3, 12, "all in order")) == (3, 12)
    assert review_span("AUTO on coating: I have reviewed the records 1 to 9: x") is None
