"""What one cycle's record says of its loop's alarms: which conditions stand, and in which words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

_BY_RULE = {
    "IL-05": "vote", "IL-08": "heartbeat", "IL-12": "model", "IL-18": "foreign-writer",
}  # fmt: skip
_OF_WINDOW, _OF_RANGE = 0.02, 0.005
"""How far back inside a value must be before it counts as inside: a share of the window between two
limits, else of the instrument's range."""


def of_cycle(
    loop: str, sealed: Mapping[str, Any], body: Mapping[str, Any], standing: Mapping[str, bool]
) -> dict[str, str]:
    """Return the conditions of `loop` that stand after a cycle: alarm id to words.

    `sealed` is the configuration in force, `body` the cycle's record, `standing` what was believed
    before: a value that is outside stays so until it is well inside again.
    """
    spec: Mapping[str, Any] = sealed["loops"][loop]
    found = _of_mode(loop, body)
    found |= _of_reasons(loop, body)
    found |= _of_the_cycle(loop, spec, body, beat_gone=f"{loop}.heartbeat" in found)
    found |= _of_values(loop, sealed, body, standing)
    return found


def idle(body: Mapping[str, Any]) -> bool:
    """Say whether nobody wants this loop controlled."""
    return body.get("requested") == "OFF"


def _of_mode(loop: str, body: Mapping[str, Any]) -> dict[str, str]:
    limiting = str((body.get("verdict") or {}).get("limiting") or "")
    named = {"TRIPPED": "tripped", "SHED": "shed", "HOLD": "hold"}.get(str(body.get("mode")))
    return {f"{loop}.{named}": limiting} if named else {}


def _of_reasons(loop: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Return what the gate's reasons raise; a PLC that took its loop back writes for itself."""
    found: dict[str, str] = {}
    reasons = (body.get("verdict") or {}).get("reasons") or ()
    taken_back = any(reason.get("rule") == "IL-09" for reason in reasons)
    for reason in reasons:
        if taken_back and reason.get("rule") == "IL-18":
            continue
        kind = _BY_RULE.get(str(reason.get("rule")))
        if kind == "foreign-writer" and reason.get("action") == "CLAMP":
            kind = "held-back"  # the PLC is on the way to what we asked: nobody else writes
        if kind is not None:
            place = f"{reason['tag']}: " if reason.get("tag") else ""
            found.setdefault(f"{loop}.{kind}", f"{place}{reason.get('text', '')}")
    return found


def _of_the_cycle(
    loop: str, spec: Mapping[str, Any], body: Mapping[str, Any], *, beat_gone: bool
) -> dict[str, str]:
    """Return what a cycle's work raises.

    `beat_gone`: the PLC's heartbeat stands, which has its own alarm; that readings are then not
    believed and nothing can be planned from them only follows.
    """
    found: dict[str, str] = {}
    written = body.get("written") or {}
    if written.get("outcome") in ("unknown", "refused") or written.get("reasons"):
        words = [str(why.get("text", "")) for why in written.get("reasons") or ()]
        found[f"{loop}.not-confirmed"] = "; ".join([str(written.get("reason") or ""), *words])
    plan = body.get("plan") or {}
    status = str(plan.get("status") or "solved")
    if _failed(status) and not (beat_gone and status.startswith("unfit")):
        found[f"{loop}.solver"] = f"plan: {status}"
    if (body.get("timing") or {}).get("late"):
        found[f"{loop}.late"] = f"{body['timing'].get('late_s', 0.0):.2f} s late"
    needed = [*spec["critical"], *spec["controller"]["cvs"]]
    inputs = body.get("inputs") or {}
    bad = [f"{tag}: {inputs[tag][2] or 'bad'}" for tag in needed if tag in inputs
           and inputs[tag][1] == 0
           and not (beat_gone and str(inputs[tag][2]).startswith("heartbeat frozen"))]  # fmt: skip
    if bad:
        found[f"{loop}.reading"] = "; ".join(dict.fromkeys(bad))
    return found


def _failed(status: str) -> bool:
    """Say whether there is no plan though there should be one."""
    return status not in ("solved", "not-asked") and not status.startswith("waiting")


def _of_values(
    loop: str, sealed: Mapping[str, Any], body: Mapping[str, Any], standing: Mapping[str, bool]
) -> dict[str, str]:
    found: dict[str, str] = {}
    targets = (body.get("plan") or {}).get("targets") or {}
    for tag, cv in sealed["loops"][loop]["controller"]["cvs"].items():
        value, row = _value(tag, body), sealed["tags"].get(tag)
        if value is None:
            continue
        by = f"{loop}.limit.{tag}"
        if words := _outside(value, cv, _back(cv, row) if standing.get(by) else 0.0, row):
            found[by] = words
        by = f"{loop}.target.{tag}"
        if "alarm" in cv and _is_number(targets.get(tag)):
            off, most = abs(value - targets[tag]), float(cv["alarm"])
            if off > (most * (1.0 - _OF_WINDOW) if standing.get(by) else most):
                found[by] = f"{_told(value, row)}, target {_told(targets[tag], row)}"
    return found


def _back(cv: Mapping[str, Any], tag: Mapping[str, Any] | None) -> float:
    """Return how far back inside its limits a value must be before it counts as inside [SI]."""
    low, high = cv.get("low"), cv.get("high")
    if low is not None and high is not None:
        return _OF_WINDOW * float(high - low)
    if tag is not None and tag.get("low") is not None:
        return _OF_RANGE * float(tag["high"] - tag["low"])
    return _OF_WINDOW * abs(float(high or low or 0.0))


def _outside(
    value: float, cv: Mapping[str, Any], back: float, row: Mapping[str, Any] | None
) -> str:
    """Return in words how `value` lies outside its limits drawn in by `back`, '' inside.

    A controller may work at its limit all day. Where people are to be told later than it acts, the
    limit has an `alarm`: how far beyond.
    """
    beyond = 0.0 if "target" in cv else float(cv.get("alarm", 0.0))
    low, high = cv.get("low"), cv.get("high")
    low = None if low is None else low - beyond
    high = None if high is None else high + beyond
    if high is not None and value > high - back:
        where = "above" if value > high else "just back below"
        return f"{_told(value, row)} {where} {_told(high, row)}"
    if low is not None and value < low + back:
        where = "below" if value < low else "just back above"
        return f"{_told(value, row)} {where} {_told(low, row)}"
    return ""


def _told(si: float, row: Mapping[str, Any] | None) -> str:
    """Return a value as people know it: in the unit of its tag, where it has one."""
    if row is None:
        return f"{si:.4g}"
    return f"{(si - row['offset']) / row['gain']:.5g} {row['unit']}".strip()


def _value(tag: str, body: Mapping[str, Any]) -> float | None:
    """Return what was read of a CV, or estimated where nothing reads it."""
    reading = (body.get("inputs") or {}).get(tag)
    if reading is not None:
        value, quality = reading[0], reading[1]
        return float(value) if quality and _is_number(value) else None
    estimate = ((body.get("plan") or {}).get("estimate") or {}).get(tag)
    return float(estimate) if _is_number(estimate) else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
