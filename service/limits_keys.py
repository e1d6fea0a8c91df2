"""People's keys: Ed25519, the private half in the person's own file under a passphrase.

The engine only ever sees public halves, in the register of the sealed configuration.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from service.limits_proposal import KEY_PREFIX, MEANINGS, Proposal, Signature

SHORTEST_PASSPHRASE = 10


class KeyFileError(Exception):
    """A key file cannot be made or used; the text says why, `next_step` what to do."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.next_step = next_step


def new_key(path: Path, passphrase: str) -> str:
    """Make a private key in a new file only its owner can read; return its public half.

    Raises KeyFileError for a short passphrase, or when there is a file already.
    """
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise KeyFileError(
            f"the passphrase has {len(passphrase)} characters; it needs {SHORTEST_PASSPHRASE}",
            "take a few words nobody would guess",
        )
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase.encode()),
    )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyFileError(
            f"the key file {path} cannot be made: {error.strerror}",
            "name another file with --file; a key is never overwritten",
        ) from error
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    return public_text(key.public_key())


def load_key(path: Path, passphrase: str) -> Ed25519PrivateKey:
    """Return the private key in `path`; raises KeyFileError, also for a wrong passphrase."""
    try:
        open_to = path.stat().st_mode & 0o077
        text = path.read_bytes()
    except OSError as error:
        raise KeyFileError(
            f"the key file {path} cannot be read: {error.strerror}",
            "name your own key file with --key",
        ) from error
    if open_to:
        raise KeyFileError(
            f"the key file {path} can be used by others than its owner",
            f"chmod 600 {path}; if others may have read it, have the key revoked",
        )
    try:
        key = serialization.load_pem_private_key(text, passphrase.encode())
    except (ValueError, TypeError) as error:
        raise KeyFileError(
            f"the key file {path} does not open with this passphrase", "try again"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(
            f"the key in {path} is not an Ed25519 key", "make one with './rheostat limits keys new'"
        )
    return key


def public_text(key: Ed25519PublicKey) -> str:
    """Return a public key as the register writes it."""
    return KEY_PREFIX + base64.b64encode(key.public_bytes_raw()).decode("ascii")


def owner_of(public: str, people: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Return the person of the register to whom a public key belongs, or None."""
    return next((name for name, person in people.items() if person["key"] == public), None)


def sign(
    proposal: Proposal, key: Ed25519PrivateKey, person: str, entry: Mapping[str, Any], utc: str
) -> Signature:
    """Return the signature of `person`, with the printed name and role of the register."""
    role = str(entry["role"])
    bare = Signature(
        proposal.sha256, person, str(entry["name"]), role, MEANINGS[role], utc, bytes_hex=""
    )
    body = bare.body() | {"bytes_hex": key.sign(bare.signed_text()).hex()}
    return Signature(**body)


def is_genuine(signature: Signature, public: str) -> bool:
    """Say whether `signature` was made with the private half of `public` over just this text."""
    try:
        raw = base64.b64decode(public.removeprefix(KEY_PREFIX), validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw)
        key.verify(bytes.fromhex(signature.bytes_hex), signature.signed_text())
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
