"""The engine's own key: what the roots over the record chain are signed with (Ed25519).

It is made at the first start, in a file only the engine's user can read; its public half stands in
the list beside it, in every root, and in every anchor. Whoever holds the private half can write
another history; that is why anchors are kept off this host.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from records.row import RecordError


class RecordKey:
    """A private key that signs roots."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()
        self.id = key_id(self.public)

    def sign(self, text: bytes) -> str:
        """Return the signature of `text` (hex)."""
        return self._key.sign(text).hex()


def key_id(public: str) -> str:
    """Return the short name of a public key (hex): how roots and people call it."""
    return hashlib.sha256(bytes.fromhex(public)).hexdigest()[:16]


def is_signed(public: str, signature: str, text: bytes) -> bool:
    """Say whether `signature` (hex) over `text` was made with the private half of `public`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), text)
    except (InvalidSignature, ValueError):
        return False
    return True


def key_path(path: Path) -> Path:
    """Return where the private key of a record file is."""
    return path.with_name(path.name + ".key")


def keys_path(path: Path) -> Path:
    """Return where the list of public keys of a record file is."""
    return path.with_name(path.name + ".pub")


def record_key(path: Path) -> RecordKey:
    """Return the key of the record file at `path`; make it when there is none yet.

    Raises RecordError when the key is open to others, cannot be read, or is no key. A key that is
    lost is replaced: the roots say by which, and a verifier who knows the old one asks why.
    """
    place = key_path(path)
    try:
        if not place.exists():
            keep_key(place, Ed25519PrivateKey.generate())
        if place.stat().st_mode & 0o077:
            raise RecordError(
                f"the key file {place} can be used by others than the engine's user. Why it "
                "matters: whoever has it can sign another history. Next: find out who read it; "
                f"then remove it (a new key is made), or chmod 600 {place}"
            )
        key = serialization.load_pem_private_key(place.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise RecordError(f"the key file {place} cannot be used: {error}. {_NEXT}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise RecordError(f"the key in {place} is no Ed25519 key. {_NEXT}")
    found = RecordKey(key)
    _list(keys_path(path), found)
    return found


_NEXT = (
    "Why it matters: records that nobody signs can be rewritten. Next: keep the file for QA and "
    "move it away; a new key is made at the next start"
)


def listed_keys(path: Path) -> dict[str, str]:
    """Return the public keys listed beside the record file at `path`, by their id."""
    try:
        listed = keys_path(path).read_bytes().decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        return {}
    publics = [one for one in listed if len(one) == 64 and _HEX.issuperset(one)]
    return {key_id(public): public for public in publics}


_HEX = frozenset("0123456789abcdef")


def keep_key(place: Path, key: Ed25519PrivateKey) -> None:
    """Put a private key in a new file, on the disk when this returns."""
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    draft = place.with_name(place.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text)
        os.fsync(handle)
    finally:
        os.close(handle)
    draft.rename(place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _list(place: Path, key: RecordKey) -> None:
    """Add the public half to the list, once."""
    listed = place.read_bytes().split() if place.exists() else []
    if key.public.encode("ascii") not in listed:
        with place.open("ab") as lines:
            lines.write(f"{key.public}\n".encode("ascii"))
            lines.flush()
            os.fsync(lines.fileno())
