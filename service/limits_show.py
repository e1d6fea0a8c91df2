"""Changes as people read them: in the unit of the signal, old and new, share of the range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.config_desk import CALCULATED
from service.config_quantity import read_unit
from service.limits_change import Change, Place

_NOMINAL = {
    "solids": "wt%", "line_speed": "m/min", "web_width": "m", "gap": "um", "oven_zones": "degC",
}  # fmt: skip
_NOTHING = 1e-12  # in people's units: what a solver's scaling leaves of zero
_DIFFERENCES = ("resolution", "tolerance", "max_step", "max_jitter", "rate", "travel", "swing")


def shown(change: Change, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a change as plain data: path, ring, unit, old, new, and shares of the proven range."""
    unit = unit_of(change.place, config)
    difference = change.place[-1] in _DIFFERENCES
    row: dict[str, Any] = {
        "path": change.path,
        "ring": change.ring,
        "unit": unit,
        "old": _in_unit(change.old, unit, difference=difference),
        "new": _in_unit(change.new, unit, difference=difference),
    }
    if change.ring == "operating range" and _is_span(change.old) and _is_span(change.new):
        proven = config["limits"]["setpoints"][change.place[2]]["proven"]
        row["proven"] = _in_unit(proven, unit, difference=False)
        row["share"] = [_share(change.old, proven), _share(change.new, proven)]
    return row


def as_text(row: Mapping[str, Any]) -> str:
    """Return one change as the lines a terminal shows."""
    unit = f" {row['unit']}" if row["unit"] else ""
    lines = [
        f"{row['path']}   ({row['ring'] or 'not moved in operation'})",
        f"    {_spoken(row['old'])}{unit}  ->  {_spoken(row['new'])}{unit}",
    ]
    if "share" in row:
        before, after = (f"{100 * share:.0f} %" for share in row["share"])
        lines.append(f"    {before} -> {after} of the proven range {_spoken(row['proven'])}{unit}")
    return "\n".join(lines)


def span_as_text(tag: str, span: Any, config: Mapping[str, Any]) -> str:  # noqa: ANN401 - JSON
    """Return the range of a signal as people read it."""
    unit = unit_of(("limits", "setpoints", tag, "operating"), config)
    return f"{_spoken(_in_unit([float(end) for end in span], unit, difference=False))} {unit}"


def unit_of(place: Place, config: Mapping[str, Any]) -> str:
    """Return the unit people use at a place; empty where the value is shown as it is."""
    tag = ""
    match place:
        case ("limits", _, name, _) | ("recipe", "targets", name):
            tag = name
        case ("loops", _, "controller", "cvs", name, "target" | "low" | "high"):
            tag = name
        case ("loops", _, "controller", "mvs", name, "rest"):
            tag = name
        case ("recipe", "nominal", name):
            return _NOMINAL.get(name, "")
    row: Mapping[str, Any] = config["tags"].get(tag, {})
    unit = str(row.get("unit") or CALCULATED.get(tag, ""))
    return f"{unit}/s" if unit and place[-1] == "rate" else unit


def _in_unit(value: Any, unit: str, *, difference: bool) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_in_unit(item, unit, difference=difference) for item in value]
    if not isinstance(value, float) or not unit:
        return value
    known = read_unit(unit.removesuffix("/s") if difference else unit)
    offset = 0.0 if difference else float(known.offset)
    shown = float(f"{(value - offset) / float(known.factor):.9g}")
    return 0.0 if abs(shown) < _NOTHING else shown


def _is_span(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(v, float) for v in value)


def _share(span: Any, outer: Any) -> float:  # noqa: ANN401 - JSON
    return float((span[1] - span[0]) / (outer[1] - outer[0]))


def _spoken(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "nothing"
    if isinstance(value, list):
        words = [_spoken(item) for item in value]
        return f"{words[0]} to {words[1]}" if len(words) == 2 else ", ".join(words)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
