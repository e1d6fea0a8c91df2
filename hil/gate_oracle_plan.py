"""How the oracle looks at plans, and at setpoints together."""

# ruff: noqa: ANN401 - it trusts no type
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hil.gate_oracle_ledger import Escape
from hil.gate_oracle_senses import Seen
from hil.gate_oracle_table import (
    FILM,
    ITERATIONS,
    JACKET_OVER_RATIO,
    PLAN_AGE_S,
    RESIDUAL,
    ROWS,
    SHEAR,
    SURPRISE,
)


def surprised(before: int, plan: Any) -> int:
    """Return the net count of cycles in which the plant surprised the model."""
    if plan is None:
        return before
    value = plan.innovation
    good = type(value) in (float, int) and 0 <= value <= SURPRISE
    return max(0, before - 1) if good else before + 1


def plan_objection(status: Any, plan: Any, now_s: float) -> str:
    """Return 'property|text' if nothing may be moved after this plan."""
    if status != "solved" or getattr(plan, "status", "") != "solved":
        return "IL-11|no solved plan"
    age = now_s - plan.made_s if type(plan.made_s) in (float, int) else None
    if age is None or not 0 <= age <= PLAN_AGE_S:
        return f"IL-11|plan is {age} s old"
    if not (type(plan.residual) in (float, int) and 0 <= plan.residual <= RESIDUAL):
        return f"IL-11|residual {plan.residual!r}"
    if not (type(plan.iterations) is int and 0 <= plan.iterations <= ITERATIONS):
        return f"IL-11|{plan.iterations!r} iterations"
    if not (type(plan.cost) in (float, int) and abs(plan.cost) < 1e308 * 1.7):
        return f"IL-11|cost {plan.cost!r}"
    if len(plan.setpoints) != len(ROWS):
        return f"IL-19|{len(plan.setpoints)} setpoints proposed"
    for row in ROWS:
        wish = plan.setpoints.get(row.tag)
        if type(wish) not in (float, int) or not abs(wish) < 1e300:
            return f"IL-19|proposed {row.tag} is {wish!r}"
        word = (wish - row.zero) / row.scale
        if not row.equipment[0] * 0.999999 <= word <= row.equipment[1] * 1.000001:
            return f"IL-01|wish {word!r} for {row.tag} is beyond the equipment"
    return ""


def together(words: Mapping[str, float], seen: Seen) -> list[Escape]:
    """Return the combinations that the words about to be written break."""
    found: list[Escape] = []
    gap, jacket, ratio = [words[row.tag] for row in ROWS]
    old_gap, old_jacket, old_ratio = [seen.applied[row.tag] for row in ROWS]
    over, old_over = jacket - 4 * ratio, old_jacket - 4 * old_ratio
    warmth = _broken("jacket over ratio", over, old_over, JACKET_OVER_RATIO)
    film = _broken("film to gap", 100 * ratio / gap, 100 * old_ratio / old_gap, FILM)
    # which of the speeds that vote the gate believes is its own business: none may allow it
    shear = [
        _broken("shear", 1e6 * speed / gap, 1e6 * speed / old_gap, SHEAR) for speed in seen.speeds
    ]
    found += [
        Escape("IL-06", text)
        for text in (film, warmth, shear[0] if all(shear) and shear else "")
        if text
    ]
    return found


def _broken(name: str, new: float, old: float, span: tuple[float, float]) -> str:
    """Say how a combination is broken, '' if it is kept or on the way back."""
    if _out(new, span) <= 1e-9 * span[1] or _out(new, span) < _out(old, span):
        return ""
    return f"{name} would be {new!r}, is {old!r}"


def _out(value: float, span: tuple[float, float]) -> float:
    return max(span[0] - value, value - span[1], 0.0)
