"""The control model's own numbers for the mixer.

They are what an engineer would believe from drawings, data sheets and text books; the plant keeps
another table (`mixer_parameters`), and the two differ on purpose.
"""

from __future__ import annotations

from plant_models.parameters import Parameter

DESIGN = "process design page, vessel A"
GUESS = "engineering estimate"

MIXING_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("mixing.vessel.mass", 500.0, "kg", DESIGN),
    Parameter("mixing.vessel.heat_capacity", 2000.0, "J/kg/K", DESIGN),
    Parameter("mixing.vessel.density", 950.0, "kg/m3", DESIGN),
    Parameter("mixing.vessel.ambient_conductance", 10.0, "W/K", GUESS),
    Parameter("mixing.jacket.conductance", 290.0, "W/K", DESIGN, "100 W/(m2 K) on 2.9 m2"),
    Parameter("mixing.jacket.lag", 300.0, "s", DESIGN, "thermal unit and wall, 3-8 min"),
    Parameter("mixing.anchor.diameter", 0.88, "m", DESIGN),
    Parameter("mixing.anchor.power_constant", 200.0, "1", DESIGN, "Kp"),
    Parameter("mixing.anchor.turbulent_power_number", 0.4, "1", "Nagata 1975: 0.3 to 1"),
    Parameter("mixing.anchor.shear_constant", 20.0, "1", DESIGN, "k_s: sources disagree, 12-30"),
    Parameter("mixing.anchor.lag", 5.0, "s", GUESS, "drive and its ramp"),
    Parameter("mixing.anchor.friction", 10.0, "N m", DESIGN, "M0 of 5-15 N m"),
    Parameter("mixing.blending.revolutions", 130.0, "rev", GUESS, "turns to 95 % blended"),
    Parameter("mixing.blending.least_speed", 0.02, "rev/s", GUESS),
    Parameter("mixing.dissolution.rate", 1.0 / 1200.0, "1/s", DESIGN, "10-40 min"),
    Parameter("mixing.evaporation.heat", 0.38e6, "J/kg", "ethyl acetate, handbook"),
    Parameter("mixing.viscosity.reference", 6.0, "Pa s", DESIGN, "zero shear, 25 C, S_ref"),
    Parameter("mixing.viscosity.solids_reference", 0.42, "1", DESIGN),
    Parameter("mixing.viscosity.solids_exponent", 6.0, "1", DESIGN, "alpha of 4-8"),
    Parameter("mixing.viscosity.activation", 35.0e3, "J/mol", DESIGN),
    Parameter("mixing.viscosity.cross_time", 0.02, "s", DESIGN),
    Parameter("mixing.viscosity.cross_exponent", 0.6, "1", DESIGN),
    Parameter("mixing.nominal.mass", 490.0, "kg", DESIGN),
    Parameter("mixing.nominal.solids", 0.42, "1", DESIGN),
    Parameter("mixing.nominal.temp", 298.15, "K", DESIGN),
    Parameter("mixing.nominal.ambient", 295.15, "K", GUESS),
    Parameter("mixing.nominal.anchor_speed", 0.5, "rev/s", DESIGN),
    Parameter("mixing.nominal.evaporation", 1.0 / 3600.0, "kg/s", GUESS),
)
"""Every number of the control model, with unit, default and source."""
