"""The profile across the web: one row of gauge boxes for every scan, by metres of web."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.page.view import shown

_BOX = re.compile(r"coater\.gauge_box(\d+)")
_COAT = "coater.dry_coat_weight"


@dataclass(frozen=True, slots=True)
class Scan:
    """One traverse of the gauge: at which metre, and what each box read (None: not good)."""

    number: int
    utc: str
    metres: float | None
    boxes: tuple[float | None, ...]


def scan_of(body: Mapping[str, Any], sealed: Mapping[str, Any]) -> Scan | None:
    """Return the scan a cycle read, in people's units, or None when the loop reads no boxes."""
    inputs: Mapping[str, Sequence[Any]] = body.get("inputs") or {}
    number = (inputs.get("coater.gauge_scan") or [None])[0]
    tags = sorted((tag for tag in inputs if _BOX.fullmatch(tag)), key=_place)
    if not tags or not isinstance(number, int):
        return None
    boxes = tuple(shown(sealed, tag).value(inputs[tag][0]) for tag in tags)
    length = (inputs.get("coater.web_length") or [None])[0]
    return Scan(
        number, str(body.get("utc")), shown(sealed, "coater.web_length").value(length), boxes
    )


def profile_map(scans: Sequence[Scan], sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scans as a map, and the target they are compared with."""
    coat = shown(sealed, _COAT) if _COAT in sealed["tags"] else None
    target = sealed["recipe"]["targets"].get(_COAT)
    return {
        "unit": coat.unit if coat else "",
        "target": coat.value(target) if coat else None,
        "width_m": sealed["recipe"].get("nominal", {}).get("web_width"),
        "utc": [scan.utc for scan in scans],
        "metres": [scan.metres for scan in scans],
        "boxes": [list(scan.boxes) for scan in scans],
    }


def _place(tag: str) -> int:
    found = _BOX.fullmatch(tag)
    return int(found[1]) if found else 0
