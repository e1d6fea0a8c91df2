"""Replay: the same code decides the same to the last bit, and a changed decision is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hil.recorded_run import record_scenario
from records.canonical import canonical_json
from records.reader import Entry, RecordReader
from safety import gate
from service import replay
from service.replay import fold, folds


def entries_of(path: Path) -> Sequence[Entry]:
    reader = RecordReader(path)
    entries = reader.since(0, limit=100_000)
    reader.close()
    return entries


@pytest.fixture(scope="module")
def hold(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Entry]:
    """Some minutes under the controller that holds."""
    path = tmp_path_factory.mktemp("hold") / "records.sqlite"
    record_scenario(path, minutes=6.0, kind="hold")
    return entries_of(path)


def software(entries: Sequence[Entry]) -> str:
    return str(entries[0].body["hashes"]["software"])


@pytest.mark.slow
@pytest.mark.requirement("REC-10")
@pytest.mark.requirement("GMP-06")
def test_the_same_code_decides_the_same_to_the_last_bit(tmp_path: Path) -> None:
    """With the predictive controllers; a whole hour: ./rheostat replay."""
    record_scenario(tmp_path / "records.sqlite", minutes=4.0, kind="mpc")
    entries = entries_of(tmp_path / "records.sqlite")
    found, hashes = folds(entries, software(entries), 2)
    assert found.differences == []
    assert found.cycles > 30
    assert len(hashes) == 1
    plans = [e.body["plan"]["status"] for e in entries if e.kind == "cycle"]
    assert plans.count("solved") > 10, "the controllers really decided"


@pytest.mark.requirement("GMP-06")
@pytest.mark.requirement("IL-02")
def test_a_write_that_took_its_time_is_replayed_with_it(hold: Sequence[Entry]) -> None:
    """Records from before it was told count from the judgement, as the gate then did."""
    number, slow = next(
        (n, e) for n, e in enumerate(hold) if e.kind == "cycle" and e.body["mode"] == "AUTO"
    )
    judged_s = slow.body["judged_s"]
    for over, from_s in (({"over_s": judged_s + 4.0}, judged_s + 3.2), ({}, judged_s)):
        body: dict[str, Any] = {k: v for k, v in slow.body.items() if k != "over_s"} | over
        body["state"] = {**body["state"], "commanded_s": from_s}
        entries = [*hold[:number], replace(slow, body=body)]
        assert fold(entries, software(hold), plans=False).differences == []


@pytest.mark.requirement("GMP-06")
def test_many_folds_give_one_hash(hold: Sequence[Entry]) -> None:
    found, hashes = folds(hold, software(hold), 20, plans=False)
    assert hashes == {found.hash}
    assert found.differences == []
    assert found.runs == 1
    assert found.other_software == 0
    assert {e.body["mode"] for e in hold if e.kind == "cycle"} >= {"INIT", "AUTO"}


@pytest.mark.requirement("REC-10")
@pytest.mark.parametrize("part", ["input", "raw", "limit", "state", "intent"])
def test_a_decision_that_is_not_what_this_code_decides_is_named(
    hold: Sequence[Entry], part: str
) -> None:
    at = next(i for i, e in enumerate(hold) if e.kind == "cycle" and e.body["mode"] == "AUTO") + 40
    while hold[at].kind != ("intent" if part == "intent" else "cycle"):
        at += 1
    body: dict[str, Any] = dict(hold[at].body)
    if part == "input":  # what was believed, and what the wire had brought
        tag = next(iter(body["applied"]))
        active = next(t for t, row in body["inputs"].items() if row[0] == body["applied"][tag])
        body["inputs"] = {**body["inputs"], active: [1e9, *body["inputs"][active][1:]]}
    elif part == "raw":
        tag = next(iter(body["inputs"]))
        body["raw"] = {tag: ["NaN", 2, "", None, body["now_s"], 1]}
    elif part == "limit":
        body["verdict"] = {**body["verdict"], "limiting": "IL-99: somebody wrote this"}
    elif part == "state":
        body["state"] = {**body["state"], "heartbeat": body["state"]["heartbeat"] + 1}
    else:
        body["remote"] = not body["remote"]
    changed = [*hold[:at], replace(hold[at], body=body), *hold[at + 1 :]]
    differences = fold(changed, software(hold)).differences
    assert differences
    records = {one.record for one in differences}
    assert hold[at].seq in records or part == "intent"
    assert len(records) <= 4, "it goes on from the recorded state"
    assert any(set(one.parts) for one in differences)


def test_a_broken_gate_is_seen_in_its_decisions(
    hold: Sequence[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*arguments: Any) -> gate.Verdict:
        verdict = gate.judge(*arguments)
        return verdict._replace(limiting="") if verdict.limiting else verdict

    monkeypatch.setattr(replay, "judge", careless)
    found = fold(hold, software(hold))
    limited = [e.seq for e in hold if e.kind == "cycle" and e.body["verdict"]["limiting"]]
    assert [one.record for one in found.differences] == limited
    assert limited
    assert all(one.parts == ("verdict",) for one in found.differences)


def test_what_broke_off_and_what_cannot_be_read_is_counted(hold: Sequence[Entry]) -> None:
    cycles = [i for i, e in enumerate(hold) if e.kind == "cycle"]
    changed = list(hold)
    off = dict(hold[cycles[20]].body)
    for name in ("inputs", "raw", "plan"):
        del off[name]
    changed[cycles[20]] = replace(hold[cycles[20]], body=off)
    strange = {**hold[cycles[40]].body, "requested": "PERHAPS"}
    changed[cycles[40]] = replace(hold[cycles[40]], body=strange)
    found = fold(changed, "another version")
    assert found.broken_off == 1
    assert found.unreadable == 1
    assert found.other_software == len(cycles)
    assert any("cannot be read" in one.parts[0] for one in found.differences)


def test_a_restart_begins_off_with_what_was_recorded(hold: Sequence[Entry]) -> None:
    """A second run after the first: what the fold knows of it comes from the records only."""
    found = fold([*hold, hold[0]], software(hold))
    assert found.runs == 2
    assert found.differences == []


def test_a_worker_that_gave_no_answer_is_taken_as_recorded(hold: Sequence[Entry]) -> None:
    cycles = [i for i, e in enumerate(hold) if e.kind == "cycle"]
    late = cycles[45]
    body = dict(hold[late].body)
    nothing = dict.fromkeys(("proposal", "solver_status", "iterations", "residual", "cost",
                             "made_s", "innovation"))  # fmt: skip
    body["plan"] = {**body["plan"], **nothing, "status": "late"}
    changed = [*hold[:late], replace(hold[late], body=body), *hold[late + 1 :]]
    found = fold(changed, software(hold))
    assert found.takeovers == 1
    named = {one.record for one in found.differences}
    assert hold[late].seq in named, "its verdict was one over a plan that came"
    parts = next(one.parts for one in found.differences if one.record == hold[late].seq)
    assert "plan" not in parts
    assert canonical_json(list(parts))
