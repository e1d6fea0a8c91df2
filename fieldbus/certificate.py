"""Certificates of OPC UA applications: make one, describe one, judge one.

What a certificate has to carry is in OPC 10000-6, 6.2.2; what a client has to check, in OPC
10000-4, 6.1.3. All of it is checked here, because the library's default lets any self-signed
server in and never looks at the host name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHORTEST_KEY: Final = 2048  # bits; all three policies ask for 2048 to 4096
LONGEST_KEY: Final = 4096
_HASHES: Final = ("sha256", "sha384", "sha512")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says, for people. `thumbprint` is SHA-1, as PLC screens show it."""

    name: str
    uris: tuple[str, ...]
    hosts: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    thumbprint: str

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it expires; negative when it has."""
        return (self.not_after - now) // timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Expected:
    """Who a server has to be: its application URI, and the host we call it by."""

    uri: str
    host: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What we believe: certificates of servers or of their issuers, and revocation lists."""

    certificates: Sequence[x509.Certificate]
    revocations: Sequence[x509.CertificateRevocationList] = ()


def fingerprint_of(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate's DER form, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def facts_of(certificate: x509.Certificate) -> Facts:
    """Return what people compare and renew by."""
    uris, hosts = _alternative_names(certificate)
    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Facts(
        str(named[0].value) if named else certificate.subject.rfc4514_string(),
        uris,
        hosts,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        fingerprint_of(certificate),
        certificate.fingerprint(hashes.SHA1()).hex(),
    )


def make_certificate(
    key: RSAPrivateKey,
    uri: str,
    hosts: Sequence[str],
    name: str,
    days: int,
    *,
    of_server: bool = False,
    begins: datetime | None = None,
) -> x509.Certificate:
    """Return a self-signed application certificate, valid from a minute ago."""
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = begins or datetime.now(UTC) - timedelta(minutes=1)
    usage = ExtendedKeyUsageOID.SERVER_AUTH if of_server else ExtendedKeyUsageOID.CLIENT_AUTH
    names = [x509.UniformResourceIdentifier(uri), *(_general_name(host) for host in hosts)]
    public = key.public_key()
    builder = (
        x509.CertificateBuilder(who, who, public, x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        # self-signed: it is its own issuer, and peers that build a chain want to see that
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def faults_of(
    certificate: x509.Certificate, trust: Trust, expected: Expected, now: datetime
) -> list[str]:
    """Return every reason why this is not the server we were told to talk to; [] when it is."""
    faults = [
        _trust_fault(certificate, trust, now),
        _strength_fault(certificate),
        _time_fault(certificate, now, "it"),
        _name_fault(certificate, expected),
        _usage_fault(certificate),
    ]
    return [fault for fault in faults if fault]


def device_faults_of(
    certificate: x509.Certificate, trust: Trust, host: str, now: datetime
) -> list[str]:
    """Return every reason why this is not the TLS device at `host`; such a one has no URI."""
    trusted, in_time = _trust_fault(certificate, trust, now), _time_fault(certificate, now, "it")
    return [fault for fault in (trusted, in_time, _host_fault(certificate, host)) if fault]


def is_authority(certificate: x509.Certificate) -> bool:
    """Say whether it may vouch for others.

    A self-signed application certificate often calls itself an authority as well. But it belongs
    to one device, and a device that is trusted must not be able to make itself others: so what
    carries an application URI vouches for nobody.
    """
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return basic.ca and usage.key_cert_sign and not _alternative_names(certificate)[0]


def _trust_fault(certificate: x509.Certificate, trust: Trust, now: datetime) -> str:
    issuers = [
        issuer
        for issuer in trust.certificates
        if is_authority(issuer) and _issued(certificate, issuer)
    ]
    if _is_revoked(certificate, trust.revocations, issuers):
        return "its issuer has revoked it"
    if certificate in trust.certificates:
        return ""
    if not issuers:
        return "it is not on our trust list"
    lists = [one for one in trust.revocations if _signed_by_any(one, issuers)]
    if not lists:
        return "its issuer is trusted, but there is no revocation list of that issuer"
    if all(one.next_update_utc is None or one.next_update_utc < now for one in lists):
        return "the revocation list of its issuer is out of date"
    return next((fault for one in issuers if (fault := _time_fault(one, now, "its issuer"))), "")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except Exception:  # noqa: BLE001 - whatever a forged certificate provokes, it is not issued by it
        return False
    return True


def _is_revoked(
    certificate: x509.Certificate,
    revocations: Iterable[x509.CertificateRevocationList],
    issuers: Sequence[x509.Certificate],
) -> bool:
    return any(
        one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None
        for one in revocations
        if one.issuer == certificate.issuer and (not issuers or _signed_by_any(one, issuers))
    )


def _signed_by_any(
    revocations: x509.CertificateRevocationList, issuers: Sequence[x509.Certificate]
) -> bool:
    keys = [one.public_key() for one in issuers]
    return any(isinstance(k, RSAPublicKey) and revocations.is_signature_valid(k) for k in keys)


def _strength_fault(certificate: x509.Certificate) -> str:
    key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    if not isinstance(key, RSAPublicKey):
        return "its key is not RSA, which these policies need"
    if not SHORTEST_KEY <= key.key_size <= LONGEST_KEY:
        return f"its key has {key.key_size} bits; {SHORTEST_KEY} to {LONGEST_KEY} are allowed"
    if digest is None or digest.name not in _HASHES:
        return f"it is signed with {digest.name if digest else 'no hash'}; SHA-256 is the least"
    return ""


def _time_fault(certificate: x509.Certificate, now: datetime, whose: str) -> str:
    if now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc
        return f"{whose} is not valid before {begins:%Y-%m-%d %H:%M} UTC (is our clock right?)"
    if now > certificate.not_valid_after_utc:
        return f"{whose} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _name_fault(certificate: x509.Certificate, expected: Expected) -> str:
    uris, _ = _alternative_names(certificate)
    if uris != (expected.uri,):
        return f"it belongs to {' and '.join(uris) or 'no application'}, not to {expected.uri}"
    return _host_fault(certificate, expected.host)


def _host_fault(certificate: x509.Certificate, host: str) -> str:
    _, hosts = _alternative_names(certificate)
    if _same_host_as(host) not in {_same_host_as(one) for one in hosts}:
        return f"it is for {', '.join(hosts) or 'no host'}, not for {host}"
    return ""


def _usage_fault(certificate: x509.Certificate) -> str:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return "it does not say what it may be used for"
    if not (usage.digital_signature and usage.key_encipherment and usage.data_encipherment):
        return "its key may not be used to sign and encrypt a connection"
    if ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        return "it is not a server's certificate"
    return ""


def _alternative_names(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return application URIs, and host names with IP addresses."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return (), ()
    addresses = [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    return (
        tuple(names.get_values_for_type(x509.UniformResourceIdentifier)),
        (*names.get_values_for_type(x509.DNSName), *addresses),
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _same_host_as(host: str) -> str:
    """Return a host in the one form in which two of them are compared."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.rstrip(".").lower()


def endpoint_fault(told: str, configured: str, certificate: x509.Certificate) -> str:
    """Say how the server's own address differs from the one we were told to use, or ''.

    The host may be any that its certificate carries; port and path must be the same.
    """
    there, here = urlsplit(told), urlsplit(configured)
    hosts = {_same_host_as(host) for host in _alternative_names(certificate)[1]}
    same = (
        there.scheme == here.scheme
        and (there.port or 4840) == (here.port or 4840)
        and there.path.rstrip("/") == here.path.rstrip("/")
        and _same_host_as(there.hostname or "") in hosts | {_same_host_as(here.hostname or "")}
    )
    return "" if same else f"it calls itself {told}, the configuration says {configured}"


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_cert_sign=True,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
