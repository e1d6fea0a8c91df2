"""Drying of the coat in a five-zone oven, all web cells at once.

symbol  meaning                                             unit
u       solvent per solids in a layer (surface is layer 0)  1
f       volume fraction of solvent                          1
a       activity of the solvent at the surface              1
D       diffusivity of solvent in the film                  m2/s
h       heat transfer coefficient                           W/m2/K
J       solvent flux from the surface                       kg/m2/s
T       web temperature                                     K

Constant and falling rate come out of one law: J = k_g M/(R T) (a p_sat - p_air) with the activity
of Flory and Huggins; while the coat is wet a is near one and the web sits at its wet-bulb
temperature, later diffusion (in coordinates that move with the solids) starves the surface.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from plant_models.parameters import Parameters
from plant_models.rheology import GAS_CONSTANT_J_MOL_K
from plant_models.web import LAYERS, Web

Array = NDArray[np.float64]

ZONES = 5
TRACE = 1.0e-9  # solvent per solids that is kept so no division meets a zero
LEAST_COAT_KG_M2 = 1.0e-4  # a cell with less is bare web


def constant_rate_kg_m2_s(h: float, air_above_wet_bulb_k: float, latent_heat: float) -> float:
    """Constant-rate drying flux [kg/m2/s]: all heat goes into evaporation."""
    return h * air_above_wet_bulb_k / latent_heat


def exhaust_for_lel_m3_s(solvent_kg_s: float, lel_kg_m3: float, share_of_lel: float) -> float:
    """Exhaust flow [m3/s] that keeps the oven at a share of the lower explosive limit."""
    return solvent_kg_s / (lel_kg_m3 * share_of_lel)


def vapour_pressure_pa(T: Array) -> Array:
    """Vapour pressure of ethyl acetate [Pa] (Antoine equation, NIST WebBook coefficients)."""
    pressure: Array = 1.0e5 * np.exp(math.log(10.0) * (4.22809 - 1245.702 / (T - 55.189)))
    return pressure


@dataclass(frozen=True, slots=True)
class Film:
    """Numbers of the drying film that stay put from step to step."""

    chi: float
    solvent_density: float
    polymer_density: float
    D0: float
    warm: float
    ref_k: float
    a: float
    b: float

    @staticmethod
    def of(p: Parameters) -> Film:
        """Read the film's numbers from the plant's table."""
        return Film(
            p["coater.solvent.chi"],
            p["coater.solvent.density"],
            p["coater.polymer.density"],
            p["coater.film.diffusivity"],
            p["coater.film.diffusion_energy"] / GAS_CONSTANT_J_MOL_K,
            p["coater.film.diffusivity_ref"],
            p["coater.film.plasticising_a"],
            p["coater.film.plasticising_b"],
        )

    def solvent_fraction(self, u: Array) -> Array:
        """Volume fraction f of solvent at a mass ratio u."""
        volume = u * (self.polymer_density / self.solvent_density)
        return volume / (volume + 1.0)

    def activity(self, f: Array) -> Array:
        """Activity of the solvent: ln a = ln f + (1-f) + chi (1-f)^2 (Flory and Huggins 1942)."""
        dry = 1.0 - f
        activity: Array = f * np.exp(dry + self.chi * dry * dry)
        return activity

    def mobility(self, f: Array, T: Array) -> Array:
        """Diffusivity in solids coordinates: D (rho_p (1-f))^2 [kg2/m4/s]; a row for each layer."""
        plastic = self.a * f / (1.0 + self.b * f)
        warm = self.warm * (1.0 / self.ref_k - 1.0 / T)
        dense = self.polymer_density * (1.0 - f)
        mobility: Array = self.D0 * np.exp(plastic + warm) * dense * dense
        return mobility


def _diffuse(u: Array, coat: Array, link: Array, escape: Array, dt_s: float) -> None:
    """Advance the layers of all cells in place by one implicit step (Thomas algorithm).

    `coat` is solids per layer, `link` the conductance between neighbours, `escape` that of the
    surface, all per unit of u; a row for each layer, and the loop runs over these few.
    """
    inert = coat / dt_s
    held = inert * u
    own = inert + link  # diagonals below the surface, link above and link below
    own[:-1] += link[1:]
    diagonal = inert + escape + link[0]
    right = held[0]
    factors = []
    for j in range(1, LAYERS):
        above = link[j - 1]
        factor = above / diagonal
        factors.append(factor)
        np.divide(right, diagonal, out=u[j - 1])
        diagonal = own[j - 1] - above * factor
        right = held[j] + above * u[j - 1]
    np.divide(right, diagonal, out=u[LAYERS - 1])
    for j in range(LAYERS - 2, -1, -1):
        u[j] += factors[j] * u[j + 1]


def _through(u: Array) -> Array:
    """Sum through the coat of every cell."""
    a, b, c, d = u
    total: Array = a + b + c + d
    return total


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers of the oven that stay put from step to step.

    Transfer coefficients stand by zone, between those of the room before and behind: heat
    [W/m2/K], mass times molar mass [kg/mol m3 W/J/m2]. `heated` and `cleared` are the parts of
    their way that a zone's air and its vapour go in one step.
    """

    film: Film
    heat_transfer: Array
    mass_transfer: Array
    heated: Array
    cleared: float

    @staticmethod
    def of(p: Parameters, dt_s: float) -> _Numbers:
        """Work them out for a step of `dt_s`."""
        h: Array = np.ones(ZONES + 2) * p["coater.oven.heat_transfer"]
        h[0] = h[-1] = p["coater.oven.heat_transfer_outside"]
        lags = np.array([p[f"coater.oven.lag{zone}"] for zone in range(1, ZONES + 1)])
        return _Numbers(
            Film.of(p),
            h,
            h * p["coater.oven.mass_transfer"] * p["coater.solvent.molar_mass"],
            1.0 - np.exp(-dt_s / lags),
            1.0 - math.exp(-dt_s / p["coater.oven.vapour_lag"]),
        )


class Oven:
    """Zone air temperatures, solvent in the zones' air, and the drying of every web cell."""

    def __init__(self, p: Parameters, air_k: Array) -> None:
        """Start with the zones at `air_k` and clean air."""
        self._air_k = np.zeros(ZONES + 2)  # the room, the zones, the room
        self._vapour_kg_m3 = np.zeros(ZONES + 2)  # none in the room
        self.air_k[:] = air_k
        self.evaporated_kg_s: Array = np.zeros(ZONES)
        self._p = p
        self._known: tuple[int, float] | None = None  # what `_numbers` was worked out for
        self._numbers = _Numbers.of(p, 1.0)

    @property
    def air_k(self) -> Array:
        """Air temperature of every zone [K]; to be written in place."""
        return self._air_k[1:-1]

    @property
    def vapour_kg_m3(self) -> Array:
        """Solvent in every zone's air [kg/m3]; to be written in place."""
        return self._vapour_kg_m3[1:-1]

    def cooling_k(self) -> Array:
        """How far evaporation pulls each zone below its unloaded temperature [K]."""
        p = self._p
        air_w_k = p["coater.oven.exhaust"] / ZONES * 1.1 * 1005.0
        cooling: Array = self.evaporated_kg_s * (p["coater.solvent.latent_heat"] / air_w_k)
        return cooling

    def heaters_for(self, air_k: Array) -> Array:
        """Heater shares [0..1] that hold the zones at `air_k` under the present load."""
        p = self._p
        need: Array = air_k - p["coater.oven.ambient"] + self.cooling_k()
        return np.clip(need / p["coater.oven.full_heat"], 0.0, 1.0)

    def heat(self, dt_s: float, heaters: Array) -> None:
        """Advance the zones' air temperatures under heater shares [0..1]."""
        p = self._p
        goal = p["coater.oven.ambient"] + p["coater.oven.full_heat"] * heaters - self.cooling_k()
        air_k = self.air_k
        air_k += self._numbers_for(dt_s).heated * (goal - air_k)

    def lel(self) -> float:
        """Solvent in the common exhaust as a share of the lower explosive limit."""
        a, b, c, d, e = self.vapour_kg_m3.tolist()
        return float((a + b + c + d + e) / ZONES) / self._p["coater.oven.lel"]

    def dry(self, dt_s: float, web: Web) -> None:
        """Dry every finished cell for `dt_s` where it now is; advance web temperatures."""
        p, numbers = self._p, self._numbers_for(dt_s)
        place = (web.positions_m()[1:] - p["coater.oven.start"]) / p["coater.oven.zone_length"]
        zone = np.minimum(np.maximum(place + 1.0, 0.0), ZONES + 1.0).astype(np.intp)
        self._air_k[0] = self._air_k[-1] = p["coater.oven.ambient"]
        rate = p["coater.solvent.molar_mass"] / GAS_CONSTANT_J_MOL_K
        vapour_pa = (self._vapour_kg_m3 / rate * self._air_k)[zone]
        flux = self._evaporate(dt_s, web, numbers.mass_transfer[zone], vapour_pa)
        self._warm(dt_s, web, self._air_k[zone], numbers.heat_transfer[zone], flux)
        by_zone = np.bincount(zone, weights=flux, minlength=ZONES + 2).astype(np.float64)
        self.evaporated_kg_s = by_zone[1 : ZONES + 1] * (web.cell_m * web.width_m)
        goal = self.evaporated_kg_s / (p["coater.oven.exhaust"] / ZONES)
        vapour = self.vapour_kg_m3
        vapour += numbers.cleared * (goal - vapour)

    def _numbers_for(self, dt_s: float) -> _Numbers:
        """What stays put until a parameter or the step changes."""
        if self._known != (self._p.changes, dt_s):
            self._known, self._numbers = (self._p.changes, dt_s), _Numbers.of(self._p, dt_s)
        return self._numbers

    def _evaporate(self, dt_s: float, web: Web, mass_transfer: Array, vapour_pa: Array) -> Array:
        """Move solvent through and out of the coats; return the flux J of each cell."""
        film = self._numbers.film
        coat, u, T = web.dry[1:], web.layers[:, 1:], web.temp[1:]
        layer = np.maximum(coat, LEAST_COAT_KG_M2) / LAYERS
        some = np.maximum(u, TRACE)
        f = film.solvent_fraction(some)
        mobility = film.mobility(f, T)
        link = 0.5 / layer * (mobility[1:] + mobility[:-1])
        gas = mass_transfer / (GAS_CONSTANT_J_MOL_K * T)
        drive = np.maximum(film.activity(f[0]) * vapour_pressure_pa(T) - vapour_pa, 0.0)
        escape = gas * drive / some[0]
        skin = 2.0 * mobility[0] / layer
        escape = escape * skin / (escape + skin)
        before = _through(u)
        _diffuse(u, layer, link, escape, dt_s)
        flux: Array = (before - _through(u)) * layer / dt_s
        flux[coat < LEAST_COAT_KG_M2] = 0.0
        return flux

    def _warm(self, dt_s: float, web: Web, air: Array, h: Array, flux: Array) -> None:
        """Heat balance of web and coat: (m_w c_w + m_c c_c) dT/dt = h (T_air - T) - J dHv."""
        p = self._p
        T = web.temp[1:]
        mass = web.dry[1:] * (1.0 + _through(web.layers[:, 1:]) / LAYERS)
        capacity = p["coater.web.heat"] + mass * p["coater.film.heat_capacity"]
        cooling = flux * p["coater.solvent.latent_heat"]
        stiffness = h + 0.04 * cooling  # vapour pressure grows some 4 % per K
        T += dt_s * (h * (air - T) - cooling) / (capacity + dt_s * stiffness)
