"""The numbers of the mixing loop's estimator: how noisy each reading is, how fast things change.

Spreads are one standard deviation; `walk` is what a disturbance may change in one square-root
second. The configuration overrides them by path under `controller: estimator:`.
"""

from __future__ import annotations

from plant_models.parameters import Parameter

SHEET = "typical data sheet (process design page, section 3.1)"
MODEL = "noise and what the model leaves out"
WIDE = "engineering estimate"

MIXING_SETTINGS: tuple[Parameter, ...] = (
    Parameter("noise.lab", 0.02, "1", "+/-3 % as two sigma, and sampling", "of the viscosity"),
    Parameter("noise.probe", 0.02, "1", MODEL, "of the inline viscometer"),
    Parameter("noise.torque", 8.0, "N m", MODEL, "anchor torque"),
    Parameter("noise.temp", 0.05, "K", SHEET),
    Parameter("noise.jacket", 0.1, "K", SHEET),
    Parameter("noise.mass", 0.3, "kg", SHEET),
    Parameter("noise.speed", 0.005, "rev/s", SHEET),
    Parameter("walk.mass", 0.002, "kg/s^0.5", WIDE),
    Parameter("walk.solids", 2.0e-6, "1/s^0.5", WIDE),
    Parameter("walk.unblended", 0.002, "kg/s^0.5", WIDE),
    Parameter("walk.dissolved", 1.0e-6, "1/s^0.5", WIDE),
    Parameter("walk.temp", 0.003, "K/s^0.5", WIDE),
    Parameter("walk.jacket", 0.02, "K/s^0.5", WIDE),
    Parameter("walk.speed", 0.01, "rev/s^1.5", WIDE),
    Parameter("walk.visc", 2.5e-4, "1/s^0.5", "one and a half per cent in an hour", "d_visc"),
    Parameter("walk.lot", 3.0e-3, "1/s^0.5", "a lot of 10 % within minutes", "d_visc on alert"),
    Parameter("alert.level", 0.6, "1", "five sigma of the viscometer's own noise", "see below"),
    Parameter("alert.share", 0.25, "1", "four readings", "of each surprise in the running mean"),
    Parameter("walk.probe", 1.5e-4, "1/s^0.5", "fouling: one per cent in an hour", "d_probe"),
    Parameter("lot.thinning", 0.2, "1", "Cross law at 40 1/s", "of a lot the viscometer misses"),
    Parameter("walk.torque", 0.05, "N m/s^0.5", "seal and friction over hours", "d_torque"),
    Parameter("walk.heat", 2.0, "W/s^0.5", WIDE, "d_heat"),
    Parameter("walk.evaporation", 1.0e-6, "kg/s^1.5", WIDE),
    Parameter("start.visc", 0.15, "1", "lots and labels"),
    Parameter("start.probe", 0.05, "1", "commissioned to 5 %"),
    Parameter("start.torque", 15.0, "N m", "M0 of 5-15 N m, Kp +/-25 %"),
    Parameter("start.heat", 200.0, "W", WIDE),
    Parameter("start.evaporation", 5.0e-4, "kg/s", WIDE),
    Parameter("approach.time", 150.0, "s", "two blending times", "way to target"),
    Parameter("doubt", 5.0, "1", "standard deviations", "larger surprises must repeat"),
    Parameter("repeats", 3, "1", WIDE),
    Parameter("uncertain.noise", 3.0, "1", WIDE, "times more, where a quality is uncertain"),
    Parameter("lab.memory", 3600.0, "s", "samples are 15-40 min late", "how far back one applies"),
)
"""Every number of the mixing estimator, with unit, default and source.

Alert: the running mean of the viscometer's surprises, each over its expected spread, is beyond
`alert.level`. Then `walk.lot` stands in for `walk.visc`: quick on a new lot, quiet otherwise.
Noise matters more than usual here, because solvent dosed on a wrong guess cannot be taken back.
"""
