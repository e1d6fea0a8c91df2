"""People at the page, for tests: somebody in a role without a password, or a cheap account."""

from __future__ import annotations

import time
from pathlib import Path

from fastapi import FastAPI, Request

from service.page.access import Access
from service.people.accounts import Account, Accounts
from service.people.roles import NOBODY, NOBODY_ROLE, Person
from service.people.secret import Cost
from service.people.store import PeopleStore

CHEAP = Cost(1, 64, 1)
PASSWORD = "violet otter reads maps"


def account(state: Path, id_: str, name: str, role: str, password: str = PASSWORD) -> Account:
    """Make an account in a state folder and set it up; its password costs next to nothing."""
    store = PeopleStore(state)
    try:
        accounts = Accounts(store, CHEAP)
        code = accounts.add(id_, name, role, time.time())
        return accounts.set_up(id_, code, password, time.time())
    finally:
        store.close()


def as_role(app: FastAPI, role: str, *, read_open: bool = False) -> Person:
    """Let every request to `app` come from one person in `role`; 'nobody' is not signed in."""
    person = NOBODY if role == NOBODY_ROLE else Person("kim", "Kim Yuna", role)

    async def person_of(_: Request) -> Person:
        return person

    app.state.access = Access(person_of=person_of, read_open=lambda: read_open)
    return person
