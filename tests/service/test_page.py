"""The operator page: its server through HTTP, and the page itself in a real headless Chromium."""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from records.reader import RecordReader
from records.store import RecordStore
from service.commands import CommandDoor
from service.page.feed import Feed
from tests.service.page_world import make_state


class Desk:
    """A command door that notes what was asked and refuses TRIPPED loops nothing."""

    def __init__(self, state: Path) -> None:
        self.asked: list[dict[str, Any]] = []
        self.notices: list[str] = []
        self.alarms: list[dict[str, Any]] = []
        self._loop = asyncio.new_event_loop()
        self._door = CommandDoor(state, self._answer)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._up = threading.Event()
        self._thread.start()
        self._up.wait(10)

    async def _answer(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(dict(message))
        if message["do"] == "status":
            seal = {"version": 3, "sha256": "ab" * 32, "kind": "change", "author": "kim"}
            return {"ok": True, "seal": {**seal, "notices": self.notices}}
        if message["do"] == "alarms":
            return {"ok": True, "alarms": self.alarms, "metrics": {}}
        if message["do"] == "alarm":
            return {"ok": True, "text": f"{message['alarm']}: {message['what']}"}
        if message["do"] != "mode":  # what the page reports
            return {"ok": True, "text": "recorded"}
        return {"ok": True, "text": f"{message['loop']}: {message['mode']} asked for"}

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._door.open())
        self._up.set()
        self._loop.run_forever()

    async def _end(self) -> None:
        """Close the door, and who still stands in it: a page may be asking at this moment."""
        await self._door.close()
        inside = asyncio.all_tasks() - {asyncio.current_task()}
        for task in inside:
            task.cancel()
        await asyncio.gather(*inside, return_exceptions=True)
        await asyncio.sleep(0.01)  # a transport that was closed lets its socket go a turn later

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def modes(self) -> list[dict[str, Any]]:
        return [message for message in self.asked if message["do"] == "mode"]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "s"
    make_state(path)
    return path


@pytest.fixture
def desk(state: Path) -> Iterator[Desk]:
    desk = Desk(state)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def address(state: Path) -> Iterator[str]:
    page = subprocess.Popen(
        [sys.executable, "-m", "service.page", "--state", str(state), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert page.stdout is not None
    port = json.loads(page.stdout.readline())["port"]
    yield f"http://127.0.0.1:{port}"
    page.terminate()
    page.wait(10)
    page.stdout.close()


def post(address: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(
        f"{address}/api/mode",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


ASK = {"loop": "coating", "mode": "OFF", "who": "Kim", "reset": False}


def test_a_mode_request_reaches_the_engine_word_for_word(address: str, desk: Desk) -> None:
    assert post(address, ASK, {"X-Rheostat": "1"})[0] == 200
    assert desk.modes == [{"do": "mode", **ASK, "who": "Kim (not signed in)"}]


@pytest.mark.requirement("SEC-08")
def test_a_request_from_another_site_is_refused(address: str, desk: Desk) -> None:
    status, text = post(address, ASK, {"X-Rheostat": "1", "Origin": "http://evil.example"})
    assert (status, "not from this page" in text) == (403, True)
    assert post(address, ASK, {})[0] == 403
    assert desk.modes == []


@pytest.mark.parametrize(
    "wrong", [{"mode": "MANUAL"}, {"who": 7}, {"loop": 3}, {"setpoint": 1.0}, {"reset": "yes"}]
)
def test_a_malformed_request_goes_nowhere(
    address: str, desk: Desk, wrong: Mapping[str, Any]
) -> None:
    assert post(address, {**ASK, **wrong}, {"X-Rheostat": "1"})[0] == 422
    assert desk.modes == []


def test_the_limits_shown_are_those_in_force_at_the_cycle(tmp_path: Path) -> None:
    """Two cycles with a change of limits between them, read in one go."""
    sealed = make_state(tmp_path / "s", cycles=1)
    store = RecordStore(tmp_path / "s" / "records.sqlite")
    config = copy.deepcopy(dict(sealed))
    config["limits"]["setpoints"]["coater.gap_sp"]["operating"] = [2.5e-4, 3.3e-4]
    store.append("seal", "", "2026-11-25T09:30:00.000Z", {"proposal": {"config": config}})
    cycle = next(e for e in RecordReader(store.path).since(0) if e.kind == "cycle")
    store.append("cycle", cycle.loop, cycle.utc, cycle.body)
    store.close()
    before, after = Feed(tmp_path / "s").catch_up()
    ranges = [[(mv["low"], mv["high"]) for mv in one["mvs"] if mv["tag"] == "coater.gap_sp"]
              for one in (before, after)]  # fmt: skip
    assert ranges[0][0] == pytest.approx((240.0, 340.0))
    assert ranges[1][0] == pytest.approx((250.0, 330.0))


def test_without_an_engine_the_page_says_so(address: str) -> None:
    status, text = post(address, ASK, {"X-Rheostat": "1"})
    assert status == 409
    assert "no engine answers" in text


def test_every_answer_forbids_framing_and_foreign_content(address: str) -> None:
    with urllib.request.urlopen(f"{address}/", timeout=10) as answer:
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
