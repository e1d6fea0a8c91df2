"""OPC UA, signed and encrypted, against node-opcua (TypeScript) and open62541 (C)."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from fieldbus.certificate import make_certificate
from fieldbus.pki import Pki
from fieldbus.port_wire import WirePort
from safety.words import Quality
from tests.fieldbus.bench import (
    OPCUA_TYPES,
    Clock,
    Peer,
    all_bad,
    command,
    connected,
    free_port,
    loop,
    opcua_source,
    opcua_tag,
    opcua_words,
    until,
    values,
    variables,
)
from tests.fieldbus.conftest import VALUES
from tests.fieldbus.interop.outsiders import NEEDS, NodeOpcUa, Open62541

pytestmark = pytest.mark.slow

URI = "urn:rheostat:test:outsider"  # the application, and the namespace of its variables
POLICY = "Aes256Sha256RsaPss"
TAGS = {
    name: tag | {"node": tag["node"].replace("urn:rheostat:test:plc", URI)}
    for name, tag in {
        **opcua_words("plc"),
        **{f"plc.{kind}": opcua_tag("plc", kind, kind) for kind in OPCUA_TYPES},
        "plc.ratio_sp": opcua_tag("plc", "ratio_sp", "float", "write", unit="rev/m"),
        "plc.gap_sp": opcua_tag("plc", "gap_sp", "float", "write", gain=1e-6, unit="um"),
    }.items()
}
PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey = KEY) -> x509.Certificate:
    return make_certificate(key, URI, ["127.0.0.1"], "a PLC", 30, of_server=True)


GENUINE = certificate()


@pytest.fixture(scope="module", params=[NodeOpcUa, Open62541])
def stack(request: pytest.FixtureRequest) -> type[Peer]:
    kind: type[Peer] = request.param
    NEEDS[kind]()
    return kind


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one identity of ours that the PLCs trust, and one that they do not."""
    folder = tmp_path_factory.mktemp("ours")
    for name in ("known", "stranger"):
        pki = Pki(folder / name)
        pki.make("urn:rheostat:test:engine", ["engine.test"], "Rheostat", 30)
        pki.accept(GENUINE)
        login(pki, "right horse")
    return folder


def login(pki: Pki, password: str) -> None:
    file = pki.folder / "logins"
    file.touch(0o600)
    file.write_text(f"# PLC user password\nplc rheostat {password}\n", "utf-8")


@pytest.fixture
def pki(model: Path, tmp_path: Path) -> Pki:
    return Pki(shutil.copytree(model / "known", tmp_path / "pki"))


def spec(folder: Path, model: Path, **changes: Any) -> dict[str, Any]:
    """Return what a server has to be: its certificate, whom it trusts, what it has."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "plc.pem").write_bytes(GENUINE.public_bytes(Encoding.PEM))
    (folder / "plc.key").write_bytes(pem)
    return {
        "folder": str(folder),
        "uri": URI,
        "namespace": URI,
        "certificate": str(folder / "plc.pem"),
        "key": str(folder / "plc.key"),
        "clients": [str(model / "known" / "own.der")],
        "policies": ["None", "Basic256Sha256", "Aes128Sha256RsaOaep", POLICY],
        "modes": ["None", "SignAndEncrypt"],
        "logins": {"rheostat": "right horse"},
        "variables": variables(TAGS, **VALUES, heartbeat_in=7, remote_ready=True),
    } | changes


@pytest.fixture(scope="module")
def plc(stack: type[Peer], model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    with stack(**spec(tmp_path_factory.mktemp("plc"), model)) as peer:
        yield peer


def sealed(peer: Peer, policy: str = POLICY, timeout_s: float = 5.0, **changes: Any) -> Any:
    security = {"policy": policy, "server_uri": URI, "user": "rheostat"} | changes
    source = opcua_source(peer, timeout_s=timeout_s, security=security)
    del source["insecure"]
    setpoints = ("plc.ratio_sp", "plc.gap_sp")
    return {"sources": {"plc": source}, "tags": TAGS, "loops": {"plc": loop("plc", setpoints)}}


@pytest.mark.requirement("SEC-01")
@pytest.mark.requirement("SEC-02")
@pytest.mark.parametrize("policy", ["Basic256Sha256", "Aes128Sha256RsaOaep", POLICY])
def test_every_type_is_read_and_setpoints_are_written(plc: Peer, pki: Pki, policy: str) -> None:
    async def story() -> None:
        port = WirePort(sealed(plc, policy), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
            reading = await port.read([*PROOF, *(f"plc.{kind}" for kind in VALUES)])
            assert values(reading) == {
                "plc.heartbeat_in": 7,
                "plc.remote_ready": True,
                "plc.remote_active": False,
                **{f"plc.{kind}": value for kind, value in VALUES.items()},
            }
            assert {sample.quality for sample in reading.values()} == {Quality.GOOD}
            result = await port.write(command({"plc.ratio_sp": 0.1, "plc.gap_sp": 280e-6}))
            assert (result.outcome, result.reason) == ("written", "")
            status = port.sources_status()["plc"]
            assert status["protection"] == f"{policy}, signed and encrypted, user rheostat"
            assert status["refusals"] == 0
        finally:
            await port.close()

    asyncio.run(story())
    assert plc.ask("get", name="ratio_sp") == pytest.approx(0.1, abs=1e-8)
    assert plc.ask("get", name="gap_sp") == 280.0
    assert plc.ask("get", name="heartbeat_out") == 1


async def refused(port: WirePort) -> str:
    """Wait for the first refusal, see that nothing goes in or out, and return its words."""
    await port.open()
    try:
        await until(lambda: port.sources_status()["plc"]["refusals"] > 0)
        assert all_bad(await port.read(list(TAGS)))
        assert (await port.write(command({"plc.ratio_sp": 2.5}))).outcome == "not-sent"
        status = port.sources_status()["plc"]
        assert (status["connected"], status["epoch"]) == (False, 0)
        return str(status["last_refusal"])
    finally:
        await port.close()


def unknown_server(pki: Pki) -> None:
    for path, _ in pki.trusted():
        path.unlink()


def another_key(pki: Pki) -> None:
    unknown_server(pki)
    pki.accept(certificate(OTHER_KEY))


HOSTILE: dict[str, tuple[Any, dict[str, Any], str]] = {
    "unknown server": (unknown_server, {}, "not on our trust list"),
    "another certificate than the trusted one": (another_key, {}, "not on our trust list"),
    "another application": (None, {"server_uri": "urn:another:plc"}, "it belongs to " + URI),
    "wrong password": (lambda pki: login(pki, "wrong"), {}, "refuses the user rheostat"),
}


@pytest.mark.requirement("SEC-01")
@pytest.mark.parametrize("who", HOSTILE)
def test_a_server_that_is_not_the_one_meant_is_refused(plc: Peer, pki: Pki, who: str) -> None:
    change, security, words = HOSTILE[who]
    if change is not None:
        change(pki)
    assert words in asyncio.run(refused(WirePort(sealed(plc, **security), Clock(), pki=pki)))
    assert plc.ask("get", name="ratio_sp") != 2.5


@pytest.mark.requirement("SEC-01")
def test_a_server_that_does_not_trust_us_says_so(plc: Peer, model: Path, tmp_path: Path) -> None:
    stranger = Pki(shutil.copytree(model / "stranger", tmp_path / "stranger"))
    text = asyncio.run(refused(WirePort(sealed(plc), Clock(), pki=stranger)))
    assert "our certificate" in text


@pytest.mark.requirement("SEC-02")
def test_a_server_with_nothing_but_none_is_not_followed(
    stack: type[Peer], pki: Pki, model: Path, tmp_path: Path
) -> None:
    bare = spec(tmp_path, model, policies=["None"], modes=["None"], logins={}, port=free_port())
    if stack is Open62541:  # it offers every policy as soon as it has a certificate
        for name in ("certificate", "key", "clients"):
            del bare[name]
    with stack(**bare) as peer:
        text = asyncio.run(refused(WirePort(sealed(peer), Clock(), pki=pki)))
    assert f"does not offer {POLICY} signed and encrypted, only None (None)" in text


@pytest.mark.requirement("P10")
def test_a_server_that_freezes_in_a_write_may_still_carry_it_out(plc: Peer, pki: Pki) -> None:
    async def story() -> None:
        port = WirePort(sealed(plc, timeout_s=1.0), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
            await port.read(PROOF)
            plc.stop()
            try:
                result = await port.write(command({"plc.ratio_sp": 3.5}))
                assert result.outcome == "unknown"
                assert "it may still land" in result.reason
                assert dict(result.landed) == {"plc.ratio_sp": None}
            finally:
                plc.resume()
            await connected(port, epoch=2)
            before = await port.write(command({"plc.ratio_sp": 4.5}, 2))
            assert before.outcome == "not-sent"
            assert "has reconnected" in before.reason
            assert {s.quality for s in (await port.read(PROOF)).values()} == {Quality.GOOD}
        finally:
            await port.close()

    asyncio.run(story())
    assert plc.ask("get", name="ratio_sp") != 4.5


NODE_ONLY = pytest.mark.parametrize("stack", [NodeOpcUa], indirect=True)
"""For what the Python face of open62541 cannot set: a status, a limit on operations."""


@NODE_ONLY
@pytest.mark.requirement("FS-09")
def test_a_number_with_a_bad_status_is_no_reading(plc: Peer, pki: Pki) -> None:
    said = {
        "BadSensorFailure": (Quality.BAD, "BadSensorFailure"),
        "UncertainSensorNotAccurate": (Quality.UNCERTAIN, "sensor at one of its limits"),
        "GoodLocalOverride": (Quality.BAD, "overridden by hand"),
        "Good": (Quality.GOOD, ""),
    }

    async def story() -> None:
        port = WirePort(sealed(plc), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
            for status, (quality, words) in said.items():
                plc.ask("set", name="float", value=VALUES["float"], status=status)
                sample = (await port.read(["plc.float"]))["plc.float"]
                assert sample.quality is quality
                assert words in sample.reason
                assert (sample.value is None) == (quality is Quality.BAD)
        finally:
            await port.close()

    asyncio.run(story())


@NODE_ONLY
def test_limits_are_kept_and_a_moved_namespace_is_found(
    stack: type[Peer], pki: Pki, model: Path, tmp_path: Path
) -> None:
    few = {"maxNodesPerRead": 4, "maxNodesPerWrite": 1}
    small = spec(tmp_path, model, limits=few, port=free_port())
    with stack(**small) as peer:

        async def story() -> None:
            port = WirePort(sealed(peer), Clock(), pki=pki)
            await port.open()
            try:
                await connected(port)
                await whole(port, 1)
                peer.kill()
                peer.start(shift=2)
                await connected(port, epoch=2)
                await whole(port, 2)
            finally:
                await port.close()

        async def whole(port: WirePort, count: int) -> None:
            reading = await port.read([*PROOF, *(f"plc.{kind}" for kind in VALUES)])
            assert {sample.quality for sample in reading.values()} == {Quality.GOOD}
            sent = {"plc.ratio_sp": 2.0 + count, "plc.gap_sp": 280e-6}
            result = await port.write(command(sent, count))
            assert (result.outcome, result.reason) == ("written", "")
            assert dict(result.landed) == pytest.approx(sent)

        asyncio.run(story())
        assert peer.ask("get", name="ratio_sp") == 4.0
