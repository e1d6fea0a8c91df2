"""A person's signature under a record: what was signed, who signed, when, and what it means.

It is a row of its own, of kind 'signature'. The hash of the signed record is part of the signed
text, so a signature moved to another record fits nothing (REC-05); name, time and meaning are part
of it too, and are shown wherever the signature is (REC-04). Who may sign, and with which key,
stands in the register of the sealed configuration; whether a person may sign what, is asked
before, not here.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from records.canonical import canonical_json
from records.record_key import is_signed

_FORMAT = "rheostat act 1"
_PREFIX = "ed25519:"


@dataclass(frozen=True, slots=True)
class Act:
    """One signature: `record` and `hash` name the row that was signed."""

    record: int
    hash: str
    person: str
    name: str
    role: str
    meaning: str
    utc: str
    bytes_hex: str = ""

    def signed_text(self) -> bytes:
        """Return what the person's key signs: everything but the signature itself."""
        fields = {name: value for name, value in asdict(self).items() if name != "bytes_hex"}
        return canonical_json({"format": _FORMAT, **fields}).encode("ascii")

    def body(self) -> dict[str, Any]:
        """Return what the record keeps."""
        return asdict(self)

    def as_text(self) -> str:
        """Return the signature as it has to be shown: printed name, time, meaning."""
        return f"signed by {self.name} ({self.role}) on {self.utc}: {self.meaning}"


def sign_act(act: Act, key: Ed25519PrivateKey) -> Act:
    """Return `act` signed; raises ValueError when a part that must be shown is empty."""
    shown = {"name": act.name, "utc": act.utc, "meaning": act.meaning}
    empty = [part for part, text in shown.items() if not text.strip()]
    if empty:
        raise ValueError(f"a signature shows name, time and meaning; {', '.join(empty)} is empty")
    return Act(**{**asdict(act), "bytes_hex": key.sign(act.signed_text()).hex()})


def act_of(body: Mapping[str, Any]) -> Act:
    """Return the signature in the body of a record; raises ValueError when it is none."""
    fields = {name: body.get(name) for name in Act.__slots__}
    texts = [value for name, value in fields.items() if name != "record"]
    if not all(isinstance(text, str) for text in texts) or type(fields["record"]) is not int:
        raise ValueError("this is no signature: a field is missing or of another kind")
    return Act(**body)


def fault_of_act(act: Act, row_hash: str, people: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what is wrong with a signature, in words; empty when it stands.

    `row_hash` is the hash of record `act.record` as it stands; `people` the register in force.
    """
    entry = people.get(act.person)
    if entry is None or (entry["name"], entry["role"]) != (act.name, act.role):
        return f"{act.name!r} is not registered with this name and role"
    if entry.get("revoked"):
        return f"the key of {act.name} is revoked: {entry['revoked']}"
    if act.hash != row_hash:
        return f"it was given for another record than {act.record} as it stands"
    public = base64.b64decode(str(entry["key"]).removeprefix(_PREFIX)).hex()
    if not is_signed(public, act.bytes_hex, act.signed_text()):
        return f"the signature of {act.name} is not genuine"
    return ""
