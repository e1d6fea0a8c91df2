"""A trip is reset by the signature of a second person, given now and for this trip only."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from records.act import Act, sign_act
from records.reader import Entry, RecordReader
from records.recorder import FileRecorder
from safety.words import Request, RequestedMode
from service.clock import ManualClock
from service.cycle import loop_context, run_cycle
from service.loop_runner import LoopRunner
from service.people.standing import must_be_signed
from service.requests import RequestDesk
from service.signed_reset import MEANING, accept, reset_signature, to_sign
from service.solver_process import SolverProcess
from tests.service.signers import KEYS, NOW, register
from tests.service.small_line import LOOP, FakePlanner, FakePlant, small_sealed

ROW = Entry(40, "cycle", LOOP, "2026-11-25T09:29:00Z", "ab" * 32, {})
ASKED = Request(RequestedMode.AUTO, "Kim Yuna", False, 31)
PEOPLE = register()


def signed(row: Entry = ROW, person: str = "lee", at: datetime = NOW, **fields: Any) -> Act:
    act = to_sign(row, person, PEOPLE[person], at.isoformat(timespec="seconds"))
    return sign_act(replace(act, **fields), KEYS[person])


@pytest.mark.requirement("IL-04")
@pytest.mark.requirement("REC-07")
def test_a_second_person_who_signs_now_is_taken() -> None:
    act = reset_signature(signed().body(), ROW, ASKED, LOOP, PEOPLE, NOW)
    assert (act.name, act.meaning) == ("Lee Yuna", MEANING)
    late = NOW + timedelta(minutes=5)
    assert reset_signature(signed().body(), ROW, ASKED, LOOP, PEOPLE, late) == act


OTHER = replace(ROW, hash="cd" * 32)
SPOILED = [
    ("nothing", None, ROW, "needs a signature"),
    ("a word", "signed, Lee", ROW, "needs a signature"),
    ("a part is missing", {"record": 40}, ROW, "no signature"),
    ("the same person", signed(person="kim").body(), ROW, "somebody else"),
    ("a revoked key", signed(person="choi").body(), ROW, "revoked"),
    ("another record", signed(OTHER).body(), ROW, "another record"),
    ("another meaning", signed(meaning="reviewed").body(), ROW, "something else"),
    ("too old", signed(at=NOW - timedelta(minutes=6)).body(), ROW, "within five minutes"),
    ("tomorrow", signed(at=NOW + timedelta(minutes=6)).body(), ROW, "within five minutes"),
    ("no time", signed(utc="today").body(), ROW, "when it was given"),
    ("a time of nowhere", signed(utc="2026-11-25T09:30:00").body(), ROW, "when it was given"),
    ("no such row", signed().body(), None, "no cycle of"),
    ("a request", signed().body(), replace(ROW, kind="request"), "no cycle of"),
    ("another loop", signed().body(), replace(ROW, loop="mixing"), "no cycle of"),
    ("an old trip", signed(replace(ROW, seq=31)).body(), replace(ROW, seq=31), "no cycle of"),
    ("a forged name", signed(name="Kim Yuna").body(), ROW, "not registered"),
    ("a flipped bit", signed().body() | {"bytes_hex": "00" * 64}, ROW, "not genuine"),
]


@pytest.mark.requirement("IL-04")
@pytest.mark.requirement("REC-05")
@pytest.mark.parametrize(
    ("_", "body", "row", "says"), SPOILED, ids=[spoiled[0] for spoiled in SPOILED]
)
def test_any_other_signature_is_refused_in_words(
    _: str, body: Any, row: Entry | None, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        reset_signature(body, row, ASKED, LOOP, PEOPLE, NOW)


def test_a_line_whose_people_are_all_revoked_has_nobody_to_sign() -> None:
    assert must_be_signed(PEOPLE)
    assert not must_be_signed({"choi": PEOPLE["choi"]})
    assert not must_be_signed({})


class Rig:
    """One loop with real records, asked through the desk as the command door asks."""

    def __init__(self, place: Path, people: Mapping[str, Any]) -> None:
        self.people, self.path = people, place / "records.sqlite"

    async def story(self, sign: bool, times: int = 1) -> list[dict[str, Any]]:
        clock, sealed = ManualClock(), small_sealed()
        recorder = await FileRecorder.open(self.path)
        loop = loop_context(sealed, LOOP, FakePlant(clock), FakePlanner(), recorder, clock, {})
        runner = LoopRunner(loop, SolverProcess(LOOP, sealed, ["nobody"]))

        async def nothing(*_: Any) -> dict[str, Any]:
            return {}

        async def signed_by(all_: Sequence[LoopRunner], message: Mapping[str, Any]) -> str:
            return await accept(message.get("signature"), all_[0], self.people, recorder)

        desk = RequestDesk({LOOP: runner}, nothing, nothing, signed_by)
        try:
            clock.set_s(8.0)
            await run_cycle(loop, 8.0)
            message = {"do": "mode", "loop": LOOP, "mode": "OFF", "who": "Kim", "reset": True}
            if sign:
                (row,) = RecordReader(self.path).last_cycles(LOOP, 1)
                message["signature"] = signed(row, at=datetime.now(UTC)).body()
            return [dict(await desk.answer(message)) for _ in range(times)]
        finally:
            await recorder.close()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [entry.body for entry in RecordReader(self.path).last_of_kind(kind, 9)]


@pytest.mark.requirement("IL-04")
def test_the_signature_is_recorded_and_works_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, PEOPLE)
    first, again = asyncio.run(rig.story(sign=True, times=2))
    assert first["ok"]
    assert not again["ok"]
    assert "sign again" in again["text"]
    assert [row["name"] for row in rig.rows("signature")] == ["Lee Yuna"]
    (request,) = rig.rows("request")
    assert (request["who"], request["reset"]) == ("Lee Yuna", True)
    assert [row["event"] for row in rig.rows("event")] == ["reset-refused"]


@pytest.mark.requirement("IL-04")
def test_without_a_signature_nothing_is_reset_but_on_a_bench(tmp_path: Path) -> None:
    (refused,) = asyncio.run(Rig(tmp_path, PEOPLE).story(sign=False))
    assert not refused["ok"]
    assert "needs a signature" in refused["text"]
    (tmp_path / "bench").mkdir()
    (taken,) = asyncio.run(Rig(tmp_path / "bench", {}).story(sign=False))
    assert taken["ok"]
