"""Plants that differ from their control models: the spread a controller has to survive.

A draw is centred on what the *control model* believes, not on the plant's own default, so that a
spread of +/-25 % really is a mismatch of +/-25 %. The sizes are the process design's, section 4.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from plant_models.cd_profile import BOLTS
from plant_models.coater_parameters import COATER_PARAMETERS
from plant_models.coating_parameters import COATING_PARAMETERS
from plant_models.mixer_parameters import MIXER_PARAMETERS
from plant_models.mixing_parameters import MIXING_PARAMETERS


@dataclass(frozen=True, slots=True)
class Spread:
    """The plant's `path` lies within +/- `part` of the `believed` row (or of its own default)."""

    path: str
    part: float
    believed: str = ""


SPREADS: tuple[Spread, ...] = (
    Spread("coater.pump.displacement", 0.10, "coating.pump.displacement"),  # the loop's gain
    Spread("coater.gauge.distance", 0.20),  # its delay
    Spread("coater.pump.slip", 0.30, "coating.pump.slip"),
    Spread("coater.oven.heat_transfer", 0.10, "coating.oven.heat_transfer"),
    Spread("coater.film.diffusivity", 0.15),
    Spread("coater.hose.trapped_air", 0.80),
    Spread("mixer.anchor.power_constant", 0.25, "mixing.anchor.power_constant"),
    Spread("mixer.anchor.shear_constant", 0.25, "mixing.anchor.shear_constant"),
    Spread("mixer.viscosity.solids_exponent", 0.30, "mixing.viscosity.solids_exponent"),
    Spread("mixer.viscosity.activation", 0.15, "mixing.viscosity.activation"),
    Spread("mixer.viscosity.cross_time", 0.40, "mixing.viscosity.cross_time"),
    Spread("mixer.viscosity.cross_exponent", 0.10, "mixing.viscosity.cross_exponent"),
    Spread("mixer.jacket.conductance", 0.30, "mixing.jacket.conductance"),
    Spread("mixer.jacket.unit_lag", 0.30),
    Spread("mixer.blending.revolutions", 0.30, "mixing.blending.revolutions"),
    Spread("mixer.evaporation.rate", 0.50, "mixing.nominal.evaporation"),
    Spread("mixer.torque.friction", 0.50, "mixing.anchor.friction"),
    Spread("mixer.solvent.valve_gain", 0.03),
)
VISCOMETER_COMMISSIONING = 0.05


def mismatch(seed: int, width: float = 1.0) -> dict[str, float]:
    """Plant overrides (SI) of the plant number `seed` of the family; the same for the same seed.

    `width` multiplies every spread: 0 is the plant the controller believes in.
    """
    rows = COATER_PARAMETERS + COATING_PARAMETERS + MIXER_PARAMETERS + MIXING_PARAMETERS
    value = {row.path: row.value for row in rows}
    draw = random.Random(f"{seed}:mismatch")
    drawn = {
        spread.path: value[spread.believed or spread.path]
        * (1.0 + width * draw.uniform(-spread.part, spread.part))
        for spread in SPREADS
    }
    # the inline viscometer is commissioned on the reference mass of *this* plant, not too well
    shear = value["mixer.viscometer.shear_rate"]
    reduced = drawn["mixer.viscosity.cross_time"] * shear
    exact = 1.0 + reduced ** (1.0 - drawn["mixer.viscosity.cross_exponent"])
    drawn["mixer.viscometer.calibration"] = exact * (
        1.0 + width * draw.uniform(-VISCOMETER_COMMISSIONING, VISCOMETER_COMMISSIONING)
    )
    return {**drawn, **_lip(seed, width)}


def _lip(seed: int, width: float) -> dict[str, float]:
    """A lip that answers stronger, wider and elsewhere than believed, by up to a quarter pitch."""
    draw = random.Random(f"{seed}:mismatch of the lip")
    value = {row.path: row.value for row in COATER_PARAMETERS}
    drawn = {
        path: value[path] * (1.0 + width * draw.uniform(-part, part))
        for path, part in (("coater.cd.bolt_gain", 0.30), ("coater.cd.bolt_width", 0.15))
    }
    quarter_m = 0.25 * value["coater.web.width"] / BOLTS
    drawn["coater.cd.mapping_shift"] = width * draw.uniform(-quarter_m, quarter_m)
    return drawn
