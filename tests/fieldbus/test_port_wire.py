"""The port over several sources: nobody waits for a silent one, and nothing void goes out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fieldbus.port_wire import WirePort
from fieldbus.tags import WiringError
from safety.gate import Command
from safety.words import Quality
from tests.fieldbus.bench import (
    Clock,
    Peer,
    all_bad,
    command,
    connected,
    free_port,
    loop,
    modbus_source,
    modbus_tag,
    modbus_words,
    opcua_source,
    opcua_words,
    opened,
    until,
)

PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
SLOW = "slow.heartbeat_in"
TAGS = {
    **modbus_words("plc"),
    "plc.gap_sp": modbus_tag("plc", 100, "float32", "write"),
}
WRITE_MANY = 16


@pytest.fixture(scope="module")
def plc() -> Iterator[Peer]:
    with Peer(kind="modbus") as peer:
        peer.ask("set", register=0, words=[1, 1, 0])
        yield peer


def sealed(peer: Peer) -> dict[str, Any]:
    return {
        "sources": {"plc": modbus_source(peer)},
        "tags": TAGS,
        "loops": {"plc": loop("plc", ["plc.gap_sp"])},
    }


def with_slow(peer: Peer, source: dict[str, Any], tags: dict[str, Any]) -> dict[str, Any]:
    both = sealed(peer)
    return both | {"sources": both["sources"] | {"slow": source}, "tags": both["tags"] | tags}


def test_a_silent_opc_ua_server_never_delays_the_other(plc: Peer, quiet: Peer) -> None:
    asyncio.run(silent(plc, quiet, opcua_source(quiet, 0.6), opcua_words("slow")))


def test_a_silent_modbus_device_never_delays_the_other(plc: Peer) -> None:
    with Peer(kind="modbus") as slow:
        slow.ask("set", register=0, words=[1, 1, 0])
        asyncio.run(silent(plc, slow, modbus_source(slow, 0.6), modbus_words("slow")))


async def silent(plc: Peer, slow: Peer, source: dict[str, Any], words: dict[str, Any]) -> None:
    async with opened(with_slow(plc, source, words), Clock()) as port:
        slow.stop()
        try:
            waiting = asyncio.create_task(port.read([SLOW, *PROOF]))
            await asyncio.sleep(0)  # its requests are out now
            for _ in range(20):
                fast = await port.read(PROOF)
                assert {s.quality for s in fast.values()} == {Quality.GOOD}
            result = await port.write(command({"plc.gap_sp": 1.5}))
            assert result.outcome == "written"
            assert not waiting.done()  # 21 requests passed the silent one
            mixed = await waiting
            assert mixed[SLOW].quality is Quality.BAD
            assert {mixed[tag].quality for tag in PROOF} == {Quality.GOOD}
            # from now on it is known to be lost, and costs nothing at all
            lost = asyncio.create_task(port.read([SLOW]))
            for _ in range(20):  # turns of the event loop, no time
                await asyncio.sleep(0)
            assert lost.done()
            assert "not connected" in lost.result()[SLOW].reason
        finally:
            slow.resume()
        await connected(port)
        assert (await port.read([SLOW]))[SLOW].epoch >= 2


def test_nothing_connected_is_bad_news_and_no_exception() -> None:
    nobody = Peer(kind="modbus")  # never started

    async def story() -> None:
        port = WirePort(sealed(nobody), Clock())
        before = await port.read(PROOF)
        assert all_bad(before)
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["attempts"] > 2)
            assert all_bad(await port.read(PROOF))
            result = await port.write(command({"plc.gap_sp": 1.5}))
            assert result.outcome == "not-sent"
            assert "plc is not connected: cannot connect" in result.reason
            status = port.sources_status()["plc"]
            assert (status["connected"], status["epoch"], status["writes_not_sent"]) == (
                False,
                0,
                1,
            )
        finally:
            await port.close()

    asyncio.run(story())


@pytest.mark.requirement("P10")
def test_a_void_command_is_not_sent(plc: Peer) -> None:
    clock = Clock()

    def writes() -> list[Any]:
        return [entry for entry in plc.ask("log") if entry[0] == WRITE_MANY]

    async def refusal(port: WirePort, wish: Command) -> str:
        result = await port.write(wish)
        assert result.outcome == "not-sent"
        assert dict(result.landed) == {"plc.gap_sp": None}
        assert writes() == []
        return result.reason

    async def story() -> None:
        async with opened(sealed(plc), clock) as port:
            writes()
            fresh = command({"plc.gap_sp": 1.5})
            assert "before one good full read" in await refusal(port, fresh)
            await port.read(PROOF[:1])  # half of the handshake is no proof
            assert "before one good full read" in await refusal(port, command({"plc.gap_sp": 1.5}))
            await port.read(PROOF)
            done = command({"plc.gap_sp": 1.5})
            assert (await port.write(done)).outcome == "written"
            assert len(writes()) == 2
            assert "carried out before" in await refusal(port, done)
            clock.now_s = 1003.0
            assert "void" in await refusal(port, command({"plc.gap_sp": 1.5}))
            clock.now_s = 999.0
            assert "void" in await refusal(port, command({"plc.gap_sp": 1.5}))
            stranger = command({"plc.gap_sp": 1.5}, loop="oven")
            assert "there is no loop oven" in await refusal(port, stranger)

    asyncio.run(story())


@pytest.mark.requirement("P10")
def test_a_command_that_expires_half_way_keeps_its_heartbeat_back(plc: Peer) -> None:
    times = iter([1000.0])  # for the first check of the write; then it is late

    async def story() -> None:
        clock = Clock()
        async with opened(sealed(plc), clock) as port:
            await port.read(PROOF)
            plc.ask("log")
            port._clock = lambda: next(times, 2000.0)
            result = await port.write(command({"plc.gap_sp": 1.5}))
            assert result.outcome == "unknown"
            assert "the setpoints are out, the handshake is not" in result.reason
            sent = [entry[1] for entry in plc.ask("log") if entry[0] == WRITE_MANY]
            assert sent == [100]

    asyncio.run(story())


def test_two_loops_may_use_one_source_at_the_same_time(plc: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(plc), Clock()) as port:
            await port.read(PROOF)
            wishes = [command({"plc.gap_sp": float(n)}, n) for n in range(1, 9)]
            reads = [port.read(PROOF) for _ in range(8)]
            writing = asyncio.gather(*(port.write(wish) for wish in wishes))
            reading = asyncio.gather(*reads)
            done = await writing
            await reading
            assert [result.outcome for result in done] == ["written"] * 8
            # each read its own back: no other write came between
            assert [dict(result.landed) for result in done] == [
                {"plc.gap_sp": float(n)} for n in range(1, 9)
            ]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("tag", "change", "words"),
    [
        ("plc.gap_sp", {"source": "other"}, "must go to one PLC"),
        ("plc.gap_sp", {"direction": "read"}, "its direction is 'read'"),
        ("plc.sequence", {"type": "float32"}, "must be an integer"),
        ("plc.remote_request", {"type": "uint16"}, "must be a bool"),
        ("plc.gap_sp", {"source": "nowhere"}, "there is no source nowhere"),
    ],
)
def test_a_wiring_that_could_write_half_is_refused(
    tag: str, change: dict[str, Any], words: str
) -> None:
    source = {"protocol": "modbus-tcp", "host": "127.0.0.1", "port": free_port(), "timeout": 1.0}
    wiring = {
        "sources": {"plc": source, "other": source},
        "tags": TAGS | {tag: TAGS[tag] | change},
        "loops": {"plc": loop("plc", ["plc.gap_sp"])},
    }
    with pytest.raises(WiringError, match=words):
        WirePort(wiring, Clock())


@pytest.mark.parametrize(
    ("word", "name", "words"),
    [
        ("heartbeat_out", "plc.nowhere", "plc.nowhere is not in the tag table"),
        ("sequence", None, "the handshake lacks 'sequence'"),
    ],
)
def test_a_handshake_with_a_word_nobody_has_is_refused(
    word: str, name: str | None, words: str
) -> None:
    wiring = sealed(Peer(kind="modbus"))  # never started
    handshake = wiring["loops"]["plc"]["handshake"]
    if name is None:
        del handshake[word]
    else:
        handshake[word] = name
    with pytest.raises(WiringError, match=words):
        WirePort(wiring, Clock())


def test_a_serial_line_that_is_not_there_is_bad_news_and_no_exception(tmp_path: Path) -> None:
    wiring = sealed(Peer(kind="modbus"))
    wiring["sources"]["plc"] |= {
        "protocol": "modbus-rtu", "device": str(tmp_path / "ttyUSB0"), "baud": 19200,
        "parity": "even", "stop_bits": 1, "slowest_answer": 0.01,
    }  # fmt: skip

    async def story() -> None:
        port = WirePort(wiring, Clock())
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
            assert all_bad(await port.read(PROOF))
            assert "ttyUSB0" in port.sources_status()["plc"]["last_error"]
        finally:
            await port.close()

    asyncio.run(story())


def test_the_wire_loads_no_numerical_library() -> None:
    program = (
        "import sys, fieldbus.port_wire; "
        "print([m for m in ('numpy', 'casadi', 'scipy', 'do_mpc', 'pint') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
