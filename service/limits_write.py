"""Making proposals and signatures, and noting what waits for a start: the person's side.

It refuses early, in the same words as the engine, which judges everything again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.clock import utc_text
from service.limits_folder import LimitsFolder, Signed
from service.limits_judge import judge_change, judge_proposal
from service.limits_keeper import file_digest
from service.limits_keys import owner_of, public_text
from service.limits_keys import sign as sign_with
from service.limits_proposal import Proposal, Seal, Signature
from service.limits_words import ChangeRefusedError, Refusal


def propose(
    state_dir: Path,
    in_force: Seal,
    config: Mapping[str, Any],
    files: Sequence[Path],
    author: str,
    reason: str,
    days: int,
) -> Proposal:
    """Write a proposal of `config` down; raises ChangeRefusedError with everything against it."""
    now = datetime.now(UTC)
    last = in_force.proposal
    proposal = Proposal(
        line=str(config["line"]["id"]),
        kind="change",
        version=last.version + 1,
        base=last.sha256,
        author=author,
        reason=reason.strip(),
        utc=utc_text(now),
        expires=utc_text(now + timedelta(days=days)),
        files={path.name: file_digest(path) for path in files},
        config=config,
    )
    refusals = [*_author(author, in_force), *judge_proposal(proposal, in_force, now)]
    if refusals:
        raise ChangeRefusedError(refusals)
    LimitsFolder(state_dir).put(proposal)
    return proposal


def sign(state_dir: Path, in_force: Seal, signed: Signed, key: Ed25519PrivateKey) -> Signature:
    """Sign a proposal with the key of one registered person, and write the signature down.

    Raises ChangeRefusedError with everything that stands against it.
    """
    now = datetime.now(UTC)
    proposal = signed.proposal
    refusals = judge_proposal(proposal, in_force, now)
    person = owner_of(public_text(key.public_key()), in_force.people)
    if person is None:
        what = "this key belongs to nobody who is registered on this line"
        step = "have it registered by a signed change of people.yaml"
        raise ChangeRefusedError([*refusals, Refusal("RH-2012", what, step)])
    refusals += _signer(person, signed, in_force)
    if refusals:
        raise ChangeRefusedError(refusals)
    signature = sign_with(proposal, key, person, in_force.people[person], utc_text(now))
    LimitsFolder(state_dir).put_signature(signature)
    return signature


def wait_for_start(state_dir: Path, in_force: Seal, name: str) -> None:
    """Note that the next start shall put the proposal `name` into force.

    Raises ChangeRefusedError with everything that stands against it now.
    """
    folder = LimitsFolder(state_dir)
    signed = folder.find(name)
    refusals = judge_change(signed.proposal, signed.signatures, in_force, datetime.now(UTC))
    if refusals:
        raise ChangeRefusedError(refusals)
    folder.wait_for_start(signed.proposal.sha256)


def _author(author: str, in_force: Seal) -> list[Refusal]:
    entry = in_force.people.get(author)
    if entry is None:
        known = ", ".join(in_force.people) or "nobody"
        what = f"`{author}` is not registered on this line (known: {known})"
        step = "name yourself as in people.yaml; the register in force counts, not the file"
        return [Refusal("RH-2012", what, step)]
    if entry["role"] != "engineer":
        what = f"{entry['name']} is registered as {entry['role']}"
        return [Refusal("RH-2014", what, "changes are written by an engineer")]
    return []


def _signer(person: str, signed: Signed, in_force: Seal) -> list[Refusal]:
    entry, author = in_force.people[person], signed.proposal.author
    name = str(entry["name"])
    if entry.get("revoked"):
        what = f"the key of {name} is revoked ({entry['revoked']})"
        return [Refusal("RH-2013", what, "have somebody else sign it")]
    if any(one.person == person for one in signed.signatures):
        what = f"{name} has signed it already, and nobody approves their own change"
        return [Refusal("RH-2011", what, "have a QA approver sign it")]
    due = "engineer" if person == author else "qa-approver"
    if entry["role"] != due:
        what = f"{name} is registered as {entry['role']}; here a signature as {due} is due"
        return [Refusal("RH-2014", what, "have its author or a QA approver sign it")]
    return []
