"""The mixer's vessel: what is in it, how warm, how fast it turns. No instruments.

symbol   meaning                                            unit
dt       step, at most LONGEST_STEP_S                       s
N        anchor speed                                       rev/s
T, T_j   temperature of the content and of the jacket       K
m        mass                                               kg

Fast lags are advanced by their exact solution, so a step of any length stays stable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from plant_models.dissolution import bubble_diameter_m, bubble_rise_m_s, dissolution_rate_1_s
from plant_models.gelation import Gelation
from plant_models.mixer_content import Charge, Content
from plant_models.mixer_heat import (
    ATMOSPHERE_PA,
    evaporation_kg_s,
    heating_rate_k_s,
    vapour_pressure_pa,
)
from plant_models.mixer_instruments import SlowDrift, lagged
from plant_models.mixer_mass import (
    REFERENCE_K,
    apparent_viscosity_pa_s,
    density_kg_m3,
    gel_kinetics,
    viscosity_25c_pa_s,
)
from plant_models.mixer_parameters import ANCHOR, DISPERSER, Stirrer
from plant_models.mixing_power import (
    blending_time_constant_s,
    reynolds,
    stirrer_power_w,
    stirrer_shear_rate_1_s,
    torque_n_m,
)
from plant_models.parameters import Parameters

LONGEST_STEP_S = 2.0
HEEL_KG = 10.0  # what may stay on the bottom after a transfer
VAPOUR_PRESSURE_STATED_AT_K = 293.15


class MixerVessel:
    """The physics of one mixer, empty at first; `fill` puts a ready batch in.

    `eta25_pa_s` is the zero-shear viscosity at 25 C [Pa s] of the content: what the loop controls.
    """

    def __init__(self, parameters: Parameters, seed: int) -> None:
        self.parameters = parameters
        self.time_s = 0.0
        self.batch = 0
        self.content = Content()
        self.gelation = Gelation()
        self.anchor_rev_s = self.disperser_rev_s = 0.0
        self.solvent_kg_s = 0.0
        self._drained = True  # the next charge begins a batch
        self.pressure_pa = ATMOSPHERE_PA
        self.air = 0.0
        self.ln_mw = self.ln_mw_coming = math.log(parameters["mixer.lot.mw_ratio"])
        self.evaporation_kg_s = self.evaporated_kg = self.trimmed_kg = 0.0
        self._sweep = SlowDrift(seed, "sweep", 3600.0)
        self._draught = SlowDrift(seed, "draught", 1800.0)
        self.ambient_k = self._room_k()
        self.temp_k = self.jacket_k = self.thermal_unit_k = self.ambient_k
        self.eta25_pa_s = self._eta25_now_pa_s()

    def fill(self) -> None:
        """Put in the batch of `mixer.start.*`: late in HOMOGENISE, still above its viscosity."""
        p = self.parameters
        self.batch = 1
        self._drained = False
        thicker = 1.0 + p["mixer.start.viscosity_excess"]
        lot = math.exp(self.ln_mw) ** p["mixer.viscosity.mw_exponent"]
        S = p["mixer.viscosity.solids_reference"] * (thicker / lot) ** (
            1.0 / p["mixer.viscosity.solids_exponent"]
        )
        solids_kg = S * p["mixer.start.mass"]
        self.content = Content(
            solvent_kg=p["mixer.start.mass"] - solids_kg,
            dissolved_kg=solids_kg * p["mixer.start.dissolved"],
            wetted_kg=solids_kg * (1.0 - p["mixer.start.dissolved"]),
        )
        self.temp_k = self.jacket_k = self.thermal_unit_k = p["mixer.start.temp"]
        self.anchor_rev_s = p["mixer.start.anchor_speed"]
        self.air = p["mixer.start.air"]
        self.evaporation_kg_s = p["mixer.evaporation.rate"]
        if p["mixer.gel.active"] > 0.5:
            self.gelation = Gelation(age_s=1.0)  # the premix has just gone in
        self.eta25_pa_s = self._eta25_now_pa_s()

    def advance(self, dt: float, drives: Mapping[str, float]) -> float:
        """Advance at most LONGEST_STEP_S seconds; returns what left by the outlet [kg]."""
        p = self.parameters
        self.time_s += dt
        draught_k = p["mixer.ambient.noise"] * self._draught.step(dt)
        self.ambient_k = self._room_k() + draught_k
        self._turn(dt, drives)
        flows = self._flows_in(dt, drives)
        self._heat_jacket(dt, drives)
        self._evaporate(dt)
        self._heat(dt, flows)
        self._change_content(dt, flows)
        self.ln_mw = lagged(self.ln_mw, self.ln_mw_coming, p["mixer.lot.blend_lag"], dt)
        self._gel(dt, flows)
        self._aerate(dt)
        self.eta25_pa_s = self._eta25_now_pa_s()
        return self.content.withdraw(max(0.0, drives.get("mixer.transfer_flow", 0.0)) * dt)

    def viscosity_pa_s(self, shear_rate_1_s: float) -> float:
        """Viscosity [Pa s] as it is in the vessel, at a shear rate."""
        return apparent_viscosity_pa_s(
            self.parameters, self.eta25_pa_s, self.mw_ratio, self.temp_k, shear_rate_1_s
        )

    @property
    def mw_ratio(self) -> float:
        """Molar mass of the polymer in the vessel over the reference."""
        return math.exp(self.ln_mw)

    @property
    def density_kg_m3(self) -> float:
        """Density [kg/m3] of the content, air included."""
        return density_kg_m3(self.parameters, self.content.solids, self.temp_k, self.air)

    @property
    def anchor_torque_n_m(self) -> float:
        """Torque [N m] the mass puts on the anchor, without friction."""
        return torque_n_m(self._power_w(ANCHOR, self.anchor_rev_s), self.anchor_rev_s)

    @property
    def anchor_reynolds(self) -> float:
        """Reynolds number at the anchor."""
        p, N = self.parameters, self.anchor_rev_s
        shear = stirrer_shear_rate_1_s(p["mixer.anchor.shear_constant"], N)
        mu = self.viscosity_pa_s(shear)
        return reynolds(self.density_kg_m3, N, p["mixer.anchor.diameter"], mu)

    def _eta25_now_pa_s(self) -> float:
        p, gel = self.parameters, 1.0
        if self.gelation.conversion > 0.0:
            gel = gel_kinetics(p).viscosity_factor(self.gelation.conversion)
        in_solution = self.content.solids * self.content.dissolved
        return viscosity_25c_pa_s(p, in_solution, self.mw_ratio, gel)

    def _room_k(self) -> float:
        p = self.parameters
        day = math.sin(2.0 * math.pi * self.time_s / 86_400.0)
        return p["mixer.ambient.temp"] + p["mixer.ambient.hot_day"] + p["mixer.ambient.swing"] * day

    def _fill_level(self) -> float:
        return min(1.1, self.content.mass_kg / self.parameters["mixer.vessel.nominal_mass"])

    def _turn(self, dt: float, drives: Mapping[str, float]) -> None:
        p = self.parameters
        wanted = max(0.0, drives.get("mixer.anchor_speed_cmd", 0.0))
        move = lagged(self.anchor_rev_s, wanted, p["mixer.anchor.lag"], dt) - self.anchor_rev_s
        most = p["mixer.anchor.acceleration"] * dt
        self.anchor_rev_s += min(most, max(-most, move))
        wanted = max(0.0, drives.get("mixer.disperser_speed_cmd", 0.0))
        self.disperser_rev_s = lagged(self.disperser_rev_s, wanted, p["mixer.disperser.lag"], dt)
        wanted = max(1_000.0, drives.get("mixer.vacuum", ATMOSPHERE_PA))
        self.pressure_pa = lagged(self.pressure_pa, wanted, p["mixer.vessel.vacuum_lag"], dt)

    def _flows_in(self, dt: float, drives: Mapping[str, float]) -> Charge:
        p = self.parameters
        wanted = p["mixer.solvent.valve_gain"] * max(0.0, drives.get("mixer.solvent_flow_cmd", 0.0))
        self.solvent_kg_s = lagged(self.solvent_kg_s, wanted, p["mixer.solvent.lag"], dt)
        if wanted == 0.0 and self.solvent_kg_s < 1e-6:
            self.solvent_kg_s = 0.0  # the valve is shut
        flows = Charge(
            trim_solvent=self.solvent_kg_s + max(0.0, p["mixer.solvent.leak"]),
            solvent=max(0.0, drives.get("mixer.charge_solvent", 0.0)),
            adhesive=max(0.0, drives.get("mixer.charge_adhesive", 0.0)),
            enhancer=max(0.0, drives.get("mixer.add_enhancer", 0.0)),
            powder=max(0.0, drives.get("mixer.add_api", 0.0)),
        )
        if flows.total_kg_s() > flows.trim_solvent:
            self._begin_batch_once()
        elif self.content.mass_kg < HEEL_KG:
            self._drained = True
        return flows

    def _begin_batch_once(self) -> None:
        if not self._drained:
            return
        self._drained = False
        self.batch += 1
        self.gelation = Gelation()
        self.trimmed_kg = self.evaporated_kg = self.air = 0.0

    def _heat_jacket(self, dt: float, drives: Mapping[str, float]) -> None:
        p = self.parameters
        if p["mixer.jacket.stuck"] < 0.5:
            wanted = drives.get("mixer.jacket_temp_cmd", self.thermal_unit_k)
            lag_s = p["mixer.jacket.unit_lag"]
            self.thermal_unit_k = lagged(self.thermal_unit_k, wanted, lag_s, dt)
        self.jacket_k = lagged(self.jacket_k, self.thermal_unit_k, p["mixer.jacket.wall_lag"], dt)

    def _evaporate(self, dt: float) -> None:
        p = self.parameters
        luck = math.exp(p["mixer.evaporation.spread"] * self._sweep.step(dt))
        known = (
            p["mixer.evaporation.vapour_pressure"],
            VAPOUR_PRESSURE_STATED_AT_K,
            p["mixer.evaporation.molar_heat"],
        )
        self.evaporation_kg_s = 0.0
        if not self.content.empty:
            self.evaporation_kg_s = evaporation_kg_s(
                p["mixer.evaporation.rate"] * luck,
                vapour_pressure_pa(self.temp_k, *known),
                vapour_pressure_pa(REFERENCE_K, *known),
                self.pressure_pa,
                p["mixer.evaporation.flash"],
            )

    def _heat(self, dt: float, flows: Charge) -> None:
        p, m = self.parameters, self.content.mass_kg
        if m < 0.02 * p["mixer.vessel.nominal_mass"]:  # a film follows the wall
            self.temp_k = lagged(self.temp_k, self.jacket_k, 600.0, dt)
            return
        lost_w = p["mixer.vessel.ambient_conductance"] * (self.temp_k - self.ambient_k)
        stirring_w = self._power_w(ANCHOR, self.anchor_rev_s)
        stirring_w += self._power_w(DISPERSER, self.disperser_rev_s)
        rate_k_s = heating_rate_k_s(
            m,
            p["mixer.vessel.heat_capacity"],
            stirring_w - lost_w,
            p["mixer.jacket.conductance"] * self._fill_level(),
            self.jacket_k,
            self.temp_k,
            self.evaporation_kg_s,
            p["mixer.evaporation.heat"],
        )
        rate_k_s += flows.total_kg_s() * (self.ambient_k - self.temp_k) / m
        self.temp_k += rate_k_s * dt

    def _power_w(self, stirrer: Stirrer, N: float) -> float:
        if N < 1e-6 or self.content.empty:
            return 0.0
        p = self.parameters
        shear = stirrer_shear_rate_1_s(p[stirrer.shear_constant], N)
        return self._fill_level() * stirrer_power_w(
            p[stirrer.power_constant],
            p[stirrer.turbulent_power_number],
            self.density_kg_m3,
            self.viscosity_pa_s(shear),
            N,
            p[stirrer.diameter],
        )

    def _change_content(self, dt: float, flows: Charge) -> None:
        p, content, N = self.parameters, self.content, self.anchor_rev_s
        content.charge(flows, p["mixer.charge.adhesive_solids"], p["mixer.lumps.wetted_part"], dt)
        self.trimmed_kg += flows.trim_solvent * dt
        turns, least = p["mixer.blending.revolutions"], p["mixer.blending.least_speed"]
        content.blend(blending_time_constant_s(turns, N, least), dt)
        k_d = dissolution_rate_1_s(
            p["mixer.dissolution.rate"],
            N,
            p["mixer.dissolution.speed"],
            self.temp_k,
            REFERENCE_K,
            p["mixer.dissolution.activation"],
        )
        content.dissolve(k_d, p["mixer.lumps.break_up"], self.disperser_rev_s, dt)
        self.evaporated_kg += content.evaporate(self.evaporation_kg_s, dt)

    def _gel(self, dt: float, flows: Charge) -> None:
        if self.parameters["mixer.gel.active"] < 0.5 or self.content.empty:
            return
        if self.gelation.age_s > 0.0 or flows.powder > 0.0:  # the powder brings the cross-linker
            kinetics = gel_kinetics(self.parameters)
            self.gelation = kinetics.advance(self.gelation, self.temp_k, dt)

    def _aerate(self, dt: float) -> None:
        if self.content.empty:
            return
        p = self.parameters
        d = bubble_diameter_m(p["mixer.air.bubble_diameter"], ATMOSPHERE_PA, self.pressure_pa)
        mu = max(0.1, self.viscosity_pa_s(1.0))
        height_m = p["mixer.vessel.fill_height"] * max(0.1, self._fill_level())
        rise_1_s = bubble_rise_m_s(self.density_kg_m3, d, mu) / height_m
        drawn_in = p["mixer.air.entrainment"] * (self.disperser_rev_s * 60.0 / 1000.0) ** 2
        self.air = min(0.2, lagged(self.air, 0.0, 1.0 / rise_1_s, dt) + drawn_in * dt)
