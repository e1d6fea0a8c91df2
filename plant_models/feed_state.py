"""Slow wandering of the feed at the coater's inlet: temperature, solids, delivered flow.

The solids drift is upstream of the Coriolis meter, so it can be fed forward; the flow drift
(entrained air, pump wear) cannot be seen before the gauge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from plant_models.feed import Feed
from plant_models.parameters import Parameters


class FeedState:
    """What really enters the hose: the given feed with its drift."""

    def __init__(self, feed: Feed) -> None:
        """Start without drift."""
        self.inlet = feed
        self.flow_gain = 1.0
        self._temp_k = 0.0
        self._solids = 0.0
        self._flow = 0.0

    def at_inlet(
        self, dt_s: float, feed: Feed, noise: Sequence[float], p: Parameters, *, drifting: bool
    ) -> Feed:
        """The feed as it enters now; random walks (slowly returning) advance while `drifting`."""
        if drifting:
            keep = math.exp(-dt_s / p["coater.feed.temp_wander_time"])
            step_k = p["coater.feed.temp_wander"] * math.sqrt(1.0 - keep * keep)
            self._temp_k = keep * self._temp_k + step_k * noise[1]
            home = math.exp(-dt_s / p["coater.drift.return_time"])
            root = math.sqrt(dt_s)
            self._solids = home * self._solids + p["coater.drift.solids"] * root * noise[2]
            self._flow = home * self._flow + p["coater.drift.flow"] * root * noise[3]
        self.flow_gain = 1.0 + self._flow
        density = feed.density_kg_m3 + p["coater.feed.density_per_k"] * self._temp_k
        self.inlet = Feed(
            min(1.0, feed.solids * (1.0 + self._solids)),
            feed.temp_k + self._temp_k,
            feed.eta0_ref_pa_s,
            feed.lam_s,
            feed.n,
            density,
            feed.batch,
            feed.activation_j_mol,
        )
        return self.inlet
