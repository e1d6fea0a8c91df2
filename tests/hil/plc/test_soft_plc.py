"""The soft PLC as a process: its registers, its scan, its door, its log, a plant on its cable."""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient

from hil import soft_plc
from hil.bench_door import ask
from hil.judge import judge_rows, read_log
from hil.proc import listener
from hil.wire_words import registers_of_wire, to_wire, wire_of_registers
from tests.hil.sealed_line import sealed_line
from tests.hil.test_bench_processes import eventually, free_port

ROOT = Path(__file__).resolve().parents[3]
SPEED = 20.0
pytestmark = pytest.mark.slow

Use = Callable[[AsyncModbusTcpClient], Any]


def program() -> Path:
    try:
        return soft_plc.built()
    except soft_plc.NotBuiltError as missing:
        pytest.skip(str(missing))


class SoftBench:
    """A plant, the soft PLC plugged into it, and no coater: the plant stands still until driven."""

    def __init__(self, state: Path) -> None:
        program()
        self.state = state
        self.sealed = sealed_line()
        self.source = self.sealed["sources"]["mixer"]
        self.source["port"] = free_port()
        (state / "sealed.json").write_text(json.dumps(self.sealed), "utf-8")
        self.log, self.door = state / "plc-mixer.jsonl", state / soft_plc.DOOR
        self.processes: list[subprocess.Popen[str]] = []
        self._start(soft_plc.command(self.source, state, leash=os.getpid()))
        plant = self._start(
            [sys.executable, "-m", "hil.plant_process", "--sealed", str(state / "sealed.json"),
             "--speed", str(SPEED), "--state", str(state), "--seed", "1"]
        )  # fmt: skip
        self.field = int(plant["port"])
        self.plug_in()

    def plug_in(self) -> None:
        recipe = self.sealed["recipe"]
        soft_plc.plug_in(
            self.door, recipe, self.log, field=self.field, speed=SPEED, start="running"
        )
        eventually("it scans", lambda: self.status()["scans"] > 3)

    def status(self) -> dict[str, Any]:
        return ask(self.door, {"do": "status"})

    def panel(self, **words: bool) -> None:
        ask(self.door, {"do": "panel", "words": words})

    def talk(self, use: Use) -> Any:
        async def talking() -> Any:
            client = AsyncModbusTcpClient(
                "127.0.0.1", port=self.source["port"], retries=0, timeout=5
            )
            assert await client.connect()
            try:
                return await use(client)
            finally:
                client.close()

        return asyncio.run(talking())

    def close(self) -> list[int]:
        for process in self.processes:
            process.terminate()
        codes = [process.wait(20) for process in self.processes]
        for process in self.processes:
            if process.stdout is not None:
                process.stdout.close()
        return codes

    def _start(self, words: list[str]) -> dict[str, Any]:
        process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.processes.append(process)
        assert process.stdout is not None
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        return ready


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftBench]:
    up = SoftBench(tmp_path_factory.mktemp("soft"))
    try:
        yield up
    finally:
        up.close()


def words_of(bench: SoftBench, tag: str, si: float) -> list[int]:
    row = bench.sealed["tags"][tag]
    return registers_of_wire(row, to_wire(row, si))


def test_its_registers_are_those_of_the_tag_table(bench: SoftBench) -> None:
    """The map is compiled into the C, as into any PLC; the configuration has to describe it."""

    async def use(client: AsyncModbusTcpClient) -> list[int]:
        return list((await client.read_holding_registers(0, count=36, device_id=1)).registers)

    tags = bench.sealed["tags"]
    reads = {
        name: tag
        for name, tag in tags.items()
        if tag["source"] == "mixer" and tag["direction"] == "read"
    }
    registers = bench.talk(use)
    image = bench.status()["image"]
    assert reads.keys() == image.keys()
    for name, tag in reads.items():
        at = tag["register"]
        shown = wire_of_registers(tag, registers[at : at + (2 if tag["type"] == "float32" else 1)])
        if name in ("mixer.heartbeat", "mixer.lab_age"):
            continue  # they have moved on since
        assert float(shown) == pytest.approx(float(to_wire(tag, image[name])), rel=0.02, abs=0.2), (
            name
        )
    assert registers[5] == 8, "TRIM"


@pytest.mark.requirement("HIL-02")
def test_it_takes_writes_on_its_remote_words_only(bench: SoftBench) -> None:
    async def use(client: AsyncModbusTcpClient) -> None:
        jacket = words_of(bench, "mixer.jacket_sp", 297.15)
        assert not (await client.write_registers(102, jacket, device_id=1)).isError()
        back = await client.read_holding_registers(102, count=2, device_id=1)
        assert list(back.registers) == jacket
        for refused in (
            client.write_registers(10, [1, 2], device_id=1),
            client.write_registers(99, [1, 2], device_id=1),
            client.write_registers(108, [1, 2], device_id=1),
            client.write_register(0, 5, device_id=1),
            client.read_holding_registers(190, count=20, device_id=1),
            client.read_coils(0, count=1, device_id=1),
            client.mask_write_register(
                address=106, and_mask=0, or_mask=1, device_id=1
            ),
        ):  # fmt: skip
            assert (await refused).isError()

    before = len(read_log(bench.log))
    bench.talk(use)
    rows = [row for row in read_log(bench.log)[before:] if "tag" in row]
    assert [row["tag"] for row in rows] == ["mixer.jacket_sp"]
    assert rows[0]["value"] == pytest.approx(297.15)
    assert math.isfinite(rows[0]["active"])
    assert rows[0]["remote"] is False


def test_half_a_frame_and_nonsense_do_not_stop_it(bench: SoftBench) -> None:
    address = ("127.0.0.1", bench.source["port"])
    with socket.create_connection(address) as half, socket.create_connection(address) as wild:
        half.sendall(b"\x00\x01\x00\x00\x00\x06\x01\x03")
        wild.sendall(os.urandom(300))
        for count, size in ((2, 1), (120, 4), (0, 0)):  # what the header says is not what comes
            with socket.create_connection(address) as liar:
                body = struct.pack(">BBHHB", 1, 16, 100, count, size) + bytes(4)
                liar.sendall(struct.pack(">HHH", 7, 0, len(body)) + body)
                liar.settimeout(5)
                assert (liar.recv(64) or b"\x00" * 8)[7:8] != b"\x10", "such a write is refused"

        async def use(client: AsyncModbusTcpClient) -> bool:
            return not (await client.read_holding_registers(0, count=36, device_id=1)).isError()

        assert bench.talk(use)


@pytest.mark.requirement("FS-02")
@pytest.mark.requirement("P12")
def test_it_goes_remote_and_its_watchdog_takes_the_loop_back(bench: SoftBench) -> None:
    bench.plug_in()
    before = len(read_log(bench.log))
    active = bench.status()["active"]

    async def use(client: AsyncModbusTcpClient) -> None:
        for beat in range(1, 200):
            words = [word for tag, si in active.items() for word in words_of(bench, tag, si)]
            await client.write_registers(100, words, device_id=1)
            await client.write_registers(106, [int(beat > 2), beat, beat], device_id=1)
            await asyncio.sleep(0.1)
            if bench.status()["image"]["mixer.remote_active"]:
                return

    bench.talk(use)
    assert bench.status()["image"]["mixer.remote_active"] is True
    eventually("silence", lambda: not bench.status()["image"]["mixer.remote_active"])
    rows = read_log(bench.log)[before:]
    events = [row["event"] for row in rows if "event" in row]
    assert [event.split(":")[0] for event in events[-2:]] == ["remote", "local"]
    assert "watchdog" in events[-1]
    verdict = judge_rows(rows)
    assert verdict.escapes == []
    assert verdict.takeovers[-1]["plc"] == "mixer"
    assert verdict.takeovers[-1]["bump_share_of_range"] < 1e-3


def test_its_door_turns_the_key_and_freezes_the_heartbeat(bench: SoftBench) -> None:
    bench.panel(key_remote=False)
    eventually("not ready", lambda: not bench.status()["image"]["mixer.remote_ready"])
    bench.panel(key_remote=True, freeze_heartbeat=True)
    eventually("ready", lambda: bench.status()["image"]["mixer.remote_ready"])
    stood = bench.status()["image"]["mixer.heartbeat"]
    scans = bench.status()["scans"]
    eventually("it scans on", lambda: bench.status()["scans"] > scans + 10)
    assert bench.status()["image"]["mixer.heartbeat"] == stood
    bench.panel(freeze_heartbeat=False)
    eventually("it beats", lambda: bench.status()["image"]["mixer.heartbeat"] != stood)
    bench.panel(emergency_stop=True)
    eventually("tripped", lambda: not bench.status()["image"]["mixer.interlocks_ok"])
    bench.panel(emergency_stop=False)
    bench.panel(reset=True)
    eventually("reset", lambda: bench.status()["image"]["mixer.interlocks_ok"])
    assert bench.status()["panel"]["reset"] is False, "a button springs back"


@pytest.mark.parametrize(
    "line",
    [
        b"{}", b"[]", b"panel", b'{"do":"open"}', b'{"do":"panel","words":{"key_lokal":true}}',
        b'{"do":"panel","words":{"hold":"yes"}}', b'{"do":"plug","field":0}', b'{"do":"status"',
        b'{"do":"status"}}', b'{"do":"status",}', b'{"do":"stat\\u0075s"}', b'{"do":1}',
        b'{"do":"plug","field":1e400,"speed":1}', b'{"a":{"a":{"a":{"a":{"a":1}}}}}',
        b'{"do":"plug","field":5,"speed":NaN,"log":"/nowhere/x","start":"running"}',
        b'{"do":"' + b"x" * 2000 + b'"}',
    ],
)  # fmt: skip
def test_its_door_refuses_what_it_does_not_know(bench: SoftBench, line: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(str(bench.door))
        link.sendall(line + b"\n")
        assert json.loads(link.makefile().readline())["ok"] is False


def test_a_lost_plant_is_a_dead_field_and_trips(tmp_path: Path) -> None:
    bench = SoftBench(tmp_path)
    try:
        bench.processes[1].kill()
        bench.processes[1].wait(20)
        eventually("tripped", lambda: not bench.status()["image"]["mixer.interlocks_ok"])
        assert math.isnan(bench.status()["image"]["mixer.temp"])
        trips = [row["event"] for row in read_log(bench.log) if "trip" in row.get("event", "")]
        assert "unknown" in trips[0]
    finally:
        bench.close()


def test_it_ends_on_sigterm_and_leaves_no_socket(tmp_path: Path) -> None:
    bench = SoftBench(tmp_path)
    assert listener(bench.source["port"])[0] == str(soft_plc.built())
    assert bench.close() == [0, 0]
    assert list(tmp_path.glob("*.sock")) == []


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    program()
    source = {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": free_port(), "device_id": 1}
    parent = (
        "import os, subprocess\n"
        "from pathlib import Path\n"
        "from hil import soft_plc\n"
        f"words = soft_plc.command({source!r}, Path({str(tmp_path)!r}), leash=os.getpid())\n"
        "child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "os._exit(0)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=120,
    ).stdout  # fmt: skip
    place = Path(f"/proc/{int(told.split()[0])}/cmdline")
    eventually("the orphan is gone", lambda: not place.exists() or not place.read_bytes())


def test_what_cannot_be_built_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(soft_plc.NotBuiltError, match="apt-get install"):
        soft_plc.built(tmp_path / "cache")


def test_a_program_that_was_changed_in_the_cache_is_not_run(tmp_path: Path) -> None:
    program()
    cache = tmp_path / "cache"
    first = soft_plc.built(cache)
    content = first.read_bytes()
    first.write_bytes(content + b"!")
    again = soft_plc.built(cache)
    assert again.read_bytes() == content
    cache.chmod(0o777)
    with pytest.raises(soft_plc.NotBuiltError, match="others may write"):
        soft_plc.built(cache)


def test_a_scan_is_never_caught_up_in_a_burst(bench: SoftBench) -> None:
    before = bench.status()
    eventually("a hundred scans", lambda: bench.status()["scans"] >= before["scans"] + 100)
    after = bench.status()
    scans = after["scans"] - before["scans"]
    assert after["plant_s"] - before["plant_s"] > (scans - 1) * 0.999, "a second of the plant each"
