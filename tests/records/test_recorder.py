"""The recorder's thread: patience, order, and the same interface in memory."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from records import recorder as recorder_module
from records.chain import GENESIS, Head, RecordError, Row, verify, walk
from records.recorder import FileRecorder, MemoryRecorder, Recorder
from records.store import RecordStore


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
        before = recorder.finished
        assert before == 0
        numbers = await asyncio.gather(
            *(recorder.append("event", "", "now", {"n": n}) for n in range(50))
        )
        assert sorted(numbers) == list(range(1, 51))
        assert recorder.finished - before == 50, "each is a sign of life"
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
    goes_on = threading.Event()

    async def refused(recorder: FileRecorder) -> int:
        """How many of a hundred rows are turned away at once, while the disk stands still."""
        goes_on.clear()
        answers = await asyncio.gather(
            *(recorder.append("event", "", "now", {}) for _ in range(100)), return_exceptions=True
        )
        goes_on.set()
        assert all(isinstance(answer, RecordError) for answer in answers)
        return sum("stopped answering" in str(answer) for answer in answers)

    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite", patience_s=0.05)
        monkeypatch.setattr(recorder._store, "append", lambda *_: goes_on.wait(20.0))
        assert await refused(recorder) == 100 - 64
        await asyncio.get_running_loop().run_in_executor(recorder._thread, lambda: None)
        assert await refused(recorder) == 100 - 64, "what was waiting has been worked off"
        await recorder.close()

    asyncio.run(story())


def test_one_thread_opens_writes_and_closes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []

    class Watched(RecordStore):
        def __init__(self, path: Path) -> None:
            seen.append(("open", threading.current_thread().name))
            super().__init__(path)

        def append(self, *arguments: Any) -> Row:
            seen.append(("append", threading.current_thread().name))
            time.sleep(0.02)  # a second thread, if there were one, would take the next
            return super().append(*arguments)

        def close(self) -> None:
            seen.append(("close", threading.current_thread().name))
            super().close()

    monkeypatch.setattr(recorder_module, "RecordStore", Watched)

    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite")
        await asyncio.gather(*(recorder.append("event", "", "now", {}) for _ in range(9)))
        await recorder.close()

    asyncio.run(story())
    expected = ["open", *["append"] * 9, "close"]
    assert seen == [(what, "recorder_0") for what in expected]


def test_a_failure_that_comes_too_late_is_heard_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, complaints = threading.Event(), list[object]()

    def fail(*_: object) -> Row:
        goes_on.wait(20.0)
        raise RecordError("the disk is full")

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
        recorder = await FileRecorder.open(tmp_path / "records.sqlite", patience_s=0.05)
        monkeypatch.setattr(recorder._store, "append", fail)
        with pytest.raises(RecordError, match="did not confirm"):
            await recorder.append("event", "", "now", {})
        goes_on.set()
        await recorder.close()
        gc.collect()

    asyncio.run(story())
    assert complaints == []


def test_seals_and_unresolved_intents_are_asked_of_the_file(tmp_path: Path) -> None:
    async def story() -> None:
        recorder = await FileRecorder.open(tmp_path / "records.sqlite")
        assert await recorder.seals() == []
        await recorder.append("seal", "", "now", {"version": 1})
        seq = await recorder.intend("coating", "now", {"sequence": 7})
        assert await recorder.seals() == [{"version": 1}]
        assert await recorder.unresolved_intent("coating") == (seq, {"sequence": 7})
        assert await recorder.unresolved_intent("mixing") is None
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
    assert memory.bodies == [{"x": 1}, {"state": {"n": 1}}, {"state": {"n": 2}}]
    report = walk(memory.rows, Head(0, GENESIS))
    assert report.ok
    assert report.head == verify(tmp_path / "records.sqlite").head


def test_memory_refuses_what_the_disk_would() -> None:
    with pytest.raises(ValueError, match="kind"):
        asyncio.run(MemoryRecorder().append("gossip", "", "now", {}))
