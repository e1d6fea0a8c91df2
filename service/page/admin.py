"""The admin's part: accounts made, locked, reset and given a role, and who is signed in.

Nobody does it to themself: an admin who locks or promotes themself is a mistake or a theft. What
is done is recorded with who did it. Requirements REC-14, SEC-07, SEC-09.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import Field

from service.page.access import require
from service.page.identity import Identity, person_in_force
from service.page.people import Body, PersonId
from service.people.accounts import Account, PeopleError
from service.people.roles import Person

T = TypeVar("T")
Role = Literal["operator", "engineer", "qa-approver", "admin", "auditor"]
Admin = Annotated[Person, Depends(require("people"))]
InPath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9.-]{0,39}$")]


class NewAccount(Body):
    """Whom an admin makes an account for."""

    person: PersonId
    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role


class NewRole(Body):
    """The role an account shall have."""

    role: Role


def router(identity: Identity) -> APIRouter:
    """Return the routes of the admin."""
    routes = APIRouter()
    accounts = identity.accounts

    @routes.get("/api/people")
    async def all_(_: Admin) -> list[dict[str, Any]]:
        return [_row(account, identity) for account in accounts.all()]

    @routes.get("/api/people/sessions")
    async def sessions(_: Admin) -> list[dict[str, Any]]:
        return identity.sessions_of(None, "")

    @routes.post("/api/people")
    async def add(given: NewAccount, by: Admin) -> dict[str, Any]:
        code = _or_refused(
            lambda: accounts.add(given.person, given.name, given.role, identity.now_s())
        )
        await identity.note_account(f"added as {given.role}", given.person, by.name)
        return {"ok": True, "code": code, "text": "Give them this code; it is good for 24 hours."}

    @routes.post("/api/people/{person}/role")
    async def role(given: NewRole, person: InPath, by: Admin) -> dict[str, Any]:
        _not_oneself(person, by)
        _or_refused(lambda: accounts.set_role(person, given.role))
        await identity.note_account(f"role {given.role}", person, by.name)
        return {"ok": True, "text": f"{person}: {given.role}"}

    @routes.post("/api/people/{person}/{what}")
    async def change(
        person: InPath, what: Literal["lock", "unlock", "reset", "renew", "sign-out"], by: Admin
    ) -> dict[str, Any]:
        if what != "sign-out":
            _not_oneself(person, by)
        code = _or_refused(lambda: _changed(identity, person, what))
        await identity.note_account(what, person, by.name)
        return {"ok": True, "text": f"{person}: {what}"} | ({"code": code} if code else {})

    return routes


def _row(account: Account, identity: Identity) -> dict[str, Any]:
    sealed = identity.sealed()
    return {
        "person": account.id, "name": account.name, "role": account.role, "state": account.state,
        "waits": account.wait_until_s > identity.now_s(),
        "registered": account.is_in(sealed.get("people", {})),
        "counts_as": person_in_force(account, sealed).role,
        "provider": account.subject is not None,
        "entry": account.as_entry() if account.public else "",
    }  # fmt: skip


def _changed(identity: Identity, person: str, what: str) -> str:
    accounts = identity.accounts
    accounts.one(person)
    if what == "reset":
        return accounts.reset(person, identity.now_s())
    if what == "sign-out":
        identity.sessions.end_all(person)
    elif what == "lock":
        accounts.lock(person)
    elif what == "renew":
        accounts.renew(person)
    else:
        accounts.unlock(person)
    return ""


def _not_oneself(person: str, by: Person) -> None:
    if person == by.id:
        raise HTTPException(409, "Nobody does this to their own account. Next: ask another admin.")


def _or_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except PeopleError as error:
        raise HTTPException(409, f"{error}. Next: {error.next_step}") from error
