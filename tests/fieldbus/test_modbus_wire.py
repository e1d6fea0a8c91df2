"""Modbus/TCP over a real socket, against a pymodbus server in another process."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from fieldbus.port_wire import WirePort
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

SETPOINTS = ("plc.anchor_sp", "plc.jacket_sp")
PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
READ_HOLDING, READ_INPUT, WRITE_MANY = 3, 4, 16
TAGS = {
    **modbus_words("plc"),
    "plc.mass": modbus_tag("plc", 8, "float32", unit="kg", low=0.0, high=700.0),
    "plc.anchor_sp": modbus_tag("plc", 100, "float32", "write", gain=1 / 60, unit="rpm"),
    "plc.jacket_sp": modbus_tag("plc", 102, "float32", "write", offset=273.15, unit="degC"),
}
FORMATS = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "float64": "d"}
VALUES = {
    "int16": -12345,
    "uint16": 54321,
    "int32": -2_000_000_000,
    "uint32": 4_000_000_000,
    "float32": 50.25,
    "float64": 1.0 / 3.0,
}
ORDERS = [(word, byte) for word in ("big", "little") for byte in ("big", "little")]


def sealed(peer: Peer, tags: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    return {
        "sources": {"plc": modbus_source(peer, **source)},
        "tags": TAGS if tags is None else tags,
        "loops": {"plc": loop("plc", SETPOINTS)},
    }


@pytest.fixture(scope="module")
def plc() -> Iterator[Peer]:
    with Peer(kind="modbus") as peer:
        yield peer


@pytest.fixture
def quiet(plc: Peer) -> Peer:
    """Return the PLC with a fresh image (heartbeat 1, remote ready) and an empty log."""
    for verb, details in (("zero", {}), ("keep", {"keeps": True}), ("fail", {"code": 0})):
        plc.ask(verb, **details)
    plc.ask("set", register=0, words=[1, 1, 0])
    plc.ask("log")
    return plc


def float_words(value: float) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value)))


def device_words(kind: str, value: float, word: str, byte: str) -> list[int]:
    """Return the registers as a device of that order would hold them; an own way to say it."""
    raw = struct.pack(">" + FORMATS[kind], value)
    pairs = [raw[at : at + 2] for at in range(0, len(raw), 2)]
    pairs = pairs[::-1] if word == "little" else pairs
    return [
        pair[1] * 256 + pair[0] if byte == "little" else pair[0] * 256 + pair[1] for pair in pairs
    ]


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
            assert {s.source_time_s for s in reading.values()} == {None}

    asyncio.run(story())


@pytest.mark.parametrize(("word", "byte"), ORDERS)
def test_every_order_is_written(quiet: Peer, word: str, byte: str) -> None:
    order = {"word_order": word, "byte_order": byte}
    tags = TAGS | {name: TAGS[name] | order for name in SETPOINTS}

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            await port.read(PROOF)
            result = await port.write(command({"plc.anchor_sp": 0.5, "plc.jacket_sp": 298.15}))
            assert (result.outcome, result.reason) == ("written", "")
            assert result.landed == pytest.approx({"plc.anchor_sp": 0.5, "plc.jacket_sp": 298.15})

    asyncio.run(story())
    assert quiet.ask("get", register=100, count=2) == device_words("float32", 30.0, word, byte)
    assert quiet.ask("get", register=102, count=2) == device_words("float32", 25.0, word, byte)


def test_one_request_reads_near_registers_and_two_read_far_ones(quiet: Peer) -> None:
    tags = TAGS | {
        "plc.near": modbus_tag("plc", 19, "int16"),
        "plc.far": modbus_tag("plc", 60, "int16"),
        "plc.input": modbus_tag("plc", 61, "int16", table="input"),
    }

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            quiet.ask("log")
            await port.read([*PROOF, "plc.mass", "plc.near", "plc.far", "plc.input"])
            assert quiet.ask("log") == [
                [READ_HOLDING, 0, 20, None],
                [READ_HOLDING, 60, 1, None],
                [READ_INPUT, 61, 1, None],
            ]

    asyncio.run(story())


def test_a_hole_in_the_map_is_found_at_connect_and_not_read_again() -> None:
    tags = TAGS | {
        "plc.after": modbus_tag("plc", 12, "int16"),
        "plc.gone": modbus_tag("plc", 5, "int16"),
    }
    names = [*PROOF, "plc.mass", "plc.after", "plc.gone"]
    with Peer(kind="modbus", ranges=[[0, 4], [8, 4], [12, 4], [100, 20]]) as holey:
        holey.ask("set", register=0, words=[1, 1, 0])
        holey.ask("set", register=12, words=[77])

        async def story() -> None:
            async with opened(sealed(holey, tags), Clock()) as port:
                holey.ask("log")
                reading = await port.read(names)
                assert values(reading) == {
                    "plc.heartbeat_in": 1,
                    "plc.remote_ready": True,
                    "plc.remote_active": False,
                    "plc.mass": 0.0,
                    "plc.after": 77,
                    "plc.gone": None,
                }
                assert "illegal register address" in reading["plc.gone"].reason
                # the log shows what was served: no block reached into a hole any more
                assert holey.ask("log") == [
                    [READ_HOLDING, 0, 3, None],
                    [READ_HOLDING, 8, 2, None],
                    [READ_HOLDING, 12, 1, None],
                ]

        asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_setpoints_go_in_one_block_and_the_heartbeat_last(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            result = await port.write(
                command({"plc.jacket_sp": 298.15, "plc.anchor_sp": 0.5}, 65_537)
            )
            assert result.outcome == "written"
            writes = [entry for entry in quiet.ask("log") if entry[0] == WRITE_MANY]
            assert [(address, count) for _, address, count, _ in writes] == [(100, 4), (106, 3)]
            assert writes[-1][3] == [1, 1, 1]  # remote, sequence and heartbeat, wrapped

    asyncio.run(story())


def test_a_heartbeat_elsewhere_in_the_map_is_still_the_last_write(quiet: Peer) -> None:
    tags = TAGS | {"plc.heartbeat_out": modbus_tag("plc", 90, "uint16", "write")}

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            await port.write(command({"plc.jacket_sp": 298.15}))
            writes = [entry[1] for entry in quiet.ask("log") if entry[0] == WRITE_MANY]
            assert writes == [102, 106, 90]

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_a_device_that_stores_nothing_is_found_out_by_the_read_back(quiet: Peer) -> None:
    quiet.ask("set", register=100, words=float_words(20.0))
    quiet.ask("keep", keeps=False)

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            result = await port.write(command({"plc.anchor_sp": 0.5}))
            assert result.outcome == "written"  # that is what the device claims
            assert result.landed["plc.anchor_sp"] == pytest.approx(20.0 / 60)
            assert result.reason == "plc.anchor_sp reads back 20 rpm, sent 30 rpm"

    asyncio.run(story())


def test_an_exception_answer_is_bad_data_in_words_and_not_a_lost_connection(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("fail", code=6)
            reading = await port.read(PROOF)
            refused = await port.write(command({"plc.anchor_sp": 0.5}))
            quiet.ask("fail", code=0)
            assert all_bad(reading)
            assert "device busy (code 6)" in reading["plc.heartbeat_in"].reason
            assert refused.outcome == "refused"
            assert "device busy (code 6)" in refused.reason
            again = await port.read(PROOF)
            assert {s.quality for s in again.values()} == {Quality.GOOD}
            assert port.sources_status()["plc"]["epoch"] == 1

    asyncio.run(story())


@pytest.mark.requirement("IL-07")
def test_an_all_zero_image_is_bad_data_while_connected_and_at_connect(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with opened(sealed(quiet), clock) as port:
            assert (await port.read([*PROOF, "plc.mass"]))["plc.mass"].value == 0.0  # it may be 0
            quiet.ask("zero")
            reading = await port.read([*PROOF, "plc.mass"])
            assert all_bad(reading)
            assert "the whole image is zero" in reading["plc.mass"].reason
        port = WirePort(sealed(quiet), clock)
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
            assert "the whole image is zero" in port.sources_status()["plc"]["last_error"]
            quiet.ask("set", register=0, words=[1, 1, 0])
            await connected(port)
        finally:
            await port.close()

    asyncio.run(story())


@pytest.mark.requirement("P10")
def test_a_frozen_device_makes_the_write_unknown_and_it_is_not_repeated() -> None:
    clock = Clock()
    with Peer(kind="modbus") as peer:
        peer.ask("set", register=0, words=[1, 1, 0])

        async def story() -> None:
            async with opened(sealed(peer, timeout_s=0.4), clock) as port:
                await port.read(PROOF)
                peer.ask("log")
                peer.stop()
                try:
                    result = await port.write(command({"plc.anchor_sp": 0.5}))
                    assert result.outcome == "unknown"
                    assert "it may still land" in result.reason
                    assert dict(result.landed) == {"plc.anchor_sp": None}
                    assert not port.sources_status()["plc"]["connected"]
                finally:
                    peer.resume()
                await connected(port, epoch=2)
                reading = await port.read(PROOF)
                assert {s.epoch for s in reading.values()} == {
                    port.sources_status()["plc"]["epoch"]
                }
                writes = [entry for entry in peer.ask("log") if entry[0] == WRITE_MANY]
                assert len(writes) <= 1  # it may have landed; once
                assert all(address == 100 for _, address, _, _ in writes)  # no heartbeat after it

        asyncio.run(story())


def test_a_read_that_timed_out_is_not_repeated_and_its_late_answer_not_taken() -> None:
    with Peer(kind="modbus") as peer:
        peer.ask("set", register=0, words=[1, 1, 0])
        tags = TAGS | {"plc.other": modbus_tag("plc", 60, "uint16")}
        peer.ask("set", register=60, words=[2222])

        async def story() -> None:
            async with opened(sealed(peer, tags, timeout_s=0.4), Clock()) as port:
                peer.stop()
                try:
                    assert all_bad(await port.read(PROOF))
                finally:
                    peer.resume()
                await connected(port, epoch=2)
                assert (await port.read(["plc.other"]))["plc.other"].value == 2222
                assert port.sources_status()["plc"]["reads_failed"] == 1

        asyncio.run(story())
