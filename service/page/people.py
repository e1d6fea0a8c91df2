"""Signing in and out, setting up one's account, and the admin's view of all accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.page.access import ACTIONS, own_page, require
from service.page.identity import Identity
from service.people.accounts import Account, PeopleError, SignInRefusedError
from service.people.roles import NOBODY, Person, may
from service.people.standing import auto_is_signed, must_be_signed

T = TypeVar("T")
PersonId = Annotated[str, Field(min_length=1, max_length=40)]
Secret = Annotated[str, Field(min_length=1, max_length=256)]
InPath = Annotated[str, Path(pattern=r"^[a-z][a-z0-9.-]{0,39}$")]
Admin = Annotated[Person, Depends(require("people"))]


class Body(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class SignIn(Body):
    """Name and password."""

    person: PersonId
    password: Secret


class SetUp(Body):
    """The one-time code from `./rheostat people add`, and the password chosen for good."""

    person: PersonId
    code: Secret
    password: Secret


class NewPassword(Body):
    """The password as it is, and as it shall be."""

    old: Secret
    new: Secret


class NewAccount(Body):
    """Whom an admin makes an account for."""

    person: PersonId
    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Literal["operator", "engineer", "qa-approver", "admin", "auditor"]


def router(identity: Identity) -> APIRouter:
    """Return the routes of sessions and accounts."""
    routes = APIRouter()
    accounts = identity.accounts

    @routes.get("/api/session")
    async def who(request: Request) -> dict[str, Any]:
        return _session(identity, await identity.person_of(request))

    @routes.post("/api/session", dependencies=[Depends(own_page)])
    async def sign_in(given: SignIn, request: Request, response: Response) -> dict[str, Any]:
        account = await checked(
            identity, request, given.person, "sign-in",
            lambda: accounts.signed_in(given.person, given.password, identity.now_s()),
        )  # fmt: skip
        identity.begin(request, response, account.id)
        return {"ok": True, "text": f"signed in as {account.name}"}

    @routes.post("/api/session/end", dependencies=[Depends(own_page)])
    async def sign_out(request: Request, response: Response) -> dict[str, Any]:
        identity.end(request, response)
        return {"ok": True, "text": "signed out"}

    @routes.post("/api/session/touch", dependencies=[Depends(own_page)])
    async def touch(request: Request) -> dict[str, Any]:
        return _session(identity, await identity.person_of(request))

    @routes.post("/api/session/set-up", dependencies=[Depends(own_page)])
    async def set_up(given: SetUp, request: Request) -> dict[str, Any]:
        account = await checked(
            identity, request, given.person, "set-up",
            lambda: accounts.set_up(given.person, given.code, given.password, identity.now_s()),
        )  # fmt: skip
        await identity.note_account("set-up", account.id, account.name)
        return {"ok": True, "text": "Your account stands. Sign in.", "entry": account.as_entry()}

    @routes.post("/api/session/password")
    async def password(
        given: NewPassword, request: Request, person: Annotated[Person, Depends(require("view"))]
    ) -> dict[str, Any]:
        if person is NOBODY:
            raise HTTPException(401, "Refused: sign in first.")
        await checked(
            identity, request, person.id, "password",
            lambda: accounts.change_password(person.id, given.old, given.new, identity.now_s()),
        )  # fmt: skip
        await identity.note_account("password changed", person.id, person.name)
        return {"ok": True, "text": "The password is changed. Sign in with the new one."}

    @routes.get("/api/people")
    async def all_(_: Admin) -> list[dict[str, Any]]:
        return [_row(account, identity) for account in accounts.all()]

    @routes.post("/api/people")
    async def add(given: NewAccount, by: Admin) -> dict[str, Any]:
        code = _or_refused(
            lambda: accounts.add(given.person, given.name, given.role, identity.now_s())
        )
        await identity.note_account(f"added as {given.role}", given.person, by.name)
        return {"ok": True, "code": code, "text": "Give them this code; it is good for 24 hours."}

    @routes.post("/api/people/{person}/{what}")
    async def change(
        person: InPath, what: Literal["lock", "unlock", "reset", "sign-out"], by: Admin
    ) -> dict[str, Any]:
        code = _or_refused(lambda: _changed(identity, person, what))
        await identity.note_account(what, person, by.name)
        return {"ok": True, "text": f"{person}: {what}"} | ({"code": code} if code else {})

    return routes


async def checked(
    identity: Identity, request: Request, person: str, action: str, work: Callable[[], T]
) -> T:
    """Return what `work` with a password returns, done off the event loop.

    Raises HTTPException in words; a refusal is noted with what was really wrong.
    """
    address = request.client.host if request.client else "?"
    if not identity.guesses.takes(address):
        await identity.note_refused(request, person, action, "too many tries from one address")
        raise HTTPException(429, "Refused: too many tries from here; wait a minute.")
    try:
        async with identity.hashing:
            return await asyncio.to_thread(work)
    except SignInRefusedError as error:
        await identity.note_refused(request, person, action, error.why)
        raise HTTPException(401, str(error)) from error
    except PeopleError as error:
        raise HTTPException(422, f"{error}. Next: {error.next_step}") from error


def _session(identity: Identity, person: Person) -> dict[str, Any]:
    sealed = identity.sealed()
    shown = {"id": person.id, "name": person.name, "role": person.role}
    return {
        "person": shown if person.id else None,
        "actions": [action for action in ACTIONS if may(person.role, action)],
        "signs": {
            "auto": auto_is_signed(sealed),
            "reset": must_be_signed(sealed.get("people", {})),
        },
        "read": identity.settings["read"],
        "line": sealed["line"]["id"],
    }


def _row(account: Account, identity: Identity) -> dict[str, Any]:
    registered = account.is_in(identity.sealed().get("people", {}))
    return {
        "person": account.id, "name": account.name, "role": account.role, "state": account.state,
        "waits": account.wait_until_s > identity.now_s(), "registered": registered,
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
    else:
        accounts.unlock(person)
    return ""


def _or_refused(work: Callable[[], T]) -> T:
    try:
        return work()
    except PeopleError as error:
        raise HTTPException(409, f"{error}. Next: {error.next_step}") from error
