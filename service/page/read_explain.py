"""Any setpoint explained from its record: inputs, model, configuration, solver, verdict, hashes.

One row answers alone (REC-10); its neighbours in the chain, the request it obeys and the seal it
ran under are looked up beside it.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query

from records.canonical import canonical_json
from records.reader import Entry, RecordReader
from records.row import GENESIS, link_hash
from service.page.access import require
from service.page.feed import Feed
from service.page.read_file import ask_records
from service.page.view import Frame, frame, loop_views, shown

_TRAIL = 200
_LARGEST = 2**53  # what a browser counts exactly
RowNumber = Annotated[int, Path(ge=1, le=_LARGEST)]


def router(feed: Feed, state_dir: pathlib.Path) -> APIRouter:
    """Return the routes that explain one record and list what people and engine did."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/explain/{seq}")
    async def one(seq: RowNumber) -> dict[str, Any]:
        found = await ask_records(state_dir, lambda reader: explain(reader, seq, feed.sealed))
        if found is None:
            raise HTTPException(404, f"There is no record {seq}.")
        return found

    @routes.get("/api/trail")
    async def trail(
        before: Annotated[int, Query(ge=1, le=_LARGEST)] = _LARGEST,
        limit: Annotated[int, Query(ge=1, le=_TRAIL)] = 100,
    ) -> list[dict[str, Any]]:
        loops = ["", *feed.views]
        rows = await ask_records(state_dir, lambda reader: reader.acts(loops, before, limit))
        return [_brief(row) for row in rows]

    return routes


def explain(reader: RecordReader, seq: int, sealed_now: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return record `seq` with all it rests on, or None when there is no such record."""
    row = reader.one(seq)
    if row is None:
        return None
    seals = [entry for entry in reader.seals() if entry.seq <= seq]
    seal = seals[-1] if seals else None
    sealed = seal.body["proposal"]["config"] if seal else sealed_now
    answer = {**_brief(row), "chain": _chain(reader, row), "seal": _seal(seal)}
    if row.kind == "cycle" and row.loop in sealed["loops"]:
        answer["cycle"] = _cycle(reader, row, sealed)
    return answer


def _brief(row: Entry) -> dict[str, Any]:
    """Return a record as a list shows it; the configuration inside a seal or start stays out."""
    body = row.body
    if row.kind == "seal":
        body = _seal(row) or {}
    elif row.kind in ("start", "cycle"):
        body = {k: v for k, v in body.items() if k in ("who", "hashes", "mode", "requested")}
    return {
        "seq": row.seq, "kind": row.kind, "loop": row.loop, "utc": row.utc, "hash": row.hash,
        "body": body,
    }  # fmt: skip


def _chain(reader: RecordReader, row: Entry) -> dict[str, Any]:
    """Return the neighbours, and whether this row's hash is really that of its content."""
    before, after = reader.one(row.seq - 1), reader.one(row.seq + 1)
    prev_hash = before.hash if before else GENESIS
    due = link_hash(row.seq, row.kind, row.loop, row.utc, prev_hash, canonical_json(row.body))
    return {
        "fits": due == row.hash,
        "before": _neighbour(before),
        "after": _neighbour(after),
    }


def _neighbour(row: Entry | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"seq": row.seq, "kind": row.kind, "loop": row.loop, "utc": row.utc, "hash": row.hash}


def _seal(row: Entry | None) -> dict[str, Any] | None:
    if row is None:
        return None
    proposal = row.body["proposal"]
    signatures = [
        {"name": one["name"], "role": one["role"], "meaning": one["meaning"], "utc": one["utc"]}
        for one in row.body["signatures"]
    ]
    names = ("version", "kind", "author", "reason", "utc")
    return {
        **{name: proposal[name] for name in names},
        "sha256": row.body["sha256"],
        "seq": row.seq,
        "signatures": signatures,
    }


def _cycle(reader: RecordReader, row: Entry, sealed: Mapping[str, Any]) -> dict[str, Any]:
    body = row.body
    view = loop_views(sealed)[row.loop]
    number = (body.get("request") or {}).get("number")
    asked = reader.one(number) if isinstance(number, int) and number > 0 else None
    before, after = (look(row.seq, row.loop, "cycle") for look in (reader.before, reader.after))
    intent = reader.before(row.seq, row.loop, "intent")
    sent = intent is not None and (before is None or intent.seq > before.seq)
    plan: Mapping[str, Any] = body.get("plan") or {}
    names = ("solver_status", "iterations", "residual", "cost", "made_s")
    return {
        "frame": frame(row.seq, body, view, sealed, predict=False),
        "before": before.seq if before else None,
        "after": after.seq if after else None,
        "hashes": body.get("hashes"),
        "request": _neighbour(asked) | asked.body if asked and asked.kind == "request" else None,  # type: ignore[operator]
        "intent": _neighbour(intent) if sent else None,
        "inputs": _inputs(body, sealed),
        "solver": {name: plan.get(name) for name in names},
        "estimate": plan.get("estimate") or {},
        "timing": body.get("timing") or {},
        "written": {k: (body.get("written") or {}).get(k) for k in ("outcome", "reason")},
    }


def _inputs(body: Mapping[str, Any], sealed: Mapping[str, Any]) -> list[Frame]:
    """Return every input: what was believed, and what the wire had brought where that differs."""
    raw: Mapping[str, Any] = body.get("raw") or {}
    rows = []
    for tag, sample in (body.get("inputs") or {}).items():
        s = shown(sealed, tag)
        wire = raw.get(tag)
        rows.append({
            "tag": tag, "label": s.label, "unit": s.unit,
            "value": _as_read(s.value(sample[0]), sample[0]),
            "quality": sample[1], "reason": sample[2],
            "wire": None if wire is None else _as_read(s.value(wire[0]), wire[0]),
            "age_s": round(max(0.0, body["now_s"] - sample[4]), 1),
        })  # fmt: skip
    return rows


def _as_read(number: float | None, value: object) -> object:
    """Return a number in people's units; a word or a yes/no as it was read."""
    return value if isinstance(value, bool | str) else number
