"""What if? Weights, targets and limits in a sandbox, and the closed loop's answer from now on.

The page changes a copy of the sealed configuration, and a process of its own plays both on from
the last recorded cycles. Nothing of it can reach the engine: what is liked is proposed and signed.
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field

from controller.plan_json import request_to_json
from records.reader import RecordReader
from safety.modes import repair_of
from safety.rules import loop_rules
from safety.signals import SignalMemory, validate
from safety.state import GateState, StateError, state_from_json
from safety.strict import RuleError
from service.cycle import question
from service.page.access import require
from service.page.feed import Feed
from service.page.read_file import ask_records
from service.page.view import loop_views, shown
from service.replay_read import reading_of, request_of

HEARD = 120
"""Recorded cycles a sandbox controller hears first, to know the plant as the live one does."""
PATIENCE_S = 60.0
_ROOT = Path(__file__).resolve().parents[2]
MOST_CYCLES = 120
_CV = ("target", "low", "high", "weight", "rank")
_MV = ("move_weight", "rest", "low", "high")


class Trial(BaseModel):
    """What to try: changed numbers by signal and field, in people's units."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    loop: str = Field(max_length=64)
    changes: dict[str, dict[str, float]] = Field(default_factory=dict, max_length=100)
    cycles: int = Field(default=60, ge=5, le=MOST_CYCLES)


def router(feed: Feed, state_dir: Path) -> APIRouter:
    """Return the sandbox's routes. One study at a time: the engine has the machine first."""
    routes = APIRouter()
    one = asyncio.Lock()

    @routes.get("/api/what-if/{loop}", dependencies=[Depends(require("view"))])
    async def offered(loop: str) -> dict[str, Any]:
        _known(feed, loop)
        return fields(feed.sealed, loop)

    @routes.post("/api/what-if", dependencies=[Depends(require("what-if"))])
    async def study(trial: Trial) -> dict[str, Any]:
        _known(feed, trial.loop)
        if one.locked():
            raise HTTPException(429, "Another study is running; try again in a moment.")
        async with one:
            sealed = feed.sealed
            tried = _tried(sealed, trial)
            requests = await ask_records(
                state_dir, lambda reader: heard(reader, sealed, trial.loop)
            )
            if not requests:
                raise HTTPException(409, "No cycle of this loop is recorded yet.")
            body = {
                "loop": trial.loop, "requests": requests, "steps": trial.cycles,
                "configurations": {"now": sealed, "tried": tried},
            }  # fmt: skip
            return _told(await _played(body), sealed, trial.loop)

    return routes


def _known(feed: Feed, loop: str) -> None:
    if loop not in feed.views:
        raise HTTPException(404, "There is no such loop.")


def fields(sealed: Mapping[str, Any], loop: str) -> dict[str, Any]:
    """Return every number that may be tried, as it is now."""
    view, spec = loop_views(sealed)[loop], sealed["loops"][loop]["controller"]
    rows = []
    for s in (*view.cvs, *view.mvs):
        of_cv = s.tag in spec["cvs"]
        have = dict(spec["cvs"][s.tag] if of_cv else spec["mvs"][s.tag])
        if have.get("target") == "recipe":
            have["target"] = sealed["recipe"]["targets"][s.tag]
        if not of_cv:
            have["low"], have["high"] = sealed["limits"]["setpoints"][s.tag]["operating"]
        values = {
            name: s.value(have[name]) if name in ("target", "low", "high", "rest") else have[name]
            for name in (_CV if of_cv else _MV)
            if have.get(name) is not None
        }
        rows.append({"tag": s.tag, "label": s.label, "unit": s.unit, "cv": of_cv, "is": values})
    playable = spec["kind"] == "mpc" and loop in ("coating", "mixing")
    return {"playable": playable, "rows": rows, "period_s": view.period_s}


def _tried(sealed: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    """Return a copy of the configuration with the changes in it; HTTP 422 when they do not fit."""
    config = copy.deepcopy(dict(sealed))
    spec = config["loops"][trial.loop]["controller"]
    offered = {row["tag"]: row["is"] for row in fields(sealed, trial.loop)["rows"]}
    for tag, values in trial.changes.items():
        for name, value in values.items():
            if name not in offered.get(tag, {}):
                raise HTTPException(422, "There is no such number to try.")
            s = shown(sealed, tag)
            si = value * s.gain + s.offset if name in ("target", "low", "high", "rest") else value
            if tag in spec["mvs"] and name in ("low", "high"):
                config["limits"]["setpoints"][tag]["operating"][name == "high"] = si
            else:
                place = spec["cvs" if tag in spec["cvs"] else "mvs"]
                place[tag][name] = int(si) if name == "rank" else si
    try:
        loop_rules(config, trial.loop)
    except RuleError as error:
        raise HTTPException(422, str(error)) from error
    return config


def heard(reader: RecordReader, sealed: Mapping[str, Any], loop: str) -> list[dict[str, Any]]:
    """Return what the controller was asked in the last recorded cycles."""
    rules = loop_rules(sealed, loop)
    memory, state = SignalMemory(), GateState()
    requests: list[dict[str, Any]] = []
    for entry in reader.last_cycles(loop, HEARD):
        body = entry.body
        if "inputs" not in body:
            continue
        repair = repair_of(request_of(body))
        snapshot = validate(reading_of(body, rules), memory, rules, body["now_s"], repair)
        requests.append(request_to_json(question(rules, state, snapshot)))
        memory = snapshot.memory
        try:
            state = state_from_json(body["state"])
        except StateError:
            state = GateState()
    return requests


async def _played(body: Mapping[str, Any]) -> dict[str, Any]:
    """Let a process of its own answer; HTTP 422 with its words, 504 when it takes too long."""
    command = ("nice", "-n", "10", sys.executable, "-m", "controller.rehearse")
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, cwd=_ROOT,
    )  # fmt: skip
    try:
        out, err = await asyncio.wait_for(child.communicate(json.dumps(body).encode()), PATIENCE_S)
    except TimeoutError as error:
        raise HTTPException(504, f"The study took more than {PATIENCE_S:g} s.") from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        words = err.decode("utf-8", "replace").strip().splitlines()
        raise HTTPException(422, f"It cannot be played: {words[-1] if words else 'no answer'}")
    answer: dict[str, Any] = json.loads(out)
    return answer


def _told(courses: Mapping[str, Any], sealed: Mapping[str, Any], loop: str) -> dict[str, Any]:
    """Return both courses in people's units, by signal."""
    view = loop_views(sealed)[loop]
    return {
        "period_s": view.period_s,
        "signals": {
            s.tag: {
                name: [s.value(_of(plan, s.tag)) for plan in course]
                for name, course in courses.items()
            }
            for s in (*view.cvs, *view.mvs)
        },
        "binding": {name: _seen(course, "binding") for name, course in courses.items()},
        "gave_up": {
            name: sorted({tag for plan in course for tag, _ in plan["gave_up"]})
            for name, course in courses.items()
        },
        "ended": {
            name: course[-1]["status"] for name, course in courses.items()
            if course and course[-1]["proposal"] is None
        },
    }  # fmt: skip


def _of(plan: Mapping[str, Any], tag: str) -> float | None:
    moves = (plan["proposal"] or {}).get("setpoints") or {}
    value: float | None = plan["estimate"].get(tag, moves.get(tag))
    return value


def _seen(course: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(text for plan in course for text in plan[name]))
