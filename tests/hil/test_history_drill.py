"""Minutes of production through the whole life of its history; 24 hours are played by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hil.history_drill import DAY, Drill, Shift, drill
from hil.history_year import make_year, opened, opened_from_archive, tags_of
from hil.virtual_line import default_sealed
from service.history.archive import archive_of
from service.history.day_files import DayFiles
from service.history.kept import day_span


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Drill]:
    folder = tmp_path_factory.mktemp("drill")
    shift = Shift(0.1, "hold", ("coating", "profile"))
    return folder, drill(folder, default_sealed(), shift, lambda _: None)


@pytest.mark.slow
@pytest.mark.requirement("REC-15")
@pytest.mark.requirement("REC-09")
def test_production_leaves_no_gap_and_comes_back_equal(drilled: tuple[Path, Drill]) -> None:
    _, found = drilled
    assert [text for text, held in found.checks.items() if not held] == []
    assert found.figures["coating_cycles"] == found.figures["profile_cycles"] > 60


@pytest.mark.slow
def test_a_year_is_made_of_whole_days(drilled: tuple[Path, Drill], tmp_path: Path) -> None:
    folder, _ = drilled
    one_day = shutil.copy(folder / "line" / "history" / f"{DAY}.sqlite", tmp_path)
    store = make_year(Path(one_day), tmp_path / "year", 3, lambda _: None)
    assert len(store.days()) == 3
    one = DayFiles(tmp_path)
    tag = tags_of(one, DAY)[0]
    begin, end = day_span(DAY)
    wanted = one.trend(tag, begin, end, 10_000)
    moved = store.trend(tag, begin + 2 * 86_400_000, end + 2 * 86_400_000, 10_000)
    assert [bucket.low for bucket in moved] == [bucket.low for bucket in wanted]
    assert len({batch.batch for batch in store.batches()}) == 3
    assert opened(tmp_path / "year", store.days(), [tag], 3, 1)["most_cold_s"] > 0.0
    archive_of(store.folder).add(store, DAY, default_sealed(), "2026-01-09T00:00:00.000Z")
    store.drop(DAY)
    found = opened_from_archive(store.folder, [DAY], [tag], 1, 1)
    assert found["archived_first_cpu_s"] > 0.0
    store.close()
    one.close()
