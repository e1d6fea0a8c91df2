"""The scanning coat-weight gauge: zigzag across the web, noise, bias, drift, outages.

It shows the mean of the last whole traverse as the coat weight, and the traverse itself as a row of
data boxes (`gauge_boxes`). During standardisation, an outage or over bare web it is not valid and
goes on showing its last value, as real gauges do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from plant_models.gauge_boxes import GaugeBoxes
from plant_models.parameters import Parameters
from plant_models.web import LANES, Web, mean_of_layers

CREEP_M_S = 0.005


@dataclass(slots=True)
class _Traverse:
    """Points of the traverse that is under way."""

    points: int = 0
    valid: int = 0
    total: float = 0.0


class ScanningGauge:
    """State of the scanner; `value_kg_m2` and `valid` are what it shows."""

    def __init__(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draw this instrument's bias and the phase of its standardisation schedule."""
        self._p = p
        self.bias = float(rng.standard_normal())
        self.drift_kg_m2 = 0.0
        every = p["coater.gauge.standardise_every"]
        self._next_standard_s = float(rng.uniform(0.3, 1.0)) * every
        self._flutter = 0.0
        self._lane_m = p["coater.gauge.edge"]
        self._direction = 1.0
        self._turning_s = 0.0
        self._outage_s = 0.0
        self._scan = _Traverse()
        self.boxes = GaugeBoxes(p["coater.web.width"], rng.spawn(1)[0])
        self.value_kg_m2 = 0.0
        self.point_kg_m2 = 0.0
        self.valid = False

    @property
    def position_m(self) -> float:
        """Where the head is across the web [m]."""
        return self._lane_m

    def interrupt(self, duration_s: float) -> None:
        """Take the gauge off the sheet for `duration_s`."""
        self._outage_s = max(self._outage_s, duration_s)

    def error_kg_m2(self, coat_kg_m2: float) -> float:
        """What bias, drift and seeded offset add to a coat weight [kg/m2]."""
        p = self._p
        relative = p["coater.gauge.bias"] * self.bias
        return relative * coat_kg_m2 + self.drift_kg_m2 + p["coater.gauge.offset"]

    def scan(
        self, dt_s: float, now_s: float, web: Web, speed_m_s: float, noise: Sequence[float]
    ) -> None:
        """Advance the head by `dt_s` and measure one point; `noise` is three unit normals."""
        p = self._p
        self.drift_kg_m2 += p["coater.gauge.drift"] * math.sqrt(dt_s) * noise[0]
        keep = math.exp(-dt_s)
        self._flutter = keep * self._flutter + math.sqrt(1.0 - keep * keep) * noise[1]
        if p["coater.gauge.standardise_every"] > 0.0 and now_s >= self._next_standard_s:
            self._next_standard_s = now_s + p["coater.gauge.standardise_every"]
            self.interrupt(p["coater.gauge.standardise_time"])
        if self._outage_s > 0.0 or speed_m_s < CREEP_M_S:
            self._outage_s = max(0.0, self._outage_s - dt_s)
            self.valid = False
            self._scan = _Traverse()
            self.boxes.drop()
            return
        if self._turning_s > 0.0:
            self._turning_s -= dt_s
            return
        self._measure(dt_s, web, noise[2])
        self._advance(dt_s, now_s)

    def coat_at_gauge(self, web: Web) -> float:
        """True coat under the gauge [kg/m2], mean across the web: solids and solvent left."""
        cell = web.index_at(self._p["coater.gauge.distance"])
        wet = 1.0 + mean_of_layers(web.solvent[cell])
        return float(web.dry[cell]) * wet / (1.0 + self._p["coater.web.draw"])

    def _measure(self, dt_s: float, web: Web, noise: float) -> None:
        p = self._p
        lane = min(LANES - 1, max(0, int(self._lane_m / web.width_m * LANES)))
        cell = web.index_at(p["coater.gauge.distance"])
        dry, wet = float(web.dry[cell]), 1.0 + mean_of_layers(web.solvent[cell])
        drawn = 1.0 + p["coater.web.draw"]
        coat = dry * float(web.profile[cell, lane]) * wet / drawn
        noise_kg_m2 = p["coater.gauge.noise"] / math.sqrt(dt_s) * noise
        flutter = p["coater.gauge.flutter"] * self._flutter
        self.point_kg_m2 = max(0.0, coat + self.error_kg_m2(coat) + noise_kg_m2 + flutter)
        self._scan.points += 1
        if web.bare[cell]:  # the line tracks its splices
            return
        self._scan.valid += 1
        self._scan.total += self.point_kg_m2
        ahead_m = self._lane_m + self._direction * p["coater.gauge.traverse_speed"] * dt_s
        mean = dry * wet / drawn
        self.boxes.cross(
            self._lane_m,
            ahead_m,
            dt_s,
            mean * web.profile[cell],
            self.error_kg_m2(mean) + noise_kg_m2 + flutter,
            p["coater.gauge.noise"],
        )

    def _advance(self, dt_s: float, now_s: float) -> None:
        p = self._p
        low, high = p["coater.gauge.edge"], p["coater.web.width"] - p["coater.gauge.edge"]
        self._lane_m += self._direction * p["coater.gauge.traverse_speed"] * dt_s
        if low < self._lane_m < high:
            return
        self._lane_m = min(max(self._lane_m, low), high)
        self._direction = -self._direction
        self._turning_s = p["coater.gauge.turn_time"]
        done, self._scan = self._scan, _Traverse()
        whole = done.points * dt_s * p["coater.gauge.traverse_speed"] > 0.8 * (high - low)
        self.valid = whole and done.valid >= 0.7 * done.points
        if self.valid:
            self.value_kg_m2 = done.total / done.valid
        self.boxes.finish(now_s, forward=self._direction < 0.0, valid=self.valid)
