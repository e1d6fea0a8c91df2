"""From a cycle record to what the page shows: people's units, plain lists, nothing hidden.

Pure functions; the page's process reads records and never the plant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.history.about import by_rank
from service.page.words import LABELS, PRETTY_UNITS, RULES

Frame = dict[str, Any]

COMPUTED: Mapping[str, tuple[str, float]] = {
    "mixer.viscosity_25c": ("Pa·s", 1.0),
    "coater.profile_2sigma": ("%", 0.01),
}
"""Unit and gain of CVs that are computed rather than read."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How one signal is shown: shown = (si - offset) / gain."""

    tag: str
    label: str
    unit: str
    gain: float
    offset: float

    def value(self, si: object) -> float | None:
        """Convert from SI; None for anything that is not a finite number."""
        if isinstance(si, bool) or not isinstance(si, int | float) or not math.isfinite(si):
            return None
        return (float(si) - self.offset) / self.gain


def shown(sealed: Mapping[str, Any], tag: str) -> Shown:
    """Return how `tag` is shown, from the tag table of a sealed configuration."""
    row: Mapping[str, Any] = sealed["tags"].get(tag, {})
    computed_unit, computed_gain = COMPUTED.get(tag, ("", 1.0))
    unit = str(row.get("unit") or computed_unit)
    return Shown(
        tag,
        LABELS.get(tag, tag.split(".", 1)[-1].replace("_", " ").capitalize()),
        PRETTY_UNITS.get(unit, unit),
        float(row.get("gain", computed_gain)),
        float(row.get("offset", 0.0)),
    )


@dataclass(frozen=True, slots=True)
class LoopView:
    """One loop's faceplate: which signals, in which order, in which units."""

    name: str
    title: str
    period_s: float
    cvs: Sequence[Shown]
    mvs: Sequence[Shown]
    dvs: Sequence[Shown]


def loop_views(sealed: Mapping[str, Any]) -> dict[str, LoopView]:
    """Return the faceplates of every loop of a sealed configuration."""
    return {
        name: LoopView(
            name,
            loop["title"],
            loop["period"],
            [shown(sealed, tag) for tag in by_rank(loop["controller"]["cvs"])],
            [shown(sealed, tag) for tag in sorted(loop["mvs"], key=_place)],
            [shown(sealed, tag) for tag in disturbances(sealed, name)],
        )
        for name, loop in sealed["loops"].items()
    }


def disturbances(sealed: Mapping[str, Any], loop: str) -> list[str]:
    """Return what a loop reads and neither controls nor moves: critical first, no gauge boxes."""
    spec = sealed["loops"][loop]
    ours = {*spec["controller"]["cvs"], *spec["mvs"].values()}
    numbers = [
        tag
        for tag in (*spec["critical"], *spec["optional"])
        if tag not in ours and sealed["tags"][tag]["type"] != "bool" and "gauge_box" not in tag
    ]
    return list(dict.fromkeys(numbers))


def _in_clear(source: Mapping[str, Any]) -> bool:
    return not (source.get("security") or source.get("tls"))


def _place(tag: str) -> tuple[int, str]:
    known = list(LABELS)
    return (known.index(tag) if tag in LABELS else len(known), tag)


def describe(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page must know once: the line, its loops, their signals and their limits."""
    return {
        "line": sealed["line"],
        "recipe": sealed["recipe"]["title"],
        "insecure": sorted(name for name, s in sealed["sources"].items() if _in_clear(s)),
        "rules": [{"id": rule, "title": title} for rule, title in RULES.items()],
        "loops": {view.name: _describe_loop(view, sealed) for view in loop_views(sealed).values()},
    }


def _describe_loop(view: LoopView, sealed: Mapping[str, Any]) -> dict[str, Any]:
    spec = sealed["loops"][view.name]
    phase = spec.get("phase") or {}
    return {
        "title": view.title,
        "period_s": view.period_s,
        "kind": spec["controller"]["kind"],
        "hold_cycles": spec["gate"]["hold_cycles"],
        "phases": {number: name for name, number in (phase.get("codes") or {}).items()},
        "cvs": [_describe_cv(s, spec["controller"]["cvs"][s.tag], sealed) for s in view.cvs],
        "mvs": [_describe_mv(s, sealed) for s in view.mvs],
        "dvs": [_named(s) for s in view.dvs],
    }


def _named(s: Shown) -> Frame:
    return {"tag": s.tag, "label": s.label, "unit": s.unit}


def _describe_cv(s: Shown, cv: Mapping[str, Any], sealed: Mapping[str, Any]) -> Frame:
    target = cv.get("target")
    if target == "recipe":
        target = sealed["recipe"]["targets"][s.tag]
    return {
        **_named(s),
        "rank": cv.get("rank"),
        "target": s.value(target),
        "low": s.value(cv.get("low")),
        "high": s.value(cv.get("high")),
    }


def _describe_mv(s: Shown, sealed: Mapping[str, Any]) -> Frame:
    rule = sealed["limits"]["setpoints"][s.tag]
    return {
        **_named(s),
        **{ring: [s.value(end) for end in rule[ring]] for ring in ("operating", "proven")},
    }


def frame(
    seq: int, body: Mapping[str, Any], view: LoopView, sealed: Mapping[str, Any], predict: bool
) -> Frame:
    """Return one cycle as the page shows it; `predict` adds the predicted trajectories."""
    plan: Mapping[str, Any] = body.get("plan") or {}
    verdict: Mapping[str, Any] = body.get("verdict") or {}
    answer: Frame = {
        "id": seq,
        "loop": view.name,
        "utc": body.get("utc"),
        "t": body.get("now_s"),
        "requested": body.get("requested"),
        "mode": body.get("mode"),
        "who": body.get("who"),
        "status": plan.get("status"),
        "solve_ms": plan.get("solve_ms"),
        "binding": list(plan.get("binding") or ()),
        "gave_up": [_gave_up(tag, by, view) for tag, by in plan.get("gave_up") or ()],
        "notes": list(plan.get("notes") or ()),
        "action": verdict.get("action"),
        "limiting": verdict.get("limiting"),
        "reasons": list(verdict.get("reasons") or ()),
        "outcome": (body.get("written") or {}).get("outcome"),
        "late": (body.get("timing") or {}).get("late"),
        "innovation": plan.get("innovation"),
        "cvs": [_cv(s, body, plan) for s in view.cvs],
        "mvs": [_mv(s, body, verdict, sealed) for s in view.mvs],
        "dvs": [_reading(s, body) for s in view.dvs],
    }
    if predict:
        answer["predicted"] = {
            s.tag: _trajectory(s, plan["predicted"][s.tag])
            for s in (*view.cvs, *view.mvs)
            if s.tag in (plan.get("predicted") or {})
        }
    return answer


def _gave_up(tag: str, by: object, view: LoopView) -> Frame:
    known = next((s for s in view.cvs if s.tag == tag), None)
    if known is None or isinstance(by, bool) or not isinstance(by, int | float):
        return {"tag": tag, "by": None, "unit": ""}
    return {"tag": tag, "by": by / known.gain, "unit": known.unit}


def _reading(s: Shown, body: Mapping[str, Any]) -> Frame:
    """One input as it was believed: value, quality, why, and how old it was [s]."""
    reading = (body.get("inputs") or {}).get(s.tag)
    value, quality, reason = (reading or [None, None, ""])[:3]
    return {
        "tag": s.tag,
        "value": s.value(value),
        "quality": quality,
        "reason": reason,
        "age_s": _age(reading, body),
    }


def _age(reading: Sequence[Any] | None, body: Mapping[str, Any]) -> float | None:
    if reading is None or not isinstance(reading[4], int | float):
        return None
    return round(max(0.0, float(body["now_s"]) - float(reading[4])), 1)


def _cv(s: Shown, body: Mapping[str, Any], plan: Mapping[str, Any]) -> Frame:
    course = ((plan.get("predicted") or {}).get(s.tag) or {}).get("values") or [None]
    estimate = (plan.get("estimate") or {}).get(s.tag, course[0])
    low, high = (plan.get("cv_limits") or {}).get(s.tag) or (None, None)
    answer = _reading(s, body)
    if answer["quality"] is None and estimate is not None:
        answer |= {"value": s.value(estimate), "quality": 2, "reason": "estimated"}
    return answer | {
        "estimate": s.value(estimate),
        "target": s.value((plan.get("targets") or {}).get(s.tag)),
        "low": s.value(low),
        "high": s.value(high),
        "end": _end(s, plan),
    }


def _mv(
    s: Shown, body: Mapping[str, Any], verdict: Mapping[str, Any], sealed: Mapping[str, Any]
) -> Frame:
    low, high = sealed["limits"]["setpoints"][s.tag]["operating"]
    landed = ((body.get("written") or {}).get("landed") or {}).get(s.tag)
    held = ((body.get("plan") or {}).get("echo") or {}).get(s.tag) or (None, None)
    return {
        "tag": s.tag,
        "applied": s.value((body.get("applied") or {}).get(s.tag)),
        "requested": s.value((verdict.get("requested") or {}).get(s.tag)),
        "allowed": s.value((verdict.get("allowed") or {}).get(s.tag)),
        "landed": s.value(landed),
        "low": s.value(low),
        "high": s.value(high),
        "held": [s.value(end) for end in held],
        "end": _end(s, body.get("plan") or {}),
    }


def _end(s: Shown, plan: Mapping[str, Any]) -> float | None:
    values = ((plan.get("predicted") or {}).get(s.tag) or {}).get("values") or ()
    return s.value(values[-1]) if values else None


def _trajectory(s: Shown, course: Mapping[str, Any]) -> Frame:
    return {"t": list(course["times_s"]), "y": [s.value(v) for v in course["values"]]}
