"""People with keys, a small line sealed with them, and changes of it: for the tests of limits."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from service.clock import utc_text
from service.limits_keys import public_text, sign
from service.limits_proposal import NOTHING_BEFORE, Proposal, Seal, Signature
from tests.service.small_line import SP, small_sealed

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    for number, name in enumerate(("kim", "lee", "park", "choi", "stranger"), start=1)
}
ROLES = {"kim": "engineer", "park": "engineer", "lee": "qa-approver", "choi": "qa-approver"}
NARROWER = [2.5e-4, 8e-4]


def register() -> dict[str, Any]:
    """Kim and Park write changes, Lee approves them; Choi's key is revoked."""
    people: dict[str, Any] = {
        name: {
            "name": f"{name.title()} Yuna", "role": role,
            "key": public_text(KEYS[name].public_key()), "revoked": None,
        }
        for name, role in ROLES.items()
    }  # fmt: skip
    people["choi"]["revoked"] = "2026-11-01: key lost"
    return people


def line(**setpoint: Any) -> dict[str, Any]:
    """The small line with its people; `setpoint` replaces limits of its one setpoint."""
    sealed = copy.deepcopy(small_sealed())
    sealed["people"] = register()
    sealed["limits"]["setpoints"][SP].update(setpoint)
    return sealed


def commissioned(config: Mapping[str, Any] | None = None) -> Seal:
    """Version 1, as the first start makes it."""
    proposal = Proposal(
        "test", "commissioning", 1, NOTHING_BEFORE, "root", "first start", utc_text(NOW), "", {},
        config or line(),
    )  # fmt: skip
    return Seal(proposal, ())


def change(base: Seal, config: Mapping[str, Any], **fields: Any) -> Proposal:
    """A proposal by Kim against `base`, an hour old; `fields` replaces what a test spoils."""
    last = base.proposal
    made = NOW - timedelta(hours=1)
    proposal = Proposal(
        last.line, "change", last.version + 1, last.sha256, "kim", "die cleaned",
        utc_text(made), utc_text(made + timedelta(days=7)), {}, config,
    )  # fmt: skip
    return replace(proposal, **fields)


def signed(proposal: Proposal, *people: str, **fields: Any) -> Sequence[Signature]:
    """Signatures of `people`, genuine over whatever `fields` says."""
    entries = register() | {"stranger": register()["lee"] | {"name": "Stranger"}}
    return [
        sign(proposal, KEYS[name], name, entries[name] | fields, utc_text(NOW)) for name in people
    ]
