"""Signing in and out, setting up one's account, one's own password and sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from service.page.access import ACTIONS, own_page, require
from service.page.identity import Identity
from service.people.accounts import Account, PasswordDueError, PeopleError, SignInRefusedError
from service.people.roles import NOBODY, Person, may
from service.people.standing import auto_is_signed, must_be_signed

T = TypeVar("T")
PersonId = Annotated[str, Field(min_length=1, max_length=40)]
Secret = Annotated[str, Field(min_length=1, max_length=256)]


class Body(BaseModel):
    """Nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


async def _somebody(person: Annotated[Person, Depends(require("view"))]) -> Person:
    if person is NOBODY:  # where everybody may look
        raise HTTPException(401, "Refused: sign in first.")
    return person


Own = Annotated[Person, Depends(_somebody)]


class SignIn(Body):
    """Name and password; `new` is the password to have from now on, where one is due."""

    person: PersonId
    password: Secret
    new: Secret | None = None


class SetUp(Body):
    """The one-time code from `./rheostat people add`, and the password chosen for good."""

    person: PersonId
    code: Secret
    password: Secret


class NewPassword(Body):
    """The password as it is, and as it shall be."""

    old: Secret
    new: Secret


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
            identity, request, given.person, "sign-in", lambda: _signed_in(identity, given)
        )
        if given.new is not None:
            await identity.note_account("password changed", account.id, account.name)
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
    async def password(given: NewPassword, request: Request, person: Own) -> dict[str, Any]:
        await checked(
            identity, request, person.id, "password",
            lambda: accounts.change_password(person.id, given.old, given.new, identity.now_s()),
        )  # fmt: skip
        await identity.note_account("password changed", person.id, person.name)
        return {"ok": True, "text": "The password is changed. Sign in with the new one."}

    @routes.get("/api/session/mine")
    async def mine(request: Request, person: Own) -> list[dict[str, Any]]:
        return await asyncio.to_thread(identity.sessions_of, request, person.id)

    @routes.post("/api/session/end-others")
    async def end_others(request: Request, person: Own) -> dict[str, Any]:
        number = await asyncio.to_thread(identity.end_others, request, person.id)
        await identity.note_account("signed out elsewhere", person.id, person.name)
        return {"ok": True, "text": f"{number} other session(s) ended"}

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
    except PasswordDueError as error:
        raise HTTPException(409, f"{error}. Next: {error.next_step}") from error
    except PeopleError as error:
        raise HTTPException(422, f"{error}. Next: {error.next_step}") from error


def _signed_in(identity: Identity, given: SignIn) -> Account:
    accounts, now_s = identity.accounts, identity.now_s()
    try:
        account = accounts.signed_in(given.person, given.password, now_s)
    except PasswordDueError:
        if given.new is None:
            raise
        accounts.change_password(given.person, given.password, given.new, now_s)
        return accounts.one(given.person)
    if given.new is not None:
        raise PeopleError("no other password is due", "sign in, then change it")
    return account


def _session(identity: Identity, person: Person) -> dict[str, Any]:
    sealed = identity.sealed()
    shown = {"id": person.id, "name": person.name, "role": person.role, **_own(identity, person)}
    return {
        "person": shown if person.id else None,
        "actions": [action for action in ACTIONS if may(person.role, action)],
        "signs": {
            "auto": auto_is_signed(sealed),
            "reset": must_be_signed(sealed.get("people", {})),
        },
        "read": identity.settings["read"],
        "provider": (identity.settings.get("provider") or {}).get("title"),
        "line": sealed["line"]["id"],
        "first": not identity.accounts.any(),  # nobody has an account yet
    }


def _own(identity: Identity, person: Person) -> dict[str, Any]:
    """Return whether somebody signs in at a provider, and whether they have a key to sign with."""
    if not person.id:
        return {}
    account = identity.accounts.one(person.id)
    return {"provider": account.subject is not None, "key": bool(account.public)}
