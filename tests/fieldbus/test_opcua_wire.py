"""OPC UA over a real socket, against an asyncua server in another process."""

from __future__ import annotations

import asyncio
import math
import time
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
    opcua_source,
    opened,
    until,
    values,
    variables,
)
from tests.fieldbus.conftest import PROOF, SETPOINTS, TAGS, VALUES


def sealed(peer: Peer, tags: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    return {
        "sources": {"plc": opcua_source(peer, **source)},
        "tags": TAGS if tags is None else tags,
        "loops": {"plc": loop("plc", SETPOINTS)},
    }


def test_every_type_is_read_and_scaled(quiet: Peer) -> None:
    quiet.ask("set", name="temp", value=25.0)
    quiet.ask("set", name="weight", value=98.5)

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            got = values(await port.read(list(TAGS)))
            assert {kind: got[f"plc.{kind}"] for kind in VALUES} == VALUES
            assert {k: type(got[f"plc.{k}"]) for k in VALUES} == {
                k: type(v) for k, v in VALUES.items()
            }
            assert got["plc.temp"] == pytest.approx(298.15)
            assert got["plc.weight"] == pytest.approx(0.0985)

    asyncio.run(story())


def test_one_request_reads_all_tags_and_a_stranger_is_bad(quiet: Peer) -> None:
    clock = Clock()

    async def story() -> None:
        async with opened(sealed(quiet), clock) as port:
            quiet.ask("log")
            clock.now_s = 1234.5
            reading = await port.read([*TAGS, "plc.nowhere"])
            assert quiet.ask("log") == [len(TAGS)]
            assert reading["plc.nowhere"].reason == "plc.nowhere is not in the tag table"
            assert {(s.received_s, s.epoch) for t, s in reading.items() if t in TAGS} == {
                (1234.5, 1)
            }

    asyncio.run(story())


@pytest.mark.parametrize(
    ("value", "status", "quality", "words"),
    [
        (99.9, 0x00000000, Quality.GOOD, ""),
        (99.9, 0x408F0000, Quality.UNCERTAIN, "LastUsableValue"),
        (99.9, 0x00960000, Quality.BAD, "GoodLocalOverride: overridden by hand"),
        (99.9, 0x00DC0000, Quality.BAD, "GoodEdited"),
        (99.9, 0x42090000, Quality.BAD, "simulated"),
        (99.98, 0x808C0000, Quality.BAD, "BadSensorFailure"),
        ("nan", 0x00000000, Quality.BAD, "not finite"),
        ("inf", 0x00000000, Quality.BAD, "not finite"),
        ("nan", 0x40930000, Quality.BAD, "not finite"),
    ],
)
@pytest.mark.requirement("FS-09")
def test_quality_comes_with_every_sample(
    quiet: Peer, value: Any, status: int, quality: Quality, words: str
) -> None:
    quiet.ask("set", name="weight", value=value, status=status)

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            sample = (await port.read(["plc.weight", "plc.heartbeat_in"]))["plc.weight"]
            assert sample.quality is quality
            assert words in sample.reason
            assert (sample.value is None) == (quality is Quality.BAD)

    asyncio.run(story())


@pytest.mark.requirement("IL-07")
def test_a_value_of_another_type_than_learnt_is_bad(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            quiet.ask("set_raw", name="weight", kind="String", value="99.9")
            sample = (await port.read(["plc.weight"]))["plc.weight"]
            assert (sample.value, sample.quality) == (None, Quality.BAD)
            assert sample.reason == "the server sent String instead of float32"

    asyncio.run(story())


@pytest.mark.requirement("IL-07")
def test_a_stale_source_time_is_seen_and_not_good_although_the_status_is(quiet: Peer) -> None:
    an_hour_ago = time.time() - 3600.0
    quiet.ask("set", name="weight", value=99.9, time_s=an_hour_ago)
    quiet.ask("set", name="temp", value=20.0, time_s=an_hour_ago)  # has no max_age

    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            reading = await port.read(["plc.weight", "plc.temp", "plc.heartbeat_in"])
            weight, temp = reading["plc.weight"], reading["plc.temp"]
            assert weight.quality is Quality.BAD
            assert "older than the server's clock; at most 20 s" in weight.reason
            assert weight.source_time_s == pytest.approx(an_hour_ago, abs=1e-3)
            assert temp.quality is Quality.GOOD
            assert temp.source_time_s == pytest.approx(an_hour_ago, abs=1e-3)

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_setpoints_go_first_and_the_heartbeat_last_all_without_time_stamps(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            result = await port.write(command({"plc.ratio_sp": 2.1, "plc.gap_sp": 300e-6}, 70_001))
            assert (result.outcome, result.reason) == ("written", "")
            # 2.1 comes back as the 32-bit float nearest to it: that is what landed
            assert result.landed["plc.ratio_sp"] == pytest.approx(2.1, rel=1e-7)
            assert result.landed["plc.ratio_sp"] != 2.1
            assert result.landed["plc.gap_sp"] == pytest.approx(300e-6)
            setpoints, words, read_back = quiet.ask("log")
            assert [item["name"] for item in setpoints] == ["ratio_sp", "gap_sp"]
            assert [(item["name"], item["value"]) for item in words] == [
                ("remote_request", "True"),
                ("sequence", "70001"),
                ("heartbeat_out", "4465"),  # 70001 wrapped into 16 bits
            ]
            assert not any(item["stamped"] for item in (*setpoints, *words))
            assert read_back == 2

    asyncio.run(story())


def test_a_release_writes_the_handshake_words_only(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            result = await port.write(command({}, remote=False))
            assert (result.outcome, dict(result.landed)) == ("written", {})
            (words,) = quiet.ask("log")
            assert words[0] == {"name": "remote_request", "value": "False", "stamped": False}

    asyncio.run(story())


@pytest.mark.requirement("IL-19")
@pytest.mark.parametrize(
    ("setpoints", "words"),
    [
        ({"plc.ratio_sp": math.nan}, "not a finite number"),
        ({"plc.ratio_sp": 2.0, "plc.gap_sp": math.inf}, "not a finite number"),
        ({"plc.ratio_sp": True}, "not a finite number"),
        ({"plc.ratio_sp": 1e39}, "too large for a 32-bit float"),
        ({"plc.temp": 300.0}, "plc.temp is not a setpoint of the loop plc"),
        ({"plc.engine": 1.0}, "plc.engine is not a setpoint of the loop plc"),
    ],
)
def test_what_must_not_leave_does_not(quiet: Peer, setpoints: dict[str, float], words: str) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            result = await port.write(command(setpoints))
            assert result.outcome == "not-sent"
            assert words in result.reason
            assert result.landed == dict.fromkeys(setpoints)
            assert quiet.ask("log") == []

    asyncio.run(story())


@pytest.mark.requirement("IL-13")
def test_a_server_that_stores_nothing_is_found_out_by_the_read_back(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("store", name="ratio_sp", stores=False)
            try:
                result = await port.write(command({"plc.ratio_sp": 2.5, "plc.gap_sp": 300e-6}))
            finally:
                quiet.ask("store", name="ratio_sp", stores=True)
            assert result.outcome == "written"  # that is what the server claims
            assert result.landed["plc.ratio_sp"] == 0.0
            assert result.landed["plc.gap_sp"] == pytest.approx(300e-6)
            assert result.reason == "plc.ratio_sp reads back 0 rev/m, sent 2.5 rev/m"
            assert port.sources_status()["plc"]["readback_mismatches"] == 1

    asyncio.run(story())


def test_a_refused_setpoint_keeps_the_handshake_back(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("lock", name="gap_sp")
            quiet.ask("log")
            try:
                both = await port.write(command({"plc.ratio_sp": 2.5, "plc.gap_sp": 300e-6}))
                one = await port.write(command({"plc.gap_sp": 300e-6}))
            finally:
                quiet.ask("unlock", name="gap_sp")
            # half of a vector that landed is neither 'written' nor 'refused'
            assert both.outcome == "unknown"
            assert both.landed["plc.ratio_sp"] == pytest.approx(2.5)
            assert one.outcome == "refused"
            assert "plc.gap_sp: the server answered BadUserAccessDenied" in one.reason
            sent = [
                item["name"]
                for entry in quiet.ask("log")
                if entry != 1 and entry != 2
                for item in entry
            ]
            assert sent == ["ratio_sp", "gap_sp", "gap_sp"]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "double"}, "tag plc.weight: the server has Float, the tag table says float64"),
        ({"node": "nsu=urn:rheostat:test:plc;s=gone"}, "tag plc.weight: no node .* (BadNodeId"),
        ({"node": "nsu=urn:other;s=weight"}, "tag plc.weight: the server has no namespace urn:oth"),
        ({"node": "ns=2;s=weight"}, "tag plc.weight: address 'ns=2;s=weight' must name its names"),
        ({"direction": "write"}, "tag plc.weight: the server does not let us write it"),
    ],
)
def test_a_table_that_does_not_fit_the_server_never_gets_ready(
    opcua_plc: Peer, change: dict[str, Any], words: str
) -> None:
    tags = TAGS | {"plc.weight": TAGS["plc.weight"] | change}

    async def story() -> None:
        port = WirePort(sealed(opcua_plc, tags), Clock())
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
            status = port.sources_status()["plc"]
            assert not status["connected"]
            head, _, tail = words.partition(" .* ")
            assert head in status["last_error"]
            assert tail in status["last_error"]
            assert all_bad(await port.read(list(tags)))
        finally:
            await port.close()

    asyncio.run(story())


def test_without_certificates_only_a_source_called_insecure_is_connected(opcua_plc: Peer) -> None:
    async def story() -> None:
        port = WirePort(sealed(opcua_plc, insecure=False), Clock())
        await port.open()
        try:
            await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
            assert "names no security" in port.sources_status()["plc"]["last_error"]
        finally:
            await port.close()

    asyncio.run(story())


@pytest.mark.requirement("IL-08")
def test_killed_and_restarted_with_other_namespaces_a_new_epoch_reads_the_same_tags() -> None:
    clock = Clock()
    with Peer(kind="opcua", variables=variables(TAGS, **VALUES)) as peer:

        async def story() -> None:
            async with opened(sealed(peer), clock) as port:
                first = await port.read(list(TAGS))
                peer.kill()
                assert all_bad(await port.read(list(TAGS)))
                stale = command({"plc.ratio_sp": 2.5})
                assert (await port.write(stale)).outcome == "not-sent"
                clock.now_s += 1.0
                limits = {"MaxNodesPerRead": 7, "MaxNodesPerWrite": 1}
                peer.start(shift=3, limits=limits)
                await connected(port, epoch=2)

                early = await port.write(command({"plc.ratio_sp": 2.5}, minted_s=clock.now_s))
                assert early.outcome == "not-sent"
                assert "before one good full read" in early.reason
                again = await port.read(list(TAGS))
                assert values(again) == values(first)
                assert {s.epoch for s in first.values()} == {1}
                assert {s.epoch for s in again.values()} == {2}
                old = await port.write(stale)
                assert old.outcome == "not-sent"
                assert "reconnected since the command was made" in old.reason

                # and now the operation limits of the new server, learnt at connect
                reads = [entry for entry in peer.ask("log") if isinstance(entry, int)]
                assert max(reads) == 7
                fresh = command({"plc.ratio_sp": 2.5, "plc.gap_sp": 300e-6}, minted_s=clock.now_s)
                assert (await port.write(fresh)).outcome == "written"
                sent = [entry for entry in peer.ask("log") if not isinstance(entry, int)]
                assert [[item["name"] for item in request] for request in sent] == [
                    ["ratio_sp"],
                    ["gap_sp"],
                    ["remote_request"],
                    ["sequence"],
                    ["heartbeat_out"],
                ]

        asyncio.run(story())


@pytest.mark.requirement("P10")
def test_a_frozen_server_makes_the_write_unknown_and_it_is_not_repeated(quiet: Peer) -> None:
    async def story() -> None:
        async with opened(sealed(quiet, timeout_s=0.5), Clock()) as port:
            await port.read(PROOF)
            quiet.ask("log")
            quiet.stop()
            try:
                result = await port.write(command({"plc.ratio_sp": 2.5}))
                assert result.outcome == "unknown"
                assert "it may still land" in result.reason
                assert dict(result.landed) == {"plc.ratio_sp": None}
                assert not port.sources_status()["plc"]["connected"]
                assert all_bad(await port.read(PROOF))
            finally:
                quiet.resume()
            await connected(port, epoch=2)
            sent = [entry for entry in quiet.ask("log") if not isinstance(entry, int)]
            assert len(sent) <= 1  # it may have landed; once
            assert not any(item["name"] == "heartbeat_out" for r in sent for item in r)

    asyncio.run(story())
