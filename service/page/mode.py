"""Asking the engine for a mode: OFF at once, SHADOW by name, AUTO and resets signed where due.

A signature is a re-authentication: the password opens the person's own key for this one text. The
engine judges the signature; the page is not believed. Requirements REC-05, REC-06, SEC-07.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from records.act import sign_act
from records.chain import RecordError
from records.reader import Entry, RecordReader
from service import signed_auto, signed_reset
from service.commands import ask
from service.page.access import allowed, require
from service.page.identity import Identity
from service.page.people import Body, checked
from service.people.roles import Person
from service.people.standing import auto_is_signed, must_be_signed
from service.signed_act import act_under


class ModeRequest(Body):
    """What may be asked of a loop. `who` is a name given without an account, for OFF only."""

    loop: str = Field(max_length=64)
    mode: Literal["OFF", "SHADOW", "AUTO"]
    reset: bool = False
    who: str = Field(default="", max_length=40)
    why: str = Field(default="", max_length=300)
    password: str = Field(default="", max_length=256)


def router(identity: Identity) -> APIRouter:
    """Return the route by which people ask for modes."""
    routes = APIRouter()

    @routes.post("/api/mode")
    async def mode(
        wanted: ModeRequest, request: Request, _: Annotated[Person, Depends(require("off"))]
    ) -> JSONResponse:
        action = "reset" if wanted.reset else "off" if wanted.mode == "OFF" else "mode"
        person = await allowed(request, action)
        message: dict[str, Any] = {"do": "mode", "loop": wanted.loop, "mode": wanted.mode}
        message |= {"who": _name(person, wanted.who), "reset": wanted.reset}
        message |= {"why": wanted.why} if wanted.why else {}
        if action != "off" and (signature := await _signature(identity, request, person, wanted)):
            message["signature"] = signature
        return await passed_on(identity.state_dir, message)

    return routes


async def passed_on(
    state_dir: Path, message: dict[str, Any], patience_s: float = 10.0
) -> JSONResponse:
    """Give the engine a message and return its answer; 409 when it refuses or there is none."""
    try:
        answer = await asyncio.to_thread(ask, state_dir, message, patience_s)
    except OSError as error:
        answer = {"ok": False, "text": f"The engine does not answer: {error}"}
    return JSONResponse(answer, status_code=200 if answer.get("ok") else 409)


async def key_for(
    identity: Identity, request: Request, person: Person, password: str, action: str
) -> Ed25519PrivateKey:
    """Return a person's key, opened for one signature; raises HTTPException in words."""
    if not password:
        raise HTTPException(401, "Refused: this is signed; give your password again.")
    return await checked(
        identity, request, person.id, action,
        lambda: identity.accounts.key_of(person.id, password, identity.now_s()),
    )  # fmt: skip


async def signed(
    identity: Identity, request: Request, person: Person, password: str, action: str,
    row: Entry, meaning: str,
) -> dict[str, Any]:  # fmt: skip
    """Return a registered person's signature under a record; raises HTTPException in words."""
    key = await key_for(identity, request, person, password, action)
    entry = identity.sealed().get("people", {}).get(person.id)
    if entry is None:
        raise HTTPException(403, "Refused: only a registered person can sign this.")
    utc = datetime.now(UTC).isoformat(timespec="seconds")
    return sign_act(act_under(row, person.id, entry, meaning, utc), key).body()


async def _signature(
    identity: Identity, request: Request, person: Person, wanted: ModeRequest
) -> dict[str, Any] | None:
    """Return the signature of what is wanted; None where a name does."""
    sealed = identity.sealed()
    people = sealed.get("people", {})
    due = must_be_signed(people) if wanted.reset else (
        wanted.mode == "AUTO" and auto_is_signed(sealed)
    )  # fmt: skip
    if not due and not wanted.password:
        return None
    key = await key_for(identity, request, person, wanted.password, "signature")
    if not due:  # a password that was asked for is at least the right one
        return None
    row = await asyncio.to_thread(newest_cycle, identity.state_dir, wanted.loop)
    utc = datetime.now(UTC).isoformat(timespec="seconds")
    entry = people[person.id]
    if wanted.reset:
        act = signed_reset.to_sign(row, person.id, entry, utc)
    else:
        act = signed_auto.to_sign(row, person.id, entry, wanted.why, utc)
    return sign_act(act, key).body()


def newest_cycle(state_dir: Path, loop: str) -> Entry:
    """Return the newest cycle record of one loop; raises HTTPException when there is none."""
    try:
        reader = RecordReader(state_dir / "records.sqlite")
        try:
            rows = reader.last_cycles(loop, 1)
        finally:
            reader.close()
    except RecordError as error:
        raise HTTPException(409, f"The records cannot be read: {error}") from error
    if not rows:
        raise HTTPException(409, "There is no record of this loop to sign under; name one loop.")
    return rows[0]


def _name(person: Person, given: str) -> str:
    """Return who asks, as it is recorded: a name nobody checked says so."""
    if person.id:
        return person.name
    return f"{given.strip()} (not signed in)" if given.strip() else "not signed in"
