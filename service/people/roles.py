"""Who may do what: one table, default deny. Pure data, read by the page and by the engine.

A person has one role. Two jobs that must not lie in one hand (writing a change and approving it,
making accounts and running the plant) are two roles. Requirements REC-14, SEC-07.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

ROLES = ("operator", "engineer", "qa-approver", "admin", "auditor")
NOBODY_ROLE = "nobody"
"""Whoever stands at the screen without having signed in."""

UNREGISTERED_ROLE = "unregistered"
"""Signed in, but not in the sealed register of a line whose register counts."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: the short name of the register, the printed name, and the role that counts now."""

    id: str
    name: str
    role: str


NOBODY = Person("", "", NOBODY_ROLE)

_SIGNED_IN = frozenset({*ROLES, UNREGISTERED_ROLE})
_EVERYONE = _SIGNED_IN | {NOBODY_ROLE}
_RUNNING = frozenset({"operator", "engineer"})

ACTIONS: Mapping[str, frozenset[str]] = MappingProxyType({
    "view": _SIGNED_IN,  # and everybody, where the line's configuration says 'read: open'
    "off": _EVERYONE,  # giving the loop back to its PLC is never refused
    "mode": _RUNNING,  # SHADOW and AUTO
    "reset": frozenset({"operator", "engineer", "qa-approver"}),
    "acknowledge": _RUNNING,
    "shelve": _RUNNING,
    "suppress": frozenset({"engineer"}),
    "limits-propose": frozenset({"engineer"}),
    "limits-sign": frozenset({"engineer", "qa-approver"}),
    "limits-activate": frozenset({"engineer", "qa-approver"}),
    "what-if": frozenset({"operator", "engineer", "qa-approver"}),
    "export": frozenset({"operator", "engineer", "qa-approver", "auditor"}),
    "enter": _RUNNING,  # the lots of a batch
    "check": frozenset({"operator", "engineer", "qa-approver"}),  # what somebody else entered
    "review": frozenset({"qa-approver"}),
    "people": frozenset({"admin"}),
})  # fmt: skip
"""Action to the roles that may do it. What is not here, nobody may."""


def may(role: str, action: str) -> bool:
    """Say whether `role` may do `action`; an action that is not in the table nobody may."""
    return role in ACTIONS.get(action, frozenset())
