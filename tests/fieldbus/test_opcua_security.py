"""OPC UA connections that are signed and encrypted, and hostile peers that are refused.

One server process in changing clothes: another certificate, policy, user or address each time.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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
    Clock,
    Peer,
    all_bad,
    command,
    connected,
    loop,
    opcua_source,
    opcua_tag,
    opcua_words,
    until,
    variables,
)

PLC_URI = "urn:rheostat:test:plc-application"
POLICY = "Aes256Sha256RsaPss"
OPEN_AND_SECURE = ["NoSecurity", f"{POLICY}_SignAndEncrypt"]
TAGS = {**opcua_words("plc"), "plc.ratio_sp": opcua_tag("plc", "ratio_sp", "float", "write")}
PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PrivateFormat.PKCS8


def certificate(
    uri: str = PLC_URI,
    host: str = "127.0.0.1",
    key: rsa.RSAPrivateKey = KEY,
    begins: int = -1,
    days: int = 30,
    server: bool = True,
) -> x509.Certificate:
    start = datetime.now(UTC) + timedelta(days=begins)
    return make_certificate(key, uri, [host], "a PLC", days, of_server=server, begins=start)


def clothes(worn: x509.Certificate, key: rsa.RSAPrivateKey = KEY, **changes: Any) -> dict[str, Any]:
    pem = key.private_bytes(Encoding.PEM, PEM, NoEncryption()).decode()
    wearing = {
        "certificate": worn.public_bytes(Encoding.DER).hex(),
        "key": pem,
        "policies": OPEN_AND_SECURE,
        "uri": PLC_URI,
        "logins": {"rheostat": "right horse"},
    }
    return wearing | changes


GENUINE = certificate()


@pytest.fixture(scope="module")
def plc() -> Iterator[Peer]:
    with Peer(kind="opcua", variables=variables(TAGS), dress=clothes(GENUINE)) as peer:
        yield peer


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one identity for all tests: keys take time."""
    folder = tmp_path_factory.mktemp("pki")
    pki = Pki(folder)
    pki.make("urn:rheostat:test:engine", ["engine.test"], "Rheostat", 30)
    pki.accept(GENUINE)
    logins = folder / "logins"
    logins.touch(0o600)
    logins.write_text("# PLC user password\nplc rheostat right horse\n", "utf-8")
    return folder


@pytest.fixture
def pki(model: Path, tmp_path: Path) -> Pki:
    folder = tmp_path / "pki"
    shutil.copytree(model, folder)
    return Pki(folder)


def sealed(peer: Peer, policy: str = POLICY, **changes: Any) -> dict[str, Any]:
    security = {"policy": policy, "server_uri": PLC_URI, "user": "rheostat"} | changes
    source = opcua_source(peer, security=security)
    del source["insecure"]
    return {
        "sources": {"plc": source},
        "tags": TAGS,
        "loops": {"plc": loop("plc", ("plc.ratio_sp",))},
    }


async def refused(port: WirePort) -> dict[str, Any]:
    """Wait for the first refusal and see that nothing goes in or out."""
    await port.open()
    try:
        await until(lambda: port.sources_status()["plc"]["refusals"] > 0)
        assert all_bad(await port.read(list(TAGS)))
        result = await port.write(command({"plc.ratio_sp": 2.5}))
        assert result.outcome == "not-sent"
        status = port.sources_status()["plc"]
        assert not status["connected"]
        assert status["epoch"] == 0
        return status
    finally:
        await port.close()


@pytest.mark.requirement("SEC-02")
@pytest.mark.parametrize("policy", ["Aes256Sha256RsaPss", "Aes128Sha256RsaOaep", "Basic256Sha256"])
def test_a_secured_source_reads_and_writes(plc: Peer, pki: Pki, policy: str) -> None:
    plc.ask("dress", **clothes(GENUINE, policies=["NoSecurity", f"{policy}_SignAndEncrypt"]))
    plc.ask("log")

    async def story() -> None:
        port = WirePort(sealed(plc, policy), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
            reading = await port.read(list(PROOF))
            assert {sample.quality for sample in reading.values()} == {Quality.GOOD}
            result = await port.write(command({"plc.ratio_sp": 2.5}))
            assert (result.outcome, result.landed) == ("written", {"plc.ratio_sp": 2.5})
            status = port.sources_status()["plc"]
            assert status["protection"] == f"{policy}, signed and encrypted, user rheostat"
            assert not status["insecure"]
            assert status["refusals"] == 0
        finally:
            await port.close()

    asyncio.run(story())
    assert plc.ask("get", name="ratio_sp") == "2.5"
    plc.ask("set", name="ratio_sp", value=0.0)


def test_a_server_that_shows_nothing_openly_is_known_by_our_trust_list(plc: Peer, pki: Pki) -> None:
    plc.ask("dress", **clothes(GENUINE, policies=[f"{POLICY}_SignAndEncrypt"], hides=True))

    async def story() -> None:
        port = WirePort(sealed(plc), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
        finally:
            await port.close()

    asyncio.run(story())
    plc.ask("dress", **clothes(GENUINE, policies=[f"{POLICY}_SignAndEncrypt"], hides=True))
    stranger = WirePort(sealed(plc, server_uri="urn:another:plc"), Clock(), pki=pki)
    words = asyncio.run(refused(stranger))["last_refusal"]
    assert "no trusted one belongs to urn:another:plc" in words


STRANGE = certificate(key=OTHER_KEY)
ELSEWHERE = certificate(host="plc.example")
OTHER = certificate(uri="urn:another:plc")
EXPIRED = certificate(begins=-30, days=20)
FUTURE = certificate(begins=5)
CLIENT = certificate(server=False)
NONE_ONLY = ["NoSecurity"]
WEAK = ["NoSecurity", f"{POLICY}_Sign", "Basic256Sha256_SignAndEncrypt"]

HOSTILE: dict[str, tuple[dict[str, Any], list[x509.Certificate], str]] = {
    "unknown server": (clothes(STRANGE, OTHER_KEY), [], "not on our trust list"),
    "another PLC's certificate": (clothes(OTHER), [OTHER], "it belongs to urn:another:plc"),
    "wrong host name": (clothes(ELSEWHERE), [ELSEWHERE], "for plc.example, not for 127.0.0.1"),
    "expired": (clothes(EXPIRED), [EXPIRED], "it expired on"),
    "not valid yet": (clothes(FUTURE), [FUTURE], "is not valid before"),
    "a client's certificate": (clothes(CLIENT), [CLIENT], "not a server's certificate"),
    "downgrade to None": (
        clothes(GENUINE, policies=NONE_ONLY),
        [],
        "does not offer Aes256Sha256RsaPss signed and encrypted, only None (None)",
    ),
    "downgrade to less": (
        clothes(GENUINE, policies=WEAK),
        [],
        "only Aes256_Sha256_RsaPss (Sign), Basic256Sha256 (SignAndEncrypt), None (None)",
    ),
    "a stolen certificate without its key": (
        clothes(STRANGE, OTHER_KEY, shows=GENUINE.public_bytes(Encoding.DER).hex()),
        [],
        "does it hold the key?",
    ),
    "another application behind the certificate": (
        clothes(GENUINE, uri="urn:another:plc"),
        [],
        "the server says it is urn:another:plc",
    ),
    "another endpoint": (
        clothes(GENUINE, path="/another"),
        [],
        "this is another server than was meant",
    ),
    "wrong password": (
        clothes(GENUINE, logins={"rheostat": "another"}),
        [],
        "refuses the user rheostat (BadUserAccessDenied)",
    ),
    "no users at all": (clothes(GENUINE, logins=None), [], "lets in no users with passwords"),
    "we are not trusted": (
        clothes(GENUINE, clients=[]),
        [],
        "refuses our certificate",
    ),
}


@pytest.mark.requirement("SEC-01")
@pytest.mark.requirement("SEC-02")
@pytest.mark.parametrize("who", HOSTILE)
def test_a_hostile_peer_is_refused_in_words_and_counted(plc: Peer, pki: Pki, who: str) -> None:
    wearing, trusted, words = HOSTILE[who]
    patience = 0.5 if "shows" in wearing else 5.0
    for one in trusted:
        pki.accept(one)
    plc.ask("dress", **wearing)
    plc.ask("log")
    config = sealed(plc)
    config["sources"]["plc"]["timeout"] = patience
    status = asyncio.run(refused(WirePort(config, Clock(), pki=pki)))
    assert words in status["last_refusal"]
    assert status["last_error"] == status["last_refusal"]
    assert plc.ask("log") == [], "nothing of ours was read or written"


def test_what_was_refused_can_be_looked_at_and_trusted(plc: Peer, pki: Pki) -> None:
    plc.ask("dress", **clothes(STRANGE, OTHER_KEY))
    asyncio.run(refused(WirePort(sealed(plc), Clock(), pki=pki)))
    assert [one for _, one in pki.rejected()] == [STRANGE]
    pki.accept(STRANGE)
    assert pki.rejected() == []

    async def story() -> None:
        port = WirePort(sealed(plc), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
        finally:
            await port.close()

    asyncio.run(story())


@pytest.mark.requirement("SEC-02")
def test_a_server_that_falls_back_to_none_is_not_followed(plc: Peer, pki: Pki) -> None:
    plc.ask("dress", **clothes(GENUINE))

    async def story() -> None:
        port = WirePort(sealed(plc), Clock(), pki=pki)
        await port.open()
        try:
            await connected(port)
            await asyncio.to_thread(plc.ask, "dress", **clothes(GENUINE, policies=NONE_ONLY))
            await until(lambda: port.sources_status()["plc"]["refusals"] > 0)
            assert all_bad(await port.read(list(PROOF)))
            await asyncio.to_thread(plc.ask, "dress", **clothes(GENUINE))
            await connected(port, 2)
        finally:
            await port.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda f: shutil.rmtree(f), "own.key cannot be read"),
        (lambda f: (f / "own.key").chmod(0o640), "own.key can be read by others"),
        (lambda f: (f / "logins").chmod(0o644), "logins can be read by others"),
        (lambda f: (f / "logins").unlink(), "logins cannot be read"),
        (lambda f: (f / "logins").write_text("mixer rheostat x"), "no line 'plc rheostat"),
        (lambda f: (f / "trusted").chmod(0o777), "trusted can be changed by others"),
    ],
)
@pytest.mark.requirement("SEC-09")
def test_secrets_that_are_none_are_not_used(plc: Peer, pki: Pki, fault: Any, words: str) -> None:
    plc.ask("dress", **clothes(GENUINE))
    fault(pki.folder)
    status = asyncio.run(refused(WirePort(sealed(plc), Clock(), pki=pki)))
    assert words in status["last_refusal"]


def test_without_a_folder_a_secured_source_stays_closed(plc: Peer) -> None:
    status = asyncio.run(refused(WirePort(sealed(plc), Clock())))
    assert "no folder for certificates" in status["last_refusal"]
