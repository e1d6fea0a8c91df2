"""What the page reports becomes rows of the chain; a flood is a number, a review is signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from records.recorder import FileRecorder
from service.door_reports import ReportDesk, review_meaning
from tests.service.door_rig import DoorRig, play
from tests.service.signers import register

REFUSED = {"do": "refused", "who": "kim", "action": "mode", "why": "no", "address": "10.0.0.9"}
WHY = "batch 7"


class Rig(DoorRig):
    """The desk of reports, on a clock that a test moves."""

    def __init__(self, recorder: FileRecorder) -> None:
        self.now_s = 1000.0
        desk = ReportDesk(lambda: recorder, register, lambda: "2026-11-25T09:30:00Z", self.clock)
        super().__init__(recorder, desk.verbs())

    def clock(self) -> float:
        return self.now_s

    def signature(self, person: str = "lee", first: int = 1, **fields: Any) -> dict[str, Any]:
        meaning = fields.pop("meaning", review_meaning(first, 1, WHY))
        return self.signed(1, person, meaning, **fields)


@pytest.mark.requirement("SEC-16")
@pytest.mark.requirement("SEC-15")
def test_a_flood_of_refused_attempts_is_recorded_as_a_number(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for _ in range(40):
            assert (await rig.ask(**REFUSED))["ok"]
        assert len(rig.rows("event")) == 30
        rig.now_s += 61.0
        await rig.ask(**REFUSED, more=5)
        rows = rig.rows("event")
        assert len(rows) == 31
        assert sum(int(row["more"]) for row in rows) == 15
        assert rows[0]["event"] == "refused"

    play(tmp_path, Rig, story)


@pytest.mark.requirement("SEC-14")
@pytest.mark.parametrize(
    "wrong",
    [{"who": "kim\nroot: signed in"}, {"why": "\x1b[2J"}, {"more": -1}, {"more": "1"}, {"x": 1}],
)
def test_what_could_forge_a_line_is_not_recorded(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async def story(rig: Rig) -> None:
        assert not (await rig.ask(**{**REFUSED, **wrong}))["ok"]
        assert rig.rows("event") == []

    play(tmp_path, Rig, story)


def test_what_is_done_with_accounts_is_recorded_with_who_did_it(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        told = await rig.ask(do="account", what="locked", person="kim", who="ada")
        assert told["ok"]
        assert not (await rig.ask(do="account", what="locked", person="kim", who=""))["ok"]
        (row,) = rig.rows("event")
        assert (row["event"], row["what"], row["who"]) == ("account", "locked", "ada")

    play(tmp_path, Rig, story)


@pytest.mark.requirement("REC-09")
def test_what_was_deleted_of_the_history_is_recorded_with_who_and_why(tmp_path: Path) -> None:
    told = {"do": "kept", "what": "3 days", "why": "SOP 12", "who": "ada", "line": 7, "hash": "a"}

    async def story(rig: Rig) -> None:
        assert (await rig.ask(**told))["ok"]
        for wrong in ({"who": ""}, {"line": 0}, {"line": "7"}, {"why": "a\nb"}, {"more": 1}):
            assert not (await rig.ask(**told | wrong))["ok"]
        (row,) = rig.rows("event")
        assert row == {"event": "history"} | {key: told[key] for key in told if key != "do"}

    play(tmp_path, Rig, story)


@pytest.mark.requirement("REC-12")
@pytest.mark.requirement("REC-06")
def test_a_review_is_signed_by_quality_now_and_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.ask(**REFUSED)
        body = {"do": "review", "first": 1, "why": WHY, "signature": rig.signature()}
        assert "reviewed" in (await rig.ask(**body))["text"]
        assert "used already" in (await rig.ask(**body))["text"]
        (row,) = rig.rows("signature")
        assert row["meaning"] == "I have reviewed the records 1 to 1: batch 7"
        assert {event["event"] for event in rig.rows("event")} == {"refused", "review-refused"}

    play(tmp_path, Rig, story)


@pytest.mark.requirement("REC-12")
def test_any_other_review_is_refused_in_words(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.ask(**REFUSED)
        late = datetime.now(UTC) - timedelta(minutes=6)
        for says, message in (
            ("no signature", {"signature": None}),
            ("which records", {"first": 2}),
            ("may not review", {"signature": rig.signature("kim")}),
            ("revoked", {"signature": rig.signature("choi")}),
            ("something else", {"why": "batch 8"}),
            ("not of now", {"signature": rig.signature(at=late)}),
            ("not genuine", {"signature": rig.signature(bytes_hex="00" * 64)}),
        ):
            body = {"do": "review", "first": 1, "why": WHY, "signature": rig.signature()}
            answer = await rig.ask(**{**body, **message})
            assert not answer["ok"]
            assert says in answer["text"]
        assert rig.rows("signature") == []

    play(tmp_path, Rig, story)


@pytest.mark.requirement("SEC-05")
def test_a_signature_under_a_record_beyond_all_numbers_is_refused_in_words(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        await rig.ask(**REFUSED)
        body = rig.signature() | {"record": 2**70}
        answer = await rig.ask(do="review", first=1, why=WHY, signature=body)
        assert "which records" in answer["text"]

    play(tmp_path, Rig, story)
