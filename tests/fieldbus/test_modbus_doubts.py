"""What a Modbus device can say that is not so: torn values, another device, another order."""

from __future__ import annotations

import asyncio
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
    loop,
    modbus_source,
    modbus_tag,
    modbus_words,
    opened,
    until,
)
from tests.fieldbus.test_modbus_wire import PROOF, float_words

TAGS = {
    **modbus_words("plc"),
    "plc.mass": modbus_tag("plc", 8, "float32"),
    "plc.count": modbus_tag("plc", 10, "uint16"),
    "plc.anchor_sp": modbus_tag("plc", 100, "float32", "write"),
    "plc.flag_sp": modbus_tag("plc", 102, "float32", "write"),
}
OLD, NEW = float_words(50.3), float_words(61.7)
HALF = [OLD[0], NEW[1]]


@pytest.fixture(scope="module")
def plc() -> Iterator[Peer]:
    with Peer(kind="modbus") as peer:
        yield peer


@pytest.fixture
def quiet(plc: Peer) -> Peer:
    plc.ask("zero")
    plc.ask("play", course=[])
    plc.ask("set", register=0, words=[1, 1, 0])
    plc.ask("set", register=8, words=OLD)
    plc.ask("log")
    return plc


def sealed(peer: Peer, tags: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    return {
        "sources": {"plc": modbus_source(peer, **source)},
        "tags": TAGS if tags is None else tags,
        "loops": {"plc": loop("plc", ("plc.anchor_sp", "plc.flag_sp"))},
    }


def read(config: dict[str, Any], peer: Peer, course: list[dict[str, list[int]]]) -> Any:
    """Read mass and count while the PLC plays a course of changes, one step before each read."""

    async def story() -> Any:
        async with opened(config, Clock()) as port:
            peer.ask("play", course=course)
            peer.ask("log")
            return await port.read(["plc.mass", "plc.count"])

    return asyncio.run(story())


def test_without_a_defence_a_half_written_value_is_believed(quiet: Peer) -> None:
    reading = read(sealed(quiet), quiet, [{"8": HALF}, {"8": NEW}])
    assert reading["plc.mass"].value not in (pytest.approx(50.3), pytest.approx(61.7))


@pytest.mark.requirement("IL-07")
def test_two_readings_must_agree_on_a_wide_value(quiet: Peer) -> None:
    config = sealed(quiet, read_twice=True)
    reading = read(config, quiet, [{"8": HALF}, {"8": NEW}])
    assert reading["plc.mass"].value == pytest.approx(61.7)
    assert len(quiet.ask("log")) == 3


@pytest.mark.requirement("IL-07")
def test_a_value_that_never_comes_to_rest_is_bad_and_its_neighbour_is_not(quiet: Peer) -> None:
    course = [{"8": float_words(float(step)), "10": [step]} for step in range(1, 9)]
    reading = read(sealed(quiet, read_twice=True), quiet, course)
    assert reading["plc.mass"].quality is Quality.BAD
    assert "half old, half new" in reading["plc.mass"].reason
    assert reading["plc.count"].value == 4
    assert len(quiet.ask("log")) == 4


SCAN = {"table": "holding", "before": 4, "after": 12}


@pytest.mark.requirement("IL-07")
def test_a_reading_between_two_scan_words_counts_when_they_are_equal(quiet: Peer) -> None:
    course = [{"4": [8], "8": HALF, "12": [7]}, {"8": NEW, "12": [8]}]
    reading = read(sealed(quiet, scan_words=SCAN), quiet, course)
    assert reading["plc.mass"].value == pytest.approx(61.7)
    assert [entry[1:3] for entry in quiet.ask("log")] == [[4, 9], [4, 9]]


@pytest.mark.requirement("IL-07")
def test_a_scan_that_never_ends_is_bad_data_for_all_that_lies_in_it(quiet: Peer) -> None:
    course = [{"4": [step + 1], "12": [step]} for step in range(8)]
    reading = read(sealed(quiet, scan_words=SCAN), quiet, course)
    assert all_bad(reading)
    assert len(quiet.ask("log")) == 4


CANARY = {"plc.canary": modbus_tag("plc", 14, "float32", must_be=12345.678)}


@pytest.mark.requirement("SEC-04")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (float_words(1.0), "is 1.0 and must be 12345.67"),
        (float_words(12345.678)[::-1], "with word_order: little, byte_order: big"),
        ([0, 0], "is 0.0 and must be"),
    ],
)
def test_nothing_of_a_device_without_its_signature_is_believed(
    quiet: Peer, words: list[int], says: str
) -> None:
    quiet.ask("set", register=14, words=words)

    async def story() -> None:
        port = WirePort(sealed(quiet, TAGS | CANARY), Clock())
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["connected"])
            reading = await port.read([*PROOF, "plc.mass"])
            assert all_bad(reading)
            assert says in reading["plc.mass"].reason
            result = await port.write(command({"plc.anchor_sp": 0.5}))
            assert result.outcome == "not-sent"
        finally:
            await port.close()

    asyncio.run(story())
    assert all(entry[0] == 3 for entry in quiet.ask("log")), "nothing was written"


@pytest.mark.requirement("SEC-04")
def test_a_signature_that_goes_away_ends_the_connection(quiet: Peer) -> None:
    quiet.ask("set", register=14, words=float_words(12345.678))

    async def story() -> None:
        async with opened(sealed(quiet, TAGS | CANARY), Clock()) as port:
            assert (await port.read(["plc.mass"]))["plc.mass"].value == pytest.approx(50.3)
            quiet.ask("set", register=14, words=[0, 0])
            assert all_bad(await port.read(["plc.mass"]))
            quiet.ask("set", register=14, words=float_words(12345.678))
            await until(lambda: port.sources_status()["plc"]["epoch"] >= 2)
            assert (await port.read(["plc.mass"]))["plc.mass"].value == pytest.approx(50.3)

    asyncio.run(story())


@pytest.mark.parametrize(("usual", "codes"), [(16, [16, 16]), (23, [23, 23]), (6, [16, 6, 6, 6])])
def test_registers_are_written_by_the_function_the_source_names(
    quiet: Peer, usual: int, codes: list[int]
) -> None:
    async def story() -> None:
        async with opened(sealed(quiet, write_function=usual), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            result = await port.write(command({"plc.anchor_sp": 30.0, "plc.flag_sp": 2.5}, 9))
            assert (result.outcome, result.reason) == ("written", "")

    asyncio.run(story())
    log = [entry for entry in quiet.ask("log") if entry[3] is not None]
    seen = [entry[0] for entry in log]
    assert [code for at, code in enumerate(seen) if code != 6 or log[at] != log[at - 1]] == codes
    assert quiet.ask("get", register=100, count=4) == [*float_words(30.0), *float_words(2.5)]
    assert quiet.ask("get", register=106, count=3) == [1, 9, 9]


def test_one_tag_may_be_written_by_another_function(quiet: Peer) -> None:
    tags = TAGS | {"plc.heartbeat_out": TAGS["plc.heartbeat_out"] | {"write_function": 6}}

    async def story() -> None:
        async with opened(sealed(quiet, tags), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            await port.write(command({"plc.anchor_sp": 30.0}, 9))

    asyncio.run(story())
    writes = [entry[:2] for entry in quiet.ask("log") if entry[3] is not None]
    assert writes[:2] == [[16, 100], [16, 106]]
    assert set(map(tuple, writes[2:])) == {(6, 108)}  # the peer's library calls us twice for it
