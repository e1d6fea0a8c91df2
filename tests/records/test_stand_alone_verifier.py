"""The verifier that needs nothing of ours: every lie is located, and the record named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from hil.tamper_campaign import VERIFIER, campaign
from hil.tamper_sample import sample
from records.anchor import newest_root, write_anchor
from records.export import export
from records.record_key import listed_keys
from records.row import RecordError, head_path
from records.store import RecordStore
from tests.records.tampering import rechain, tamper


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recorded file with roots and signatures, made once."""
    path = tmp_path_factory.mktemp("told") / "records.sqlite"
    sample(path, minutes=6.0)
    return path


@pytest.fixture
def records(told: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be tampered with."""
    for file in told.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path / told.name


def ask(*words: object) -> tuple[int, Any, str]:
    """Run the verifier as somebody would on another machine; return code, report, errors."""
    command = [sys.executable, "-I", str(VERIFIER), "--json", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    report = json.loads(done.stdout) if done.stdout else None
    return done.returncode, report, done.stderr


def first(report: Any) -> tuple[int, int, str]:
    one = report["findings"][0]
    return one["first"], one["last"], one["what"]


def test_it_imports_nothing_of_ours() -> None:
    text = VERIFIER.read_text("utf-8")
    ours = ("records", "service", "safety", "controller", "fieldbus", "hil", "cli", "plant_models")
    assert not [name for name in ours if f"from {name}" in text or f"import {name}" in text]


def test_untouched_records_are_whole(records: Path) -> None:
    code, report, _ = ask(records)
    assert code == 0
    assert report["ok"]
    assert report["roots"] >= 5
    assert report["signatures"] >= 5
    assert report["pinned"] is False
    assert report["signed_up_to"] == report["records"] - 1


@pytest.mark.requirement("REC-13")
@pytest.mark.requirement("REC-05")
def test_random_lies_are_all_located(told: Path, tmp_path: Path) -> None:
    """Ten thousand of them: ./rheostat audit tamper."""
    result = campaign(told, 120, 3, lambda _: None)
    assert result["ok"], result["missed"]
    assert result["located"] == 120
    assert len(result["kinds"]) >= 12


@pytest.mark.requirement("REC-13")
def test_a_tail_cut_off_with_its_head_is_found_by_the_anchor_only(
    records: Path, tmp_path: Path
) -> None:
    anchor = tmp_path / "anchor.jsonl"
    write_anchor(newest_root(records), anchor)
    tamper(records, "DELETE FROM record WHERE seq > 40")
    head_path(records).unlink()
    assert ask(records)[0] == 0, "without the anchor nobody can know"
    code, report, _ = ask(records, "--anchor", anchor)
    assert code == 1
    assert first(report)[0] == 41
    assert "the tail was cut off" in first(report)[2]


@pytest.mark.requirement("REC-13")
def test_a_history_written_anew_with_another_key_does_not_have_the_pinned_one(
    records: Path, tmp_path: Path
) -> None:
    (public,) = listed_keys(records).values()
    other = tmp_path / "other" / "records.sqlite"
    other.parent.mkdir()
    store = RecordStore(other, 10)
    for number in range(30):
        store.append("cycle", "coating", "now", {"n": number})
    store.append("stop", "", "now", {})
    store.close()
    assert ask(other)[0] == 0
    code, report, _ = ask(other, "--key", public)
    assert code == 1
    assert "a key nobody knows here" in first(report)[2]


@pytest.mark.requirement("REC-05")
@pytest.mark.parametrize("field", ["name", "meaning", "utc", "hash", "record", "person"])
def test_a_persons_signature_covers_all_it_shows(records: Path, field: str) -> None:
    connection = apsw.Connection(str(records))
    ((seq, text),) = connection.execute(
        "SELECT seq, body FROM record WHERE kind = 'signature' ORDER BY seq LIMIT 1"
    ).fetchall()
    connection.close()
    body = json.loads(str(text))
    body[field] = body[field] + 1 if field == "record" else str(body[field])[:-1] + "?"
    rechain(records, int(str(seq)), body=json.dumps(body, sort_keys=True, separators=(",", ":")))
    code, report, _ = ask(records)
    assert code == 1
    assert first(report)[:2] == (seq, seq)


def test_a_record_moved_far_away_leaves_a_gap_and_no_flood(records: Path) -> None:
    tamper(records, "UPDATE record SET seq = 4000000000000 WHERE seq = 20")
    code, report, _ = ask(records)
    assert code == 1
    assert first(report)[:2] == (20, 20)
    assert len(report["findings"]) < 10


def test_what_is_no_record_file_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_bytes(b"once upon a time " * 400)
    code, report, words = ask(tmp_path / "x.sqlite")
    assert (code, report) == (2, None)
    assert "cannot be read" in words
    assert "Traceback" not in words


def test_an_anchor_that_was_changed_is_no_anchor(records: Path, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.jsonl"
    write_anchor({**newest_root(records), "size": 3}, anchor)
    code, _, words = ask(records, "--anchor", anchor)
    assert code == 2
    assert "not genuine" in words


def test_there_is_no_anchor_before_the_first_root(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    store.append("event", "", "now", {})
    store.close()
    with pytest.raises(RecordError, match="no signed root yet"):
        newest_root(tmp_path / "records.sqlite")


@pytest.mark.requirement("REC-08")
def test_an_export_is_verified_like_the_file_and_its_files_belong_together(
    records: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    manifest = export(records, folder, "2026-11-25T00:00:00.000Z")
    code, report, _ = ask(folder)
    assert code == 0
    assert report["records"] == manifest["records"]
    with pytest.raises(RecordError, match="never overwritten"):
        export(records, folder, "later")
    lines = (folder / "records.jsonl").read_text("ascii").splitlines()
    (folder / "records.jsonl").write_text("\n".join(lines[:7] + lines[8:]) + "\n", "ascii")
    code, report, _ = ask(folder)
    assert code == 1
    assert first(report)[:2] == (8, 8)
    assert "not the file that was exported" in report["findings"][-1]["what"]


@pytest.mark.requirement("REC-04")
def test_the_copy_for_people_shows_name_time_and_meaning_of_each_signature(
    records: Path, tmp_path: Path
) -> None:
    export(records, tmp_path / "export", "2026-11-25T00:00:00.000Z")
    page = (tmp_path / "export" / "records.html").read_text("utf-8")
    signed = [line for line in page.splitlines() if "<td>signature" in line]
    assert len(signed) >= 5
    assert all("Example" in line and ": reviewed" in line and "Z:" in line for line in signed)
    assert "<script" not in page
    assert "://" not in page, "self-contained"
    assert "the engine started" in page
