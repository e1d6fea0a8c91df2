"""Real processes under the own supervisor: whatever hangs is ended and started again, OFF."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from records.chain import verify
from records.reader import RecordReader
from service.commands import ask
from service.restarts import RestartRule
from service.sealed_file import write_sealed
from service.supervise import Supervisor, supervision_path
from service.ward import Process, Ward
from tests.service.hanging_engine import PARTS
from tests.service.page_world import make_state
from tests.service.small_line import LOOP, small_sealed

pytestmark = pytest.mark.slow

SPEED = 8.0  # a cycle takes a second
EAGER = RestartRule(starts=30, within_s=600.0, first_pause_s=0.05, longest_pause_s=0.05)


async def until(fact: Callable[[], Any], what: str) -> Any:
    """Wait for a fact and return it; the bound only ends a hopeless wait."""
    for _ in range(1200):
        found = await asyncio.to_thread(fact)
        if found:
            return found
        await asyncio.sleep(0.05)
    pytest.fail(f"{what}: not within 60 s")


def sealed_line() -> dict[str, Any]:
    """Return a line whose PLC is not there: enough to run an engine in OFF."""
    sealed = small_sealed()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sealed["sources"]["coater"] = {
        "protocol": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/", "timeout": 1.0,
        "insecure": True,
    }  # fmt: skip
    for tag in sealed["tags"].values():
        tag["node"] = "ns=1;s=x"
        tag["type"] = tag["type"].replace("float", "double")
    return sealed


def engine(state: Path, watchdog_s: float = 5.0, module: str = "hanging_engine") -> Process:
    sealed = write_sealed(sealed_line(), state.parent / "given.json")
    words = (str(state), str(sealed), repr(SPEED))
    return Process("engine", f"tests.service.{module}", words, watchdog_s, rule=EAGER)


def child(mood: str) -> Process:
    """Return a follower; only where its silence is the matter is little patience had with it."""
    watchdog_s = 1.0 if mood in ("hangs", "deaf") else 60.0
    start_s = 1.0 if mood == "never ready" else 60.0
    return Process("page", "tests.service.moody_child", (mood,), watchdog_s, start_s, EAGER)


def folders(state: Path) -> Path:
    """Make the state folder, and return one for sockets whose path is short enough."""
    state.mkdir(exist_ok=True)
    sockets = state.parent / "s"
    sockets.mkdir(exist_ok=True)
    return sockets


def gone(pid: int) -> bool:
    """Say whether no such process is left, a zombie included."""
    return not Path(f"/proc/{pid}").exists()


@contextlib.asynccontextmanager
async def supervised(state: Path, *wanted: Process) -> AsyncIterator[list[Ward]]:
    """Yield the wards of a running supervisor; everything is ended afterwards."""
    sockets = folders(state)
    stop = asyncio.Event()
    supervisor = Supervisor(state, wanted, sockets)
    running = asyncio.create_task(supervisor.run(stop))
    try:
        yield supervisor.wards
    finally:
        stop.set()
        await running
    assert not supervision_path(state).exists()
    assert all(ward.pid == 0 for ward in supervisor.wards)


def events(state: Path) -> list[dict[str, Any]]:
    rows = RecordReader(state / "records.sqlite").last_of_kind("event", 200)
    return [row.body for row in rows if row.body["event"] == "ended-before"]


@pytest.mark.requirement("SVC-01")
@pytest.mark.requirement("SVC-02")
def test_whatever_part_of_the_engine_hangs_it_is_ended_and_starts_again_off(tmp_path: Path) -> None:
    state = tmp_path / "state"

    async def story() -> None:
        async with supervised(state, engine(state)) as (ward,):
            for number, part in enumerate((*PARTS, "stopped process"), start=1):
                await until(lambda: ward.state == "running", "running")
                await until(lambda: ward.words == "every part is alive", "alive")
                before, pid = ward.starts, ward.pid
                if part == "stopped process":
                    os.kill(pid, signal.SIGSTOP)
                else:
                    (state / "hang").write_text(part, "ascii")
                await until(lambda: ward.starts > before, f"a new start after: {part}")  # noqa: B023
                assert ward.last.startswith("watchdog"), (part, ward.last)
                if part not in ("event loop", "stopped process"):  # these cannot speak any more
                    assert part in ward.last
                assert gone(pid)
                await until(lambda: ward.state == "running", "running again")
                status = await asyncio.to_thread(ask, state, {"do": "status"})
                assert status["loops"][LOOP]["requested"] == "OFF"
                assert len(events(state)) == number

    asyncio.run(story())
    assert {event["result"] for event in events(state)} == {"watchdog"}
    assert verify(state / "records.sqlite").ok


@pytest.mark.requirement("SVC-01")
def test_an_idle_worker_that_hangs_is_replaced_and_the_engine_lives_on(tmp_path: Path) -> None:
    state = tmp_path / "state"

    def workers() -> list[int]:
        found: list[int] = ask(state, {"do": "status"})["workers"][LOOP]
        return found

    async def story() -> None:
        async with supervised(state, engine(state)) as (ward,):
            await until(lambda: ward.state == "running", "running")
            await until(lambda: len(workers()) == 2, "worker and spare")
            hung = workers()
            for pid in hung:
                os.kill(pid, signal.SIGSTOP)
            fresh = await until(
                lambda: len(found := workers()) == 2 and not set(found) & set(hung) and found,
                "two others in their place",
            )
            assert fresh
            assert all(gone(pid) for pid in hung)
            assert ward.starts == 1

    asyncio.run(story())


@pytest.mark.requirement("SVC-01")
@pytest.mark.parametrize(
    ("mood", "ended"),
    [("hangs", "watchdog"), ("never ready", "timeout"), ("crashes", "exit-code 7"),
     ("killed", "signal SIGKILL"), ("deaf", "watchdog")],
)  # fmt: skip
def test_a_follower_is_started_again_and_the_engine_never_notices(
    tmp_path: Path, mood: str, ended: str
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "sealed.json").touch()

    async def story() -> None:
        calm = Process("engine", "tests.service.moody_child", ("well",), 30.0)
        async with supervised(state, calm, child(mood)) as (first, ward):
            await until(lambda: ward.starts >= 3, "a third start")
            assert ward.last.startswith(ended)
            assert first.starts == 1

    asyncio.run(story())


@pytest.mark.requirement("SVC-01")
def test_the_real_page_speaks_to_its_watchdog_and_a_stopped_one_is_replaced(tmp_path: Path) -> None:
    state = tmp_path / "state"
    make_state(state, cycles=1)

    async def story() -> None:
        calm = Process("engine", "tests.service.moody_child", ("well",), 30.0)
        words = ("--state", str(state), "--port", "0")
        page = Process("page", "service.page", words, 5.0, rule=EAGER)
        async with supervised(state, calm, page) as (_, ward):
            await until(lambda: ward.words == "every part is alive", "a page that lives")
            assert ward.state == "running"
            os.kill(ward.pid, signal.SIGSTOP)
            await until(lambda: ward.starts == 2 and ward.state == "running", "another page")
            assert ward.last.startswith("watchdog")

    asyncio.run(story())


@pytest.mark.requirement("SVC-02")
def test_a_crash_loop_stays_down_and_the_next_engine_records_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    twice = RestartRule(starts=2, within_s=600.0, first_pause_s=0.05)

    async def story() -> None:
        broken = Process("engine", "tests.service.moody_child", ("crashes",), 3.0, rule=twice)
        async with supervised(state, broken) as (ward,):
            await until(lambda: ward.state == "down", "down")
            assert "2 starts" in ward.words
            written = supervision_path(state).read_text("utf-8")
            assert '"down"' in written
            assert "2 starts" in written
        async with supervised(tmp_path / "state", engine(state, 30.0)) as (ward,):
            await until(lambda: ward.state == "running", "running")

    asyncio.run(story())
    assert [event["result"] for event in events(state)] == [
        "exit-code", "exit-code", "start-limit-hit",
    ]  # fmt: skip


def test_a_process_that_ends_as_asked_is_not_started_again(tmp_path: Path) -> None:
    state = tmp_path / "state"

    async def story() -> None:
        done = Process("engine", "tests.service.moody_child", ("ends",), 3.0, rule=EAGER)
        async with supervised(state, done) as (ward,):
            await until(lambda: ward.state == "stopped", "stopped")
            assert ward.starts == 1

    asyncio.run(story())
    assert not (state / "stops.jsonl").exists()


def test_when_the_supervisor_is_killed_nothing_it_started_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()

    async def story() -> None:
        program = (
            "import asyncio, sys\nfrom pathlib import Path\n"
            "from service.supervise import run\nfrom service.ward import Process\n"
            "one = Process('engine', 'tests.service.moody_child', ('well',), 30.0)\n"
            "asyncio.run(run(Path(sys.argv[1]), [one]))\n"
        )
        parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(state))

        def engine_pid() -> int:
            try:
                found = json.loads(supervision_path(state).read_text("utf-8"))
            except OSError:
                return 0
            one = found["processes"]["engine"]
            return int(one["pid"]) if one["state"] == "running" else 0

        pid = await until(engine_pid, "an engine")
        parent.kill()
        await parent.wait()
        await until(lambda: gone(pid), "the end of the engine")

    asyncio.run(story())
