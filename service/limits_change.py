"""What differs between two sealed configurations, and which differences people may sign for.

Default deny: a value moves only when this table says so. Everything else rests on evidence
(validation, the machine, the wiring) and changes by commissioning anew, never by a signature.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.limits_words import Refusal

Place = tuple[str, ...]
"""The way to a value through the sealed configuration."""

_MOVABLE: tuple[tuple[Place, str], ...] = (
    (("limits", "setpoints", "*", "operating"), "operating range"),
    (("limits", "inputs", "*", "validity"), "validity"),
    (("tags", "*", "calibrated_until"), "calibration"),
    (("recipe", "targets", "*"), "recipe"),
    (("recipe", "nominal", "*"), "recipe"),
    (("loops", "*", "controller", "cvs", "*", "*"), "controller"),
    (("loops", "*", "controller", "mvs", "*", "*"), "controller"),
    (("people", "*", "*"), "people"),
    (("people",), "people"),
    (("auto",), "people"),
    (("page", "*"), "page"),
    (("page", "*", "*"), "page"),
    (("history", "*", "*"), "history"),
    (("page", "provider", "*", "*"), "page"),
)

_FIXED: tuple[tuple[Place, str, str], ...] = (
    (
        ("limits", "setpoints", "*", "proven"),
        "the proven range is what validation covered",
        "move the operating range inside it; a wider proven range needs new validation first",
    ),
    (
        ("limits", "setpoints", "*", "equipment"),
        "the equipment range is what the machine can do",
        "move the operating range; another equipment range needs another machine",
    ),
    (
        ("limits", "*", "*", "*"),
        "only the innermost range of a signal is moved in operation",
        "put the value back; validate the new one, then commission with a new state folder",
    ),
    (
        (),
        "this is no limit that is moved in operation",
        "put the value back; validate the new one, then commission with a new state folder",
    ),
)


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; None where it is not there. `ring` is empty if it may not move."""

    place: Place
    old: Any
    new: Any
    ring: str

    @property
    def path(self) -> str:
        """Return the place as people write it."""
        return ".".join(self.place)


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Return every value that differs, in the order of their places."""
    before, after = dict(_leaves(old)), dict(_leaves(new))
    return [
        Change(place, before.get(place), after.get(place), _ring(place))
        for place in sorted({*before, *after})
        if not _alike(before.get(place), after.get(place))
    ]


def refusal_of(change: Change) -> Refusal | None:
    """Return why a value may not move this way, or None when it may."""
    if change.ring:
        return None
    rule, step = next((rule, step) for where, rule, step in _FIXED if _fits(change.place, where))
    what = f"{change.path}: {change.old!r} to {change.new!r} is refused: {rule}"
    return Refusal("RH-2020", what, step)


def _ring(place: Place) -> str:
    return next((ring for pattern, ring in _MOVABLE if _matches(place, pattern)), "")


def _matches(place: Place, pattern: Place) -> bool:
    return len(place) == len(pattern) and _fits(place, pattern)


def _fits(place: Place, pattern: Place) -> bool:
    """Say whether a place begins as the pattern says."""
    return len(place) >= len(pattern) and all(
        due in ("*", step) for step, due in zip(place, pattern, strict=False)
    )


def _leaves(node: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:  # noqa: ANN401 - JSON
    """Yield every value with its place; a list is one value, an empty mapping is one too."""
    if isinstance(node, Mapping) and node:
        for key, value in node.items():
            yield from _leaves(value, (*place, key))
    elif place:
        yield place, node


def _alike(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON
    """Compare as a hash would: 1 is not 1.0, true is not 1, and NaN is like nothing."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and isinstance(other, float):
        return one == other and math.copysign(1.0, one) == math.copysign(1.0, other)
    return type(one) is type(other) and bool(one == other)
