"""The rules of one setpoint: its box, its speed, its grain, how much it may be worked.

Requirements IL-01, IL-02, IL-14, IL-17, GMP-12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from safety.strict import (
    RuleError,
    Span,
    count_at,
    not_negative_at,
    number_from,
    positive_at,
    section,
    span_at,
)
from safety.wire import Grid

_SINGLE_TYPES = ("float", "float32")
FLOAT_TYPES = (*_SINGLE_TYPES, "double", "float64")


class SetpointRule(NamedTuple):
    """The box, the speed and the grain of one setpoint (SI); operating ⊂ proven ⊂ equipment.

    `dwell_s` is the least time between two moves; `travel` the most it may be moved in an hour, up
    and down added; turning round by more than `swing` is a reversal, at most `reversals` an hour.
    """

    tag: str
    active_tag: str
    equipment: Span
    proven: Span
    operating: Span
    rate_per_s: float
    resolution: float
    tolerance: float
    dwell_s: float
    travel: float
    swing: float
    reversals: int
    grid: Grid


def setpoint_rule(
    limits: Mapping[str, Any], tags: Mapping[str, Any], tag: str, active: object, where: str
) -> SetpointRule:
    """Build the rule of the setpoint `tag`, or raise `RuleError` with the place."""
    if not isinstance(active, str) or not active:
        raise RuleError(f"{where}.mvs.{tag} names no tag for the setpoint in use.")
    place = f"limits.setpoints.{tag}"
    spec = section(section(limits, "setpoints", "limits"), tag, "limits.setpoints")
    equipment = span_at(spec, "equipment", place)
    proven = span_at(spec, "proven", place)
    operating = span_at(spec, "operating", place)
    _nested(place, "operating", operating, "proven", proven)
    _nested(place, "proven", proven, "equipment", equipment)
    return SetpointRule(
        tag=tag,
        active_tag=active,
        equipment=equipment,
        proven=proven,
        operating=operating,
        rate_per_s=positive_at(spec, "rate", place),
        resolution=positive_at(spec, "resolution", place),
        tolerance=positive_at(spec, "tolerance", place),
        dwell_s=not_negative_at(spec, "dwell", place),
        travel=positive_at(spec, "travel", place),
        swing=positive_at(spec, "swing", place),
        reversals=count_at(spec, "reversals", place, 1),
        grid=_grid(tags, tag),
    )


def _grid(tags: Mapping[str, Any], tag: str) -> Grid:
    """Return how the register of a setpoint holds it."""
    place = f"tags.{tag}"
    spec = section(tags, tag, "tags")
    kind = spec.get("type")
    if spec.get("direction") != "write" or kind not in FLOAT_TYPES:
        raise RuleError(f"{place} must be a tag to write, of a floating-point type.")
    gain = positive_at(spec, "gain", place)
    return Grid(gain, number_from(spec.get("offset"), f"{place}.offset"), kind in _SINGLE_TYPES)


def _nested(place: str, inner_name: str, inner: Span, outer_name: str, outer: Span) -> None:
    if not (outer[0] <= inner[0] and inner[1] <= outer[1]):
        raise RuleError(
            f"{place}: the {inner_name} range {list(inner)} reaches outside the {outer_name} "
            f"range {list(outer)}; it must lie within."
        )
