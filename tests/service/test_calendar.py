"""Calendar jobs: the nightly verification of the chain, and nothing that control depends on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import apsw
import pytest

from records.reader import RecordReader
from service.engine import Engine
from service.solver_child import leashed
from tests.service.small_line import LOOP, small_sealed

IN_CLEAR = {"insecure": True}
SECURED = {"security": {"policy": "Aes256Sha256RsaPss", "server_uri": "urn:none"}}


def engine_without_plc(place: Path, protection: Mapping[str, Any] = IN_CLEAR) -> Engine:
    """Return an engine whose PLC does not exist."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sealed = small_sealed()
    sealed["sources"]["coater"] = {
        "protocol": "opcua", "endpoint": f"opc.tcp://127.0.0.1:{port}/", "timeout": 0.2,
        **protection,
    }  # fmt: skip
    for name, tag in sealed["tags"].items():
        tag["node"] = f"nsu=urn:none;s={name}"
    return Engine(place, sealed, 1.0, leashed("tests.service.fake_worker"))


@pytest.mark.requirement("REC-13")
def test_the_chain_is_verified_every_night_and_the_result_recorded(tmp_path: Path) -> None:
    async def story() -> None:
        engine = engine_without_plc(tmp_path)
        await engine.start()
        try:
            jobs = {job.func: job for job in engine._calendar.get_jobs()}
            assert set(jobs) == {engine.verify_records, engine.look_at_certificates}
            night = jobs[engine.verify_records].next_run_time
            assert night.strftime("%H:%M %Z") == "03:00 UTC"
            assert (await engine.verify_records())["ok"] is True
            tamper(engine.recorder.path)
            report = await engine.verify_records()
            assert report["ok"] is False
            assert report["first_bad_seq"] == 1
            loop = (await engine.status())["loops"][LOOP]
            assert loop["mode"] == "OFF"
        finally:
            await engine.stop("the test is over")

    asyncio.run(story())
    found = RecordReader(tmp_path / "records.sqlite").last_of_kind("event", 9)
    assert [entry.body["ok"] for entry in found] == [True, False]


def tamper(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER record_no_update").fetchall()
    connection.execute("UPDATE record SET utc = 'yesterday' WHERE seq = 1").fetchall()
    connection.close()


@pytest.mark.requirement("SEC-17")
@pytest.mark.parametrize("protection", [SECURED, {"tls": True}])
def test_a_certificate_that_soon_expires_is_an_alarm_and_recorded_once(
    tmp_path: Path, protection: Mapping[str, Any]
) -> None:
    async def story() -> None:
        engine = engine_without_plc(tmp_path, protection)
        engine.pki.make("urn:us", ["127.0.0.1"], "us", 9)
        await engine.start()
        try:
            await engine.look_at_certificates()
            (alarm,) = (await engine.status())["certificates"]
            assert "days" in alarm
        finally:
            await engine.stop("the test is over")

    asyncio.run(story())
    entries = RecordReader(tmp_path / "records.sqlite").last_of_kind("event", 9)
    assert [entry.body["event"] for entry in entries].count("certificate-alarm") == 1


def test_an_engine_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    async def story() -> None:
        place = tmp_path / ("long" * 30)
        engine = engine_without_plc(place)
        with pytest.raises(OSError, match="too long"):
            await engine.start()
        await engine.stop("start failed")
        assert not (place / "engine.pid").exists()

    asyncio.run(story())
