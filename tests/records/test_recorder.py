"""The recorder's thread: patience, order, and the same interface in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from records.chain import GENESIS, Head, RecordError, Row, verify, walk
from records.recorder import FileRecorder, MemoryRecorder, Recorder


def test_what_intend_returned_is_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"

    async def story() -> None:
        recorder = await FileRecorder.open(path)
        seq = await recorder.intend("coating", "now", {"setpoints": {"a": 1.0}})
        report = verify(path)  # another connection sees only what was committed
        assert report.ok
        assert report.rows == seq == 1
        await recorder.close()

    asyncio.run(story())


def test_many_at_once_keep_one_unbroken_chain(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"

    async def story() -> None:
        recorder = await FileRecorder.open(path)
        numbers = await asyncio.gather(
            *(recorder.append("event", "", "now", {"n": n}) for n in range(50))
        )
        assert sorted(numbers) == list(range(1, 51))
        await recorder.close()

    asyncio.run(story())
    assert verify(path).rows == 50


@pytest.mark.requirement("REC-03")
def test_a_disk_that_does_not_answer_in_time_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite", patience_s=0.05)
        real = recorder._store.append

        def slow(kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> Row:
            time.sleep(0.4)
            return real(kind, loop, utc, body)

        monkeypatch.setattr(recorder._store, "append", slow)
        with pytest.raises(RecordError, match="did not confirm"):
            await recorder.intend("coating", "now", {})
        await recorder.close()

    asyncio.run(story())


def test_a_disk_that_has_stopped_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite", patience_s=0.01)
        monkeypatch.setattr(recorder._store, "append", lambda *_: time.sleep(0.005))
        answers = await asyncio.gather(
            *(recorder.append("event", "", "now", {}) for _ in range(300)), return_exceptions=True
        )
        assert sum("stopped answering" in str(answer) for answer in answers) >= 200
        await recorder.close()

    asyncio.run(story())


def test_a_second_recorder_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        first = await FileRecorder.open(tmp_path / "records.sqlite")
        with pytest.raises(RecordError, match="another engine"):
            await FileRecorder.open(tmp_path / "records.sqlite")
        await first.close()

    asyncio.run(story())


def test_memory_and_disk_keep_the_same_chain(tmp_path: Path) -> None:
    async def story(recorder: Recorder) -> list[object]:
        await recorder.intend("coating", "now", {"x": 1})
        await recorder.append("cycle", "coating", "now", {"state": {"n": 1}})
        await recorder.append("cycle", "mixing", "now", {"state": {"n": 2}})
        seen: list[object] = [
            await recorder.last_state("coating"),
            await recorder.last_state("nobody"),
        ]
        await recorder.close()
        return seen

    async def on_disk() -> list[object]:
        return await story(await FileRecorder.open(tmp_path / "records.sqlite"))

    memory = MemoryRecorder()
    assert asyncio.run(story(memory)) == asyncio.run(on_disk()) == [{"n": 1}, None]
    report = walk(memory.rows, Head(0, GENESIS))
    assert report.ok
    assert report.head == verify(tmp_path / "records.sqlite").head


def test_memory_refuses_what_the_disk_would() -> None:
    with pytest.raises(ValueError, match="kind"):
        asyncio.run(MemoryRecorder().append("gossip", "", "now", {}))
