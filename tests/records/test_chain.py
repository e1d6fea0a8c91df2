"""Every way to tamper with the records is found, and the row is named."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from records.chain import (
    GENESIS,
    ChainReport,
    Head,
    RecordError,
    Row,
    fault_of,
    head_path,
    link_hash,
    open_read_only,
    verify,
)
from records.reader import RecordReader
from records.store import RecordStore
from tests.records.tampering import tamper

ROWS = 40


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Return a record file of some cycles, closed."""
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    for number in range(1, ROWS + 1):
        body = {"loop": "coating", "sequence": number, "state": {"sequence": number}}
        store.append("cycle", "coating", "2026-11-22T00:00:00.000Z", body)
    store.close()
    return path


def test_an_untouched_file_is_whole(records: Path) -> None:
    report = verify(records)
    assert report.ok
    assert report.rows == ROWS
    assert report.first_bad_seq is None
    assert report.head.seq == ROWS


@pytest.mark.requirement("REC-13")
@pytest.mark.parametrize("column", ["kind", "loop", "utc", "body"])
def test_an_edited_column_is_found_in_its_row(records: Path, column: str) -> None:
    tamper(records, f"UPDATE record SET {column} = {column} || ' ' WHERE seq = 17")
    report = verify(records)
    assert not report.ok
    assert report.first_bad_seq == 17
    assert "row 17 was changed" in report.text


@pytest.mark.requirement("REC-13")
def test_an_edit_with_its_hash_made_to_fit_breaks_at_the_next_row(records: Path) -> None:
    with_row = RecordReader(records).one(16)
    assert with_row is not None
    forged = link_hash(17, "cycle", "coating", "2026-11-22T00:00:00.000Z", with_row.hash, "{}")
    tamper(records, f"UPDATE record SET body = '{{}}', hash = '{forged}' WHERE seq = 17")
    report = verify(records)
    assert report.first_bad_seq == 18
    assert "does not follow row 17" in report.text


@pytest.mark.requirement("REC-13")
def test_a_deleted_row_is_found(records: Path) -> None:
    tamper(records, "DELETE FROM record WHERE seq = 17")
    assert verify(records) == ChainReport(
        16, False, 17, "rows 17 to 17 are missing", head_at(records, 16)
    )


@pytest.mark.requirement("REC-13")
def test_two_rows_that_changed_places_are_found(records: Path) -> None:
    tamper(
        records,
        "UPDATE record SET seq = 1000 WHERE seq = 17",
        "UPDATE record SET seq = 17 WHERE seq = 23",
        "UPDATE record SET seq = 23 WHERE seq = 1000",
    )
    assert verify(records).first_bad_seq == 17


@pytest.mark.requirement("REC-13")
def test_a_cut_off_tail_is_found_by_the_head_beside_the_file(records: Path) -> None:
    tamper(records, "DELETE FROM record WHERE seq > 35")
    assert verify(records) == ChainReport(
        35, False, 36, "rows 36 to 40 are missing: the tail was cut off", head_at(records, 35)
    )
    with pytest.raises(RecordError, match="tail was cut off"):
        RecordStore(records)


def test_the_first_break_is_named_even_when_the_tail_is_gone_too(records: Path) -> None:
    tamper(
        records, "UPDATE record SET body = '{}' WHERE seq = 17", "DELETE FROM record WHERE seq > 35"
    )
    assert verify(records).first_bad_seq == 17
    with pytest.raises(RecordError, match="row 17 was changed"):
        RecordStore(records)


def test_a_rewritten_history_is_found_by_a_head_kept_elsewhere(records: Path) -> None:
    kept = verify(records).head
    records.unlink()
    head_path(records).unlink()
    other = RecordStore(records)
    for _ in range(ROWS + 5):
        other.append("cycle", "coating", "2026-11-22T00:00:00.000Z", {"forged": True})
    other.close()
    assert verify(records).ok
    report = verify(records, anchor=kept)
    assert report.first_bad_seq == ROWS


@pytest.mark.requirement("REC-13")
def test_a_thousand_random_bit_flips_are_all_found(records: Path) -> None:
    rows = rows_of(records)
    dice = random.Random(7)
    for _ in range(1000):
        number = dice.randrange(ROWS)
        row = rows[number]
        before = Head(row.seq - 1, rows[number - 1].hash if number else GENESIS)
        place = dice.randrange(len(row.body))
        flipped = chr(ord(row.body[place]) ^ (1 << dice.randrange(7)))
        forged = replace(row, body=row.body[:place] + flipped + row.body[place + 1 :])
        assert f"row {row.seq} was changed" in fault_of(forged, before)
        assert fault_of(row, before) == ""


def head_at(path: Path, seq: int) -> Head:
    return Head(seq, rows_of(path)[seq - 1].hash)


def rows_of(path: Path) -> list[Row]:
    connection = open_read_only(path)
    columns = "SELECT seq, kind, loop, utc, body, prev_hash, hash FROM record ORDER BY seq"
    rows = [Row(*line) for line in connection.execute(columns)]
    connection.close()
    return rows


@pytest.mark.requirement("REC-02")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = '{}' WHERE seq = 1",
        "DELETE FROM record WHERE seq = 1",
        "DELETE FROM record",
        "INSERT OR REPLACE INTO record VALUES (1, 'cycle', '', '', '{}', 'x', 'y')",
        "INSERT INTO record VALUES (99, 'cycle', '', '', '{}', 'x', 'y')",
        "INSERT INTO record VALUES (41, 'cycle', '', '', '{}', 'not the last hash', 'y')",
    ],
)
def test_the_file_itself_refuses_to_be_changed(records: Path, statement: str) -> None:
    connection = apsw.Connection(str(records))
    with pytest.raises(apsw.ConstraintError, match="records are"):
        connection.execute(statement).fetchall()
    connection.close()
    assert verify(records).ok


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("garbage", "file is not a database"),
        ("torn page", "error code 11"),
        ("empty header", "file is not a database"),
    ],
)
def test_a_damaged_file_is_refused_in_words_and_left_alone(
    records: Path, damage: str, words: str
) -> None:
    content = bytearray(records.read_bytes())
    if damage == "garbage":
        content = bytearray(b"this was a record file once, now it is something else" * 100)
    elif damage == "torn page":
        content[4096:] = bytes(len(content) - 4096)
    else:
        content[:100] = bytes(100)
    records.write_bytes(content)
    with pytest.raises(RecordError, match=f"(?s)damaged: .*{words}") as refusal:
        RecordStore(records)
    assert "Next:" in str(refusal.value)
    assert records.read_bytes() == bytes(content)
    assert not verify(records).ok


def test_a_file_that_is_not_there_is_a_report_too(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.sqlite"
    assert verify(path) == ChainReport(
        0, False, None, f"{path} cannot be read: there is no record file {path}", Head(0, GENESIS)
    )


def test_the_verifier_runs_as_a_program_of_its_own(records: Path) -> None:
    def run() -> tuple[int, bool]:
        done = subprocess.run(
            [sys.executable, "-m", "records.verify", str(records)],
            capture_output=True, check=False, text=True,
        )  # fmt: skip
        return done.returncode, json.loads(done.stdout)["ok"]

    assert run() == (0, True)
    tamper(records, "DELETE FROM record WHERE seq = 3")
    assert run() == (1, False)


def test_a_head_that_is_no_head_is_not_believed() -> None:
    head = Head(12, "ab" * 32)
    assert Head.from_line(head.to_line()) == head
    assert len(head.to_line()) == 20 + 1 + 64 + 1 + 16 + 1, "fits one sector whatever stands in it"
    for broken in ("", "x y", "1 2 3", "\0" * 86, head.to_line().replace("12", "13")):
        assert Head.from_line(broken) is None


@pytest.mark.parametrize("text", ["x " + "ab" * 32, "12 " + "ab" * 31])
def test_a_head_with_a_fitting_checksum_still_needs_a_number_and_a_hash(text: str) -> None:
    fitting = hashlib.sha256(text.encode()).hexdigest()[:16]
    assert Head.from_line(f"{text} {fitting}\n") is None
