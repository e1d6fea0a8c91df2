"""Passwords and the keys they open. Nothing here is ever logged, recorded or kept in clear.

A password is hashed with Argon2id. A person's Ed25519 key is sealed with AES-256-GCM under a key
that Argon2id derives from the password with a salt of its own, so neither opens the other. The cost
is the second choice of RFC 9106, section 4: 64 MiB, three passes, four lanes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SHORTEST, LONGEST = 12, 128
_SALT, _NONCE, _KEY = 16, 12, 32
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # nothing that reads like something else
_CODE_GROUPS, _GROUP = 4, 5
_WELL_KNOWN = ("password", "passwort", "qwerty", "1234", "rheostat", "letmein", "admin", "비밀번호")


class SecretError(Exception):
    """A password does not open what it was given for; the text says so, and nothing about it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess costs: passes, memory in KiB, lanes."""

    passes: int = 3
    memory_kib: int = 65_536
    lanes: int = 4


def hash_password(password: str, cost: Cost) -> str:
    """Return the Argon2id hash of a password, with its salt and cost in it."""
    return PasswordHasher(cost.passes, cost.memory_kib, cost.lanes).hash(password)


def is_password(password: str, hashed: str) -> bool:
    """Say whether `hashed` was made from `password`."""
    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def weakness(password: str, *words: str) -> str:
    """Say why nobody should have this password, in words; empty when it will do.

    Length counts, and that it is not made of the person's own `words` or of what everybody tries.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return f"a password has {SHORTEST} to {LONGEST} characters; a few words will do"
    bare = password.casefold()
    for word in (*_WELL_KNOWN, *(word.casefold() for word in words if len(word) > 2)):
        bare = bare.replace(word, "")
    if len(set(bare)) < SHORTEST // 2:
        return "it repeats itself, or is made of names and words that everybody tries first"
    return ""


def seal_key(key: Ed25519PrivateKey, password: str, person: str, cost: Cost) -> str:
    """Return `key` sealed under a password, as JSON; it opens for this person only."""
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    box = AESGCM(_derived(password, salt, cost)).encrypt(
        nonce, key.private_bytes_raw(), person.encode()
    )
    parts = {"salt": salt.hex(), "nonce": nonce.hex(), "box": box.hex()}
    return json.dumps({**asdict(cost), **parts})


def open_key(sealed: str, password: str, person: str) -> Ed25519PrivateKey:
    """Return the key in `sealed`; raises SecretError for any other password or person."""
    parts: dict[str, Any] = json.loads(sealed)
    cost = Cost(parts["passes"], parts["memory_kib"], parts["lanes"])
    derived = _derived(password, bytes.fromhex(parts["salt"]), cost)
    try:
        raw = AESGCM(derived).decrypt(
            bytes.fromhex(parts["nonce"]), bytes.fromhex(parts["box"]), person.encode()
        )
    except InvalidTag as error:
        raise SecretError("the key does not open with this password") from error
    return Ed25519PrivateKey.from_private_bytes(raw)


def new_code() -> str:
    """Return a one-time code to type in: 20 letters and digits, 98 bits."""
    groups = ("".join(secrets.choice(_CODE_ALPHABET) for _ in range(_GROUP))
              for _ in range(_CODE_GROUPS))  # fmt: skip
    return "-".join(groups)


def new_token() -> str:
    """Return the random name of a session: 256 bits."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii").rstrip("=")


def digest(text: str) -> str:
    """Return what is kept of a code or token: random already, so one round of SHA-256 does."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_digest(text: str, kept: str) -> bool:
    """Say whether `kept` is the digest of `text`, in constant time."""
    return hmac.compare_digest(digest(text), kept)


def _derived(password: str, salt: bytes, cost: Cost) -> bytes:
    return hash_secret_raw(
        password.encode(), salt, cost.passes, cost.memory_kib, cost.lanes, _KEY, Type.ID
    )
