"""What the history keeps of a configuration: the line's name, its loops, what each is about.

It stands in the event of every start and every seal (`line`), so whoever has the history alone can
say from which record on a loop aimed at what. Pure functions; values in SI.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def about_line(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """Return site, product and loops of a sealed configuration.

    A loop tells its title, its period [s] and its key: the first controlled variable by rank, with
    target and limits [SI]; None where nothing is controlled.
    """
    line = sealed["line"]
    loops = {name: {"title": str(loop.get("title", name)), "period_s": float(loop["period"]),
                    "key": _key(loop["controller"].get("cvs") or {}, sealed)}
             for name, loop in sealed["loops"].items()}  # fmt: skip
    return {"site": str(line.get("site", "")), "product": str(line.get("product", "")),
            "loops": loops}  # fmt: skip


def by_rank(cvs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the controlled variables of a loop, the most important first."""
    return sorted(cvs, key=lambda tag: (cvs[tag].get("rank", len(cvs)), tag))


def _key(cvs: Mapping[str, Mapping[str, Any]], sealed: Mapping[str, Any]) -> dict[str, Any] | None:
    if not cvs:
        return None
    tag = by_rank(cvs)[0]
    target = cvs[tag].get("target")
    if target == "recipe":
        target = sealed["recipe"]["targets"].get(tag)
    return {"tag": tag, "target": target, "low": cvs[tag].get("low"), "high": cvs[tag].get("high")}
