"""Somebody signed in at the page, without a password: for tests of what a role may do."""

from __future__ import annotations

from fastapi import FastAPI, Request

from service.page.access import Access
from service.people.roles import NOBODY, NOBODY_ROLE, Person


def as_role(app: FastAPI, role: str, *, read_open: bool = False) -> Person:
    """Let every request to `app` come from one person in `role`; 'nobody' is not signed in."""
    person = NOBODY if role == NOBODY_ROLE else Person("kim", "Kim Yuna", role)

    async def person_of(_: Request) -> Person:
        return person

    app.state.access = Access(person_of=person_of, read_open=read_open)
    return person
