"""The bench's OPC UA PLC with certificate and user, against the engine's own wire."""

from __future__ import annotations

import asyncio
import copy
import time
from pathlib import Path
from typing import Any

import pytest

from fieldbus.pki import Pki
from fieldbus.port_wire import WirePort
from hil.bench import Bench, on_free_ports
from hil.bench_identity import introduce
from safety.words import Quality
from tests.fieldbus.bench import until
from tests.hil.sealed_line import sealed_line

pytestmark = pytest.mark.slow
SPEED = 20.0
SECURITY = {
    "policy": "Aes256Sha256RsaPss",
    "server_uri": "urn:rheostat:bench:coater",
    "user": "rheostat",
}


def secured() -> dict[str, Any]:
    sealed = on_free_ports(sealed_line())
    source = sealed["sources"]["coater"]
    source["security"] = dict(SECURITY)
    source["timeout"] = 5.0
    source.pop("insecure", None)
    return sealed


def port_of(sealed: dict[str, Any], pki: Pki | None) -> WirePort:
    return WirePort(sealed, time.monotonic, SPEED, pki=pki)


def coater(port: WirePort) -> dict[str, Any]:
    return port.sources_status()["coater"]


async def refusal(port: WirePort) -> str:
    await port.open()
    try:
        await until(lambda: coater(port)["refusals"] > 0)
        assert not coater(port)["connected"]
        return str(coater(port)["last_refusal"])
    finally:
        await port.close()


@pytest.mark.requirement("SEC-01")
def test_the_bench_with_certificates_and_a_user(tmp_path: Path) -> None:
    sealed = secured()
    with Bench(sealed, tmp_path, speed=SPEED) as bench:
        bench.start_line()
        stranger = Pki(tmp_path / "stranger")
        stranger.make("urn:somebody", ["127.0.0.1"], "somebody", 9)
        introduce(sealed, tmp_path)
        plc = Pki(tmp_path / "plc-coater-pki")
        stranger.accept(plc.own().certificate)
        (stranger.folder / "logins").write_bytes((tmp_path / "pki" / "logins").read_bytes())
        (stranger.folder / "logins").chmod(0o600)
        assert "refuses our certificate" in asyncio.run(refusal(port_of(sealed, stranger)))
        asyncio.run(story(sealed, Pki(tmp_path / "pki")))
        open_line = copy.deepcopy(sealed)
        del open_line["sources"]["coater"]["security"]
        open_line["sources"]["coater"]["insecure"] = True
        asyncio.run(no_open_session(open_line))


async def story(sealed: dict[str, Any], pki: Pki) -> None:
    port = port_of(sealed, pki)
    await port.open()
    try:
        await until(lambda: bool(coater(port)["connected"]))
        reading = await port.read(["coater.heartbeat", "coater.line_speed"])
        assert {sample.quality for sample in reading.values()} == {Quality.GOOD}
        assert coater(port)["protection"].endswith("signed and encrypted, user rheostat")
    finally:
        await port.close()


async def no_open_session(sealed: dict[str, Any]) -> None:
    """The PLC itself opens no session on an open line, whoever asks."""
    port = port_of(sealed, None)
    await port.open()
    try:
        await until(lambda: coater(port)["attempts"] > 1)
        assert coater(port)["epoch"] == 0
    finally:
        await port.close()
