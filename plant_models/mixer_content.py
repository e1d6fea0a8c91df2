"""What is in the mixer: kilograms in five pools, so that mass and solids balance by construction.

symbol        meaning                                                  unit
solvent       volatile part, blended in                                kg
unblended     trim solvent not yet blended into the bulk               kg
dissolved     solids in solution (polymer, enhancer, drug)             kg
wetted        solids wetted but not dissolved yet                      kg
lumps         powder still dry inside lumps                            kg
S             solids of the blended bulk                               1
x_d           dissolved part of the solids                             1
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from plant_models.dissolution import lump_rate_kg_s

EMPTY_KG = 0.5  # less than this is a film on the wall


class Charge(NamedTuple):
    """What flows in, kg/s: trim solvent, charge solvent, adhesive solution, enhancer, powder."""

    trim_solvent: float = 0.0
    solvent: float = 0.0
    adhesive: float = 0.0
    enhancer: float = 0.0
    powder: float = 0.0

    def total_kg_s(self) -> float:
        """All of it together."""
        return self.trim_solvent + self.solvent + self.adhesive + self.enhancer + self.powder


@dataclass(slots=True)
class Content:
    """The pools of one vessel."""

    solvent_kg: float = 0.0
    unblended_kg: float = 0.0
    dissolved_kg: float = 0.0
    wetted_kg: float = 0.0
    lumps_kg: float = 0.0

    @property
    def mass_kg(self) -> float:
        """Everything on the load cells."""
        return self.solvent_kg + self.unblended_kg + self.solids_kg

    @property
    def solids_kg(self) -> float:
        """Everything that would stay after drying."""
        return self.dissolved_kg + self.wetted_kg + self.lumps_kg

    @property
    def solids(self) -> float:
        """S of the blended bulk; trim solvent counts only once it is blended in."""
        bulk = self.solvent_kg + self.solids_kg
        return self.solids_kg / bulk if bulk > 0.0 else 0.0

    @property
    def dissolved(self) -> float:
        """x_d, the dissolved part of the solids."""
        return self.dissolved_kg / self.solids_kg if self.solids_kg > 0.0 else 0.0

    @property
    def empty(self) -> bool:
        """Whether only a film is left."""
        return self.mass_kg < EMPTY_KG

    def charge(self, flows: Charge, adhesive_solids: float, wetted_part: float, dt: float) -> None:
        """Let `flows` in for `dt` seconds; solids dissolve later and trim solvent blends later."""
        self.unblended_kg += flows.trim_solvent * dt
        self.solvent_kg += (flows.solvent + flows.adhesive * (1.0 - adhesive_solids)) * dt
        self.wetted_kg += (flows.adhesive * adhesive_solids + flows.powder * wetted_part) * dt
        self.dissolved_kg += flows.enhancer * dt
        self.lumps_kg += lump_rate_kg_s(0.0, flows.powder, wetted_part, 0.0, 0.0) * dt

    def blend(self, time_constant_s: float, dt: float) -> None:
        """Blend trim solvent into the bulk."""
        part = self.unblended_kg * (1.0 - math.exp(-dt / time_constant_s))
        self.unblended_kg -= part
        self.solvent_kg += part

    def dissolve(self, k_d: float, k_L: float, disperser_rev_s: float, dt: float) -> None:
        """Break lumps up and bring wetted solids into solution."""
        broken = self.lumps_kg * (1.0 - math.exp(-k_L * disperser_rev_s**2 * dt))
        self.lumps_kg -= broken
        gone = (self.wetted_kg + broken) * (1.0 - math.exp(-k_d * dt))
        self.wetted_kg += broken - gone
        self.dissolved_kg += gone

    def evaporate(self, rate_kg_s: float, dt: float) -> float:
        """Lose solvent from the bulk's surface; returns what was lost [kg]."""
        lost = min(self.solvent_kg, rate_kg_s * dt)
        self.solvent_kg -= lost
        return lost

    def withdraw(self, mass_kg: float) -> float:
        """Take mass out of the outlet, all pools alike; returns what came [kg]."""
        taken = min(mass_kg, self.mass_kg)
        keep = 1.0 - taken / self.mass_kg if taken > 0.0 else 1.0
        self.solvent_kg *= keep
        self.unblended_kg *= keep
        self.dissolved_kg *= keep
        self.wetted_kg *= keep
        self.lumps_kg *= keep
        return taken
