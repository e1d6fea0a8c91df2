"""Every number of the coater as a plant: path, value, unit, source.

The controller never sees this table; its own beliefs stand in `coating_parameters`.
Rows noted 'at start' shape arrays and are read once, when the plant is built.
"""

from __future__ import annotations

from collections.abc import Mapping

from plant_models.parameters import Parameter

A = "reference A of the process design"
COOL = "no zone hotter than the product may be (85 C), early zones as hot as 600 ppm needs"
K = "textbook range, process design"
E = "engineering estimate"

REFERENCE: tuple[Parameter, ...] = (
    Parameter("coater.reference.coat", 85.7e-3, "kg/m2", A, "where a running start stands"),
    Parameter("coater.reference.speed", 10.0 / 60.0, "m/s", A),
    Parameter("coater.reference.gap", 280.0e-6, "m", A),
    Parameter("coater.reference.zone1", 333.15, "K", COOL),
    Parameter("coater.reference.zone2", 353.15, "K", COOL),
    Parameter("coater.reference.zone3", 357.15, "K", COOL),
    Parameter("coater.reference.zone4", 357.15, "K", COOL),
    Parameter("coater.reference.zone5", 357.15, "K", COOL),
)

FEEDING: tuple[Parameter, ...] = (
    Parameter("coater.type", 0.0, "1", A, "0 slot die, 1 knife with land, 2 comma roll"),
    Parameter("coater.feed.plug_volume", 1.6e-3, "m3", "5 m of 25 mm hose, less its mixing"),
    Parameter("coater.feed.mixed_volume", 0.6e-3, "m3", E, "filter housing and manifold"),
    Parameter("coater.feed.cell_volume", 2.0e-5, "m3", E, "resolution of the hose; at start"),
    Parameter("coater.feed.temp_wander", 0.4, "K", K, "1 sigma"),
    Parameter("coater.feed.temp_wander_time", 1800.0, "s", K),
    Parameter("coater.feed.density_per_k", -1.2, "kg/m3/K", "ethyl acetate, process design"),
    Parameter("coater.drift.solids", 1.33e-4, "1/s^0.5", "0.8 %/sqrt(h), 0.3-1.0 " + K, "seen"),
    Parameter("coater.drift.flow", 1.33e-4, "1/s^0.5", "0.8 %/sqrt(h), " + K, "not measured"),
    Parameter("coater.drift.return_time", 43_200.0, "s", E, "keeps long runs in bounds"),
    Parameter("coater.pump.displacement", 48.9e-6, "m3/rev", "50 mL/rev worn by 2 %, " + K),
    Parameter("coater.pump.slip", 0.9e-12, "m3", "volumetric efficiency 98 %, " + K),
    Parameter("coater.pump.slip_curvature", 8.0e5, "Pa", E, "slip outgrows the pressure"),
    Parameter("coater.pump.clearance_shear", 3.0e3, "1/s", E),
    Parameter("coater.pump.lag", 0.3, "s", K),
    Parameter("coater.pump.speed_noise", 5.0e-4, "1", E),
    Parameter("coater.pump.shaft_pulsation", 0.003, "1", K, "1 sigma, once a turn"),
    Parameter("coater.pump.tooth_pulsation", 0.002, "1", K, "1 sigma, 13 times a turn"),
    Parameter("coater.pump.teeth", 13.0, "1", K),
    Parameter("coater.hose.length", 5.0, "m", A),
    Parameter("coater.hose.diameter", 0.025, "m", A),
    Parameter("coater.hose.compliance", 1.2e-11, "m3/Pa", "0.08 s rigid, process design"),
    Parameter("coater.hose.trapped_air", 10.0e-6, "m3", E, "at atmospheric pressure; fault 100 mL"),
    Parameter("coater.filter.resistance", 2.3e9, "1/m3", "0.8 bar when new, 0.5-2 bar " + K),
    Parameter("coater.filter.clogging", 0.2, "1/m3", E, "growth of resistance per volume"),
    Parameter("coater.die.slot_height", 600.0e-6, "m", A),
    Parameter("coater.die.land", 0.060, "m", A),
    Parameter("coater.die.lip_upstream", 1.0e-3, "m", E),
    Parameter("coater.die.lip_downstream", 1.0e-3, "m", E),
    Parameter("coater.die.surface_tension", 0.026, "N/m", A),
    Parameter("coater.gap.lag", 0.5, "s", E),
    Parameter("coater.gap.rate", 50.0e-6, "m/s", E),
    Parameter("coater.gap.stiction", 0.2e-6, "m", E),
    Parameter("coater.gap.offset", 2.0e-6, "m", E, "1 sigma by seed; the sensor does not see it"),
    Parameter("coater.gap.runout", 3.0e-6, "m", K, "backing roll, amplitude"),
    Parameter("coater.knife.land", 0.009, "m", E),
    Parameter("coater.comma.factor", 0.64, "1", "between Swift-Stieber and Prandtl-Hopkins"),
    Parameter("coater.bank.height", 0.040, "m", E, "weir height; surplus flows back"),
    Parameter("coater.bank.depth", 0.060, "m", E, "mean extent along the web"),
    Parameter("coater.die.bubbles", 0.5 / 3600.0, "1/s", K, "Poisson rate"),
    Parameter("coater.die.bubble_depth", 0.20, "1", K, "local loss of coat"),
)

WEB: tuple[Parameter, ...] = (
    Parameter("coater.web.width", 0.60, "m", A),
    Parameter("coater.web.cell", 0.25, "m", A, "at start"),
    Parameter("coater.web.lag", 0.8, "s", E),
    Parameter("coater.web.flutter", 0.0015, "1", K, "1 sigma"),
    Parameter("coater.web.flutter_time", 1.0, "s", K),
    Parameter("coater.web.draw", 0.003, "1", K, "stretch from die to gauge at nominal tension"),
    Parameter("coater.web.tension", 150.0, "N/m", K),
    Parameter("coater.web.tension_per_accel", 600.0, "N s2/m2", E),
    Parameter("coater.web.tension_lag", 4.0, "s", E),
    Parameter("coater.web.splice_gap", 1.0, "m", "0.5 m either side of the splice"),
    Parameter("coater.web.heat", 140.0, "J/m2/K", "0.10 kg/m2 of film"),
    Parameter("coater.web.roll_diameter", 0.25, "m", K),
    Parameter("coater.gauge.distance", 25.0, "m", A, "web from die to gauge; at start"),
    Parameter("coater.gauge.traverse_speed", 0.10, "m/s", K),
    Parameter("coater.gauge.turn_time", 1.5, "s", K),
    Parameter("coater.gauge.edge", 0.025, "m", E, "not scanned at either edge"),
    Parameter("coater.gauge.noise", 0.15e-3, "kg/m2 s^0.5", K, "1 sigma at 1 s"),
    Parameter("coater.gauge.flutter", 0.05e-3, "kg/m2", K, "1 sigma of web lift"),
    Parameter("coater.gauge.bias", 0.0025, "1", "+/-0.5 % as 2 sigma, " + K, "1 sigma by seed"),
    Parameter("coater.gauge.drift", 1.2e-6, "kg/m2/s^0.5", "0.2 g/m2 in 8 h, " + K),
    Parameter("coater.gauge.standardise_every", 2700.0, "s", K, "0 = never"),
    Parameter("coater.gauge.standardise_time", 20.0, "s", K),
    Parameter("coater.gauge.offset", 0.0, "kg/m2", "fault seeding", "added to every point"),
    Parameter("coater.cd.static", 0.008, "1", K, "1 sigma of the lip and shim profile"),
    Parameter("coater.cd.moving", 0.003, "1", K, "1 sigma of the moving modes"),
    Parameter("coater.cd.moving_time", 1800.0, "s", K),
    Parameter("coater.cd.edge_bead", 0.02, "1", E, "at either edge of the web"),
    Parameter("coater.cd.bolt_width", 0.105, "m", "2 pitches", "at start"),
    Parameter("coater.cd.bolt_attenuation", 2.0, "1", K, "at start"),
    Parameter("coater.cd.bolt_divergence", 0.1, "1", K, "at start"),
    Parameter("coater.cd.bolt_lag", 120.0, "s", "thermal bolts, " + K),
    Parameter("coater.cd.bolt_gain", 1.0, "1", "fault seeding", "times the lip's gain; at start"),
    Parameter("coater.cd.mapping_shift", 0.0, "m", "fault seeding", "of all bolts; at start"),
    Parameter("coater.cd.stuck_bolt", 0.0, "1", "fault seeding", "number of the bolt; 0 = none"),
)

OVEN: tuple[Parameter, ...] = (
    Parameter("coater.oven.start", 2.0, "m", E, "web from the die"),
    Parameter("coater.oven.zone_length", 4.0, "m", A),
    Parameter("coater.oven.ambient", 295.15, "K", E),
    Parameter("coater.oven.full_heat", 130.0, "K", E, "air above ambient at full heat, no load"),
    Parameter("coater.oven.lag1", 200.0, "s", K),
    Parameter("coater.oven.lag2", 240.0, "s", K),
    Parameter("coater.oven.lag3", 280.0, "s", K),
    Parameter("coater.oven.lag4", 320.0, "s", K),
    Parameter("coater.oven.lag5", 360.0, "s", K),
    Parameter("coater.oven.heat_transfer", 40.0, "W/m2/K", A),
    Parameter("coater.oven.heat_transfer_outside", 8.0, "W/m2/K", E),
    Parameter("coater.oven.mass_transfer", 4.5e-4, "m3 K/J", "Chilton-Colburn, k_g over h"),
    Parameter("coater.oven.exhaust", 2600.0 / 3600.0, "m3/s", "above 2365 m3/h at 25 % LEL"),
    Parameter("coater.oven.vapour_lag", 8.0, "s", E),
    Parameter("coater.oven.lel", 0.072, "kg/m3", "2.0 vol% ethyl acetate, process design"),
    Parameter("coater.solvent.latent_heat", 0.38e6, "J/kg", A),
    Parameter("coater.solvent.molar_mass", 0.08811, "kg/mol", "ethyl acetate"),
    Parameter("coater.solvent.density", 900.0, "kg/m3", "ethyl acetate"),
    Parameter("coater.solvent.chi", 0.45, "1", K, "Flory-Huggins"),
    Parameter("coater.polymer.density", 1050.0, "kg/m3", E),
    Parameter("coater.film.heat_capacity", 2000.0, "J/kg/K", A),
    Parameter("coater.film.diffusivity", 8.3e-11, "m2/s", E, "dry film; 600 ppm at reference A"),
    Parameter("coater.film.diffusivity_ref", 353.15, "K", E),
    Parameter("coater.film.diffusion_energy", 35.0e3, "J/mol", K),
    Parameter("coater.film.plasticising_a", 120.0, "1", E, "D grows by exp(a C/(1 + b C))"),
    Parameter("coater.film.plasticising_b", 18.0, "1", E),
)

INSTRUMENTS: tuple[Parameter, ...] = (
    Parameter("coater.coriolis.noise", 4.0e-4, "1", "0.03-0.05 wt%"),
    Parameter("coater.coriolis.bias", 0.75e-3, "1", "0.15 wt% as 2 sigma", "1 sigma by seed"),
    Parameter("coater.coriolis.per_k", 0.0092, "1/K", "1.2/1.3 wt% per K, process design"),
    Parameter("coater.coriolis.temp_bias", 0.03, "K", E, "1 sigma by seed, compensation"),
    Parameter("coater.coriolis.temp_lag", 20.0, "s", E, "its own Pt100 lags the mass"),
    Parameter("coater.instruments.temp_noise", 0.05, "K", E),
    Parameter("coater.instruments.pressure_noise", 1.5e3, "Pa", E),
    Parameter("coater.instruments.speed_noise", 2.0e-4, "1", E),
    Parameter("coater.instruments.gap_noise", 0.2e-6, "m", E),
    Parameter("coater.instruments.infrared_noise", 0.4, "K", E),
    Parameter("coater.instruments.nir_noise", 25.0e-6, "1", E),
    Parameter("coater.instruments.nir_gain", 0.05, "1", E, "1 sigma by seed"),
    Parameter("coater.instruments.nir_lag", 5.0, "s", E),
)

COATER_PARAMETERS: tuple[Parameter, ...] = REFERENCE + FEEDING + WEB + OVEN + INSTRUMENTS
"""The whole table of the coater as a plant."""

HYDROGEL_SETUP: Mapping[str, float] = {
    "coater.pump.displacement": 196.0e-6,
    "coater.pump.slip": 2.0e-13,
    "coater.hose.diameter": 0.050,
    "coater.filter.resistance": 0.0,
    "coater.die.slot_height": 1500.0e-6,
    "coater.die.land": 0.040,
    "coater.drift.solids": 0.0,
    "coater.reference.coat": 0.857,
    "coater.reference.speed": 4.0 / 60.0,
    "coater.reference.gap": 1100.0e-6,
    "coater.reference.zone1": 298.15,
    "coater.reference.zone2": 298.15,
    "coater.reference.zone3": 298.15,
    "coater.reference.zone4": 298.15,
    "coater.reference.zone5": 298.15,
}
"""Overrides for recipe B: a thick, stiff mass needs a larger pump, hose and slot, and no filter."""
