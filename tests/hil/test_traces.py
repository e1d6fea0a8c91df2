"""Traces: whole, repeatable to the byte, readable by the format's own library, and comparable."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from mcap.reader import make_reader

from cli.app import answer
from hil import golden
from hil.fault_campaign import Job, play_job, trace_of
from hil.judge import judge_rows
from hil.trace_mcap import Run, write_trace
from hil.trace_read import Trace, TraceError, read_trace
from hil.virtual_line import default_sealed
from records.canonical import sha256_of
from service.replay import fold

JOB = Job(("F29",), ("coater",), 3)


@pytest.fixture(scope="module")
def sealed() -> dict[str, Any]:
    return default_sealed()


@pytest.fixture(scope="module")
def played(sealed: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    assert play_job(JOB, sealed, folder)["passed"]
    return trace_of(folder, JOB.key)


@pytest.mark.requirement("HIL-05")
def test_the_same_seed_gives_the_same_file(
    sealed: Mapping[str, Any], played: Path, tmp_path: Path
) -> None:
    play_job(JOB, sealed, tmp_path)
    assert trace_of(tmp_path, JOB.key).read_bytes() == played.read_bytes()


@pytest.mark.requirement("HIL-03")
def test_the_formats_own_library_reads_every_stream_with_its_schema(played: Path) -> None:
    with played.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        topics = {channel.topic for channel in summary.channels.values()}
        schemas = {one.name: json.loads(one.data) for one in summary.schemas.values()}
        encodings = {channel.message_encoding for channel in summary.channels.values()}
        attached = {one.name: one.data for one in reader.iter_attachments()}
        about = {one.name: one.metadata for one in reader.iter_metadata()}["run"]
    assert {"/wire/coater", "/record/cycle", "/record/intent", "/prediction/coating",
            "/fault"} <= topics  # fmt: skip
    assert encodings == {"json"}
    assert all(schema["type"] == "object" for schema in schemas.values())
    assert sha256_of(json.loads(attached["config.json"])) == about["config"]
    assert {"played", "seed", "sources", "commit"} <= set(about)


def test_a_trace_holds_what_the_judge_and_a_replay_need(played: Path) -> None:
    trace = read_trace(played)
    assert judge_rows(trace.wire()).clean
    struck = [one for one in trace.said if one.topic == "/fault" and "struck" in one.body["text"]]
    assert struck
    assert fold(trace.entries(), "x", plans=False).cycles > 0


def test_a_file_that_is_cut_off_or_another_is_refused(
    sealed: Mapping[str, Any], played: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(played.read_bytes()[:-500])
    with pytest.raises(TraceError):
        read_trace(cut)
    cut.write_bytes(b"no trace at all")
    with pytest.raises(TraceError):
        read_trace(cut)
    assert answer(["replay", str(cut)]) == 3
    write_trace(cut, Run([], [], [], sealed, {"format": "another"}))
    with pytest.raises(TraceError, match="no 'rheostat trace 1'"):
        read_trace(cut)


@pytest.mark.parametrize("name", golden.NAMES)
def test_every_golden_trace_is_here_and_small(name: str) -> None:
    path = golden.golden_path(name)
    assert path.stat().st_size < 300_000
    assert judge_rows(read_trace(path).wire()).clean


def test_a_golden_trace_is_compared_within_its_tolerance() -> None:
    was = read_trace(golden.golden_path("engine-killed"))
    assert golden.differences(was, was) == []
    assert golden.differences(was, _moved(was, 1.0 + 1e-6)) == []
    assert golden.differences(was, _moved(was, 1.01))
    short = Trace(was.about, was.sealed, was.said[:-1])
    assert any("fewer" in line for line in golden.differences(was, short))


def _moved(trace: Trace, factor: float) -> Trace:
    """Return the trace with every setpoint on the wire multiplied."""
    said = []
    for one in trace.said:
        on_the_wire = one.topic.startswith("/wire/")
        is_setpoint = on_the_wire and str(one.body.get("tag", "")).endswith("_sp")
        body = {**one.body, "value": one.body["value"] * factor} if is_setpoint else one.body
        said.append(type(one)(one.topic, one.at_s, body))
    return Trace(trace.about, trace.sealed, said)


def test_golden_traces_are_made_anew_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path)
    monkeypatch.setattr(
        golden, "golden_path", lambda name, folder=tmp_path: folder / f"{name}.mcap"
    )
    assert answer(["hil", "golden", "no-such"]) == 2
    assert answer(["hil", "golden", "engine-killed"]) == 3, "nothing there to compare with"
    assert answer(["hil", "golden", "engine-killed", "--update-refs"]) == 0
    kept = (tmp_path / "engine-killed.mcap").read_bytes()
    assert answer(["hil", "golden", "engine-killed"]) == 0
    assert "as it was" in capsys.readouterr().out
    shutil.copy(golden.DEMO, tmp_path / "engine-killed.mcap")
    assert answer(["hil", "golden", "engine-killed"]) == 1
    assert "rows differ" in capsys.readouterr().out
    assert (tmp_path / "engine-killed.mcap").read_bytes() != kept


@pytest.mark.requirement("REC-10")
def test_the_bundled_trace_is_folded_and_a_changed_decision_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(["replay", "--demo", "--gate", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["cycles"] > 40
    assert found["runs"] == 1
    trace = read_trace(golden.DEMO)
    entries = trace.entries()
    spoiled = next(one for one in entries if one.kind == "cycle" and one.body["mode"] == "AUTO")
    spoiled.body["verdict"]["action"] = "TRIP"
    path = write_trace(tmp_path / "x.mcap", Run(entries, trace.wire(), [], trace.sealed, {}))
    assert answer(["replay", str(path), "--gate", "--json"]) == 1
    named = json.loads(capsys.readouterr().out)["differences"]
    assert spoiled.seq in {one["record"] for one in named}
