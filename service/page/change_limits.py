"""Changing limits on the page: propose, sign, activate; by the same functions as the command line.

A proposal is the configuration in force with a few values moved. Whether they may move, and by
whose signatures, is judged here in the engine's words and again by the engine. Requirements REC-07,
SEC-11.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from records.chain import RecordError
from records.reader import RecordReader
from service.config_quantity import QuantityError, read_quantity, si_value
from service.limits_change import changes, refusal_of
from service.limits_folder import LimitsFolder, Signed
from service.limits_proposal import Seal, read_seal
from service.limits_show import shown, unit_of
from service.limits_words import ChangeRefusedError
from service.limits_write import propose, sign
from service.page.access import require
from service.page.identity import Identity
from service.page.mode import key_for, passed_on
from service.page.people import Body
from service.people.roles import Person

T = TypeVar("T")
Number = Annotated[float, Field(allow_inf_nan=False)]
Value = Number | list[Number] | str | dict[str, str | None] | None
Step = Annotated[str, Field(min_length=1, max_length=100)]
Sha = Annotated[str, Path(pattern=r"^[0-9a-f]{6,64}$")]
_ACTIVATION_S = 600.0  # a new worker has to stand and echo its limits first


class Moved(Body):
    """One value: the way to it through the sealed configuration, and the new one in its unit."""

    place: Annotated[list[Step], Field(min_length=1, max_length=6)]
    new: Value


class NewProposal(Body):
    """What is to change, why, and how long it may be activated."""

    changes: Annotated[list[Moved], Field(min_length=1, max_length=50)]
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    days: Annotated[int, Field(ge=1, le=31)] = 7


class Password(Body):
    """The password again: it opens the key for this one signature."""

    password: Annotated[str, Field(min_length=1, max_length=256)]


def router(identity: Identity) -> APIRouter:
    """Return the routes by which limits are changed."""
    routes = APIRouter()
    folder = LimitsFolder(identity.state_dir)

    @routes.get("/api/limits/proposals", dependencies=[Depends(require("view"))])
    async def proposals() -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            now = in_force(identity)
            later = [one for one in folder.all() if one.proposal.version > now.proposal.version]
            return [_row(one, now) for one in later]

        return await _or_refused(found)

    @routes.post("/api/limits/propose")
    async def propose_(
        given: NewProposal, person: Annotated[Person, Depends(require("limits-propose"))]
    ) -> dict[str, Any]:
        def made() -> dict[str, Any]:
            now = in_force(identity)
            config = moved(now.config, given.changes)
            proposal = propose(
                identity.state_dir, now, config, (), person.id, given.reason, given.days
            )
            return {"ok": True, **_row(folder.find(proposal.sha256), now)}

        return await _or_refused(made)

    @routes.post("/api/limits/{sha256}/sign")
    async def sign_(
        sha256: Sha, given: Password, request: Request,
        person: Annotated[Person, Depends(require("limits-sign"))],
    ) -> dict[str, Any]:  # fmt: skip
        key = await key_for(identity, request, person, given.password, "limits-sign")

        def made() -> dict[str, Any]:
            now = in_force(identity)
            signature = sign(identity.state_dir, now, folder.find(sha256), key)
            text = f"signed by {signature.name} ({signature.role}): {signature.meaning}"
            return {"ok": True, "text": text, **_row(folder.find(sha256), now)}

        return await _or_refused(made)

    @routes.post("/api/limits/{sha256}/activate")
    async def activate(
        sha256: Sha, person: Annotated[Person, Depends(require("limits-activate"))]
    ) -> JSONResponse:
        chosen = await _or_refused(lambda: folder.find(sha256))
        name = chosen.proposal.sha256
        message = {"do": "activate", "proposal": name, "who": person.name}
        return await passed_on(identity.state_dir, message, _ACTIVATION_S)

    return routes


def in_force(identity: Identity) -> Seal:
    """Return what is in force by the records; raises RecordError or ChangeRefusedError."""
    reader = RecordReader(identity.state_dir / "records.sqlite")
    try:
        seals = reader.seals()
    finally:
        reader.close()
    if not seals:
        raise RecordError("nothing is in force yet: the engine was never started here")
    return read_seal(seals[-1].body)


def moved(config: Mapping[str, Any], wanted: Sequence[Moved]) -> dict[str, Any]:
    """Return a copy of `config` with the values of `wanted` in SI; raises HTTPException in words.

    Only what is there is moved; the one thing that may be added is a person.
    """
    new: dict[str, Any] = copy.deepcopy(dict(config))
    for one in wanted:
        node: Any = new
        for step in one.place[:-1]:
            node = node.get(step) if isinstance(node, dict) else None
        last = one.place[-1]
        if not isinstance(node, dict) or (last not in node and one.place[:-1] != ["people"]):
            raise HTTPException(422, f"There is no value at {'.'.join(one.place)[:200]}.")
        node[last] = _in_si(one, config)
    return new


def _in_si(one: Moved, config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    unit = unit_of(tuple(one.place), config)

    def converted(number: float) -> float:
        return float(si_value(read_quantity(f"{number!r} {unit}"), unit)) if unit else number

    try:
        if isinstance(one.new, list):
            return [converted(number) for number in one.new]
        return converted(one.new) if isinstance(one.new, float) else one.new
    except QuantityError as error:
        raise HTTPException(422, f"{'.'.join(one.place)}: {error.what}") from error


def _row(one: Signed, now: Seal) -> dict[str, Any]:
    proposal = one.proposal
    return {
        "sha256": proposal.sha256,
        "version": proposal.version,
        "author": proposal.author,
        "reason": proposal.reason,
        "utc": proposal.utc,
        "expires": proposal.expires,
        "changes": [
            shown(change, now.config)
            | {"refusal": refusal.as_json() if (refusal := refusal_of(change)) else None}
            for change in changes(now.config, proposal.config)
        ],
        "signatures": [signature.body() for signature in one.signatures],
    }


async def _or_refused(work: Callable[[], T]) -> T:
    """Return what `work` returns, done off the event loop; a refusal is an answer in words."""
    try:
        return await asyncio.to_thread(work)
    except ChangeRefusedError as error:
        raise HTTPException(409, str(error)) from error
    except (RecordError, OSError) as error:
        raise HTTPException(409, f"It could not be done: {error}") from error
