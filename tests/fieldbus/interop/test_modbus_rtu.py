"""Modbus RTU by our own master, against libmodbus over a pair of pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldbus.modbus_rtu import checksum
from fieldbus.port_wire import WirePort
from safety.words import Quality
from tests.fieldbus.bench import (
    Clock,
    all_bad,
    command,
    connected,
    loop,
    modbus_tag,
    modbus_words,
    opened,
    until,
    values,
)
from tests.fieldbus.interop.outsiders import (
    NEEDS,
    Libmodbus,
    SerialCable,
    needs_program,
)
from tests.fieldbus.test_modbus_wire import ORDERS, PROOF, VALUES, device_words

pytestmark = pytest.mark.slow

TAGS = {
    **modbus_words("plc"),
    "plc.mass": modbus_tag("plc", 30, "uint16"),
    "plc.temp": modbus_tag("plc", 60, "uint16"),
    "plc.probe": modbus_tag("plc", 61, "int16", table="input"),
    "plc.anchor_sp": modbus_tag("plc", 100, "float32", "write"),
    "plc.jacket_sp": modbus_tag("plc", 102, "float32", "write"),
}


@pytest.fixture(scope="module")
def cable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SerialCable]:
    NEEDS[Libmodbus]()
    needs_program("socat")
    with SerialCable(tmp_path_factory.mktemp("cable")) as cable:
        yield cable


@pytest.fixture(scope="module")
def slave(cable: SerialCable) -> Iterator[Libmodbus]:
    with Libmodbus(port=str(cable.ends[1])) as peer:
        yield peer


@pytest.fixture
def quiet(slave: Libmodbus) -> Libmodbus:
    slave.ask("zero")
    slave.ask("set", register=0, words=[1, 1, 0])
    slave.ask("set", register=30, words=[1111])
    slave.ask("set", register=60, words=[2222])
    slave.ask("log")
    return slave


def sealed(cable: SerialCable, tags: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    line = {
        "protocol": "modbus-rtu",
        "device": str(cable.ends[0]),
        "baud": 19200,
        "parity": "none",  # a pseudo-terminal knows no parity
        "stop_bits": 1,
        "device_id": 1,
        "timeout": 2.0,
        "slowest_answer": 0.1,
    }
    return {
        "sources": {"plc": line | source},
        "tags": TAGS if tags is None else tags,
        "loops": {"plc": loop("plc", ("plc.anchor_sp", "plc.jacket_sp"))},
    }


@pytest.mark.parametrize(("word", "byte"), ORDERS)
def test_every_type_in_every_order_is_read(
    quiet: Libmodbus, cable: SerialCable, word: str, byte: str
) -> None:
    tags = dict(TAGS)
    for at, (kind, value) in enumerate(VALUES.items()):
        register = 70 + 4 * at
        quiet.ask("set", register=register, words=device_words(kind, value, word, byte))
        order = {"word_order": word, "byte_order": byte}
        tags[f"plc.{kind}"] = modbus_tag("plc", register, kind, **order)

    async def story() -> None:
        async with opened(sealed(cable, tags), Clock()) as port:
            reading = await port.read([f"plc.{kind}" for kind in VALUES])
            assert values(reading) == {f"plc.{kind}": value for kind, value in VALUES.items()}

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
@pytest.mark.parametrize("function", [6, 16, 23])
def test_a_command_lands_whichever_function_writes_it(
    quiet: Libmodbus, cable: SerialCable, function: int
) -> None:
    async def story() -> None:
        async with opened(sealed(cable, write_function=function), Clock()) as port:
            await port.read(PROOF)
            sent = {"plc.anchor_sp": 30.0, "plc.jacket_sp": 25.0}
            result = await port.write(command(sent, 7))
            assert (result.outcome, result.reason) == ("written", "")
            assert dict(result.landed) == sent

    asyncio.run(story())
    words = quiet.ask("get", register=100, count=9)
    assert words == [0x41F0, 0, 0x41C8, 0, 0, 0, 1, 7, 7]


@pytest.mark.requirement("P10")
def test_an_answer_that_comes_late_is_never_taken_for_the_next_one(
    quiet: Libmodbus, cable: SerialCable
) -> None:
    """The trap this master was written for: 1111 for a register that holds 2222, and no error."""

    async def story() -> None:
        config = sealed(cable, timeout=0.3, slowest_answer=1.5)
        async with opened(config, Clock()) as port:
            quiet.ask("late", milliseconds=900)
            assert all_bad(await port.read(["plc.mass"]))
            assert all_bad(await port.read(["plc.temp"])), "not connected: the line is kept quiet"
            await connected(port, epoch=2)
            reading = await port.read(["plc.temp", "plc.mass"])
            assert values(reading) == {"plc.temp": 2222, "plc.mass": 1111}
            status = port.sources_status()["plc"]
            assert status["reads_failed"] == 1
            assert status["attempts"] == 2, "nothing was asked while the old answer was due"

    asyncio.run(story())


def test_no_two_blocks_of_a_table_are_alike_in_length(quiet: Libmodbus, cable: SerialCable) -> None:
    async def story() -> None:
        async with opened(sealed(cable), Clock()) as port:
            quiet.ask("log")
            await port.read(["plc.mass", "plc.temp", "plc.probe", *PROOF])

    asyncio.run(story())
    assert quiet.ask("log") == [[3, 0, 3], [3, 30, 1], [3, 60, 2], [4, 61, 1]]


def test_a_block_before_a_hole_is_not_lengthened_into_it(
    quiet: Libmodbus, cable: SerialCable
) -> None:
    tags = TAGS | {"plc.last": modbus_tag("plc", 199, "uint16")}

    async def story() -> None:
        async with opened(sealed(cable, tags), Clock()) as port:
            quiet.ask("log")
            reading = await port.read(["plc.mass", "plc.last"])
            assert {sample.quality for sample in reading.values()} == {Quality.GOOD}

    asyncio.run(story())
    assert [3, 199, 1] in quiet.ask("log")


@pytest.mark.requirement("P10")
def test_a_write_into_silence_is_unknown_and_leaves_nothing_in_the_line(
    quiet: Libmodbus, cable: SerialCable
) -> None:
    async def story() -> None:
        async with opened(sealed(cable, timeout=0.4, slowest_answer=0.6), Clock()) as port:
            await port.read(PROOF)
            quiet.stop()
            try:
                result = await port.write(command({"plc.anchor_sp": 30.0}))
                assert result.outcome == "unknown"
                assert "it may still land" in result.reason
            finally:
                quiet.resume()
            await connected(port, epoch=2)
            late = await port.write(command({"plc.anchor_sp": 40.0}, 2))
            assert late.outcome == "not-sent"
            assert values(await port.read(PROOF))["plc.heartbeat_in"] == 1

    asyncio.run(story())
    writes = [entry for entry in quiet.ask("log") if entry[0] == 16]
    assert writes in ([], [[16, 100, 2]]), "it may have landed, once, and no heartbeat after it"


def test_two_masters_never_share_a_line(quiet: Libmodbus, cable: SerialCable) -> None:
    async def story() -> None:
        async with opened(sealed(cable), Clock()):
            second = WirePort(sealed(cable), Clock())
            await second.open()
            try:
                why = "another program has"
                await until(lambda: why in second.sources_status()["plc"]["last_error"])
            finally:
                await second.close()

    asyncio.run(story())


def test_a_line_that_is_not_there_is_named(cable: SerialCable) -> None:
    async def story() -> None:
        port = WirePort(sealed(cable, device="/dev/ttyNOWHERE"), Clock())
        await port.open()
        try:
            why = "there is no /dev/ttyNOWHERE"
            await until(lambda: why in port.sources_status()["plc"]["last_error"])
        finally:
            await port.close()

    asyncio.run(story())


GARBLED = {
    "a wrong checksum": bytes.fromhex("010302045bdead"),
    "another device": bytes.fromhex("020302045b") + checksum(bytes.fromhex("020302045b")),
    "another function": bytes.fromhex("010402045b") + checksum(bytes.fromhex("010402045b")),
    "another length": bytes.fromhex("010304045b00") + checksum(bytes.fromhex("010304045b00")),
}


@pytest.mark.requirement("SEC-05")
@pytest.mark.parametrize("how", GARBLED)
def test_an_answer_that_is_not_to_the_byte_what_was_asked_for_is_none(
    tmp_path: Path, how: str
) -> None:
    needs_program("socat")
    with SerialCable(tmp_path) as cable:
        device = os.open(cable.ends[1], os.O_RDWR | os.O_NOCTTY)

        async def story() -> None:
            asyncio.get_running_loop().add_reader(
                device, lambda: os.read(device, 300) and os.write(device, GARBLED[how])
            )
            tags = {**modbus_words("plc"), "plc.anchor_sp": TAGS["plc.anchor_sp"]}
            config = sealed(cable, tags | {"plc.jacket_sp": TAGS["plc.jacket_sp"]}, timeout=0.5)
            port = WirePort(config, Clock())
            await port.open()
            try:
                await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
                assert port.sources_status()["plc"]["epoch"] == 0
            finally:
                await port.close()
                asyncio.get_running_loop().remove_reader(device)

        try:
            asyncio.run(story())
        finally:
            os.close(device)


def test_our_checksum_is_the_one_of_another_master(quiet: Libmodbus, cable: SerialCable) -> None:
    """Let mbpoll read over the same line once we have let it go."""
    needs_program("mbpoll")
    answer = subprocess.run(
        ["mbpoll", "-m", "rtu", "-b", "19200", "-P", "none", "-a", "1", "-t", "4", "-0", "-r", "30",
         "-c", "1", "-1", "-o", "5", str(cable.ends[0])],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert "1111" in answer.stdout
    assert checksum(b"123456789") == bytes.fromhex("374b")  # CRC-16/MODBUS check value 0x4B37
