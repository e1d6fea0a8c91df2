"""The profile across the web: lip bolts, shims and a slowly moving part.

symbol  meaning                                           unit
x       position across the web                           m
x_i     position of bolt i                                m
u_i     travel of bolt i                                  m
g       local coat change per bolt travel (peak)          1/m
w       width of a bolt's response                        m
a, d    attenuation, divergence (shift in widths)         1
c(x)    local over mean coat weight, less one             1
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from plant_models.parameters import Parameters
from plant_models.slot_die import local_lip_gain
from plant_models.web import LANES

Array = NDArray[np.float64]

BOLTS = 12
MODES = 5  # cosine modes of the natural profile


def lane_centres_m(width_m: float, lanes: int = LANES) -> Array:
    """Centres of the lanes across the web [m]."""
    centres: Array = (np.arange(lanes, dtype=np.float64) + 0.5) * (width_m / lanes)
    return centres


def bolt_response(x: Array, x_i: float, g: float, w: float, a: float, d: float) -> Array:
    """Profile change per travel of the bolt at x_i: two damped cosines, `d` widths apart.

    b(x) = (g/2) {exp[-a z_-^2] cos[pi z_-] + exp[-a z_+^2] cos[pi z_+]}, z_+- = (x - x_i +- d w)/w
    (the family used by Gorinevsky & Gheorghe 2003).
    """
    total = np.zeros_like(x)
    for shift in (-d, d):
        z = (x - x_i) / w + shift
        total += np.exp(-a * z * z) * np.cos(math.pi * z)
    response: Array = 0.5 * g * total
    return response


def interaction_matrix(x: Array, bolts_m: Array, g: float, w: float, a: float, d: float) -> Array:
    """G0: lanes by bolts, without the die's flow balance."""
    return np.column_stack([bolt_response(x, float(x_i), g, w, a, d) for x_i in bolts_m])


def mean_free(G0: Array) -> Array:
    """G = (I - 1 1'/m) G0: the pump fixes the mean, a slot die can only move mass sideways."""
    free: Array = G0 - G0.mean(axis=0)
    return free


class CdProfile:
    """The profile that leaves the die now, as local over mean coat weight."""

    def __init__(self, p: Parameters, rng: np.random.Generator) -> None:
        """Draw the lip's own profile for this seed."""
        self._p = p
        self._rng = rng
        width = p["coater.web.width"]
        x = lane_centres_m(width)
        order = np.arange(1, MODES + 1)
        self._modes: Array = math.sqrt(2.0) * np.cos(math.pi * np.outer(x / width, order))
        weights = 1.0 / order
        self._weights: Array = weights / math.sqrt(float((weights**2).sum()))
        self._static: Array = self._weights * rng.standard_normal(MODES)
        self._moving: Array = self._weights * rng.standard_normal(MODES)
        bead = np.exp(-np.minimum(x, width - x) / 0.010)
        self._bead: Array = bead / bead.max()
        bolts = lane_centres_m(width, BOLTS) + p["coater.cd.mapping_shift"]
        shape = interaction_matrix(
            x,
            bolts,
            p["coater.cd.bolt_gain"],
            p["coater.cd.bolt_width"],
            p["coater.cd.bolt_attenuation"],
            p["coater.cd.bolt_divergence"],
        )
        self._free: Array = mean_free(shape)
        self._shape: Array = shape
        self.bolts_m: Array = np.zeros(BOLTS)
        self._edges, self._edges_for = (self._bead, 0.0), math.nan  # edge beads, and their mean

    def move(self, dt_s: float, bolts_m: Array) -> None:
        """Advance the bolts (thermal lag) and the moving part of the profile by `dt_s`."""
        p = self._p
        way = (1.0 - math.exp(-dt_s / p["coater.cd.bolt_lag"])) * (bolts_m - self.bolts_m)
        stuck = round(p["coater.cd.stuck_bolt"])
        if 1 <= stuck <= BOLTS:
            way[stuck - 1] = 0.0
        self.bolts_m += way
        keep = math.exp(-dt_s / p["coater.cd.moving_time"])
        fresh = math.sqrt(1.0 - keep * keep) * self._rng.standard_normal(MODES)
        self._moving = keep * self._moving + self._weights * fresh

    def now(self, slot: bool, opening_m: float, n_local: float) -> Array:
        """Local over mean coat weight across the web, for an opening (slot height or gap)."""
        p = self._p
        natural = p["coater.cd.static"] * self._static + p["coater.cd.moving"] * self._moving
        if self._edges_for != p["coater.cd.edge_bead"]:
            self._edges_for = p["coater.cd.edge_bead"]
            bead = self._edges_for * self._bead
            self._edges = bead, float(bead.mean())
        bead, mean = self._edges
        profile: Array = 1.0 + self._modes @ natural + bead - mean
        gain = local_lip_gain(n_local) if slot else 1.0
        shape = self._free if slot else self._shape
        profile += shape @ (self.bolts_m * (gain / opening_m))
        return profile
