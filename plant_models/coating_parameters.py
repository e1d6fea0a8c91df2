"""The control model's own numbers for the coater.

They are what an engineer would believe from drawings, data sheets and one commissioning run; the
plant keeps another table (`coater_parameters`), and the two differ on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping

from plant_models.parameters import Parameter

SLOT, KNIFE, COMMA = 0, 1, 2

DESIGN = "process design page, reference A"
RECIPE = "zone setpoints of recipe A"
RUN = "commissioning run on the plant model, rounded"
GUESS = "engineering estimate"

COATING_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("coating.type", SLOT, "1", DESIGN, "0 slot die, 1 knife with land, 2 comma roll"),
    Parameter("coating.web.width", 0.60, "m", DESIGN),
    Parameter("coating.pump.displacement", 50.0e-6, "m3/rev", DESIGN),
    Parameter("coating.pump.slip", 1.2e-12, "m3", GUESS, "slip flow = slip * pressure / viscosity"),
    Parameter("coating.pump.lag", 1.5, "s", GUESS, "drive and hose compliance in one"),
    Parameter("coating.line.pressure", 1.3e5, "Pa", GUESS, "hose and filter at nominal flow"),
    Parameter("coating.die.slot_height", 600.0e-6, "m", DESIGN),
    Parameter("coating.die.land", 0.060, "m", DESIGN),
    Parameter("coating.die.lag", 2.0, "s", GUESS),
    Parameter("coating.gap.lag", 2.0, "s", GUESS),
    Parameter("coating.feed.lam", 0.02, "s", DESIGN),
    Parameter("coating.feed.n", 0.6, "1", DESIGN),
    Parameter("coating.feed.activation", 35.0e3, "J/mol", DESIGN),
    Parameter("coating.knife.land", 0.010, "m", GUESS),
    Parameter("coating.bank.height", 0.040, "m", GUESS),
    Parameter("coating.comma.factor", 0.63, "1", "between Swift-Stieber 0.61 and Prandtl 0.65"),
    Parameter("coating.oven.length", 20.0, "m", DESIGN),
    Parameter("coating.oven.early_temp", 347.85, "K", RECIPE, "mean air of zones 1 to 3"),
    Parameter("coating.oven.late_temp", 357.15, "K", RECIPE, "mean air of zones 4 and 5"),
    Parameter("coating.oven.lag", 280.0, "s", RUN),
    Parameter("coating.oven.heat_transfer", 40.0, "W/m2/K", DESIGN),
    Parameter("coating.oven.wet_bulb", 284.0, "K", RUN, "web while solvent covers it"),
    Parameter("coating.oven.latent_heat", 0.38e6, "J/kg", DESIGN),
    Parameter("coating.oven.critical_residual", 0.25, "1", GUESS, "solvent share when film rules"),
    Parameter("coating.oven.rate", 0.124, "1/s", RUN, "falling-rate constant, nominal coat"),
    Parameter(
        "coating.oven.order", 4.9, "1", RUN, "order of the falling rate: large = exponential"
    ),
    Parameter("coating.oven.activation", 28.0e3, "J/mol", RUN, "of the falling rate"),
    Parameter("coating.oven.web_heat", 325.0, "J/m2/K", RUN, "web and dry coat"),
    Parameter("coating.nominal.coat", 85.7e-3, "kg/m2", DESIGN),
    Parameter("coating.nominal.solids", 0.42, "1", DESIGN),
    Parameter("coating.nominal.density", 950.0, "kg/m3", DESIGN),
    Parameter("coating.nominal.viscosity", 6.0, "Pa s", DESIGN, "zero shear at 25 C"),
    Parameter("coating.nominal.temp", 298.15, "K", DESIGN),
    Parameter("coating.nominal.speed", 10.0 / 60.0, "m/s", DESIGN),
    Parameter("coating.nominal.gap", 280.0e-6, "m", DESIGN),
)
"""Every number of the control model, with unit, default and source."""

HYDROGEL_BELIEFS: Mapping[str, float] = {
    "coating.pump.displacement": 200.0e-6,
    "coating.pump.slip": 1.5e-13,
    "coating.line.pressure": 1.0e5,
    "coating.die.slot_height": 1500.0e-6,
    "coating.die.land": 0.040,
    "coating.feed.lam": 0.5,
    "coating.feed.n": 0.45,
    "coating.oven.early_temp": 298.15,
    "coating.oven.late_temp": 298.15,
    "coating.nominal.coat": 0.857,
    "coating.nominal.solids": 1.0,
    "coating.nominal.density": 1050.0,
    "coating.nominal.viscosity": 600.0,
    "coating.nominal.speed": 4.0 / 60.0,
    "coating.nominal.gap": 1100.0e-6,
}
"""Overrides for recipe B, as `HYDROGEL_SETUP` is for the plant."""
