"""What flows from the mixing room to the coater: one small description of the mass."""

from __future__ import annotations

from typing import NamedTuple

from plant_models.rheology import arrhenius_factor, cross

FEED_REFERENCE_K = 298.15  # viscosities of a feed are stated at 25 C


class Feed(NamedTuple):
    """The mass at the coater's inlet valve.

    symbol          meaning                                        unit
    solids          mass fraction that stays after drying          1
    temp_k          temperature                                    K
    eta0_ref_pa_s   zero-shear viscosity at 25 C, at these solids  Pa s
    lam_s, n        Cross time and exponent                        s, 1
    density_kg_m3   density at `temp_k`                            kg/m3
    batch           number of the batch                            -
    activation_j_mol  activation energy of the viscosity           J/mol
    """

    solids: float
    temp_k: float
    eta0_ref_pa_s: float
    lam_s: float
    n: float
    density_kg_m3: float
    batch: int
    activation_j_mol: float = 35_000.0

    def eta0_pa_s(self) -> float:
        """Zero-shear viscosity [Pa s] at the feed's own temperature."""
        warm = arrhenius_factor(self.temp_k, FEED_REFERENCE_K, self.activation_j_mol)
        return self.eta0_ref_pa_s * warm

    def viscosity_pa_s(self, shear_rate_1_s: float) -> float:
        """Viscosity [Pa s] at a shear rate [1/s], at the feed's own temperature."""
        return cross(shear_rate_1_s, self.eta0_pa_s(), self.lam_s, self.n)


REFERENCE_FEED = Feed(
    solids=0.42,
    temp_k=FEED_REFERENCE_K,
    eta0_ref_pa_s=6.0,
    lam_s=0.02,
    n=0.6,
    density_kg_m3=950.0,
    batch=1,
)
"""Recipe A as the process design page states it (solvent acrylic, 42 wt% solids)."""
