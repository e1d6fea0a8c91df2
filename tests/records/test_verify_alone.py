"""`python -m records.verify FILE`: one JSON report on standard output, and an exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from records.store import RecordStore
from records.verify import main

UTC = "2026-01-01T00:00:00Z"


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["verify", *words])
    code = main()
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.requirement("REC-13")
def test_a_whole_file_is_reported_and_ends_with_zero(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path)
    row = store.append("event", "", UTC, {"event": "x"})
    store.close()
    code, out, err = said(monkeypatch, capsys, str(path))
    assert (code, err, out[-1]) == (0, "", "\n")
    assert json.loads(out) == {
        "rows": 1, "ok": True, "first_bad_seq": None, "text": "1 rows, unbroken",
        "head": {"seq": 1, "hash": row.hash},
    }  # fmt: skip


@pytest.mark.requirement("REC-13")
def test_a_file_that_cannot_be_read_ends_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = said(monkeypatch, capsys, str(tmp_path / "none"))
    assert (code, json.loads(out)["ok"]) == (1, False)


@pytest.mark.parametrize("words", [(), ("one", "two")])
def test_anything_but_one_file_is_a_matter_of_usage(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(monkeypatch, capsys, *words)
    assert (code, out, err) == (2, "", "usage: python -m records.verify FILE\n")
