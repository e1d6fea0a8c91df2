"""Modbus/TCP against libmodbus (C) and modbus-serial (JavaScript), with mbpoll as the witness."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from safety.words import Quality
from tests.fieldbus.bench import (
    Clock,
    Peer,
    all_bad,
    command,
    connected,
    loop,
    modbus_source,
    modbus_tag,
    modbus_words,
    opened,
    until,
    values,
)
from tests.fieldbus.interop.outsiders import NEEDS, Libmodbus, ModbusSerial, needs_program
from tests.fieldbus.test_modbus_wire import ORDERS, PROOF, VALUES, device_words

SETPOINTS = ("plc.anchor_sp", "plc.jacket_sp")
TAGS = {
    **modbus_words("plc"),
    "plc.mass": modbus_tag("plc", 8, "float32", unit="kg", low=0.0, high=700.0),
    "plc.probe": modbus_tag("plc", 10, "int16", table="input"),
    "plc.anchor_sp": modbus_tag("plc", 100, "float32", "write", gain=1 / 60, unit="rpm"),
    "plc.jacket_sp": modbus_tag("plc", 102, "float32", "write", offset=273.15, unit="degC"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[Libmodbus, ModbusSerial])
def plc(request: pytest.FixtureRequest) -> Iterator[Peer]:
    kind: type[Peer] = request.param
    NEEDS[kind]()
    with kind() as peer:
        yield peer


@pytest.fixture
def quiet(plc: Peer) -> Peer:
    plc.ask("zero")
    plc.ask("set", register=0, words=[1, 1, 0])
    return plc


def sealed(peer: Peer, tags: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    return {
        "sources": {"plc": modbus_source(peer, **source)},
        "tags": TAGS if tags is None else tags,
        "loops": {"plc": loop("plc", SETPOINTS)},
    }


@pytest.mark.parametrize(("word", "byte"), ORDERS)
def test_every_type_in_every_order_is_read(quiet: Peer, word: str, byte: str) -> None:
    tags = dict(TAGS)
    for at, (kind, value) in enumerate(VALUES.items()):
        register = 20 + 4 * at
        quiet.ask("set", register=register, words=device_words(kind, value, word, byte))
        order = {"word_order": word, "byte_order": byte}
        tags[f"plc.{kind}"] = modbus_tag("plc", register, kind, **order)

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            reading = await port.read([f"plc.{kind}" for kind in VALUES])
            assert values(reading) == {f"plc.{kind}": value for kind, value in VALUES.items()}

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_a_command_lands_as_another_master_reads_it(quiet: Peer) -> None:
    needs_program("mbpoll")

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            result = await port.write(command({"plc.anchor_sp": 0.5, "plc.jacket_sp": 298.15}, 7))
            assert (result.outcome, result.reason) == ("written", "")
            assert result.landed == pytest.approx({"plc.anchor_sp": 0.5, "plc.jacket_sp": 298.15})

    asyncio.run(story())
    assert polled(quiet, "4:float", 100, 2) == [30.0, 25.0]
    assert polled(quiet, "4", 106, 3) == [1.0, 7.0, 7.0]  # remote, sequence, heartbeat


def polled(peer: Peer, kind: str, register: int, count: int) -> list[float]:
    """Return what mbpoll, a master on top of libmodbus, reads from the device."""
    answer = subprocess.run(
        ["mbpoll", "-m", "tcp", "-p", str(peer.port), "-a", "1", "-t", kind, "-B", "-0",
         "-r", str(register), "-c", str(count), "-1", "-o", "5", "127.0.0.1"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return [float(value) for value in re.findall(r"^\[\d+\]:\s+(\S+)", answer.stdout, re.M)]


def test_what_another_master_writes_is_read(quiet: Peer) -> None:
    needs_program("mbpoll")
    subprocess.run(
        ["mbpoll", "-m", "tcp", "-p", str(quiet.port), "-a", "1", "-t", "4:float", "-B", "-0",
         "-r", "8", "-o", "5", "127.0.0.1", "--", "123.25"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            sample = (await port.read(["plc.mass"]))["plc.mass"]
            assert (sample.value, sample.quality) == (123.25, Quality.GOOD)

    asyncio.run(story())


def test_a_register_that_is_not_there_is_bad_and_the_others_are_read(quiet: Peer) -> None:
    if isinstance(quiet, ModbusSerial):
        pytest.skip("modbus-serial's server answers for every register")
    tags = TAGS | {"plc.gone": modbus_tag("plc", 205, "uint16")}

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            reading = await port.read([*PROOF, "plc.gone"])
            assert "illegal register address" in reading["plc.gone"].reason
            assert reading["plc.heartbeat_in"].value == 1

    asyncio.run(story())


@pytest.mark.requirement("P10")
def test_a_device_that_freezes_is_cut_and_found_again(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet, timeout_s=0.5), Clock()) as port:
            await port.read(PROOF)
            quiet.stop()
            try:
                result = await port.write(command({"plc.anchor_sp": 0.5}))
                assert result.outcome == "unknown"
                assert all_bad(await port.read(PROOF))
            finally:
                quiet.resume()
            await connected(port, epoch=2)
            assert values(await port.read(PROOF))["plc.heartbeat_in"] == 1

    asyncio.run(story())


def test_a_device_that_starts_anew_is_not_believed_until_its_image_is_there(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.kill()
            quiet.start()  # its image is all zero now
            why = "the whole image is zero"
            await until(lambda: why in port.sources_status()["plc"]["last_error"])
            assert all_bad(await port.read(PROOF))
            quiet.ask("set", register=0, words=[1, 1, 0])
            await connected(port, epoch=2)

    asyncio.run(story())
