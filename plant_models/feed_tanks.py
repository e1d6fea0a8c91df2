"""Two feed tanks and a change-over valve: one feeds the coater, the other takes the next batch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plant_models.feed import Feed


def blended(a: Feed, b: Feed, part_b: float) -> Feed:
    """The mass where `part_b` (0..1) of `b` is stirred into `a`; it keeps the number of `a`.

    Solids, temperature and density mix by mass, viscosity and its time by their logarithms.
    """

    def linear(x: float, y: float) -> float:
        return x + part_b * (y - x)

    def by_log(x: float, y: float) -> float:
        return math.exp(linear(math.log(x), math.log(y)))

    return a._replace(
        solids=linear(a.solids, b.solids),
        temp_k=linear(a.temp_k, b.temp_k),
        eta0_ref_pa_s=by_log(a.eta0_ref_pa_s, b.eta0_ref_pa_s),
        lam_s=by_log(a.lam_s, b.lam_s),
        n=linear(a.n, b.n),
        density_kg_m3=linear(a.density_kg_m3, b.density_kg_m3),
        activation_j_mol=linear(a.activation_j_mol, b.activation_j_mol),
    )


@dataclass(slots=True)
class FeedTank:
    """A stirred tank: how much is in it, and what."""

    mass_kg: float
    feed: Feed

    def receive(self, mass_kg: float, feed: Feed) -> None:
        """Stir `mass_kg` of `feed` into the tank; an empty tank takes its batch number too."""
        if mass_kg <= 0.0:
            return
        before = self.feed if self.mass_kg > 0.0 else feed
        self.mass_kg += mass_kg
        self.feed = blended(before, feed, mass_kg / self.mass_kg)

    def draw(self, mass_kg: float) -> float:
        """Take mass out; returns what was there to take [kg]."""
        taken = min(mass_kg, self.mass_kg)
        self.mass_kg -= taken
        return taken

    def evaporate(self, mass_kg: float, solids_exponent: float) -> None:
        """Lose solvent [kg]: solids rise by mass balance, viscosity with their power."""
        if self.mass_kg <= 0.0:
            return
        lost = min(mass_kg, 0.5 * (1.0 - self.feed.solids) * self.mass_kg)
        thicker = self.mass_kg / (self.mass_kg - lost)
        self.mass_kg -= lost
        self.feed = self.feed._replace(
            solids=self.feed.solids * thicker,
            eta0_ref_pa_s=self.feed.eta0_ref_pa_s * thicker**solids_exponent,
        )

    def follow_temperature(
        self, wanted_k: float, lag_s: float, density_per_k: float, dt_s: float
    ) -> None:
        """Let the tank's temperature, and with it the density, follow its jacket."""
        feed = self.feed
        temp_k = wanted_k + (feed.temp_k - wanted_k) * math.exp(-dt_s / lag_s)
        density = feed.density_kg_m3 + density_per_k * (temp_k - feed.temp_k)
        self.feed = Feed(
            feed.solids,
            temp_k,
            feed.eta0_ref_pa_s,
            feed.lam_s,
            feed.n,
            density,
            feed.batch,
            feed.activation_j_mol,
        )


class FeedTanks:
    """The active tank, the standby tank, and the valve between them."""

    def __init__(self, mass_kg: float, feed: Feed) -> None:
        """Fill the active tank; standby is empty."""
        self.active = FeedTank(mass_kg, feed)
        self.standby = FeedTank(0.0, feed)

    def change_over(self) -> None:
        """Turn the valve: the standby tank feeds the coater, the other is emptied."""
        self.active, self.standby = self.standby, FeedTank(0.0, self.active.feed)
