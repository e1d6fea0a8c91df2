"""The line with the soft PLC in the place of the Python one: by the endpoint alone."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil import soft_plc
from hil.bench import Bench, BenchError, on_free_ports
from hil.judge import judge_logs, read_log
from tests.hil.plc.test_soft_plc import program
from tests.hil.sealed_line import sealed_line
from tests.hil.test_bench_processes import eventually, free_port

SPEED = 10.0
PATIENCE_S = 120.0


@pytest.fixture
def sealed() -> dict[str, Any]:
    line = sealed_line()
    line["sources"]["mixer"]["port"] = free_port()
    return line


@pytest.fixture
def states(tmp_path: Path, sealed: dict[str, Any]) -> Iterator[Path]:
    """Where a soft PLC stands, at the mixer's address of `sealed`."""
    program()
    source = sealed["sources"]["mixer"]
    words = soft_plc.command(source, soft_plc.folder_of(tmp_path, source), leash=os.getpid())
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield tmp_path
    assert process.poll() is None, "a line that ends leaves the PLC that it only borrowed"
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.requirement("HIL-01")
@pytest.mark.requirement("FS-02")
@pytest.mark.requirement("P12")
def test_the_engine_controls_the_soft_plc_by_a_change_of_endpoint(
    states: Path, sealed: dict[str, Any], tmp_path: Path
) -> None:
    door = soft_plc.folder_of(states, sealed["sources"]["mixer"]) / soft_plc.DOOR
    assert soft_plc.standing(states, sealed) == {"mixer": door}
    assert soft_plc.standing(states, sealed_line()) == {}, "nobody stands at the usual address"
    moved = on_free_ports(sealed, keep=("mixer",))
    assert moved["sources"]["mixer"]["port"] == sealed["sources"]["mixer"]["port"]
    state = tmp_path / "line"
    with Bench(moved, state, speed=SPEED, seed=3, standing={"mixer": door}) as bench:
        bench.start_line()
        bench.start_engine()
        assert "mixer" not in bench.children

        def remote() -> bool:
            return bool(bench.plc("mixer")["image"]["mixer.remote_active"])

        def sees_both() -> bool:
            status = bench.ask_engine(do="status")
            return all(source.get("connected") for source in status["sources"].values())

        eventually("both PLCs connected", sees_both, PATIENCE_S)
        bench.ask_engine(do="mode", loop="mixing", mode="AUTO", who="tester")
        eventually("remote", remote, PATIENCE_S)
        eventually(
            "AUTO",
            lambda: bench.ask_engine(do="status")["loops"]["mixing"]["mode"] == "AUTO",
            PATIENCE_S,
        )
        bench.kill("engine")
        eventually("the PLC has the loop", lambda: not remote(), PATIENCE_S)
    rows = read_log(state / "plc-mixer.jsonl")
    left = [row["event"] for row in rows if str(row.get("event")).startswith("local")]
    assert [event for event in left if "watchdog" in event] == left[-1:]
    verdict = judge_logs([state / "plc-mixer.jsonl"])
    assert verdict.clean, verdict.escapes
    assert verdict.takeovers[-1]["bump_share_of_range"] < 1e-3


@pytest.mark.slow
def test_a_plc_that_has_gone_is_named(tmp_path: Path) -> None:
    with (
        Bench(sealed_line(), tmp_path, standing={"mixer": tmp_path / "nobody.sock"}) as bench,
        pytest.raises(BenchError, match="took no plant"),
    ):
        bench.start_line()


@pytest.mark.parametrize(
    "change", [{"host": "192.0.2.7"}, {"protocol": "modbus-rtu"}, {"tls": True}]
)
def test_it_is_refused_at_an_address_that_it_cannot_serve(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    sealed = sealed_line()
    sealed["sources"]["mixer"] |= change
    assert soft_plc.standing(tmp_path, sealed) == {}
    with pytest.raises(soft_plc.NotBuiltError, match="on loopback only"):
        soft_plc.folder_of(tmp_path, sealed["sources"]["mixer"])


@pytest.mark.requirement("HIL-02")
def test_the_soft_plc_is_made_of_its_own_sources_and_the_systems_headers() -> None:
    own = {path.name for path in soft_plc.SOURCES.glob("*.[ch]")}
    for name in own:
        text = (soft_plc.SOURCES / name).read_text("utf-8")
        assert set(re.findall(r'#include "(.*)"', text)) <= own, name
    assert {name for name in own if name.endswith(".c")} == {*soft_plc.PARTS, "stories.c"}
