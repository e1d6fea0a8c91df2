"""What is proposed, signed and sealed: three small immutable things, each named by a hash.

A proposal is canonical JSON with the whole configuration in it, so its SHA-256 names every number.
A signature is made over that hash together with who signs, as what, when, and what it means. A
seal is a proposal that came into force, with its signatures; the record chain keeps every one.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from records.canonical import canonical_json, sha256_of
from service.limits_words import ChangeRefusedError, Refusal
from service.people.roles import ROLES

NOTHING_BEFORE = "0" * 64
"""The base of the first version."""

KINDS = ("commissioning", "registration", "change")
"""How a version came about: the first start, the first people registered, two signatures."""

MEANINGS = {
    "engineer": "I wrote this change and stand for it",
    "qa-approver": "I have reviewed this change and approve it",
}
"""What a signature means, by the role it is given in."""

KEY_PREFIX = "ed25519:"
_KEY_BYTES = 32
_FORMAT = "rheostat proposal 1"
_SIGNED = "rheostat signature 1"
_NO_TEXT = ("version", "files", "config")
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that is to come into force as `version`, after the one with hash `base`.

    `author` is a person of the register (of a commissioning: whoever started the engine); `utc`
    and `expires` are calendar times as the records spell them, `expires` empty for never. `files`
    are the SHA-256 of the files it was made from, by name.
    """

    line: str
    kind: str
    version: int
    base: str
    author: str
    reason: str
    utc: str
    expires: str
    files: Mapping[str, str]
    config: Mapping[str, Any]

    def body(self) -> dict[str, Any]:
        """Return it as plain data."""
        fields = {name: getattr(self, name) for name in Proposal.__slots__}
        return {"format": _FORMAT, **fields}

    @property
    def sha256(self) -> str:
        """Return the hash that names it."""
        return sha256_of(self.body())


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's signature under one proposal; `bytes_hex` is Ed25519 over `signed_text`."""

    proposal: str
    person: str
    name: str
    role: str
    meaning: str
    utc: str
    bytes_hex: str

    def signed_text(self) -> bytes:
        """Return what the key signs: everything but the signature itself."""
        body = {name: getattr(self, name) for name in _SIGNATURE if name != "bytes_hex"}
        return canonical_json({"format": _SIGNED, **body}).encode("ascii")

    def body(self) -> dict[str, str]:
        """Return it as plain data."""
        return {name: getattr(self, name) for name in _SIGNATURE}


_SIGNATURE = ("proposal", "person", "name", "role", "meaning", "utc", "bytes_hex")


@dataclass(frozen=True, slots=True)
class Seal:
    """A configuration in force, and who answers for it."""

    proposal: Proposal
    signatures: Sequence[Signature]

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the sealed configuration."""
        return self.proposal.config

    @property
    def people(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the register of people whose signatures count from now on."""
        people: Mapping[str, Mapping[str, Any]] = self.config.get("people", {})
        return people

    def body(self) -> dict[str, Any]:
        """Return what the records keep."""
        return {
            "version": self.proposal.version,
            "sha256": self.proposal.sha256,
            "config_sha256": sha256_of(self.config),
            "proposal": self.proposal.body(),
            "signatures": [signature.body() for signature in self.signatures],
        }


def can_sign(people: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether the register could sign a change: an engineer and a QA approver, not revoked."""
    roles = {person["role"] for person in people.values() if not person.get("revoked")}
    return set(MEANINGS) <= roles


def faults_in(people: object) -> list[str]:
    """Return what is wrong with a register: it decides who may sign, so nothing may be."""
    if not isinstance(people, Mapping):
        return ["it is no register"]
    faults: list[str] = []
    seen: set[str] = set()
    for person, entry in people.items():
        if not isinstance(entry, Mapping) or set(entry) != {"name", "role", "key", "revoked"}:
            faults.append(f"{person} has other fields than a person")
            continue
        name, role, key, revoked = (entry[f] for f in ("name", "role", "key", "revoked"))
        if role not in ROLES or not isinstance(name, str) or not name.strip():
            faults.append(f"{person} has no name or no known role")
        elif not isinstance(key, str) or not is_public_key(key):
            faults.append(f"the key of {person} is not an Ed25519 public key")
        elif not (revoked is None or isinstance(revoked, str)):
            faults.append(f"{person} is revoked without words")
        elif {key, name.strip().casefold()} & seen:
            faults.append(f"{person} has the name or the key of somebody else")
        else:
            seen |= {key, name.strip().casefold()}
    return faults


def is_public_key(text: str) -> bool:
    """Say whether `text` is 'ed25519:' and 32 bytes in base64."""
    if not text.startswith(KEY_PREFIX):
        return False
    try:
        return len(base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def read_proposal(body: object) -> Proposal:
    """Return the proposal in `body`; raises ChangeRefusedError when it is not exactly one."""
    if not isinstance(body, dict) or set(body) != {"format", *Proposal.__slots__}:
        raise _no_proposal("has other fields than a proposal")
    fields = {name: body[name] for name in Proposal.__slots__}
    texts = [fields[name] for name in Proposal.__slots__ if name not in _NO_TEXT]
    version = fields["version"]
    if body["format"] != _FORMAT:
        raise _no_proposal(f"is of the format {body['format']!r}, which is not known here")
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in texts):
        raise _no_proposal("has a field that is no short text")
    if type(version) is not int or version < 1:
        raise _no_proposal("has no version")
    if not all(isinstance(fields[name], dict) for name in ("files", "config")):
        raise _no_proposal("has no configuration in it")
    if fields["kind"] not in KINDS:
        raise _no_proposal(f"is of the kind {fields['kind']!r}, which is not known here")
    return Proposal(**fields)


def read_signature(body: object) -> Signature:
    """Return the signature in `body`; raises ChangeRefusedError when it is not exactly one."""
    if not isinstance(body, dict) or set(body) != set(_SIGNATURE):
        raise _no_signature("has other fields than a signature")
    if not all(isinstance(text, str) and len(text) <= _LONGEST for text in body.values()):
        raise _no_signature("has a field that is no short text")
    return Signature(**body)


def read_seal(body: Mapping[str, Any]) -> Seal:
    """Return the seal in the body of a record; raises ChangeRefusedError when it is not one."""
    proposal = read_proposal(body.get("proposal"))
    if body.get("sha256") != proposal.sha256:
        raise _no_proposal("does not fit the hash it was recorded with")
    return Seal(proposal, tuple(read_signature(one) for one in body.get("signatures", ())))


def moment_of(text: str) -> datetime | None:
    """Return the UTC moment that `text` names, or None when it names none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None


def _no_proposal(what: str) -> ChangeRefusedError:
    step = "make it anew with './rheostat limits propose'"
    return ChangeRefusedError([Refusal("RH-2001", f"the proposal {what}", step)])


def _no_signature(what: str) -> ChangeRefusedError:
    step = "sign again with './rheostat limits sign'"
    return ChangeRefusedError([Refusal("RH-2015", f"a signature {what}", step)])
