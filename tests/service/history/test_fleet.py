"""Many lines on one history server: what each does now, and which is not known."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from records.store import RecordStore
from service.clock import utc_text
from service.history.fleet import (
    AHEAD,
    EMPTY,
    HEARD,
    SILENT,
    UNREADABLE,
    LineNow,
    LoopNow,
    fleet,
)
from service.history.follower import URL, carry_all
from service.history.postgres import Postgres
from service.page import fleet as page
from service.page.access import in_words
from tests.service.history.world import START, TAG, cycle, make_records, sealed
from tests.service.page_people import as_role

CYCLES = 900
T_LAST = round(START.timestamp() * 1000) + 8000 * (CYCLES - 1)
TOLERANCE = 0.02


@dataclass
class Fleet:
    """A history server, and how one of its lines is seen."""

    url: str

    def add(self, state: Path) -> str:
        """Follow the records of `state` as those of a new line; return its name."""
        name = f"fleet-{uuid4().hex[:8]}"
        store = Postgres(self.url, name)
        carry_all(state, store)
        store.close()
        return name

    def line(self, name: str, now_ms: int = T_LAST + 2000) -> LineNow:
        return next(one for one in fleet(self.url, now_ms, TOLERANCE) if one.line == name)

    def loop(self, name: str, now_ms: int = T_LAST + 2000) -> LoopNow:
        [loop] = self.line(name, now_ms).loops
        return loop


@pytest.fixture
def lines(database: str) -> Fleet:
    return Fleet(database)


def aimed(target: float | None, high: float | None = None) -> dict[str, Any]:
    """Return a configuration whose coating loop aims at `target`, or stays below `high` [SI]."""
    found = sealed()
    cvs = found["loops"]["coating"]["controller"]["cvs"]
    cvs[TAG] = {"rank": 1, "target": target, "high": high}
    return found


def records(state: Path, rows: list[tuple[str, dict[str, Any]]]) -> Path:
    """Write records 8 s apart, the last one at the time of `T_LAST`."""
    make_records(state, cycles=0)
    store = RecordStore(state / "records.sqlite")
    for number, (kind, body) in enumerate(rows):
        ago_s = 8 * (len(rows) - 1 - number)
        utc = utc_text(START + timedelta(seconds=8 * (CYCLES - 1) - ago_s))
        store.append(kind, "coating" if kind == "cycle" else "", utc, body)
    store.close()
    return state


def test_a_line_tells_what_it_does_and_how_it_did(lines: Fleet, state: Path) -> None:
    line = lines.line(lines.add(state))
    assert (line.state, line.site, line.product) == (HEARD, "bench", "none")
    assert line.age_s == 2.0
    [loop] = line.loops
    assert loop == LoopNow(
        "coating", "Coating", HEARD, 2.0, "AUTO", "AUTO", "test-1/coater/coating", "A", 9, None,
        hours=2.0, auto=1.0, clamped=0.0, off_spec=0.0,
    )  # fmt: skip
    assert [(one["alarm"], one["priority"], one["state"]) for one in line.alarms] == [
        ("coating.target", "high", "UNACK")
    ]


def test_a_line_that_is_not_heard_is_unknown(lines: Fleet, state: Path) -> None:
    name = lines.add(state)
    assert lines.line(name, T_LAST + 34_000).state == HEARD  # three periods, and 10 s
    assert lines.line(name, T_LAST + 34_001).state == SILENT
    assert lines.loop(name, T_LAST + 34_001).state == SILENT
    assert lines.line(name, T_LAST - 34_001).state == AHEAD
    later = lines.line(name, T_LAST + 30 * 3_600_000)
    assert (later.state, later.age_s) == (SILENT, 108_000.0)
    assert later.loops == [LoopNow("coating", "Coating", SILENT)]  # no share of nothing


def test_a_line_that_has_never_spoken_or_lets_nobody_look_is_unknown(lines: Fleet) -> None:
    name = f"fleet-{uuid4().hex[:8]}"
    Postgres(lines.url, name).close()
    assert lines.line(name) == LineNow(name, EMPTY)
    with psycopg.connect(lines.url) as connection:
        connection.execute(f'DROP TABLE "rheostat_{name}".event'.encode())
        connection.execute(f'DROP TABLE "rheostat_{name}".cycle'.encode())
    assert lines.line(name) == LineNow(name, UNREADABLE)


def test_shares_are_of_the_last_day_only(lines: Fleet, state: Path) -> None:
    name = lines.add(state)
    late = lines.loop(name, T_LAST + 24 * 3_600_000 - 8000 * 99)
    assert late.hours == pytest.approx(100 * 8 / 3600)
    assert late.auto == 1.0


def test_what_is_not_auto_or_is_cut_by_the_gate_counts(lines: Fleet, tmp_path: Path) -> None:
    shadow = cycle(1) | {"mode": "SHADOW"}
    cut = cycle(2) | {"verdict": {"action": "CLAMP", "limiting": "IL-01"}}
    rows = [("start", {"sealed": aimed(None)}), ("cycle", shadow), ("cycle", cut),
            ("cycle", cycle(3)), ("cycle", cycle(4))]  # fmt: skip
    loop = lines.loop(lines.add(records(tmp_path / "s", rows)))
    assert (loop.auto, loop.clamped, loop.off_spec) == (0.75, 0.25, 0.0)


@pytest.mark.parametrize(
    ("key", "off"),
    [(aimed(0.0857), 0.0), (aimed(0.0857 / 1.03), 1.0), (aimed(0.0857 / 0.97), 1.0),
     (aimed(None, high=0.0857), 0.75), (aimed(None, high=0.1), 0.0)],
)  # fmt: skip
def test_off_spec_is_beyond_the_target_or_the_limits(
    lines: Fleet, tmp_path: Path, key: dict[str, Any], off: float
) -> None:
    rows = [("start", {"sealed": key}), *(("cycle", cycle(number)) for number in range(4)),
            ("cycle", cycle(5, quality=0))]  # what is bad is no reading  # fmt: skip
    assert lines.loop(lines.add(records(tmp_path / "s", rows))).off_spec == off


def test_every_reading_is_judged_by_the_target_of_its_time(lines: Fleet, tmp_path: Path) -> None:
    seal = {"proposal": {"config": aimed(0.1), "kind": "change"}}
    rows = [("start", {"sealed": aimed(0.0857)}), *(("cycle", cycle(n)) for n in range(3)),
            ("seal", seal), ("cycle", cycle(3)),
            ("start", {"sealed": aimed(0.1)})]  # fmt: skip
    assert lines.loop(lines.add(records(tmp_path / "s", rows))).off_spec == 0.25


def test_an_alarm_is_told_by_its_newest_state(lines: Fleet, tmp_path: Path) -> None:
    def alarm(name: str, priority: str, to: str) -> tuple[str, dict[str, Any]]:
        return "event", {"event": "alarm", "alarm": name, "priority": priority, "title": name,
                         "from": "NORM", "to": to, "loop": ""}  # fmt: skip

    rows = [alarm("a", "low", "UNACK"), alarm("b", "critical", "UNACK"), alarm("a", "low", "ACKED"),
            alarm("c", "high", "UNACK"), alarm("c", "high", "RTNUN"),
            ("cycle", cycle(1))]  # fmt: skip
    line = lines.line(lines.add(records(tmp_path / "s", rows)))
    assert [(one["alarm"], one["state"]) for one in line.alarms] == [("b", "UNACK"), ("a", "ACKED")]


def answered() -> httpx.Response:
    """Return what the page of somebody who may view says to a question for the fleet."""
    app = FastAPI()
    app.add_exception_handler(HTTPException, in_words)
    as_role(app, "operator")
    app.include_router(page.router())

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            return await client.get("/api/fleet")

    return asyncio.run(asked())


def test_the_page_tells_the_lines_of_its_server(
    lines: Fleet, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lines.add(state)
    monkeypatch.setenv(URL, lines.url)
    assert page.shared()
    told = next(one for one in answered().json()["lines"] if one["line"] == name)
    assert [loop["loop"] for loop in told["loops"]] == ["coating"]


def test_the_page_says_why_it_knows_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(URL, raising=False)
    assert not page.shared()
    alone = answered()
    assert (alone.status_code, alone.json()["text"]) == (
        404, "This line keeps its history alone, so no others are known.",
    )  # fmt: skip
    monkeypatch.setenv(URL, "postgresql://nobody@127.0.0.1:1/none")
    gone = answered()
    assert gone.status_code == 503
    assert "RHEOSTAT_HISTORY_URL" in gone.json()["text"]
