"""The bench as processes: real OPC UA and Modbus clients, side door, write logs, a clean end."""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from hil.bench_door import ask
from hil.judge import read_log
from hil.wire_words import registers_of_wire, to_wire, wire_of_registers
from tests.hil.sealed_line import sealed_line

SPEED = 20.0
ROOT = Path(__file__).resolve().parent.parent.parent
URI = "urn:rheostat:plc:coater"

pytestmark = pytest.mark.slow


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bench:
    """Plant and both PLC processes, started and ended by the test."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.sealed = sealed_line()
        self.url = f"opc.tcp://127.0.0.1:{free_port()}/rheostat/coater"
        self.sealed["sources"]["coater"]["endpoint"] = self.url
        self.modbus_port = free_port()
        self.sealed["sources"]["mixer"]["port"] = self.modbus_port
        (state / "sealed.json").write_text(json.dumps(self.sealed), "utf-8")
        self.processes: list[subprocess.Popen[str]] = []
        plant = self.start("hil.plant_process", "--seed", "1")
        for module in ("hil.plc_opcua", "hil.plc_modbus"):
            self.start(module, "--field", str(plant["port"]))

    def start(self, module: str, *more: str) -> dict[str, Any]:
        command = [
            sys.executable, "-m", module, "--sealed", str(self.state / "sealed.json"),
            "--speed", str(SPEED), "--state", str(self.state), *more,
        ]  # fmt: skip
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}
        )
        self.processes.append(process)
        if process.stdout is None:
            raise RuntimeError("no pipe")
        ready: dict[str, Any] = json.loads(process.stdout.readline())
        return ready

    def close(self) -> list[int]:
        for process in reversed(self.processes):
            process.terminate()
        codes = [process.wait(20) for process in self.processes]
        for process in self.processes:
            if process.stdout is not None:
                process.stdout.close()
        return codes


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    up = Bench(tmp_path_factory.mktemp("bench"))
    try:
        yield up
    finally:
        up.close()


def eventually(what: str, test: Any, within_s: float = 20.0) -> None:
    end_s = time.monotonic() + within_s
    while not test():
        if time.monotonic() > end_s:
            raise AssertionError(f"never came true: {what}")
        time.sleep(0.05)


async def with_coater(bench: Bench, use: Any) -> Any:
    async with Client(bench.url, timeout=5) as client:
        index = await client.get_namespace_index(URI)
        return await use(client, lambda name: client.get_node(f"ns={index};s=Coater.{name}"))


def test_the_coater_shows_fresh_values_in_the_units_of_the_tag_table(bench: Bench) -> None:
    async def use(client: Client, node: Any) -> None:
        await asyncio.sleep(0.5)
        speed = await node("Web.Speed").read_data_value()
        assert speed.Value.VariantType == ua.VariantType.Float
        assert speed.Value.Value == pytest.approx(10.0, abs=0.2), "m/min on the wire"
        before = await node("Heartbeat").read_data_value()
        await asyncio.sleep(0.5)
        after = await node("Heartbeat").read_data_value()
        assert after.Value.Value > before.Value.Value
        assert after.SourceTimestamp > before.SourceTimestamp

    asyncio.run(with_coater(bench, use))


def test_the_coater_takes_writes_on_its_remote_words_only(bench: Bench) -> None:
    async def use(client: Client, node: Any) -> None:
        await node("Remote.PumpRatioSetpoint").write_value(
            ua.DataValue(ua.Variant(2.5, ua.VariantType.Float))
        )
        assert await node("Remote.PumpRatioSetpoint").read_value() == 2.5
        with pytest.raises(ua.UaError):
            await node("Pump.RatioSetpointActive").write_value(
                ua.DataValue(ua.Variant(2.5, ua.VariantType.Float))
            )
        with pytest.raises(ua.UaError):
            await node("Remote.Heartbeat").write_value(
                ua.DataValue(ua.Variant(1.5, ua.VariantType.Double))
            )

    asyncio.run(with_coater(bench, use))
    rows = [row for row in read_log(bench.state / "plc-coater.jsonl") if "tag" in row]
    assert rows[-1]["tag"] == "coater.pump_ratio_sp"
    assert rows[-1]["value"] == 2.5
    assert math.isfinite(rows[-1]["active"])
    assert rows[-1]["mono_s"] <= time.monotonic()


def test_the_coater_goes_remote_and_its_watchdog_takes_the_loop_back(bench: Bench) -> None:
    async def use(client: Client, node: Any) -> None:
        async def write(name: str, value: Any, kind: ua.VariantType) -> None:
            await node(name).write_value(ua.DataValue(ua.Variant(value, kind)))

        async def active() -> bool:
            return bool(await node("RemoteActive").read_value())

        ratio = await node("Pump.RatioSetpointActive").read_value()
        await write("Remote.PumpRatioSetpoint", ratio, ua.VariantType.Float)
        beat = 0
        for cycle in range(60):
            beat += 1
            await write("Remote.Request", cycle > 2, ua.VariantType.Boolean)
            await write("Remote.Heartbeat", beat, ua.VariantType.UInt32)
            if await active():
                break
            await asyncio.sleep(0.1)
        assert await active()
        for _ in range(200):
            if not await active():
                break
            await asyncio.sleep(0.05)
        assert not await active()

    asyncio.run(with_coater(bench, use))
    events = [row for row in read_log(bench.state / "plc-coater.jsonl") if "event" in row]
    assert [event["event"].split(":")[0] for event in events[-2:]] == ["remote", "local"]
    assert "watchdog" in events[-1]["event"]


def test_the_mixer_shows_one_image_and_takes_writes_on_its_remote_words_only(bench: Bench) -> None:
    tags = bench.sealed["tags"]

    async def use() -> None:
        client = AsyncModbusTcpClient("127.0.0.1", port=bench.modbus_port, retries=0)
        assert await client.connect()
        try:
            block = await client.read_holding_registers(0, count=36, device_id=1)
            temp = wire_of_registers(tags["mixer.temp"], block.registers[10:12])
            assert temp == pytest.approx(25.0, abs=3.0), "degC on the wire"
            assert block.registers[5] == 8, "TRIM"
            words = registers_of_wire(
                tags["mixer.jacket_sp"], to_wire(tags["mixer.jacket_sp"], 297.15)
            )
            written = await client.write_registers(102, words, device_id=1)
            assert not written.isError()
            back = await client.read_holding_registers(102, count=2, device_id=1)
            assert wire_of_registers(tags["mixer.jacket_sp"], back.registers) == 24.0
            refused = await client.write_registers(10, [1, 2], device_id=1)
            assert refused.isError()
            beyond = await client.read_holding_registers(190, count=20, device_id=1)
            assert beyond.isError()
        finally:
            client.close()

    asyncio.run(use())
    rows = [row for row in read_log(bench.state / "plc-mixer.jsonl") if "tag" in row]
    assert [row["tag"] for row in rows] == ["mixer.jacket_sp"]
    assert rows[0]["value"] == pytest.approx(297.15)


def test_the_operator_and_the_script_have_a_side_door(bench: Bench) -> None:
    door = bench.state / "plc-coater.sock"
    ask(door, {"do": "panel", "words": {"key_remote": False}})
    eventually(
        "remote not ready",
        lambda: ask(door, {"do": "status"})["image"]["coater.remote_ready"] is False,
    )
    ask(door, {"do": "panel", "words": {"key_remote": True}})
    with pytest.raises(ValueError, match="no 'key_lokal'"):
        ask(door, {"do": "panel", "words": {"key_lokal": True}})
    plant = bench.state / "plant.sock"
    before_s = ask(plant, {"do": "truth"})["time_s"]
    ask(plant, {"do": "event", "kind": "batch_change", "details": {"solids_offset": 0.005}})
    eventually("time goes on", lambda: ask(plant, {"do": "status"})["time_s"] > before_s + 20.0)
    with pytest.raises(ValueError, match="knows no event"):
        ask(plant, {"do": "event", "kind": "earthquake"})


def test_the_truth_is_written_down_for_judges(bench: Bench) -> None:
    eventually("two rows", lambda: len(read_log(bench.state / "truth.jsonl")) >= 2)
    rows = read_log(bench.state / "truth.jsonl")
    assert rows[1]["time_s"] - rows[0]["time_s"] == 4.0
    assert rows[0]["coater.dry_coat_weight_at_gauge"] == pytest.approx(85.7e-3, rel=0.1)


def test_everything_ends_on_sigterm_and_leaves_no_socket(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assert bench.close() == [0, 0, 0]
    assert list(tmp_path.glob("*.sock")) == []


def test_a_bench_process_dies_with_its_parent(tmp_path: Path) -> None:
    (tmp_path / "sealed.json").write_text(json.dumps(sealed_line()), "utf-8")
    parent = (
        "import subprocess, sys, os\n"
        "child = subprocess.Popen([sys.executable, '-m', 'hil.plant_process', '--sealed', 'x',"
        f" '--state', {str(tmp_path)!r}], stdout=subprocess.PIPE, text=True)\n"
        "print(child.pid, child.stdout.readline(), flush=True)\n"
        "os._exit(0)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=60,
    ).stdout  # fmt: skip
    pid = int(told.split()[0])
    eventually(
        "the orphan is gone",
        lambda: (
            not Path(f"/proc/{pid}/cmdline").exists()
            or not Path(f"/proc/{pid}/cmdline").read_bytes()
        ),
    )
