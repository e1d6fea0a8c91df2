"""Self-metered coating: a knife with a land and a comma (roll) coater.

symbol  meaning                                unit
H       gap between knife or roll and web      m
L       land length                            m
dP      pressure of the bank before the gap    Pa
mu      viscosity in the gap                   Pa s
v       web speed                              m/s
t       wet film thickness                     m
"""

from __future__ import annotations

from dataclasses import dataclass

from plant_models.parameters import Parameters

GRAVITY_M_S2 = 9.81

SWIFT_STIEBER = 0.61  # t/H of a roll, film splitting where pressure and its gradient vanish
PRANDTL_HOPKINS = 0.65  # t/H of a roll, film splitting where the flow stagnates


def knife_thickness_m(H: float, L: float, dP: float, mu: float, v: float) -> float:
    """Film under a knife with land: t = H/2 + dP H^3/(12 mu L v) (Middleman 1977)."""
    return 0.5 * H + dP * H**3 / (12.0 * mu * L * v)


def comma_thickness_m(H: float, factor: float, n: float, bank_ratio: float) -> float:
    """Film behind a comma roll: t = factor H, with `factor` 0.61 to 0.65 (Coyle 1992).

    Shear thinning (local exponent n) takes up to 8 % away, a bank higher than its reference
    (`bank_ratio` > 1) adds up to some per cent: an engineering estimate of the 5-15 % reported.
    """
    return factor * H * (1.0 - 0.08 * (1.0 - n)) * (1.0 + 0.05 * (bank_ratio - 1.0))


@dataclass(slots=True)
class Bank:
    """The pool of mass before a knife or comma roll; its weir lets surplus flow back."""

    volume_m3: float = 0.0
    returned_m3: float = 0.0

    def height_m(self, p: Parameters) -> float:
        """Height of the pool [m]."""
        return self.volume_m3 / (p["coater.web.width"] * p["coater.bank.depth"])

    def pressure_pa(self, density: float, p: Parameters) -> float:
        """Hydrostatic pressure before the gap [Pa]."""
        return density * GRAVITY_M_S2 * self.height_m(p)

    def meter(self, dt_s: float, inflow: float, film_m: float, v: float, p: Parameters) -> float:
        """Take `inflow` [m3/s] in and lay a film of `film_m` at speed v; return its flow [m3/s].

        A pool that runs dry starves the film: it can lay down no more than it holds.
        """
        wanted = film_m * p["coater.web.width"] * v * dt_s
        self.volume_m3 += inflow * dt_s
        laid = min(wanted, self.volume_m3)
        self.volume_m3 -= laid
        brim = p["coater.bank.height"] * p["coater.bank.depth"] * p["coater.web.width"]
        surplus = max(0.0, self.volume_m3 - brim)
        self.volume_m3 -= surplus
        self.returned_m3 += surplus
        return laid / dt_s
