"""Every limit in force with who, when and why, and what a proposal would have done.

Read from the seals of the record chain, judged by the code the command line uses. What is proposed,
and the acts on it, are in `change_limits.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from records.chain import RecordError
from records.reader import RecordReader
from service.limits_change import Place, changes
from service.limits_folder import LimitsFolder
from service.limits_impact import impact
from service.limits_proposal import Seal, read_seal
from service.limits_words import ChangeRefusedError
from service.page.access import require
from service.page.read_file import ask_records
from service.page.view import shown

MOST_HOURS = 8.0


def router(state_dir: Path) -> APIRouter:
    """Return the routes about limits; reading only."""
    routes = APIRouter(dependencies=[Depends(require("view"))])
    one = asyncio.Lock()  # judging hours again takes the processor; the engine has it first

    @routes.get("/api/limits")
    async def in_force() -> dict[str, Any]:
        return limits_in_force(await ask_records(state_dir, _seals))

    @routes.get("/api/limits/proposals/{name}/impact")
    async def effect(name: str, hours: float = 1.0) -> list[dict[str, Any]]:
        """Judge the last hours again under the proposal's limits."""
        if not 0.0 < hours <= MOST_HOURS:
            raise HTTPException(422, f"hours: above 0, at most {MOST_HOURS:g}")
        seals = await ask_records(state_dir, _seals)
        if not seals:
            raise HTTPException(409, "Nothing is sealed yet: the engine has not been started.")
        try:
            new = LimitsFolder(state_dir).find(name).proposal.config
        except ChangeRefusedError as error:
            raise HTTPException(404, str(error)) from error
        if one.locked():
            raise HTTPException(429, "Another impact is being judged; try again in a moment.")
        records, old = state_dir / "records.sqlite", seals[-1].config
        async with one:
            found = await asyncio.to_thread(impact, records, old, new, hours)
        return [one.to_json() for one in found]

    return routes


def _seals(reader: RecordReader) -> list[Seal]:
    try:
        return [read_seal(entry.body) for entry in reader.seals()]
    except ChangeRefusedError as error:
        raise RecordError(f"a sealed version in the records cannot be read: {error}") from error


def limits_in_force(seals: Sequence[Seal]) -> dict[str, Any]:
    """Return every limit in force, and by which version it last changed."""
    if not seals:
        return {"version": None, "rows": [], "versions": []}
    now = seals[-1]
    born: dict[Place, Seal] = {}
    for before, seal in pairwise(seals):
        for change in changes(before.config, seal.config):
            born[change.place] = seal
    rows = [{**row, "changed": _who(born.get(place, seals[0]))} for place, row in _rows(now.config)]
    return {
        "version": now.proposal.version,
        "sha256": now.proposal.sha256,
        "rows": rows,
        "versions": [_who(seal) for seal in reversed(seals)],
    }


def _rows(config: Mapping[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Yield every limit with its place, in people's units."""
    for tag, rule in config["limits"]["setpoints"].items():
        if any(tag in loop["mvs"] for loop in config["loops"].values()):
            for ring in ("operating", "proven", "equipment"):
                yield _row(config, ("limits", "setpoints", tag, ring), tag, rule[ring])
    for tag, rule in config["limits"]["inputs"].items():
        yield _row(config, ("limits", "inputs", tag, "validity"), tag, rule["validity"])
    for tag, value in config["recipe"]["targets"].items():
        yield _row(config, ("recipe", "targets", tag), tag, value)
    for name, loop in config["loops"].items():
        for tag, cv in loop["controller"]["cvs"].items():
            for side in ("low", "high"):
                if cv.get(side) is not None:
                    place = ("loops", name, "controller", "cvs", tag, side)
                    yield _row(config, place, tag, cv[side])


def _row(
    config: Mapping[str, Any],
    place: Place,
    tag: str,
    value: Any,  # noqa: ANN401 - JSON
) -> tuple[Place, dict[str, Any]]:
    s = shown(config, tag)
    span = [s.value(v) for v in value] if isinstance(value, list) else s.value(value)
    kind = "target" if place[0] == "recipe" else place[-1]
    return place, {
        "path": ".".join(place), "place": list(place), "tag": tag, "label": s.label,
        "unit": s.unit, "kind": kind,
        "value": span, "movable": kind not in ("proven", "equipment"),
    }  # fmt: skip


def _who(seal: Seal) -> dict[str, Any]:
    proposal = seal.proposal
    return {
        "version": proposal.version, "kind": proposal.kind, "author": proposal.author,
        "reason": proposal.reason, "utc": proposal.utc, "sha256": proposal.sha256,
        "signatures": [f"{one.name}: {one.meaning}" for one in seal.signatures],
    }  # fmt: skip
