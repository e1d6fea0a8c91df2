"""People of a demo: an account each for whoever plays, with a password made for this run only."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from service.people.accounts import Accounts
from service.people.store import PeopleStore

_PLAYERS = {
    "operator": ("Demo Operator", "operator"),
    "engineer": ("Demo Engineer", "engineer"),
    "quality": ("Demo Quality", "qa-approver"),
}


def introduce(state: Path) -> dict[str, str]:
    """Make the accounts of a demo in its state folder; return name to password."""
    store = PeopleStore(state)
    try:
        accounts = Accounts(store)
        passwords = {}
        for id_, (name, role) in _PLAYERS.items():
            code = accounts.add(id_, name, role, time.time())
            passwords[id_] = secrets.token_urlsafe(12)
            accounts.set_up(id_, code, passwords[id_], time.time())
        return passwords
    finally:
        store.close()
