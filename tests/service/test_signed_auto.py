"""On a signed line a loop closes by the signature of somebody who may, given now, once."""

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
from service.people.standing import auto_is_signed
from service.requests import RequestDesk
from service.signed_auto import auto_signature, meaning_of, signed_by, to_sign
from service.solver_process import SolverProcess
from tests.service.signers import KEYS, NOW, register
from tests.service.small_line import LOOP, FakePlanner, FakePlant, small_sealed

ROW = Entry(40, "cycle", LOOP, "2026-11-25T09:29:00Z", "ab" * 32, {})
ASKED = Request(RequestedMode.SHADOW, "Kim Yuna", False, 31)
PEOPLE = register()
WHY = "batch 7 begins"


def signed(
    row: Entry = ROW, person: str = "kim", at: datetime = NOW, why: str = WHY, **fields: Any
) -> Act:
    act = to_sign(row, person, PEOPLE[person], why, at.isoformat(timespec="seconds"))
    return sign_act(replace(act, **fields), KEYS[person])


@pytest.mark.requirement("REC-06")
def test_who_asked_for_shadow_may_sign_for_auto() -> None:
    act = auto_signature(signed().body(), WHY, ROW, ASKED, LOOP, PEOPLE, NOW)
    assert (act.name, act.meaning) == ("Kim Yuna", "coating may work in AUTO: batch 7 begins")


SPOILED = [
    ("nothing", None, WHY, ROW, "needs a signature"),
    ("a part is missing", {"record": 40}, WHY, ROW, "no signature"),
    ("no reason", signed(why=" ").body(), " ", ROW, "none was given"),
    ("another reason", signed().body(), "batch 8 begins", ROW, "something else"),
    ("a reset", signed(meaning="the cause was found").body(), WHY, ROW, "something else"),
    ("a QA approver", signed(person="lee").body(), WHY, ROW, "may not sign this"),
    ("a revoked key", signed(person="choi").body(), WHY, ROW, "revoked"),
    ("stale", signed(at=NOW - timedelta(minutes=6)).body(), WHY, ROW, "within five minutes"),
    ("used already", signed(replace(ROW, seq=31)).body(), WHY, replace(ROW, seq=31), "sign again"),
    ("another loop", signed(meaning=meaning_of("mixing", WHY)).body(), WHY, ROW, "something else"),
    ("another row", signed(replace(ROW, hash="cd" * 32)).body(), WHY, ROW, "another record"),
    ("a flipped bit", signed().body() | {"bytes_hex": "00" * 64}, WHY, ROW, "not genuine"),
]


@pytest.mark.requirement("REC-05")
@pytest.mark.requirement("REC-06")
@pytest.mark.parametrize(
    ("_", "body", "why", "row", "says"), SPOILED, ids=[spoiled[0] for spoiled in SPOILED]
)
def test_any_other_signature_closes_no_loop(
    _: str, body: Any, why: str, row: Entry, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        auto_signature(body, why, row, ASKED, LOOP, PEOPLE, NOW)


def test_a_line_that_does_not_say_is_signed_once_somebody_could() -> None:
    assert auto_is_signed({"auto": "signed", "people": {}})
    assert not auto_is_signed({"auto": "named", "people": PEOPLE})
    assert auto_is_signed({"people": PEOPLE})
    assert not auto_is_signed({"people": {"choi": PEOPLE["choi"]}})
    assert not auto_is_signed({})


class Rig:
    """One loop with real records, asked through the desk as the command door asks."""

    def __init__(self, place: Path, **sealed: Any) -> None:
        self.sealed, self.path = {**small_sealed(), "people": PEOPLE, **sealed}, place / "r.sqlite"

    async def story(self, *messages: Mapping[str, Any]) -> list[dict[str, Any]]:
        clock = ManualClock()
        recorder = await FileRecorder.open(self.path)
        loop = loop_context(self.sealed, LOOP, FakePlant(clock), FakePlanner(), recorder, clock, {})
        runner = LoopRunner(loop, SolverProcess(LOOP, self.sealed, ["nobody"]))

        async def nothing(*_: Any) -> dict[str, Any]:
            return {}

        async def by(all_: Sequence[LoopRunner], message: Mapping[str, Any]) -> str:
            return await signed_by(all_, message, self.sealed, recorder)

        desk = RequestDesk({LOOP: runner}, nothing, nothing, by)
        answers = []
        try:
            clock.set_s(8.0)
            await run_cycle(loop, 8.0)
            (row,) = RecordReader(self.path).last_cycles(LOOP, 1)
            body = signed(row, at=datetime.now(UTC)).body()
            for message in messages:
                given = {"signature": body} if message.get("sign") else {}
                told = {k: v for k, v in message.items() if k != "sign"} | given
                answers.append(dict(await desk.answer({"do": "mode", "loop": LOOP, **told})))
            return answers
        finally:
            await recorder.close()

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [entry.body for entry in RecordReader(self.path).last_of_kind(kind, 9)]


AUTO = {"mode": "AUTO", "who": "whoever", "why": WHY}


@pytest.mark.requirement("REC-06")
@pytest.mark.requirement("SEC-16")
def test_the_signature_is_recorded_names_the_request_and_works_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, auto="signed")
    unsigned, first, again = asyncio.run(rig.story(AUTO, AUTO | {"sign": 1}, AUTO | {"sign": 1}))
    assert "needs a signature" in unsigned["text"]
    assert first["ok"]
    assert "sign again" in again["text"]
    assert [row["name"] for row in rig.rows("signature")] == ["Kim Yuna"]
    assert [row["who"] for row in rig.rows("request")] == ["Kim Yuna"]
    assert [row["event"] for row in rig.rows("event")] == ["auto-refused"] * 2


def test_off_and_shadow_need_a_name_only_and_all_loops_are_not_closed_at_once(
    tmp_path: Path,
) -> None:
    rig = Rig(tmp_path, auto="signed")
    shadow, off, reset = asyncio.run(
        rig.story(
            {"mode": "SHADOW", "who": "Kim"},
            {"mode": "OFF", "who": "Kim"},
            AUTO | {"reset": True, "sign": 1},
        )
    )
    assert shadow["ok"]
    assert off["ok"]
    assert "first" in reset["text"]


def test_while_commissioning_a_name_is_enough(tmp_path: Path) -> None:
    (answer,) = asyncio.run(Rig(tmp_path, auto="named").story(AUTO))
    assert answer["ok"]
