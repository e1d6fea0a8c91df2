"""The hose from the feed valve to the die: a plug of mass moving by volume, then a mixed pocket.

What enters at the valve reaches the die only after the hose's volume has been pumped, so a batch
change arrives late, and later still when the line runs slowly.
"""

from __future__ import annotations

import math

from plant_models.feed import Feed


class FeedHose:
    """Plug flow in cells of equal volume followed by one stirred volume."""

    def __init__(self, plug_m3: float, cell_m3: float, feed: Feed) -> None:
        """Fill the whole hose with `feed`."""
        self._cell_m3 = cell_m3
        self._cells = max(1, round(plug_m3 / cell_m3))
        self._plug = [feed] * self._cells
        self._head = 0
        self._entering = 0.0
        self._at_die = feed

    def pump(self, volume_m3: float, feed: Feed, mixed_m3: float) -> Feed:
        """Push `volume_m3` of `feed` in at the valve; return the mass at the die."""
        self._entering += volume_m3
        while self._entering >= self._cell_m3:
            self._entering -= self._cell_m3
            self._plug[self._head] = feed
            self._head = (self._head + 1) % self._cells
        new, old = self._plug[self._head], self._at_die
        share = 1.0 - math.exp(-volume_m3 / max(mixed_m3, 1e-9))
        self._at_die = Feed(
            old.solids + share * (new.solids - old.solids),
            old.temp_k + share * (new.temp_k - old.temp_k),
            old.eta0_ref_pa_s + share * (new.eta0_ref_pa_s - old.eta0_ref_pa_s),
            old.lam_s + share * (new.lam_s - old.lam_s),
            old.n + share * (new.n - old.n),
            old.density_kg_m3 + share * (new.density_kg_m3 - old.density_kg_m3),
            new.batch,
            old.activation_j_mol + share * (new.activation_j_mol - old.activation_j_mol),
        )
        return self._at_die

    def at_die(self) -> Feed:
        """The mass that leaves the hose now."""
        return self._at_die
