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


class Standing:
    """The soft PLC at the mixer's address of `sealed`, with its folder under `states`."""

    def __init__(self, states: Path, sealed: dict[str, Any]) -> None:
        program()
        source = sealed["sources"]["mixer"]
        self.states = states
        self.door = soft_plc.folder_of(states, source) / soft_plc.DOOR
        words = soft_plc.command(source, self.door.parent, leash=os.getpid())
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.process.stdout.readline()

    def end(self) -> int:
        self.process.terminate()
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture
def plc(tmp_path: Path, sealed: dict[str, Any]) -> Iterator[Standing]:
    standing = Standing(tmp_path / "states", sealed)
    yield standing
    assert standing.process.poll() is None, "a line that ends leaves the PLC that it borrowed"
    assert standing.end() == 0


class Line:
    """A bench's engine and its mixing loop on the soft PLC."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.start_line()
        bench.start_engine()
        eventually("both PLCs connected", self.sees_all, PATIENCE_S)

    def remote(self) -> bool:
        return bool(self.bench.plc("mixer")["image"]["mixer.remote_active"])

    def sees_all(self) -> bool:
        sources = self.bench.ask_engine(do="status")["sources"]
        return all(source.get("connected") for source in sources.values())

    def mode(self) -> str:
        return str(self.bench.ask_engine(do="status")["loops"]["mixing"]["mode"])

    def to_auto(self) -> None:
        """Ask as a person does: again, when a busy machine made the loop shed on its way."""

        def there() -> bool:
            if self.mode() in ("OFF", "SHED"):
                self.bench.ask_engine(do="mode", loop="mixing", mode="AUTO", who="tester")
            return self.mode() == "AUTO" and self.remote()

        eventually("AUTO", there, PATIENCE_S)


def owners(log: Path) -> list[str]:
    """Return 'remote' and 'local: why' in the order in which the PLC wrote them down."""
    events = [str(row["event"]) for row in read_log(log) if "event" in row]
    return [event for event in events if event.startswith(("remote", "local"))]


@pytest.mark.slow
@pytest.mark.requirement("HIL-01")
@pytest.mark.requirement("FS-02")
@pytest.mark.requirement("P12")
def test_the_engine_controls_the_soft_plc_by_a_change_of_endpoint(
    plc: Standing, sealed: dict[str, Any], tmp_path: Path
) -> None:
    assert soft_plc.standing(plc.states, sealed) == {"mixer": plc.door}
    assert soft_plc.standing(plc.states, sealed_line()) == {}, "nobody at the usual address"
    moved = on_free_ports(sealed, keep=("mixer",))
    assert moved["sources"]["mixer"]["port"] == sealed["sources"]["mixer"]["port"]
    log = tmp_path / "line" / "plc-mixer.jsonl"
    with Bench(moved, log.parent, speed=SPEED, seed=3, standing={"mixer": plc.door}) as bench:
        line = Line(bench)
        assert "mixer" not in bench.children
        line.to_auto()
        bench.kill("engine")
        eventually("the PLC has the loop", lambda: not line.remote(), PATIENCE_S)
    changes = owners(log)
    assert changes[0].startswith("remote")
    assert "watchdog" in changes[-1]
    verdict = judge_logs([log])
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
