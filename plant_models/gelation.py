"""The gelation clock of recipe B: aluminium is released, links form, viscosity diverges.

symbol   meaning                                          unit
A        aluminium still bound in its complex             1 (of what was charged)
X        conversion of link sites                         1
X_g      conversion at the gel point                      1
k_a      release rate                                     1/s
k_x      linking rate                                     1/s
t_ind    induction time (retarder)                        s
p        exponent of the divergence, 1.5-2.5              1

dA/dt = -k_a A; dX/dt = k_x (1 - A)(1 - X) after t_ind; eta = eta_sol [X_g/(X_g - X)]^p
(three-stage kinetics of polyacrylate with aluminium; the divergence as in Stauffer, 1982).
Only time and temperature move X: solvent thins the sol, never the links.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from plant_models.rheology import arrhenius_factor

LARGEST_FACTOR = 1.0e4  # past the gel point nothing flows; a number keeps the simulation finite


@dataclass(frozen=True, slots=True)
class Gelation:
    """Where the clock stands: `bound` = A, `conversion` = X, `age_s` since the cross-linker."""

    bound: float = 1.0
    conversion: float = 0.0
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class GelationKinetics:
    """The rates at `ref_k`, their activation energy, and the gel point."""

    release_1_s: float
    link_1_s: float
    induction_s: float
    gel_point: float
    exponent: float
    ref_k: float
    activation_j_mol: float

    def advance(self, now: Gelation, temp_k: float, dt_s: float) -> Gelation:
        """The clock `dt_s` later at `temp_k`; exact for a constant temperature over the step."""
        speed = 1.0 / arrhenius_factor(temp_k, self.ref_k, self.activation_j_mol)
        bound = now.bound * math.exp(-self.release_1_s * speed * dt_s)
        conversion = now.conversion
        if now.age_s + dt_s > self.induction_s / speed:
            free = 1.0 - 0.5 * (now.bound + bound)
            conversion = 1.0 - (1.0 - conversion) * math.exp(-self.link_1_s * speed * free * dt_s)
        return Gelation(bound, conversion, now.age_s + dt_s)

    def viscosity_factor(self, conversion: float) -> float:
        """eta/eta_sol: 1 at the start, diverging at the gel point."""
        if conversion >= self.gel_point:
            return LARGEST_FACTOR
        factor = (self.gel_point / (self.gel_point - conversion)) ** self.exponent
        return min(LARGEST_FACTOR, float(factor))

    def pot_life_s(self, temp_k: float, allowed_factor: float = 2.0) -> float:
        """How long [s] after the cross-linker the mass has thickened by `allowed_factor`."""
        clock = Gelation()
        while self.viscosity_factor(clock.conversion) < allowed_factor:
            clock = self.advance(clock, temp_k, 10.0)
            if clock.age_s > 30.0 * 86_400.0:
                return math.inf
        return clock.age_s
