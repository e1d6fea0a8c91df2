"""Tag diagnostics and the model card: where each value comes from, and what the controller is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException

from controller.coating_settings import COATING_SETTINGS
from controller.mixing_settings import MIXING_SETTINGS
from plant_models.coating_parameters import COATING_PARAMETERS
from plant_models.mixing_parameters import MIXING_PARAMETERS
from records.reader import RecordReader
from service.page.access import require
from service.page.feed import Feed
from service.page.read_file import ask_records
from service.page.view import shown

CYCLES = 100
"""How many cycles back a tag's failures are counted."""
_TABLES = {
    "coating": {"model": COATING_PARAMETERS, "estimator": COATING_SETTINGS},
    "mixing": {"model": MIXING_PARAMETERS, "estimator": MIXING_SETTINGS},
}


def router(feed: Feed, state_dir: Path) -> APIRouter:
    """Return the routes about tags and models."""
    routes = APIRouter(dependencies=[Depends(require("view"))])

    @routes.get("/api/tags")
    async def tags(loop: str) -> list[dict[str, Any]]:
        known(loop)
        return await ask_records(state_dir, lambda reader: diagnose(reader, feed.sealed, loop))

    @routes.get("/api/model")
    async def model(loop: str) -> dict[str, Any]:
        known(loop)
        return await ask_records(state_dir, lambda reader: card(reader, feed.sealed, loop))

    def known(loop: str) -> None:
        if loop not in feed.views:
            raise HTTPException(404, "There is no such loop.")

    return routes


def diagnose(reader: RecordReader, sealed: Mapping[str, Any], loop: str) -> list[dict[str, Any]]:
    """Return every tag the loop reads: address, checks, last reading, failures lately."""
    entries = [e for e in reader.last_cycles(loop, CYCLES) if "inputs" in e.body]
    if not entries:
        return []
    last = entries[-1].body
    checks = sealed["limits"]["inputs"]
    rows = []
    for tag, sample in last["inputs"].items():
        s, spec, check = shown(sealed, tag), sealed["tags"][tag], checks.get(tag, {})
        past = [e.body["inputs"].get(tag) for e in entries]
        wire = (last.get("raw") or {}).get(tag)
        plain = isinstance(sample[0], bool | str)
        ends = check.get("validity") or [spec.get("low"), spec.get("high")]
        rows.append({
            "tag": tag, "label": s.label, "unit": s.unit, "source": spec["source"],
            "address": str(spec.get("node") or f"{spec.get('table')} {spec.get('register')}"),
            "type": spec["type"],
            "value": sample[0] if plain else s.value(sample[0]),
            "wire": None if wire is None or plain else s.value(wire[0]),
            "quality": sample[1], "reason": sample[2],
            "age_s": round(max(0.0, last["now_s"] - sample[4]), 1),
            "epoch": sample[5],
            "valid": [s.value(end) for end in ends], "max_age_s": spec["max_age"],
            "frozen_after": check.get("frozen_after"),
            "bad": sum(p is not None and p[1] == 0 for p in past), "cycles": len(past),
        })  # fmt: skip
    return rows


def card(reader: RecordReader, sealed: Mapping[str, Any], loop: str) -> dict[str, Any]:
    """Return what controls a loop: kind, horizon, weights, parameters, and the hashes of it all."""
    spec = sealed["loops"][loop]["controller"]
    entries = reader.last_cycles(loop, 1)
    plan = (entries[-1].body.get("plan") or {}) if entries else {}
    return {
        "kind": spec["kind"],
        "solver": spec.get("solver") or ("realtime" if spec["kind"] == "mpc" else None),
        "horizon": spec.get("horizon"),
        "period_s": sealed["loops"][loop]["period"],
        "hashes": entries[-1].body.get("hashes") if entries else None,
        "innovation": plan.get("innovation"),
        "validity": sealed["limits"]["models"].get(loop),
        "cvs": [{"label": shown(sealed, tag).label, **cv} for tag, cv in spec["cvs"].items()],
        "mvs": [{"label": shown(sealed, tag).label, **mv} for tag, mv in spec["mvs"].items()],
        "tables": {
            name: [
                {
                    "path": row.path, "unit": row.unit, "source": row.source,
                    "value": (spec.get(name) or {}).get(row.path, row.value),
                    "overridden": row.path in (spec.get(name) or {}),
                }
                for row in table
            ]
            for name, table in _TABLES.get(loop, {}).items()
        },
    }  # fmt: skip
