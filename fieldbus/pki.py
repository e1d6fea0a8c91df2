"""The folder of this installation's OPC UA identity: own certificate, whom it trusts, passwords.

    own.der  own.key       who we are; the key is for our account alone
    next.der  next.key     a renewal that waits until the PLCs know it
    trusted/*.der          servers, or authorities that vouch for servers
    revoked/*.crl          revocation lists of those authorities
    rejected/*.der         what was refused last, to look at
    logins                 one line per PLC: its name in line.yaml, user, password

What others could read or change is worth nothing as a secret: such a file is refused.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from fieldbus.certificate import Trust, facts_of, fingerprint_of, make_certificate

WARN_DAYS: Final = 30
MOST_REJECTED: Final = 20
_LONGEST_FILE: Final = 1 << 20  # bytes; a certificate has two thousand


class PkiError(Exception):
    """Our own side of the trust is not in order; says which file and why."""


@dataclass(frozen=True, slots=True)
class Own:
    """Our certificate and its private key (PEM, not encrypted)."""

    certificate: x509.Certificate
    key_pem: bytes

    @property
    def uri(self) -> str:
        """Return the application URI by which PLCs know us."""
        return facts_of(self.certificate).uris[0]


@dataclass(frozen=True, slots=True)
class Login:
    """A user of one PLC."""

    user: str
    password: str


class Pki:
    """Reads and writes the folder; nothing is cached, so a change counts at the next connection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trusted_folder = folder / "trusted"
        self.rejected_folder = folder / "rejected"

    def make(self, uri: str, hosts: list[str], name: str, days: int, *, server: bool = False,
             stem: str = "own") -> x509.Certificate:  # fmt: skip
        """Make a key and a certificate of our own and return the certificate.

        Raises:
            PkiError: there is one already, or the folder cannot be written.
        """
        key_file, certificate_file = self._pair(stem)
        if key_file.exists() or certificate_file.exists():
            raise PkiError(f"{certificate_file} is there already")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        certificate = make_certificate(key, uri, hosts, name, days, of_server=server)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            for folder in (self.folder, self.trusted_folder, self.folder / "revoked",
                           self.rejected_folder):  # fmt: skip
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(key_file, pem, 0o600)
            _write(certificate_file, certificate.public_bytes(Encoding.DER), 0o644)
        except OSError as error:
            raise PkiError(f"{self.folder} cannot be written: {error.strerror}") from error
        return certificate

    def own(self, stem: str = "own") -> Own:
        """Return our certificate and key.

        Raises:
            PkiError: there is none, others can read the key, or the two do not belong together.
        """
        key_file, certificate_file = self._pair(stem)
        pem = _read(key_file, _only_ours)
        certificate = read_certificate(certificate_file)
        try:
            key = load_pem_private_key(pem, None)
        except (ValueError, TypeError) as error:
            raise PkiError(f"{key_file} is no private key: {error}") from error
        if key.public_key() != certificate.public_key():
            raise PkiError(f"{key_file} does not belong to {certificate_file.name}")
        if not facts_of(certificate).uris:
            raise PkiError(f"{certificate_file} names no application URI")
        return Own(certificate, pem)

    def take_renewal(self) -> x509.Certificate:
        """Put the renewed certificate in use; the old one stays beside it.

        Raises:
            PkiError: there is no renewal, or it is not in order.
        """
        renewal = self.own("next")
        old = f"old-{fingerprint_of(self.own().certificate)[:8]}"
        for mine, renewed, kept in zip(
            self._pair("own"), self._pair("next"), self._pair(old), strict=True
        ):
            mine.replace(kept)
            renewed.replace(mine)
        return renewal.certificate

    def trust(self) -> Trust:
        """Return whom we trust.

        Raises:
            PkiError: others can write there, or a file cannot be read.
        """
        revocations = [_read_revocations(path) for path in _files(self.folder / "revoked", ".crl")]
        return Trust([certificate for _, certificate in self.trusted()], revocations)

    def trusted(self) -> list[tuple[Path, x509.Certificate]]:
        """Return the trust list with its files."""
        return [(p, read_certificate(p)) for p in _files(self.trusted_folder, ".der", ".pem")]

    def rejected(self) -> list[tuple[Path, x509.Certificate]]:
        """Return what was refused last, with its files, the newest first."""
        files = _files(self.rejected_folder, ".der")
        return [
            (p, read_certificate(p)) for p in sorted(files, key=lambda p: -p.stat().st_mtime_ns)
        ]

    def accept(self, certificate: x509.Certificate) -> Path:
        """Put a certificate on the trust list."""
        path = self.trusted_folder / f"{fingerprint_of(certificate)[:16]}.der"
        self.trusted_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, certificate.public_bytes(Encoding.DER), 0o644)
        (self.rejected_folder / path.name).unlink(missing_ok=True)
        return path

    def reject(self, certificate: x509.Certificate) -> None:
        """Keep a refused certificate to look at, the newest few only; a full disk is no matter."""
        with contextlib.suppress(OSError, PkiError):
            self.rejected_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self.rejected_folder / f"{fingerprint_of(certificate)[:16]}.der"
            _write(path, certificate.public_bytes(Encoding.DER), 0o644)
            for old in [path for path, _ in self.rejected()][MOST_REJECTED:]:
                old.unlink(missing_ok=True)

    def login(self, source: str, user: str) -> Login:
        """Return the password for `user` at a PLC.

        Raises:
            PkiError: the file is missing, others can read it, or it has no such line.
        """
        path = self.folder / "logins"
        try:
            lines = _read(path, _only_ours).decode("utf-8").splitlines()
        except UnicodeDecodeError:
            raise PkiError(f"{path} is not UTF-8 text") from None
        for line in lines:
            words = line.strip().split(maxsplit=2)
            if words[:1] == [source] and len(words) == 3 and words[1] == user:
                return Login(user, words[2])
        raise PkiError(f"{path} has no line '{source} {user} PASSWORD'")

    def warnings(self, now: datetime | None = None, days: int = WARN_DAYS) -> list[str]:
        """Return what has expired, expires within `days`, or cannot be used, in words."""
        at = now or datetime.now(UTC)
        try:
            known = [("our own certificate", self.own().certificate)]
            known += [(f"the trusted certificate {p.stem[:8]}", one) for p, one in self.trusted()]
        except PkiError as error:
            return [str(error)]
        found = []
        for whose, certificate in known:
            facts = facts_of(certificate)
            left, day = facts.days_left(at), f"{facts.not_after:%Y-%m-%d}"
            if left < 0:
                found.append(f"{whose} ({facts.name}) expired on {day}")
            elif left <= days:
                found.append(f"{whose} ({facts.name}) expires on {day}, in {left} days")
        return found

    def _pair(self, stem: str) -> tuple[Path, Path]:
        return self.folder / f"{stem}.key", self.folder / f"{stem}.der"


def read_certificate(path: Path) -> x509.Certificate:
    """Return the certificate in a DER or PEM file that only we can change.

    Raises:
        PkiError: there is none.
    """
    return parsed_certificate(_read(path, _not_for_others_to_write), str(path))


def parsed_certificate(data: bytes, where: str) -> x509.Certificate:
    """Return the first certificate in `data`, DER or PEM.

    Raises:
        PkiError: it is none.
    """
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_certificate(data)
        return x509.load_der_x509_certificate(_first_of_chain(data))
    except ValueError as error:
        raise PkiError(f"{where} is no certificate: {error}") from error


def _first_of_chain(der: bytes) -> bytes:
    """Return the leading certificate of a chain that a server sent as one blob."""
    if len(der) < 4 or der[0] != 0x30 or der[1] != 0x82:
        return der
    return der[: int.from_bytes(der[2:4], "big") + 4]


def _read_revocations(path: Path) -> x509.CertificateRevocationList:
    data = _read(path, _not_for_others_to_write)
    try:
        if data.lstrip().startswith(b"-----"):
            return x509.load_pem_x509_crl(data)
        return x509.load_der_x509_crl(data)
    except ValueError as error:
        raise PkiError(f"{path} is no revocation list: {error}") from error


def _files(folder: Path, *endings: str) -> list[Path]:
    if not folder.is_dir():
        return []
    if fault := _not_for_others_to_write(folder.stat()):
        raise PkiError(f"{folder} {fault}")
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in endings)


def _read(path: Path, demand: Callable[[os.stat_result], str]) -> bytes:
    """Return a file's bytes, judged by the very descriptor they are read from."""
    try:
        with path.open("rb") as file:
            if fault := demand(os.fstat(file.fileno())):
                raise PkiError(f"{path} {fault}")
            return file.read(_LONGEST_FILE)
    except OSError as error:
        raise PkiError(f"{path} cannot be read: {error.strerror}") from error


def _only_ours(status: os.stat_result) -> str:
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return "can be read by others: chmod 600 it, and change what it holds"
    return ""


def _not_for_others_to_write(status: os.stat_result) -> str:
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    if stat.S_IMODE(status.st_mode) & 0o022:
        return "can be changed by others: chmod go-w it, and look at what is in it"
    return ""


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a whole file at once, never readable to more people than in the end."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
