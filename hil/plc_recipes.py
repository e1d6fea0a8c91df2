"""What the operator sets up on the two PLCs for a product: targets, settings and charges (SI).

A PLC has its recipe from the operator, not from the engine: here both are filled from the same
sealed file, and the charges, which the engine never touches, stand in this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CoaterRecipe:
    """What the operator set up for this product: targets and nominal settings (SI)."""

    coat_weight_kg_m2: float = 85.7e-3
    line_speed_m_s: float = 10.0 / 60.0
    gap_m: float = 280e-6
    ratio_rev_m: float = 2.65
    zones_k: tuple[float, ...] = (333.15, 353.15, 357.15, 357.15, 357.15)

    @staticmethod
    def from_sealed(recipe: Mapping[str, Any]) -> CoaterRecipe:
        """Take targets and nominal settings from the recipe part of a sealed configuration."""
        nominal = recipe["nominal"]
        return CoaterRecipe(
            coat_weight_kg_m2=recipe["targets"]["coater.dry_coat_weight"],
            line_speed_m_s=nominal["line_speed"],
            gap_m=nominal["gap"],
            zones_k=tuple(nominal["oven_zones"]),
        )


@dataclass(frozen=True, slots=True)
class MixerRecipe:
    """Targets and charges of one batch (SI)."""

    viscosity_pa_s: float = 6.0
    temp_k: float = 298.15
    solvent_kg: float = 77.0  # part of it held back: TRIM can only add
    adhesive_kg: float = 382.0
    enhancer_kg: float = 21.0
    api_kg: float = 10.0
    max_solvent_kg: float = 30.0  # this PLC's own cap on a batch

    @staticmethod
    def from_sealed(recipe: Mapping[str, Any]) -> MixerRecipe:
        """Take the targets from the recipe part of a sealed configuration."""
        targets = recipe["targets"]
        return MixerRecipe(
            viscosity_pa_s=targets["mixer.viscosity_25c"], temp_k=targets["mixer.temp"]
        )
