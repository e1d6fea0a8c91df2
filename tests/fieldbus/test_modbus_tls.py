"""Modbus inside TLS: both sides by certificate, and every other one refused in words."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fieldbus.certificate import make_certificate
from fieldbus.pki import Pki
from fieldbus.port_wire import WirePort
from tests.fieldbus.bench import Clock, Peer, all_bad, command, connected, modbus_source, until
from tests.fieldbus.test_modbus_wire import PROOF, sealed

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DEVICE = make_certificate(KEY, "urn:test:device", ["127.0.0.1"], "a device", 30, of_server=True)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ours")
    for name in ("known", "stranger"):
        pki = Pki(folder / name)
        pki.make("urn:rheostat:test:engine", ["engine.test"], "Rheostat", 30)
        pki.accept(DEVICE)
    return folder


@pytest.fixture
def pki(model: Path, tmp_path: Path) -> Pki:
    return Pki(shutil.copytree(model / "known", tmp_path / "pki"))


@pytest.fixture(scope="module")
def plc(model: Path) -> Iterator[Peer]:
    (model / "device.pem").write_bytes(DEVICE.public_bytes(Encoding.PEM))
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (model / "device.key").write_bytes(pem)
    tls = {
        "certificate": str(model / "device.pem"),
        "key": str(model / "device.key"),
        "client": str(model / "known" / "own.der"),
    }
    with Peer(kind="modbus", tls=tls) as peer:
        peer.ask("set", register=0, words=[1, 1, 0])
        yield peer


def port_to(peer: Peer, pki: Pki | None, **source: Any) -> WirePort:
    config = sealed(peer)
    config["sources"]["plc"] = modbus_source(peer, tls=True, **source)
    return WirePort(config, Clock(), pki=pki)


@pytest.mark.requirement("SEC-04")
def test_inside_tls_is_read_and_written(plc: Peer, pki: Pki) -> None:
    async def story() -> None:
        port = port_to(plc, pki)
        await port.open()
        try:
            await connected(port)
            await port.read(PROOF)
            result = await port.write(command({"plc.anchor_sp": 0.5}))
            assert (result.outcome, result.reason) == ("written", "")
            status = port.sources_status()["plc"]
            assert status["protection"] == "TLS, both sides by certificate"
            assert not status["insecure"]
        finally:
            await port.close()

    asyncio.run(story())


async def refused(port: WirePort) -> str:
    await port.open()
    try:
        await until(lambda: port.sources_status()["plc"]["attempts"] > 1)
        assert all_bad(await port.read(list(PROOF)))
        status = port.sources_status()["plc"]
        assert (status["connected"], status["epoch"]) == (False, 0)
        return str(status["last_error"])
    finally:
        await port.close()


@pytest.mark.requirement("SEC-04")
def test_a_device_we_do_not_trust_is_refused_and_kept_to_be_looked_at(plc: Peer, pki: Pki) -> None:
    for path, _ in pki.trusted():
        path.unlink()
    assert "it is not on our trust list" in asyncio.run(refused(port_to(plc, pki)))
    assert [one for _, one in pki.rejected()] == [DEVICE]


@pytest.mark.requirement("SEC-04")
def test_a_device_at_another_address_than_its_certificate_says_is_refused(
    plc: Peer, pki: Pki
) -> None:
    text = asyncio.run(refused(port_to(plc, pki, host="localhost")))
    assert "it is for 127.0.0.1, not for localhost" in text


@pytest.mark.requirement("SEC-04")
def test_a_device_that_does_not_trust_us_lets_go(plc: Peer, model: Path, tmp_path: Path) -> None:
    stranger = Pki(shutil.copytree(model / "stranger", tmp_path / "stranger"))
    assert "does it trust our certificate?" in asyncio.run(refused(port_to(plc, stranger)))


@pytest.mark.requirement("SEC-04")
def test_a_device_in_clear_is_not_spoken_to(pki: Pki) -> None:
    with Peer(kind="modbus") as bare:
        text = asyncio.run(refused(port_to(bare, pki, timeout_s=1.0)))
    assert "no TLS with the device" in text or "cannot connect" in text


def test_without_certificates_of_our_own_nothing_is_tried(plc: Peer, tmp_path: Path) -> None:
    assert "no folder for certificates" in asyncio.run(refused(port_to(plc, None)))
    assert "cannot be read" in asyncio.run(refused(port_to(plc, Pki(tmp_path))))
