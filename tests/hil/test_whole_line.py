"""The whole line as processes over real sockets: what dies, who takes over, what remains."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil.bench import Bench, on_free_ports
from hil.judge import judge_logs, read_log
from hil.proc import mapped, tcp_connections
from records.chain import verify
from records.reader import RecordReader
from service.config_load import load_line

LINE = Path(__file__).parents[2] / "config" / "line.yaml"
SPEED = 10.0  # patience of the solvers' deadline on a busy machine
PATIENCE_S = 90.0
LOGS = ("plc-coater.jsonl", "plc-mixer.jsonl")


def until(fact: Callable[[], bool], what: str) -> None:
    for _ in range(int(PATIENCE_S / 0.1)):
        if fact():
            return
        time.sleep(0.1)
    pytest.fail(f"it did not happen within {PATIENCE_S:g} s: {what}")


class Line:
    """The bench, and what a test asks of it again and again."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def status(self) -> dict[str, Any]:
        return self.bench.ask_engine(do="status")

    def modes(self) -> dict[str, str]:
        return {name: loop["mode"] for name, loop in self.status()["loops"].items()}

    def wait_for_workers(self) -> None:
        until(
            lambda: all(len(pids) == 2 for pids in self.status()["workers"].values()),
            "both loops have a worker and a spare",
        )

    def to_auto(self) -> None:
        self.bench.ask_engine(do="mode", loop="all", mode="AUTO", who="tester")
        until(lambda: set(self.modes().values()) == {"AUTO"}, "both loops in AUTO")

    def remote(self, plc: str) -> bool:
        return self.bench.plc(plc)["image"][f"{plc}.remote_active"] is True

    def written(self) -> int:
        logs = [self.bench.state / name for name in LOGS]
        return sum("tag" in row for log in logs for row in read_log(log))


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    state = tmp_path_factory.mktemp("line") / "s"
    with Bench(on_free_ports(load_line(LINE).sealed), state, speed=SPEED, seed=4) as bench:
        bench.start_line()
        bench.start_engine()
        line = Line(bench)
        line.wait_for_workers()
        yield line


@pytest.mark.slow
@pytest.mark.requirement("SVC-02")
def test_the_engine_starts_off_and_writes_nothing(line: Line) -> None:
    assert set(line.modes().values()) == {"OFF"}
    until(lambda: all(loop["beats"] > 5 for loop in line.status()["loops"].values()), "cycles")
    assert line.written() == 0
    assert not line.remote("coater")


@pytest.mark.slow
@pytest.mark.requirement("P7")
def test_the_engine_speaks_to_both_plcs_and_holds_no_numerical_library(line: Line) -> None:
    pid = line.bench.children["engine"].pid
    remote_ports = {int(peer.rsplit(":", 1)[1]) for _, peer in tcp_connections(pid)}
    sources = line.bench.sealed["sources"]
    endpoint = int(sources["coater"]["endpoint"].split(":")[2].split("/")[0])
    assert {endpoint, sources["mixer"]["port"]} <= remote_ports
    libraries = ("numpy", "casadi", "scipy", "do_mpc", "pint")
    assert mapped(pid, libraries) == []
    assert line.status()["forbidden_modules"] == []
    worker = line.status()["workers"]["coating"][0]
    assert mapped(worker, libraries) != [], "the check itself can see a library"


@pytest.mark.slow
@pytest.mark.requirement("FS-12")
def test_a_killed_solver_costs_no_more_than_a_hold(line: Line) -> None:
    line.to_auto()
    worker = line.status()["workers"]["coating"][0]
    os.kill(worker, signal.SIGKILL)
    until(
        lambda: (
            worker not in line.status()["workers"]["coating"]
            and len(line.status()["workers"]["coating"]) == 2
        ),
        "a new spare stands",
    )
    until(lambda: line.modes()["coating"] == "AUTO", "coating goes on")
    assert line.remote("coater"), "the PLC never had to take over"


@pytest.mark.slow
@pytest.mark.requirement("FS-02")
@pytest.mark.requirement("SVC-04")
def test_a_killed_engine_leaves_both_loops_to_the_plcs_and_comes_back_off(line: Line) -> None:
    if set(line.modes().values()) != {"AUTO"}:
        line.to_auto()
    engine = line.bench.children["engine"].pid
    workers = [pid for pids in line.status()["workers"].values() for pid in pids]
    line.bench.kill("engine")
    until(lambda: not line.remote("coater") and not line.remote("mixer"), "the PLCs take over")
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "no worker outlives")

    verdict = judge_logs(line.bench.state / name for name in LOGS)
    assert verdict.clean, verdict.escapes
    last = {takeover["plc"]: takeover for takeover in verdict.takeovers}
    for plc in ("coater", "lip", "mixer"):
        assert "watchdog" in last[plc]["why"]
        assert last[plc]["silent_s"] <= 1.3 * last[plc]["watchdog_s"] + 2.0 * SPEED * 0.1
        assert last[plc]["bump_share_of_range"] < 0.005

    before = verify(line.bench.state / "records.sqlite")
    assert before.ok, before.text
    writes = line.written()
    line.bench.start_engine()
    assert line.bench.children["engine"].pid != engine
    assert set(line.modes().values()) == {"OFF"}
    until(lambda: all(loop["beats"] > 5 for loop in line.status()["loops"].values()), "cycles")
    assert line.written() == writes, "nothing is written before somebody asks"
    after = verify(line.bench.state / "records.sqlite")
    assert after.ok, after.text
    assert after.rows > before.rows
    reader = RecordReader(line.bench.state / "records.sqlite")
    assert len(reader.last_of_kind("start", 10)) == 2
    reader.close()
