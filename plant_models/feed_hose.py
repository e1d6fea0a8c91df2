"""The hose from the feed valve to the die: a plug of mass moving by volume, then a mixed pocket.

What enters at the valve reaches the die only after the hose's volume has been pumped, so a batch
change arrives late, and later still when the line runs slowly.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from plant_models.feed import Feed

FIELDS = ("solids", "temp_k", "eta0_ref_pa_s", "lam_s", "n", "density_kg_m3", "activation_j_mol")


class FeedHose:
    """Plug flow in cells of equal volume followed by one stirred volume."""

    def __init__(self, plug_m3: float, cell_m3: float, feed: Feed) -> None:
        """Fill the whole hose with `feed`."""
        self._cell_m3 = cell_m3
        self._cells = max(1, round(plug_m3 / cell_m3))
        values = self._values(feed)
        self._plug: NDArray[np.float64] = np.tile(values, (self._cells, 1))
        self._mixed = values.copy()
        self._batches = [feed.batch] * self._cells
        self._head = 0
        self._entering = 0.0
        self.batch_at_die = feed.batch
        self._at_die = feed

    @staticmethod
    def _values(feed: Feed) -> NDArray[np.float64]:
        return np.array(
            (
                feed.solids,
                feed.temp_k,
                feed.eta0_ref_pa_s,
                feed.lam_s,
                feed.n,
                feed.density_kg_m3,
                feed.activation_j_mol,
            )
        )

    def pump(self, volume_m3: float, feed: Feed, mixed_m3: float) -> Feed:
        """Push `volume_m3` of `feed` in at the valve; return the mass at the die."""
        self._entering += volume_m3
        while self._entering >= self._cell_m3:
            self._entering -= self._cell_m3
            self._plug[self._head] = self._values(feed)
            self._batches[self._head] = feed.batch
            self._head = (self._head + 1) % self._cells
        leaving = self._plug[self._head]
        share = 1.0 - math.exp(-volume_m3 / max(mixed_m3, 1e-9))
        self._mixed += share * (leaving - self._mixed)
        self.batch_at_die = self._batches[self._head]
        solids, temp, eta0, lam, n, density, activation = self._mixed.tolist()
        self._at_die = Feed(solids, temp, eta0, lam, n, density, self.batch_at_die, activation)
        return self._at_die

    def at_die(self) -> Feed:
        """The mass that leaves the hose now."""
        return self._at_die
