"""`history` from the command line: archive, verify, thin out by rule, restore, give out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.app import answer
from records.canonical import canonical_json
from records.store import RecordStore
from service.door_reports import review_meaning
from service.history.archive import archive_of
from service.history.day_files import DayFiles
from service.history.follower import carry_all, history_folder
from tests.service.history.world import make_records, sealed

DAY, NEXT = "2020-01-01", "2020-01-02"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state folder of a line with half a day's history and a signed review."""
    folder = tmp_path_factory.mktemp("line")
    make_records(folder, cycles=900, start=datetime(2020, 1, 1, 23, tzinfo=UTC))
    store = RecordStore(folder / "records.sqlite")
    meaning = review_meaning(1, 904, "nothing found")
    store.append("signature", "", "2020-03-01T00:00:00.000Z", {"meaning": meaning})
    store.close()
    files = DayFiles(history_folder(folder), write=True)
    carry_all(folder, files)
    files.close()
    return folder


@pytest.fixture
def state(followed: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be pruned."""
    return shutil.copytree(followed, tmp_path / "line")


def with_rules(state: Path, rules: Mapping[str, Any]) -> None:
    (state / "sealed.json").write_text(canonical_json({**sealed(), "history": rules}), "utf-8")


def told(words: list[str], state: Path, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = answer(["history", *words, "--state", str(state)])
    said = capfd.readouterr()
    return code, said.out + said.err


@pytest.mark.requirement("REC-09")
@pytest.mark.requirement("REC-15")
def test_a_day_is_archived_pruned_by_rule_and_restored(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told(["archive"], state, capfd)[0] == 0
    assert told(["verify", "--deep"], state, capfd) == (
        0, "2 archived day(s), every file as the manifest says\n",
    )  # fmt: skip
    assert "no rule deletes it" in told(["prune"], state, capfd)[1]
    with_rules(state, {"store": {"days": 30}})
    before = (history_folder(state) / f"{DAY}.sqlite").read_bytes()
    code, said = told(["prune"], state, capfd)
    assert (code, "nothing was deleted" in said) == (0, True)
    assert f"store    {DAY}  may go" in said
    assert f"{NEXT}  batch 9 is open" in said
    assert (history_folder(state) / f"{DAY}.sqlite").read_bytes() == before
    assert told(["prune", "--yes"], state, capfd)[0] == 2  # no reason
    assert told(["prune", "--yes", "--why", "SOP 12"], state, capfd)[0] == 0
    assert not (history_folder(state) / f"{DAY}.sqlite").exists()
    newest = archive_of(history_folder(state)).lines()[-1]
    assert (newest.do, newest.day, newest.body["why"]) == ("store-pruned", DAY, "SOP 12")
    assert told(["restore", "--drill"], state, capfd)[0] == 0
    assert told(["restore", DAY], state, capfd)[0] == 0
    assert json.loads(told(["status", "--json"], state, capfd)[1])["stored"][0] == DAY
    code, said = told(["restore", DAY], state, capfd)
    assert code == 3
    assert "already" in said


def test_an_archive_that_the_records_contradict_is_found(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told(["archive"], state, capfd)[0] == 0
    store = RecordStore(state / "records.sqlite")
    body = {"event": "history", "what": "x", "why": "y", "who": "z", "line": 9, "hash": "0" * 64}
    store.append("event", "", "2020-03-02T00:00:00.000Z", body)
    store.close()
    code, said = told(["verify"], state, capfd)
    assert code == 1
    assert "line 9 of the manifest is not the one the records tell of" in said


def test_readings_are_given_out_whole_and_never_over_a_file(
    state: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "b.parquet"
    assert told(["export", str(out), "--batch", "8"], state, capfd)[0] == 0
    assert pq.read_table(out).num_rows == 300 * 4
    lines = tmp_path / "d.csv"
    words = ["export", str(lines), "--first", DAY, "--tag", "coater.running"]
    assert told(words, state, capfd)[0] == 0
    assert len(lines.read_text("utf-8").splitlines()) == 1 + 450
    assert told(words, state, capfd)[0] == 3
    for wrong, code in ((["--batch", "99"], 3), ([], 2), (["--batch", "8", "--first", DAY], 2)):
        assert told(["export", str(tmp_path / "x.csv"), *wrong], state, capfd)[0] == code
    assert not (tmp_path / "x.csv").exists()


def test_a_line_without_a_history_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code, said = told(["status"], tmp_path, capfd)
    assert code == 3
    assert "next:" in said
