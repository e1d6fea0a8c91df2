"""What stands between mixer and coater: two feed tanks, and how fresh batches differ."""

from __future__ import annotations

from plant_models.parameters import Parameter

_DESIGN = "process design, sections 2.8 and 3"

LINE_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("line.tank.mass", 300.0, "kg", "estimate", "in the active tank at start"),
    Parameter("line.tank.batch", 480.0, "kg", _DESIGN, "a fresh batch: 6.5 h of coating"),
    Parameter("line.tank.low", 15.0, "kg", "estimate", "the valve changes over by itself"),
    Parameter("line.tank.ready", 50.0, "kg", "estimate", "least standby mass to change over to"),
    Parameter("line.tank.temp", 298.15, "K", _DESIGN, "jacketed tanks"),
    Parameter("line.tank.temp_lag", 3600.0, "s", "estimate"),
    Parameter("line.tank.room_share", 0.15, "1", "estimate", "of the room's deviation from 22.5 C"),
    Parameter("line.tank.evaporation", 0.0, "kg/s", "estimate", "at 25 C, each; 0: tight lids"),
    Parameter("line.batch.solids_spread", 0.005, "1", _DESIGN, "1 sigma of a batch, 0.5 wt%"),
    Parameter("line.batch.mw_spread", 0.015, "1", _DESIGN, "1 sigma of molar mass, a batch's lot"),
)
"""Every number of the line that belongs to neither mixer nor coater."""
