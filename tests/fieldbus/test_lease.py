"""One engine writes: on one machine by the kernel, between machines by the PLC's owner word."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fieldbus.lease import Ownership
from fieldbus.port_wire import WirePort
from fieldbus.tags import Tag
from safety.words import WriteResult
from tests.fieldbus.bench import (
    Clock,
    Peer,
    command,
    loop,
    modbus_source,
    modbus_tag,
    modbus_words,
    opened,
)
from tests.fieldbus.test_modbus_wire import PROOF, float_words

TAGS = {
    **modbus_words("plc"),
    "plc.anchor_sp": modbus_tag("plc", 100, "float32", "write"),
    "plc.jacket_sp": modbus_tag("plc", 102, "float32", "write"),
    "plc.owner": modbus_tag("plc", 110, "uint16", "write"),
    "plc.commit": modbus_tag("plc", 112, "uint16", "write"),
}
LEASE_S = 24.0  # three cycles of 8 s


@pytest.fixture(scope="module")
def plc() -> Iterator[Peer]:
    with Peer(kind="modbus") as peer:
        yield peer


@pytest.fixture
def quiet(plc: Peer) -> Peer:
    for verb in ("zero", "log"):
        plc.ask(verb)
    plc.ask("keep", keeps=True)
    plc.ask("set", register=0, words=[1, 1, 0])
    return plc


def sealed(peer: Peer, host: str = "127.0.0.1", **words: str) -> dict[str, Any]:
    row = loop("plc", ("plc.anchor_sp", "plc.jacket_sp"))
    row["handshake"] |= words
    row |= {"period": 8.0, "gate": {"heartbeat_cycles": 3}}
    source = modbus_source(peer, host=host)
    return {"sources": {"plc": source}, "tags": TAGS, "loops": {"plc": row}}


async def sent(port: WirePort, clock: Clock, value: float, count: int) -> WriteResult:
    """Read as a cycle does, then write."""
    await port.read(PROOF)
    now_s = clock()
    setpoints = {"plc.anchor_sp": value, "plc.jacket_sp": value}
    times = {"minted_s": now_s, "expires_s": now_s + 3.0}
    return await port.write(command(setpoints, count, **times))


@asynccontextmanager
async def two(first: Any, second: Any, clock: Clock) -> AsyncIterator[tuple[WirePort, WirePort]]:
    async with opened(first, clock) as a, opened(second, clock) as b:
        yield a, b


@pytest.mark.requirement("IL-18")
def test_two_engines_on_one_machine_never_write_to_one_plc(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with two(sealed(quiet), sealed(quiet), clock) as (first, second):
            assert (await sent(first, clock, 30.0, 1)).outcome == "written"
            result = await sent(second, clock, 40.0, 1)
            assert (result.outcome, result.reason) == (
                "not-sent",
                "another engine on this machine writes to plc",
            )
            assert quiet.ask("get", register=100, count=2) == float_words(30.0)
            await first.close()
            assert (await sent(second, clock, 40.0, 2)).outcome == "written"

    asyncio.run(story())
    assert quiet.ask("get", register=100, count=2) == float_words(40.0)


def other_machine(peer: Peer) -> dict[str, Any]:
    """Return the same PLC under another address, which the kernel takes for another one."""
    return sealed(peer, host="localhost", owner="plc.owner")


@pytest.mark.requirement("IL-18")
def test_a_claim_has_to_stand_before_the_first_setpoint(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with opened(sealed(quiet, owner="plc.owner"), clock) as port:
            claim = await sent(port, clock, 30.0, 1)
            assert claim.outcome == "not-sent"
            assert "has just claimed the loop" in claim.reason
            assert quiet.ask("get", register=100, count=2) == [0, 0]
            assert quiet.ask("get", register=108, count=1) == [0]
            assert (await sent(port, clock, 30.0, 2)).outcome == "written"
            number = quiet.ask("get", register=110, count=1)[0]
            assert number != 0
            await port.write(command({}, 3, remote=False))
            assert quiet.ask("get", register=110, count=1) == [0], "given back with the loop"

    asyncio.run(story())


@pytest.mark.requirement("IL-18")
def test_the_later_of_two_claims_stands_and_the_other_engine_stays_silent(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        pair = (sealed(quiet, owner="plc.owner"), other_machine(quiet))
        async with two(*pair, clock) as (first, second):
            assert "claimed" in (await sent(first, clock, 30.0, 1)).reason
            quiet.ask("set", register=110, words=[0])  # both had read 'nobody'
            assert "claimed" in (await sent(second, clock, 40.0, 1)).reason
            for count in range(2, 6):
                clock.now_s += 8.0
                assert (await sent(second, clock, 40.0, count)).outcome == "written"
                result = await sent(first, clock, 30.0, count)
                assert result.outcome == "not-sent"
                assert "has this loop" in result.reason
            assert quiet.ask("get", register=100, count=2) == float_words(40.0)

    asyncio.run(story())


@pytest.mark.requirement("IL-18")
def test_an_owner_whose_heartbeat_stands_is_followed_and_does_not_come_back(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        pair = (sealed(quiet, owner="plc.owner"), other_machine(quiet))
        async with two(*pair, clock) as (first, second):
            for count in (1, 2):
                await sent(first, clock, 30.0, count)
            for count in range(1, 4):  # the first is cut off; its heartbeat stands
                assert "has this loop" in (await sent(second, clock, 40.0, count)).reason
                clock.now_s += LEASE_S / 3
            assert "claimed" in (await sent(second, clock, 40.0, 4)).reason
            late = await sent(first, clock, 30.0, 3)
            assert late.outcome == "not-sent", "the cable is back, the loop is not"
            assert (await sent(second, clock, 40.0, 5)).outcome == "written"
            assert quiet.ask("get", register=100, count=2) == float_words(40.0)

    asyncio.run(story())


def test_nobody_and_strangers() -> None:
    word = Tag(name="owner", source="plc", direction="write", type="uint16")
    mine = Ownership(word, word, LEASE_S, 7)
    assert mine.found(7, 1, 0.0) == "ours"
    assert mine.found(0, 1, 0.0) == "free"
    assert "engine 9 has this loop" in mine.found(9, 1, 100.0)
    assert "engine 9" in mine.found(9, 2, 123.0), "a heartbeat that moves renews the lease"
    assert "engine 9" in mine.found(9, 2, 146.0)
    assert mine.found(9, 2, 147.0) == "free"


@pytest.mark.requirement("IL-13")
def test_setpoints_are_committed_together_once_all_of_them_are_there(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with opened(sealed(quiet, commit="plc.commit"), clock) as port:
            quiet.ask("log")
            result = await sent(port, clock, 30.0, 9)
            assert result.outcome == "written"
            assert dict(result.landed) == {"plc.anchor_sp": 30.0, "plc.jacket_sp": 30.0}
            log = [entry[:2] for entry in quiet.ask("log") if entry[1] >= 100]
            assert log == [[16, 100], [3, 100], [16, 112], [16, 106]]
            assert quiet.ask("get", register=112, count=1) == [9]
            half = await port.write(command({"plc.anchor_sp": 31.0}, 10))
            assert half.outcome == "not-sent"
            assert "all or none" in half.reason

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_what_did_not_land_whole_is_not_committed(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with opened(sealed(quiet, commit="plc.commit"), clock) as port:
            await sent(port, clock, 30.0, 9)
            quiet.ask("keep", keeps=False)
            result = await sent(port, clock, 31.0, 10)
            assert result.outcome == "refused"
            assert "not committed, so the PLC takes none of them" in result.reason
            quiet.ask("keep", keeps=True)
            assert quiet.ask("get", register=112, count=1) == [9]
            assert quiet.ask("get", register=108, count=1) == [9], "and no heartbeat"

    asyncio.run(story())
