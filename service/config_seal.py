"""A checked configuration into the one dictionary the engine runs on: SI numbers, no units left.

The sealed form is plain JSON data; its SHA-256 goes into every cycle record, so a record says
which limits were in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.config_desk import CALCULATED
from service.config_model import Controller, LineFile, Loop, Recipe
from service.config_model_limits import Limits
from service.config_model_wire import (
    ModbusSource,
    OpcUaSource,
    SerialSource,
    Tag,
    Tags,
    read_unit_of,
)
from service.config_people import People, seal_people
from service.config_quantity import Quantity, si_value


def seal(
    line: LineFile, tags: Tags, limits: Limits, recipe: Recipe, people: People | None
) -> dict[str, Any]:
    """Return the sealed configuration; the files have passed every check."""
    units = dict(CALCULATED) | {name: tag.unit or "" for name, tag in tags.tags.items()}
    kept = line.history and line.history.model_dump(exclude_none=True)
    return {
        "schema": 1,
        "line": line.line.model_dump(),
        "recipe": _recipe(recipe, units),
        "sources": {name: _source(source) for name, source in line.sources.items()},
        "tags": {name: _tag(tag) for name, tag in tags.tags.items()},
        "limits": _limits(limits, units),
        "loops": {name: _loop(loop, units) for name, loop in line.loops.items()},
        "people": seal_people(people),
        "auto": "named" if people is None else people.auto,
        "page": line.page.model_dump(exclude_none=True),
        **({"history": kept} if kept else {}),
    }


def _source(source: OpcUaSource | ModbusSource | SerialSource) -> dict[str, Any]:
    return source.model_dump(exclude_none=True)


def _tag(tag: Tag) -> dict[str, Any]:
    unit = read_unit_of(tag)
    row: dict[str, Any] = {"source": tag.source, "direction": tag.direction}
    if tag.node is not None:
        row["node"] = tag.node
    else:
        row |= {"table": tag.table, "register": tag.register_}
    low, high = (None, None)
    if tag.range is not None:
        low, high = (si_value(end, tag.unit or "") for end in tag.range)
    row |= {key: value for key in ("write_function", "must_be", "calibrated_until")
            if (value := getattr(tag, key)) is not None}  # fmt: skip
    return row | {
        "type": tag.type,
        "word_order": tag.word_order,
        "byte_order": tag.byte_order,
        "unit": tag.unit or "",
        "gain": float(unit.factor) * tag.gain,
        "offset": float(unit.factor) * tag.offset + float(unit.offset),
        "low": low,
        "high": high,
        "max_age": tag.max_age,
    }


def _limits(limits: Limits, units: Mapping[str, str]) -> dict[str, Any]:
    setpoints: dict[str, Any] = {}
    for name, one in limits.setpoints.items():
        unit = units[name]
        setpoints[name] = {
            "equipment": [si_value(end, unit) for end in one.equipment],
            "proven": [si_value(end, unit) for end in one.proven],
            "operating": [si_value(end, unit) for end in one.operating],
            "rate": si_value(one.rate, unit, difference=True, per_second=True),
            "resolution": si_value(one.resolution, unit, difference=True),
            "tolerance": si_value(one.tolerance, unit, difference=True),
            "dwell": one.dwell,
            "travel": si_value(one.travel, unit, difference=True),
            "swing": si_value(one.swing, unit, difference=True),
            "reversals": one.reversals,
        }
    inputs: dict[str, Any] = {}
    for name, check in limits.inputs.items():
        unit = units[name]
        inputs[name] = {
            "validity": [si_value(end, unit) for end in check.validity],
            "frozen_after": check.frozen_after,
            "max_step": si_value(check.max_step, unit, difference=True),
            "max_jitter": si_value(check.max_jitter, unit, difference=True),
        }
    return {"setpoints": setpoints, "inputs": inputs, **_watched(limits, units)}


def _watched(limits: Limits, units: Mapping[str, str]) -> dict[str, Any]:
    """Return what the gate watches beside the setpoints."""
    votes = {
        name: {
            "members": vote.members,
            "tolerance": si_value(vote.tolerance, units[name], difference=True),
            "cycles": vote.cycles,
        }
        for name, vote in limits.votes.items()
    }
    sums = {
        name: {
            "weights": one.weights,
            "range": [
                si_value(end, units[next(iter(one.weights))], difference=True) for end in one.range
            ],
        }
        for name, one in limits.sums.items()
    }
    guards = {
        name: {
            "trip": [si_value(end, units[name]) for end in guard.trip],
            "return": [si_value(end, units[name]) for end in guard.return_],
            "trip_after": guard.trip_after,
            "return_after": guard.return_after,
        }
        for name, guard in limits.guards.items()
    }
    return {
        "votes": votes,
        "cross": {name: one.model_dump() for name, one in limits.cross.items()},
        "sums": sums,
        "guards": guards,
        "balances": {name: one.model_dump() for name, one in limits.balances.items()},
        "models": {name: one.model_dump() for name, one in limits.models.items()},
    }


def _recipe(recipe: Recipe, units: Mapping[str, str]) -> dict[str, Any]:
    sealed: dict[str, Any] = {
        "recipe": recipe.recipe,
        "title": recipe.title,
        "targets": {name: si_value(q, units[name]) for name, q in recipe.targets.items()},
        "nominal": recipe.nominal.model_dump(),
        "phases_in_control": recipe.phases_in_control,
        "max_solvent_per_batch": recipe.max_solvent_per_batch,
    }
    if recipe.gelation is not None:
        sealed["gelation"] = recipe.gelation.model_dump()
    return sealed


def _loop(loop: Loop, units: Mapping[str, str]) -> dict[str, Any]:
    sealed: dict[str, Any] = {
        "title": loop.title,
        "period": loop.period,
        "handshake": loop.handshake.model_dump(exclude_none=True),
        "permissives": loop.permissives,
        "critical": loop.critical,
        "optional": loop.optional,
        "mvs": dict(loop.mvs),
        "gate": loop.gate.model_dump(),
        "controller": _controller(loop.controller, units),
    }
    if loop.phase is not None:
        sealed["phase"] = loop.phase.model_dump()
    if loop.trips is not None:
        sealed["trips"] = loop.trips.model_dump()
    return sealed


def _controller(controller: Controller, units: Mapping[str, str]) -> dict[str, Any]:
    sealed: dict[str, Any] = {
        "kind": controller.kind,
        "horizon": controller.horizon,
        "bad_cycles": controller.bad_cycles,
        "cvs": {},
        "mvs": {},
    }
    for name, cv in controller.cvs.items():
        unit = units[name]
        row: dict[str, Any] = {"weight": cv.weight, "rank": cv.rank}
        for key, value in (("target", cv.target), ("low", cv.low), ("high", cv.high)):
            if value is not None:
                row[key] = value if isinstance(value, str) else si_value(value, unit)
        if cv.alarm is not None:
            row["alarm"] = si_value(cv.alarm, unit, difference=True)
        sealed["cvs"][name] = row
    for name, mv in controller.mvs.items():
        row = {"move_weight": mv.move_weight}
        if mv.rest is not None:
            row["rest"] = si_value(mv.rest, units[name])
        sealed["mvs"][name] = row
    tables = {
        "model": controller.model,
        "pi": controller.pi,
        "estimator": controller.estimator,
    }
    for key, table in tables.items():
        if table is not None:
            sealed[key] = {name: _own_si(quantity) for name, quantity in table.items()}
    if controller.filter is not None:
        sealed["filter"] = controller.filter
    if controller.solver is not None:
        sealed["solver"] = controller.solver
    return sealed


def _own_si(quantity: Quantity) -> float:
    """Return a model parameter in SI: converted by its own unit; a bare number is SI already."""
    if quantity.unit is None:
        return float(quantity.number)
    return float(quantity.number * quantity.unit.factor + quantity.unit.offset)
