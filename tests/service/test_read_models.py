"""What the page's server reads out of the records, asked through its routes in this process."""

from __future__ import annotations

import asyncio
import copy
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from records.reader import RecordReader
from records.store import RecordStore
from service.clock import utc_text
from service.limits_proposal import Proposal, Seal, read_seal
from service.page.app import build_app
from service.page.feed import Feed
from service.page.read_kpi import kpi
from service.page.read_profile import scan_of
from service.page.read_recent import fan
from service.page.view import Frame
from service.page.words import RULES
from tests.service.page_people import as_role
from tests.service.page_world import commissioned, make_state

ROOT = Path(__file__).resolve().parents[2]


class Line:
    """A page's application on a made state, asked without a socket."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.app: FastAPI = build_app(state)
        as_role(self.app, "engineer")
        self.rows = RecordReader(state / "records.sqlite")

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async def once() -> tuple[int, Any]:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
                headers = {"X-Rheostat": "1"}
                answer = await client.request(method, path, headers=headers, json=body)
                return answer.status_code, answer.json()

        return asyncio.run(once())

    def get(self, path: str) -> Any:
        status, body = self.ask("GET", path)
        assert status == 200, body
        return body

    def play(self, **question: Any) -> Mapping[str, Any]:
        status, body = self.ask("POST", "/api/interlock", {"loop": "coating", **question})
        assert status == 200, body
        answer: Mapping[str, Any] = body
        return answer


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Forty cycles, the gate cut one move; then version 2 of the limits, with other words."""
    state = tmp_path_factory.mktemp("read") / "s"
    now = datetime.now(UTC)
    sealed = make_state(state, 40, loops=("coating", "profile"), ends=now, hasty=30)
    commissioned(state, sealed, utc_text(now))
    change_the_gap(state)
    line = Line(state)
    yield line
    line.rows.close()


def change_the_gap(state: Path) -> None:
    """Seal a second version, in which the gap may be 330 um at most."""
    store = RecordStore(state / "records.sqlite")
    reader = RecordReader(store.path)
    first = read_seal(reader.seals()[-1].body).proposal
    reader.close()
    config = copy.deepcopy(dict(first.config))
    config["limits"]["setpoints"]["coater.gap_sp"]["operating"] = [2.4e-4, 3.3e-4]
    utc = "2026-11-28T12:00:00.000Z"
    second = Proposal(
        first.line, "change", 2, first.sha256, "park", "the lip was reground", utc, "", {}, config
    )
    store.append("seal", "", utc, Seal(second, ()).body())
    store.close()


def cycles(line: Line) -> list[Any]:
    return list(line.rows.last_cycles("coating", 1000))


@pytest.mark.requirement("REC-10")
def test_a_setpoint_is_explained_by_one_record(line: Line) -> None:
    row = next(e for e in cycles(line) if e.body["verdict"]["action"] == "CLAMP")
    told = line.get(f"/api/explain/{row.seq}")
    gap = next(mv for mv in told["cycle"]["frame"]["mvs"] if mv["tag"] == "coater.gap_sp")
    assert gap["requested"] == pytest.approx(gap["applied"] + 30.0, abs=9.0)
    assert gap["allowed"] < gap["requested"]
    assert gap["landed"] == pytest.approx(gap["allowed"], abs=0.2)
    assert any(r["rule"] == "IL-02" for r in told["cycle"]["frame"]["reasons"])
    assert told["cycle"]["intent"]["seq"] < row.seq
    assert told["cycle"]["hashes"] == row.body["hashes"]
    assert {one["tag"] for one in told["cycle"]["inputs"]} == set(row.body["inputs"])
    assert told["chain"]["fits"] is True
    assert told["chain"]["before"]["seq"] == row.seq - 1
    assert told["hash"] == row.hash
    before = line.get(f"/api/explain/{told['cycle']['before']}")
    assert before["cycle"]["after"] == row.seq


def test_a_record_that_was_changed_does_not_fit_its_chain(tmp_path: Path) -> None:
    make_state(tmp_path / "s", 3)
    file = sqlite3.connect(tmp_path / "s" / "records.sqlite")
    file.execute("DROP TRIGGER record_no_update")
    file.execute('UPDATE record SET body = replace(body, \'"who":"Kim"\', \'"who":"Lee"\')')
    file.commit()
    file.close()
    line = Line(tmp_path / "s")
    assert line.get(f"/api/explain/{cycles(line)[-1].seq}")["chain"]["fits"] is False
    assert line.ask("GET", "/api/explain/100000")[0] == 404
    line.rows.close()


def test_the_trail_holds_acts_and_no_cycles_newest_first(line: Line) -> None:
    trail = line.get("/api/trail")
    assert [row["kind"] for row in trail] == ["seal", "seal", "start"]
    assert trail[0]["body"]["reason"] == "the lip was reground"
    assert "config" not in trail[1]["body"], "a configuration is no line of a list"
    older = line.get(f"/api/trail?before={trail[0]['seq']}&limit=1")
    assert [row["seq"] for row in older] == [trail[1]["seq"]]
    for path in ("trail?before=99999999999999999999", "trail?limit=0", f"explain/{2**70}"):
        assert line.ask("GET", f"/api/{path}")[0] == 422, path


def test_every_limit_says_since_when_by_whom_and_why(line: Line) -> None:
    told = line.get("/api/limits")
    rows = {row["path"]: row for row in told["rows"]}
    gap = rows["limits.setpoints.coater.gap_sp.operating"]
    assert gap["value"] == pytest.approx([240.0, 330.0])
    assert (gap["changed"]["version"], gap["changed"]["author"]) == (2, "park")
    assert gap["changed"]["reason"] == "the lip was reground"
    assert rows["limits.setpoints.coater.gap_sp.proven"]["changed"]["version"] == 1
    assert rows["recipe.targets.coater.dry_coat_weight"]["value"] == pytest.approx(85.7)
    assert [one["version"] for one in told["versions"]] == [2, 1]


def test_the_simulator_says_what_the_gate_had_said(line: Line) -> None:
    was = line.play()["was"]
    last = cycles(line)[-1].body
    assert (was["mode"], was["action"]) == (last["mode"], last["verdict"]["action"])
    assert line.play()["now"] == was, "nothing was played, so nothing is other"


def test_the_simulator_sheds_for_a_permissive_and_cuts_a_wish(line: Line) -> None:
    shed = line.play(inputs={"coater.interlocks_ok": {"value": False}})["now"]
    assert (shed["action"], shed["writes"]) == ("SHED", False)
    assert ("IL-03", "coater.interlocks_ok") in {(r["rule"], r["tag"]) for r in shed["reasons"]}
    cut = line.play(setpoints={"coater.gap_sp": 400.0})["now"]
    gap = next(mv for mv in cut["moves"] if mv["tag"] == "coater.gap_sp")
    assert (cut["action"], gap["requested"]) == ("CLAMP", pytest.approx(400.0))
    assert gap["allowed"] <= 330.0
    dead = line.play(inputs={"coater.line_speed": {"value": None, "dead": True}})["now"]
    assert "IL-07" in {r["rule"] for r in dead["reasons"]}


@pytest.mark.parametrize(
    "question",
    [
        {"inputs": {"no.such": {"value": 1.0}}},
        {"setpoints": {"no.such": 1.0}},
        {"setpoints": {"coater.gap_sp": "NaN"}},
        {"loop": "no such loop"},
    ],
)
def test_the_simulator_refuses_what_the_loop_does_not_have(
    line: Line, question: Mapping[str, Any]
) -> None:
    assert line.ask("POST", "/api/interlock", {"loop": "coating", **question})[0] in (404, 422)


def test_every_rule_of_the_gate_has_a_name_on_the_screen() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "safety").glob("*.py"))
    assert set(re.findall(r'"(IL-\d\d)"', sources)) == set(RULES)


def test_tags_tell_address_checks_and_last_reading(line: Line) -> None:
    rows = {row["tag"]: row for row in line.get("/api/tags?loop=coating")}
    speed = rows["coater.line_speed"]
    assert (speed["unit"], speed["value"]) == ("m/min", pytest.approx(10.0, abs=0.5))
    assert speed["valid"] == pytest.approx([0.5, 21.0])
    assert "Web.Speed" in speed["address"]
    assert (speed["bad"], speed["cycles"]) == (0, 40)
    assert line.ask("GET", "/api/tags?loop=nothing")[0] == 404


def test_the_model_card_names_parameters_and_hashes(line: Line) -> None:
    card = line.get("/api/model?loop=coating")
    assert (card["kind"], card["horizon"], card["solver"]) == ("mpc", 20, "realtime")
    assert card["hashes"] == cycles(line)[-1].body["hashes"]
    assert {row["path"] for row in card["tables"]["model"]} >= {"coating.web.width"}


def test_the_map_has_one_row_of_boxes_for_every_scan(line: Line) -> None:
    feed = Feed(line.state)
    feed.catch_up()
    numbers = [scan.number for scan in feed.scans]
    assert len(numbers) > 10
    assert numbers == sorted(set(numbers)), "a scan that is read twice is one scan"
    assert {len(scan.boxes) for scan in feed.scans} == {22}
    assert scan_of({"inputs": {}}, feed.sealed) is None


def a_frame(t: float, value: float, mode: str = "AUTO", **more: Any) -> Frame:
    cv = {"tag": "x", "value": value, "quality": 2, "target": 100.0, "low": None, "high": None}
    return {
        "t": t, "utc": "", "mode": mode, "solve_ms": 5.0, "reasons": [], "cvs": [cv], "mvs": [],
        **more,
    }  # fmt: skip


@pytest.mark.requirement("FS-10")
def test_key_figures_are_what_they_say() -> None:
    frames = [a_frame(10.0 * i, 100.0 + (1.0 if i % 2 else -1.0)) for i in range(8)]
    frames += [a_frame(80.0, 103.0, "OFF"), a_frame(90.0, 97.0, "OFF")]
    whole = kpi(frames)["whole"]
    assert whole["service"] == pytest.approx(0.8)
    assert whole["off_spec"] == pytest.approx(0.2)
    assert whole["spread"] == pytest.approx(2.0 * (26.0 / 10.0) ** 0.5)
    assert kpi([])["whole"] is None
    anew = [*frames, a_frame(0.0, 100.0)]
    assert kpi(anew)["whole"]["service"] == 1.0, "time that ran back is another run"


def test_the_fan_is_what_earlier_predictions_were_wrong_by() -> None:
    """Every prediction says 100 one cycle ahead; the readings are 100.5 and 99 in turn."""
    frames = [
        a_frame(10.0 * i, 99.0 if i % 2 else 100.5,
                predicted={"x": {"t": [10.0 * i + 10.0], "y": [100.0]}})
        for i in range(60)
    ]  # fmt: skip
    found = fan(frames, "x")
    assert (found["lead_s"], found["low"], found["high"]) == ([10.0], [-1.0], [0.5])
    assert found["checked"] == 59
    assert len(found["ghosts"]) == 3
    assert fan(frames[:15], "x")["lead_s"] == [], "too few to be a fan"


def test_what_if_plays_the_loop_on_with_other_numbers(line: Line) -> None:
    """The real controller, in its process: another target is reached within its limits."""
    trial = {
        "loop": "coating",
        "cycles": 30,
        "changes": {"coater.dry_coat_weight": {"target": 88.0}},
    }
    status, told = line.ask("POST", "/api/what-if", trial)
    assert status == 200, told
    coat = told["signals"]["coater.dry_coat_weight"]
    assert coat["now"][-1] == pytest.approx(85.7, abs=0.3)
    assert coat["tried"][-1] == pytest.approx(88.0, abs=0.3)
    pump = told["signals"]["coater.pump_ratio_sp"]["tried"]
    assert max(abs(b - a) for a, b in pairwise(pump)) <= 0.08 + 1e-6, "the rate"
    assert told["ended"] == {}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"coater.gap_sp": {"high": 5000.0}}, "proven"),
        ({"coater.gap_sp": {"equipment": 1.0}}, "no such number"),
        ({"no.such": {"low": 1.0}}, "no such number"),
    ],
)
def test_what_if_refuses_what_nobody_could_sign(
    line: Line, changes: Mapping[str, Any], why: str
) -> None:
    status, told = line.ask("POST", "/api/what-if", {"loop": "coating", "changes": changes})
    assert (status, why in told["text"]) == (422, True)


def test_an_auditor_may_look_but_not_play_what_if(line: Line) -> None:
    as_role(line.app, "auditor")
    try:
        assert line.ask("POST", "/api/what-if", {"loop": "coating"})[0] == 403
        assert line.ask("GET", "/api/what-if/coating")[0] == 200
        as_role(line.app, "nobody")
        for path in ("limits", "trail", "kpi", "profile", "recent?loop=coating", "explain/1"):
            assert line.ask("GET", f"/api/{path}")[0] == 401, path
    finally:
        as_role(line.app, "engineer")


def test_the_page_process_loads_no_solver() -> None:
    script = "import sys, service.page.app; sys.exit(bool({'casadi', 'do_mpc'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
