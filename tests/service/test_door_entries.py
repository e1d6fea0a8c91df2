"""The lots of a batch: entered by one person, checked by another, struck with a reason, kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from records.recorder import FileRecorder
from service.door_entries import EntryDesk
from service.lots import check_meaning, lots
from tests.service.door_rig import DoorRig, play
from tests.service.signers import register

LOT = {"do": "lot", "batch": 7, "material": "acrylic adhesive", "lot": "A-2231",
       "person": "kim", "who": "Kim Yuna"}  # fmt: skip


class Rig(DoorRig):
    """The desk of entries."""

    def __init__(self, recorder: FileRecorder) -> None:
        desk = EntryDesk(lambda: recorder, register, lambda: "2026-11-29T06:30:00Z")
        super().__init__(recorder, desk.verbs())

    def lots(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.read(lots)
        return found

    def signature(self, record: int, person: str = "lee", **fields: Any) -> dict[str, Any]:
        row = self.read(lambda reader: reader.one(record))
        meaning = fields.pop("meaning", "") or check_meaning(row.body)
        return self.signed(record, person, meaning, **fields)


@pytest.mark.requirement("GMP-01")
@pytest.mark.requirement("FS-07")
def test_a_lot_is_entered_by_one_and_checked_by_another(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        entered = await rig.ask(**LOT)
        (before,) = rig.lots()
        assert (before["batch"], before["lot"], before["checked"]) == (7, "A-2231", None)
        answer = await rig.ask(do="lot-check", signature=rig.signature(entered["record"]))
        assert answer["ok"], answer
        (after,) = rig.lots()
        assert after["checked"]["name"] == register()["lee"]["name"]
        again = await rig.ask(do="lot-check", signature=rig.signature(entered["record"]))
        assert "already" in again["text"]

    play(tmp_path, Rig, story)


@pytest.mark.requirement("REC-07")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"person": "kim"}, "made the entry"),
        ({"meaning": "I have checked lot A-2231"}, "means something else"),
        ({"at": datetime.now(UTC) - timedelta(hours=1)}, "not of now"),
        ({"at": datetime.now(UTC) + timedelta(hours=1)}, "not of now"),
        ({"bytes_hex": "00" * 64}, "not genuine"),
        ({"hash": "0" * 64}, "another record"),
    ],
)
def test_a_check_that_does_not_stand_is_refused_and_recorded(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    async def story(rig: Rig) -> None:
        record = (await rig.ask(**LOT))["record"]
        answer = await rig.ask(do="lot-check", signature=rig.signature(record, **change))
        assert not answer["ok"]
        assert why in answer["text"]
        assert rig.lots()[0]["checked"] is None
        (event,) = rig.rows("event")
        assert (event["event"], why in event["text"]) == ("check-refused", True)

    play(tmp_path, Rig, story)


@pytest.mark.requirement("REC-01")
def test_a_wrong_entry_is_struck_once_and_stays_readable(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        record = (await rig.ask(**LOT))["record"]
        strike = {"do": "lot-strike", "of": record, "person": "kim", "who": "Kim Yuna"}
        assert "says why" in (await rig.ask(**strike, why=" "))["text"]
        assert (await rig.ask(**strike, why="digits swapped"))["ok"]
        (lot,) = rig.lots()
        assert (lot["lot"], lot["struck"]["why"]) == ("A-2231", "digits swapped")
        assert "still stands" in (await rig.ask(**strike, why="again"))["text"]
        late = await rig.ask(do="lot-check", signature=rig.signature(record))
        assert "still stands" in late["text"]

    play(tmp_path, Rig, story)


@pytest.mark.parametrize(
    "change",
    [
        {"batch": "7"}, {"batch": True}, {"batch": -1}, {"batch": 2**32}, {"lot": " "},
        {"material": ""}, {"lot": "x" * 61}, {"who": ""}, {"note": "more"}, {"lot": 5},
    ],
)  # fmt: skip
def test_what_is_no_lot_is_refused_in_words(tmp_path: Path, change: dict[str, Any]) -> None:
    async def story(rig: Rig) -> None:
        answer = await rig.ask(**LOT | change)
        assert not answer["ok"]
        assert answer["text"]
        assert rig.lots() == []

    play(tmp_path, Rig, story)


def test_only_an_entry_can_be_struck(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        for of in (1, 99, "1", None):
            strike = {"do": "lot-strike", "of": of, "why": "x", "person": "kim", "who": "Kim"}
            assert not (await rig.ask(**strike))["ok"]

    play(tmp_path, Rig, story)
