"""The engine's own judgement of a change: it believes no file, no caller and no other program.

Hash, line, version, base, expiry, signatures, and what may move at all; everything that is wrong is
said at once. What this passes must still build the gate's rules and a worker that holds them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from safety.rules import loop_rules
from safety.strict import RuleError
from service.limits_change import changes, refusal_of
from service.limits_keys import is_genuine
from service.limits_proposal import (
    MEANINGS,
    NOTHING_BEFORE,
    Proposal,
    Seal,
    Signature,
    can_sign,
    faults_in,
    moment_of,
)
from service.limits_words import Refusal

LONGEST_VALID = timedelta(days=31)
_CLOCKS_APART = timedelta(minutes=5)


def judge_proposal(proposal: Proposal, in_force: Seal, now: datetime) -> list[Refusal]:
    """Return everything that stands against a proposal, signed or not; garbage too."""
    try:
        return [
            *_line(proposal, in_force),
            *_version(proposal, in_force),
            *_time(proposal, now),
            *_reason(proposal),
            *_content(proposal, in_force),
        ]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        what = f"what it calls a configuration is none: {type(error).__name__}: {error}"
        return [Refusal("RH-2001", what, "propose it again")]


def judge_change(
    proposal: Proposal, signatures: Sequence[Signature], in_force: Seal, now: datetime
) -> list[Refusal]:
    """Return everything that stands against putting a proposal into force."""
    return [
        *judge_proposal(proposal, in_force, now),
        *judge_signatures(proposal, signatures, in_force.people, now),
    ]


def judge_signatures(
    proposal: Proposal,
    signatures: Sequence[Signature],
    people: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> list[Refusal]:
    """Return what is wrong with the signatures: the author's and another's, both genuine."""
    if not signatures:
        what = "nobody has signed it; an engineer's and a QA approver's signature are due"
        return [Refusal("RH-2010", what, "./rheostat limits sign")]
    found = [fault for one in signatures for fault in _signature(one, proposal, people, now)]
    signers = [one.person for one in signatures]
    names = [_folded(one.name) for one in signatures]
    if len(set(signers)) < len(signers) or len(set(names)) < len(names):
        what = f"{signatures[-1].name} has signed it twice: nobody approves their own change"
        return [*found, Refusal("RH-2011", what, "have a QA approver sign it")]
    author = next((one for one in signatures if one.person == proposal.author), None)
    others = [one for one in signatures if one.person != proposal.author]
    if author is None:
        what = f"its author, {proposal.author}, has not signed it"
        found.append(Refusal("RH-2010", what, "./rheostat limits sign, with the author's key"))
    elif author.role != "engineer":
        what = f"its author, {author.name}, is registered as {author.role}"
        found.append(Refusal("RH-2014", what, "changes are written by an engineer"))
    if not others:
        what = f"only its author, {proposal.author}, has signed it"
        found.append(Refusal("RH-2010", what, "have a QA approver sign it, another person"))
    elif not any(one.role == "qa-approver" for one in others):
        what = f"none of its signers but the author is a QA approver ({', '.join(signers)})"
        found.append(Refusal("RH-2014", what, "have a QA approver sign it"))
    return found


def fault_in_history(seals: Sequence[Seal]) -> str:
    """Say in words why these sealed versions do not follow from each other; empty if they do."""
    before: Seal | None = None
    for seal in seals:
        proposal = seal.proposal
        last = before.proposal if before is not None else None
        if proposal.base != (NOTHING_BEFORE if last is None else last.sha256):
            return f"version {proposal.version} does not follow the one before it"
        if proposal.version != (1 if last is None else last.version + 1):
            return f"version {proposal.version} is out of order"
        fault = _unlawful(seal, before)
        if fault:
            return f"version {proposal.version}: {fault}"
        before = seal
    return ""


def registers_only(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Say whether all that `new` does is to register the first people who can sign."""
    found = changes(old, new)
    return (
        not can_sign(old.get("people", {}))
        and not faults_in(new.get("people", {}))
        and can_sign(new.get("people", {}))
        and all(change.ring == "people" for change in found)
    )


def _unlawful(seal: Seal, before: Seal | None) -> str:
    """Say why this version may not follow `before`; empty when it may."""
    proposal = seal.proposal
    if before is None or proposal.kind == "commissioning":
        lawful = before is None and proposal.kind == "commissioning"
        return "" if lawful else "only the first version is a commissioning, and it always is"
    if proposal.kind == "registration":
        lawful = registers_only(before.config, seal.config)
        return "" if lawful else "people were registered where others should have signed for it"
    made = moment_of(proposal.utc)
    if made is None:
        return "it does not say when it was made"
    then = max([made, *filter(None, (moment_of(one.utc) for one in seal.signatures))])
    faults = judge_signatures(proposal, seal.signatures, before.people, then)
    return faults[0].what if faults else ""


def _line(proposal: Proposal, in_force: Seal) -> Iterator[Refusal]:
    if proposal.kind != "change":
        what = f"it calls itself a {proposal.kind}; only the engine's first start makes such"
        yield Refusal("RH-2001", what, "make it with './rheostat limits propose'")
    if proposal.line != in_force.proposal.line:
        what = f"it is for the line {proposal.line}, and this is {in_force.proposal.line}"
        yield Refusal("RH-2002", what, "name the state folder of the line it is for")


def _version(proposal: Proposal, in_force: Seal) -> Iterator[Refusal]:
    now = in_force.proposal
    if proposal.version <= now.version:
        what = f"it is version {proposal.version}, and version {now.version} is in force already"
        step = "to go back, propose the older values as a new version and have it signed"
        yield Refusal("RH-2004", what, step)
    elif proposal.base != now.sha256 or proposal.version != now.version + 1:
        what = (
            f"it was written against {proposal.base[:12]}, but version {now.version} in force is "
            f"{now.sha256[:12]}"
        )
        yield Refusal("RH-2003", what, "propose it again against the version in force")


def _time(proposal: Proposal, now: datetime) -> Iterator[Refusal]:
    made, expires = moment_of(proposal.utc), moment_of(proposal.expires)
    again = "propose it again"
    if made is None or expires is None:
        yield Refusal("RH-2005", "it does not say when it was made and until when it holds", again)
    elif made > now + _CLOCKS_APART:
        yield Refusal("RH-2005", f"it was made in the future, {proposal.utc}", "set the clocks")
    elif expires < now:
        yield Refusal("RH-2005", f"it expired at {proposal.expires}", again)
    elif expires - made > LONGEST_VALID:
        what = f"it would hold until {proposal.expires}; {LONGEST_VALID.days} days is the longest"
        yield Refusal("RH-2005", what, again)


def _reason(proposal: Proposal) -> Iterator[Refusal]:
    if not proposal.reason.strip() or not proposal.reason.isprintable():
        yield Refusal("RH-2007", "it gives no reason", "propose it again with --reason")


def _content(proposal: Proposal, in_force: Seal) -> Iterator[Refusal]:
    found = changes(in_force.config, proposal.config)
    if not found:
        what = f"it is what version {in_force.proposal.version} says already"
        yield Refusal("RH-2006", what, "edit the files first, then propose")
        return
    refused = [refusal for change in found if (refusal := refusal_of(change)) is not None]
    yield from refused
    people = proposal.config.get("people", {})
    faults = faults_in(people)
    for fault in faults:
        yield Refusal("RH-2021", f"people: {fault}", "correct people.yaml")
    if not faults and not can_sign(people):
        what = "afterwards there would be no engineer or no QA approver who can sign"
        yield Refusal("RH-2023", what, "keep one of each in the register")
    if not refused:
        yield from _rules(proposal.config)


def _rules(config: Mapping[str, Any]) -> Iterator[Refusal]:
    step = "correct the files; ./rheostat check says where"
    for loop in config["loops"]:
        try:
            loop_rules(config, loop)
        except RuleError as error:
            yield Refusal("RH-2021", str(error), step)
    for tag, target in config["recipe"].get("targets", {}).items():
        row = config["tags"].get(tag, {})
        check = config["limits"]["inputs"].get(tag, {})
        for what, span in (("range", (row.get("low"), row.get("high"))),
                           ("validity", check.get("validity", (None, None)))):  # fmt: skip
            if not _is_within(target, span):
                place = f"recipe.targets.{tag}: {target!r}"
                yield Refusal("RH-2021", f"{place} lies outside the {what} of the reading", step)


def _is_within(value: object, span: Sequence[float | None]) -> bool:
    if not isinstance(value, float) or not math.isfinite(value):
        return False
    low, high = span
    return (low is None or value >= low) and (high is None or value <= high)


def _signature(
    one: Signature, proposal: Proposal, people: Mapping[str, Mapping[str, Any]], now: datetime
) -> Iterator[Refusal]:
    entry = people.get(one.person)
    if entry is None:
        what = f"{one.person} ({one.name}) is not registered on this line"
        yield Refusal("RH-2012", what, "register people by a signed change of people.yaml first")
        return
    if entry.get("revoked"):
        what = f"the key of {entry['name']} is revoked ({entry['revoked']})"
        yield Refusal("RH-2013", what, "have somebody else sign it")
    signed = moment_of(one.utc)
    if one.proposal != proposal.sha256 or not is_genuine(one, str(entry["key"])):
        what = f"the signature of {one.name} does not fit this proposal"
        yield Refusal("RH-2015", what, "it was changed after signing: propose and sign it again")
    elif (one.name, one.role) != (entry["name"], entry["role"]):
        what = f"{one.person} signed as {one.name}, {one.role}, and is registered otherwise"
        yield Refusal("RH-2014", what, "sign it again")
    elif one.meaning != MEANINGS.get(one.role) or signed is None or signed > now + _CLOCKS_APART:
        what = f"the signature of {one.name} does not say what it means, or when it was given"
        yield Refusal("RH-2015", what, "sign it again")


def _folded(name: str) -> str:
    return name.strip().casefold()
