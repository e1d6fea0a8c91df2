"""Every number of the mixer's plant, in one table. Recipe A by default; recipe B as overrides.

Sources: 'process design' is the plant's process page (reference vessel A, 500 kg; textbook values
and estimates, to be confirmed by the site); others are named. The control model has a table of
its own (`mixing_control.py`) and is deliberately not given these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from plant_models.parameters import Parameter

_DESIGN = "process design, section 3 (estimate for vessel A)"
_CHOICE = "chosen inside the range of the process design, away from the control model's value"
_INSTRUMENT = "typical data sheet (process design, section 3.1)"
_CHEM = "ethyl acetate, handbook value"


def _row(name: str, value: float, unit: str, source: str, note: str = "") -> Parameter:
    return Parameter(f"mixer.{name}", value, unit, source, note)


_VESSEL = (
    _row("vessel.nominal_mass", 500.0, "kg", _DESIGN),
    _row("vessel.heat_capacity", 2050.0, "J/(kg K)", _CHOICE),
    _row("vessel.fill_height", 0.8, "m", _DESIGN, "height bubbles rise at nominal mass"),
    _row("vessel.ambient_conductance", 12.0, "W/K", "estimate for an insulated vessel"),
    _row("vessel.vacuum_lag", 40.0, "s", "estimate for the vacuum pump on this head space"),
    _row("anchor.diameter", 0.88, "m", _DESIGN),
    _row("anchor.power_constant", 215.0, "1", _CHOICE, "Kp of 200 +/- 25 %"),
    _row("anchor.turbulent_power_number", 0.54, "1", "Nagata 1975: 0.3 to 1 for anchors"),
    _row("anchor.shear_constant", 25.0, "1", "Nagata 1975: 20 to 30", "Metzner-Otto k_s"),
    _row("anchor.lag", 2.0, "s", "estimate for the drive"),
    _row("anchor.acceleration", 0.02, "rev/s2", "estimate for the drive's ramp"),
    _row("disperser.diameter", 0.25, "m", "estimate for a dissolver disc"),
    _row("disperser.power_constant", 35.0, "1", "estimate for a dissolver disc"),
    _row("disperser.turbulent_power_number", 0.3, "1", "estimate for a dissolver disc"),
    _row("disperser.shear_constant", 11.5, "1", "Metzner and Otto 1957, turbine"),
    _row("disperser.lag", 5.0, "s", "estimate for the drive"),
    _row("blending.revolutions", 150.0, "rev", _DESIGN, "turns to 95 % blended: 300 s at 30 rpm"),
    _row("blending.least_speed", 0.02, "rev/s", "estimate: natural convection at standstill"),
)

_HEAT = (
    _row("jacket.conductance", 265.0, "W/K", _CHOICE, "U 50-150 W/(m2 K) on 2.9 m2"),
    _row("jacket.unit_lag", 240.0, "s", _DESIGN, "thermal unit: 3-8 min with the wall"),
    _row("jacket.wall_lag", 60.0, "s", "estimate for the jacket's hold-up"),
    _row("jacket.stuck", 0.0, "0/1", "fault", "1: the thermal unit's valve no longer moves"),
    _row("ambient.temp", 295.65, "K", "estimate for an air-conditioned room"),
    _row("ambient.hot_day", 0.0, "K", "scenario", "added to the room on a hot day"),
    _row("ambient.swing", 1.5, "K", "estimate", "half of the day-night difference"),
    _row("ambient.noise", 0.5, "K", "estimate", "standard deviation of slow draughts"),
    _row("evaporation.rate", 1.3 / 3600.0, "kg/s", _CHOICE, "at 25 C, one atmosphere"),
    _row("evaporation.spread", 0.20, "1", "estimate", "slow relative changes of the sweep"),
    _row("evaporation.heat", 0.38e6, "J/kg", _CHEM),
    _row("evaporation.vapour_pressure", 9_700.0, "Pa", _CHEM, "at 20 C"),
    _row("evaporation.molar_heat", 33_500.0, "J/mol", _CHEM, "0.38 MJ/kg times 88.1 g/mol"),
    _row("evaporation.flash", 1.0e-6, "kg/(s Pa)", "estimate: floods the condenser in seconds"),
)

_MASS = (
    _row("viscosity.reference", 6.0, "Pa s", _DESIGN, "zero-shear, 25 C, reference solids"),
    _row("viscosity.solids_reference", 0.42, "1", "reference A of the process design"),
    _row("viscosity.activation", 36_500.0, "J/mol", _CHOICE, "25-45 kJ/mol"),
    _row("viscosity.solids_exponent", 6.4, "1", _CHOICE, "alpha of 4-8"),
    _row("viscosity.mw_exponent", 3.4, "1", "Ferry 1980, entangled polymers"),
    _row("viscosity.cross_time", 0.022, "s", _CHOICE, "lam of 0.005-0.1 s, grows with the lot"),
    _row("viscosity.cross_exponent", 0.58, "1", _CHOICE, "n of 0.5-0.8"),
    _row("viscosity.yield_stress", 0.0, "Pa", "recipe A flows without one"),
    _row("viscosity.solvent", 0.5e-3, "Pa s", _CHEM, "nothing is thinner than the solvent"),
    _row("density.reference", 950.0, "kg/m3", "reference A of the process design"),
    _row("density.per_kelvin", -1.2, "kg/(m3 K)", "process design, section 4"),
    _row("density.per_solids", 130.0, "kg/m3", "process design, section 4: 1.3 per wt%"),
    _row("dissolution.rate", 1.0 / 1200.0, "1/s", _DESIGN, "10-40 min"),
    _row("dissolution.speed", 0.5, "rev/s", "the anchor speed the rate belongs to"),
    _row("dissolution.activation", 25_000.0, "J/mol", "estimate for diffusion in solution"),
    _row("lumps.wetted_part", 0.85, "1", "estimate for powder charged over 5-15 min"),
    _row("lumps.break_up", 1.0e-5, "s", "estimate: 6 min at 1000 rpm of the disperser"),
    _row("air.entrainment", 5.0e-7, "1/s", "estimate at 1000 rpm of the disperser"),
    _row("air.bubble_diameter", 0.5e-3, "m", "estimate at one atmosphere"),
    _row("charge.adhesive_solids", 0.47, "1", "supplied acrylic solution, label value"),
    _row("solvent.dries_off", 1.0, "0/1", "1: recipe A. 0: recipe B, all of it stays on the web"),
    _row("lot.mw_ratio", 1.0, "1", "molar mass of the polymer lot over the reference"),
    _row("lot.blend_lag", 60.0, "s", "estimate: how a new lot comes through"),
)

_GEL = (
    _row("gel.active", 0.0, "0/1", "1: recipe B"),
    _row("gel.release", 3.0e-4, "1/s", "estimate for a buffered aluminium glycinate"),
    _row("gel.link", 3.35e-5, "1/s", "fitted to a pot life of 2.5 h at 25 C"),
    _row("gel.induction", 900.0, "s", "estimate for tartaric acid as retarder"),
    _row("gel.point", 0.60, "1", "estimate for a polyacrylate with aluminium"),
    _row("gel.exponent", 2.0, "1", "process design, section 3.4: 1.5-2.5"),
    _row("gel.activation", 60_000.0, "J/mol", "process design, section 3.4: 50-70 kJ/mol"),
)

_INSTRUMENTS = (
    _row("temp.lag", 20.0, "s", "thermometer in a well"),
    _row("temp.noise", 0.02, "K", _INSTRUMENT),
    _row("mass.noise", 0.15, "kg", "load cells, standard deviation"),
    _row("mass.bias", 0.4, "kg", "load cells, tare error"),
    _row("torque.friction", 9.0, "N m", "process design, section 3.1: 5-15 N m"),
    _row("torque.friction_per_speed", 4.0, "N m s", "estimate for seal and gearbox, per rev/s"),
    _row("torque.friction_drift", 1.5, "N m", "estimate", "standard deviation over hours"),
    _row("torque.full_scale", 500.0, "N m", _DESIGN),
    _row("torque.noise", 0.005, "1", "process design: 0.5-1 % of full scale"),
    _row("torque.bias", 0.0, "N m", "fault"),
    _row("viscometer.shear_rate", 40.0, "1/s", "uncertain by design", "the resonator's own"),
    _row("viscometer.calibration", 1.95, "1", "commissioning", "6 Pa s on the reference mass"),
    _row("viscometer.lag", 3.0, "s", _INSTRUMENT),
    _row("viscometer.noise", 0.0075, "1", _INSTRUMENT),
    _row("viscometer.air_noise", 0.4, "1", "estimate", "more noise per fraction of air"),
    _row("viscometer.fouling", 0.01, "1", "estimate", "reads low by this part"),
    _row("viscometer.fouling_per_hour", 0.002, "1/h", "estimate"),
    _row("solvent.lag", 3.0, "s", "estimate for the dosing valve"),
    _row("solvent.valve_gain", 1.01, "1", _CHOICE, "delivered over commanded"),
    _row("solvent.meter_gain", 0.995, "1", _INSTRUMENT, "shown over delivered"),
    _row("solvent.meter_noise", 2.0e-5, "kg/s", _INSTRUMENT),
    _row("solvent.leak", 0.0, "kg/s", "fault", "valve that does not close"),
    _row("lab.interval", 1200.0, "s", "estimate", "routine samples; 0 switches them off"),
    _row("lab.earliest", 900.0, "s", "process design, section 3.1: 15-40 min late"),
    _row("lab.latest", 2400.0, "s", "process design, section 3.1: 15-40 min late"),
    _row("lab.error", 0.015, "1", "process design: +/-3 %, taken as two standard deviations"),
)

_START = (
    _row("start.mass", 490.0, "kg", "recipe A with part of its solvent held back"),
    _row("start.viscosity_excess", 0.12, "1", "above the reference when fully dissolved"),
    _row("start.dissolved", 0.997, "1", "late in HOMOGENISE"),
    _row("start.temp", 298.4, "K", "as found"),
    _row("start.anchor_speed", 0.5, "rev/s", "recipe A: 30 rpm"),
    _row("start.air", 0.01, "1", "estimate after dispersing"),
)

MIXER_PARAMETERS: tuple[Parameter, ...] = _VESSEL + _HEAT + _MASS + _GEL + _INSTRUMENTS + _START

RECIPE_B: Mapping[str, float] = {
    "mixer.gel.active": 1.0,
    "mixer.solvent.dries_off": 0.0,
    "mixer.vessel.nominal_mass": 250.0,
    "mixer.start.mass": 240.0,
    "mixer.vessel.heat_capacity": 3400.0,
    "mixer.viscosity.reference": 60.0,
    "mixer.viscosity.solids_reference": 0.45,
    "mixer.viscosity.solids_exponent": 4.5,
    "mixer.viscosity.cross_time": 1.0,
    "mixer.viscosity.cross_exponent": 0.4,
    "mixer.viscosity.yield_stress": 60.0,
    "mixer.viscosity.solvent": 0.9e-3,
    "mixer.viscometer.calibration": 8.1,
    "mixer.density.reference": 1150.0,
    "mixer.density.per_kelvin": -0.4,
    "mixer.density.per_solids": 250.0,
    "mixer.charge.adhesive_solids": 0.60,
    "mixer.evaporation.rate": 0.1 / 3600.0,
    "mixer.evaporation.heat": 2.44e6,
    "mixer.evaporation.vapour_pressure": 2_339.0,
    "mixer.evaporation.molar_heat": 44_000.0,
}
"""What changes for recipe B: hydrogel in a 250 kg vessel, water instead of solvent, a gel clock."""


class Stirrer(NamedTuple):
    """The paths of one stirrer's numbers."""

    shear_constant: str
    power_constant: str
    turbulent_power_number: str
    diameter: str


ANCHOR, DISPERSER = (
    Stirrer(*(f"mixer.{name}.{number}" for number in Stirrer._fields))
    for name in ("anchor", "disperser")
)
