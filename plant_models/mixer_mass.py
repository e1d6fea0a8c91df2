"""How the mixer's mass flows: viscosity and density from composition, lot, gel, temperature."""

from __future__ import annotations

from plant_models.gelation import GelationKinetics
from plant_models.parameters import Parameters
from plant_models.rheology import arrhenius_factor, cross, zero_shear_viscosity

REFERENCE_K = 298.15
LEAST_SHEAR_1_S = 0.05  # a yield stress over a smaller shear rate is a solid, not a viscosity


def cross_time_s(p: Parameters, mw_ratio: float) -> float:
    """The Cross time [s] of a lot: the relaxation time grows with molar mass as viscosity does."""
    return float(p["mixer.viscosity.cross_time"] * mw_ratio ** p["mixer.viscosity.mw_exponent"])


def viscosity_25c_pa_s(
    p: Parameters, dissolved_solids: float, mw_ratio: float, gel_factor: float = 1.0
) -> float:
    """Zero-shear viscosity at 25 C [Pa s]; only dissolved solids (S x_d) thicken."""
    eta = zero_shear_viscosity(
        REFERENCE_K,
        dissolved_solids,
        mw_ratio,
        eta_ref_pa_s=p["mixer.viscosity.reference"],
        ref_k=REFERENCE_K,
        solids_ref=p["mixer.viscosity.solids_reference"],
        activation_j_mol=p["mixer.viscosity.activation"],
        alpha=p["mixer.viscosity.solids_exponent"],
        mw_exponent=p["mixer.viscosity.mw_exponent"],
    )
    return max(p["mixer.viscosity.solvent"], eta * gel_factor)


def apparent_viscosity_pa_s(
    p: Parameters, eta25_pa_s: float, mw_ratio: float, temp_k: float, shear_rate_1_s: float
) -> float:
    """Viscosity [Pa s] at a temperature and a shear rate, with the yield stress of recipe B."""
    shear = max(shear_rate_1_s, LEAST_SHEAR_1_S)
    eta0 = eta25_pa_s * arrhenius_factor(temp_k, REFERENCE_K, p["mixer.viscosity.activation"])
    eta = float(cross(shear, eta0, cross_time_s(p, mw_ratio), p["mixer.viscosity.cross_exponent"]))
    return eta + p["mixer.viscosity.yield_stress"] / shear


def density_kg_m3(p: Parameters, solids: float, temp_k: float, air: float) -> float:
    """Density [kg/m3], falling with temperature and with entrained air, rising with solids."""
    liquid = (
        p["mixer.density.reference"]
        + p["mixer.density.per_kelvin"] * (temp_k - REFERENCE_K)
        + p["mixer.density.per_solids"] * (solids - p["mixer.viscosity.solids_reference"])
    )
    return liquid * (1.0 - air)


def gel_kinetics(p: Parameters) -> GelationKinetics:
    """The gelation clock as the table states it."""
    return GelationKinetics(
        release_1_s=p["mixer.gel.release"],
        link_1_s=p["mixer.gel.link"],
        induction_s=p["mixer.gel.induction"],
        gel_point=p["mixer.gel.point"],
        exponent=p["mixer.gel.exponent"],
        ref_k=REFERENCE_K,
        activation_j_mol=p["mixer.gel.activation"],
    )
