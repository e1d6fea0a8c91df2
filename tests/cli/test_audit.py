"""`audit` and `replay` from the command line: exit codes, words, and what lands in files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.app import answer
from hil.recorded_run import record_scenario
from records.chain import verify
from tests.records.tampering import rechain, tamper


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the state folder of a line that ran for some minutes."""
    folder = tmp_path_factory.mktemp("line")
    record_scenario(folder / "records.sqlite", minutes=3.0, kind="hold", root_every=16)
    return folder


@pytest.fixture
def state(recorded: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be spoiled."""
    for file in recorded.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_whole_records_are_verified_anchored_and_exported(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert answer(["audit", "verify", str(state)]) == 0
    assert "OK   unbroken" in capfd.readouterr().out
    anchors = state / "kept.anchors"
    for count in (1, 2):
        assert answer(["audit", "anchor", str(anchors), str(state)]) == 0
        assert len(anchors.read_text("ascii").splitlines()) == count
    assert answer(["audit", "export", str(state / "copy"), str(state)]) == 0
    capfd.readouterr()
    words = ["audit", "verify", str(state / "copy"), "--anchor", str(anchors), "--json"]
    assert answer(words) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["ok"]
    assert report["pinned"]


@pytest.mark.requirement("REC-13")
def test_spoiled_records_end_in_exit_code_1_and_name_the_record(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tamper(state / "records.sqlite", "UPDATE record SET utc = 'never' WHERE seq = 17")
    assert answer(["audit", "verify", str(state)]) == 1
    assert "BAD  record 17: changed" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audit", "verify", "nowhere.sqlite"], "cannot be read"),
        (["audit", "anchor", "x", "nowhere.sqlite"], "nothing was anchored"),
        (["audit", "export", "x", "nowhere.sqlite"], "nothing was exported"),
        (["replay", "nowhere.sqlite"], "no record file"),
    ],
)
def test_what_is_not_there_is_refused_in_words(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(words) == 3
    heard = capfd.readouterr().err
    assert said in heard
    assert "next:" in heard


@pytest.mark.parametrize("words", [["audit", "tamper", "--count", "0"], ["replay", "--times", "0"]])
def test_nothing_tried_proves_nothing(words: list[str]) -> None:
    assert answer(words) == 2


@pytest.mark.requirement("GMP-06")
def test_replay_prints_one_hash_and_names_what_differs(
    state: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert answer(["replay", str(state), "--times", "3", "--gate"]) == 0
    heard = capfd.readouterr()
    assert heard.out.startswith("hash ")
    assert "3 fold(s) gave 1 hash(es)" in heard.err
    path = state / "records.sqlite"
    assert verify(path).ok
    rows = json.loads((_export(state) / "records.jsonl").read_text("ascii").splitlines()[29])
    assert rows["kind"] in ("cycle", "intent")
    body = json.loads(rows["body"])
    key = "verdict" if rows["kind"] == "cycle" else "setpoints"
    text = json.dumps({**body, key: {}}, sort_keys=True, separators=(",", ":"))
    rechain(path, 30, body=text)
    capfd.readouterr()
    assert answer(["replay", str(state), "--gate", "--json"]) == 1
    found = json.loads(capfd.readouterr().out)
    assert len(found["differences"]) >= 1
    assert found["hashes"] == [found["hash"]]


def _export(state: Path) -> Path:
    assert answer(["audit", "export", str(state / "copy"), str(state)]) == 0
    return state / "copy"
