"""Certificates, authorities and revocation lists, judged without a wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fieldbus.certificate import (
    Expected,
    Trust,
    endpoint_fault,
    facts_of,
    faults_of,
    make_certificate,
)
from fieldbus.pki import MOST_REJECTED, Pki, PkiError

NOW = datetime(2026, 11, 25, tzinfo=UTC)
DAY = timedelta(days=1)
URI = "urn:plant:coater"
EXPECTED = Expected(URI, "PLC.plant.example")
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def issued(
    issuer: str = "plant authority", key: rsa.RSAPrivateKey = ISSUER_KEY, serial: int = 7
) -> x509.Certificate:
    """Return the PLC's certificate as an authority would issue it."""
    like = make_certificate(KEY, URI, ["plc.plant.example"], "PLC", 30, of_server=True)
    builder = (
        x509.CertificateBuilder(named(issuer), named("PLC"), KEY.public_key(), serial)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    for kind in (x509.SubjectAlternativeName, x509.KeyUsage, x509.ExtendedKeyUsage):
        extension = like.extensions.get_extension_for_class(kind)
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(key, hashes.SHA256())


def authority(
    ca: bool = True, ends: timedelta = 300 * DAY, name: str = "plant authority",
    key: rsa.RSAPrivateKey = ISSUER_KEY,
) -> x509.Certificate:  # fmt: skip
    who = named(name)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder(who, who, key.public_key(), 1)
        .not_valid_before(NOW - 60 * DAY)
        .not_valid_after(NOW + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=0 if ca else None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def revocations(
    *serials: int,
    ends: timedelta = DAY,
    key: rsa.RSAPrivateKey = ISSUER_KEY,
    name: str = "plant authority",
) -> x509.CertificateRevocationList:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(named(name))
        .last_update(NOW - 9 * DAY)
        .next_update(NOW + ends)
    )
    for serial in serials:
        gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY)
        builder = builder.add_revoked_certificate(gone.build())
    return builder.sign(key, hashes.SHA256())


ISSUED = issued()
CASES = {
    "trusted itself": ([ISSUED], [], ""),
    "trusted itself, but revoked": ([ISSUED], [revocations(7)], "has revoked it"),
    "issued by a trusted authority": ([authority()], [revocations(8)], ""),
    "issued and revoked": ([authority()], [revocations(7)], "has revoked it"),
    "no revocation list": ([authority()], [], "there is no revocation list"),
    "an old revocation list": ([authority()], [revocations(ends=-DAY)], "out of date"),
    "a forged revocation list": ([authority()], [revocations(key=KEY)], "no revocation list"),
    "an authority that is none": ([authority(ca=False)], [revocations()], "not on our trust"),
    "an expired authority": ([authority(ends=-DAY)], [revocations()], "its issuer expired"),
    "nobody trusted": ([], [], "not on our trust list"),
}


@pytest.mark.requirement("SEC-01")
@pytest.mark.parametrize("case", CASES)
def test_who_vouches_for_a_server(case: str) -> None:
    trusted, lists, words = CASES[case]
    faults = faults_of(ISSUED, Trust(trusted, lists), EXPECTED, NOW)
    assert len(faults) == bool(words)
    assert words in "".join(faults)


@pytest.mark.requirement("SEC-01")
def test_a_device_that_is_trusted_cannot_vouch_for_another_one() -> None:
    device = make_certificate(
        ISSUER_KEY, "urn:plant:mixer", ["mixer"], "a device", 30, of_server=True
    )
    forged = issued(issuer="a device")
    assert faults_of(forged, Trust([device], [revocations()]), EXPECTED, NOW) == [
        "it is not on our trust list"
    ]


def test_every_fault_is_named_at_once() -> None:
    wrong = make_certificate(KEY, "urn:a", ["b"], "x", 1, begins=NOW - 9 * DAY)
    faults = faults_of(wrong, Trust([]), EXPECTED, NOW)
    assert len(faults) == 4


def test_a_weak_key_is_refused() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    weak = make_certificate(short, URI, ["plc.plant.example"], "x", 9, of_server=True, begins=NOW)
    assert faults_of(weak, Trust([weak]), EXPECTED, NOW) == [
        "its key has 1024 bits; 2048 to 4096 are allowed"
    ]


@pytest.mark.parametrize(
    ("told", "same"),
    [
        ("opc.tcp://plc.plant.example:4840/line", True),
        ("opc.tcp://PLC.PLANT.EXAMPLE:4840/line/", True),
        ("opc.tcp://10.0.0.7/line", True),
        ("opc.tcp://10.0.0.8/line", False),
        ("opc.tcp://plc.plant.example:4841/line", False),
        ("opc.tcp://plc.plant.example:4840/other", False),
        ("opc.https://plc.plant.example:4840/line", False),
    ],
)
def test_the_servers_own_address_is_compared(told: str, same: bool) -> None:
    known = make_certificate(KEY, URI, ["plc.plant.example", "10.0.0.7"], "x", 9)
    assert (endpoint_fault(told, "opc.tcp://10.0.0.7:4840/line", known) == "") == same


def test_making_trusting_renewing(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    made = pki.make("urn:plant:engine", ["engine", "10.0.0.9"], "engine", 365)
    facts = facts_of(made)
    assert (facts.uris, facts.hosts) == (("urn:plant:engine",), ("engine", "10.0.0.9"))
    usage = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert (pki.folder / "own.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(PkiError, match="there already"):
        pki.make("urn:plant:engine", [], "engine", 365)
    renewed = pki.make("urn:plant:engine", ["engine"], "engine", 365, stem="next")
    assert pki.own().certificate == made
    assert pki.take_renewal() == renewed
    assert pki.own().certificate == renewed
    assert pki.own().uri == "urn:plant:engine"
    with pytest.raises(PkiError, match=r"next\.key"):
        pki.take_renewal()


@pytest.mark.requirement("SEC-17")
def test_expiry_is_told_thirty_days_ahead(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    pki.make("urn:plant:engine", ["engine"], "engine", 100)
    ends = facts_of(pki.own().certificate).not_after
    assert pki.warnings(ends - 31 * DAY) == []
    assert "in 29 days" in pki.warnings(ends - 30 * DAY + DAY / 2)[0]
    assert "our own certificate (engine) expired on" in pki.warnings(ends + DAY)[0]
    (pki.folder / "own.key").chmod(0o644)
    assert "can be read by others" in pki.warnings(ends - 31 * DAY)[0]


def test_only_the_last_refusals_are_kept_and_rubbish_is_said_to_be(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    for number in range(MOST_REJECTED + 3):
        pki.reject(make_certificate(KEY, f"urn:x:{number}", ["x"], "x", 9))
    assert len(pki.rejected()) == MOST_REJECTED
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / "a.der").write_bytes(b"no certificate")
    with pytest.raises(PkiError, match="is no certificate"):
        pki.trust()


def test_pem_and_revocation_files_are_read(tmp_path: Path) -> None:
    pki = Pki(tmp_path)
    for name in ("trusted", "revoked"):
        (tmp_path / name).mkdir()
    (tmp_path / "trusted" / "ca.pem").write_bytes(authority().public_bytes(Encoding.PEM))
    for ending, encoding in (("a.crl", Encoding.DER), ("b.crl", Encoding.PEM)):
        (tmp_path / "revoked" / ending).write_bytes(revocations(7).public_bytes(encoding))
    trust = pki.trust()
    assert faults_of(ISSUED, trust, EXPECTED, NOW) == ["its issuer has revoked it"]
    assert len(trust.revocations) == 2


@pytest.mark.requirement("SEC-17")
def test_drill_a_new_authority_takes_over_without_a_gap(tmp_path: Path) -> None:
    """First both are trusted, then the PLC shows the new one's certificate, then the old one goes.

    Whoever still holds the old authority's key reaches nothing any more.
    """
    pki, key = Pki(tmp_path), rsa.generate_private_key(public_exponent=65537, key_size=2048)
    old, new = issued(), issued("new authority", key)
    after = "new authority"

    def keep(name: str, certificate: x509.Certificate, crl: x509.CertificateRevocationList) -> None:
        for folder, file in (("trusted", certificate), ("revoked", crl)):
            (tmp_path / folder).mkdir(exist_ok=True)
            ending = "pem" if folder == "trusted" else "crl"
            (tmp_path / folder / f"{name}.{ending}").write_bytes(file.public_bytes(Encoding.PEM))

    def believed() -> tuple[bool, bool]:
        return tuple(not faults_of(one, pki.trust(), EXPECTED, NOW) for one in (old, new))  # type: ignore[return-value]

    keep("old", authority(), revocations())
    assert believed() == (True, False)
    keep("new", authority(name=after, key=key), revocations(key=key, name=after))
    assert believed() == (True, True), "no gap while the PLC changes over"
    (tmp_path / "trusted" / "old.pem").unlink()
    assert believed() == (False, True)
