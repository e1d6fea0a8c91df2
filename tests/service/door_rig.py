"""A desk of the engine's command door over real records, for its tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from records.act import sign_act
from records.reader import Entry, RecordReader
from records.recorder import FileRecorder
from service.requests import RequestDesk, Verb
from service.signed_act import act_under
from tests.service.signers import KEYS, register

R = TypeVar("R", bound="DoorRig")


class DoorRig:
    """Messages in, records out."""

    def __init__(self, recorder: FileRecorder, verbs: Mapping[str, Verb]) -> None:
        self.recorder = recorder

        async def nothing(*_: Any) -> Any:
            return {}

        self.desk = RequestDesk({}, nothing, nothing, nothing, verbs)

    async def ask(self, **message: Any) -> Mapping[str, Any]:
        return await self.desk.answer(message)

    def read(self, question: Callable[[RecordReader], Any]) -> Any:
        reader = RecordReader(self.recorder.path)
        try:
            return question(reader)
        finally:
            reader.close()

    def rows(self, kind: str) -> list[Mapping[str, Any]]:
        return [row.body for row in self.read(lambda reader: reader.last_of_kind(kind, 999))]

    def signed(self, record: int, person: str, meaning: str, **fields: Any) -> dict[str, Any]:
        """Return a person's signature under a record; `at` is when, the rest is put in as it is."""
        row: Entry | None = self.read(lambda reader: reader.one(record))
        assert row is not None
        at = fields.pop("at", datetime.now(UTC)).isoformat(timespec="seconds")
        act = act_under(row, person, register()[person], meaning, at)
        return sign_act(act, KEYS[person]).body() | fields


def play(
    place: Path, rig: Callable[[FileRecorder], R], story: Callable[[R], Awaitable[None]]
) -> None:
    """Tell a story to a desk whose records stand in `place`."""

    async def whole() -> None:
        recorder = await FileRecorder.open(place / "records.sqlite")
        try:
            await story(rig(recorder))
        finally:
            await recorder.close()

    asyncio.run(whole())
