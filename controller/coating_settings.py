"""The numbers of the coating loop's estimator: what it believes of delays, and how fast it learns.

The configuration overrides them by path under `controller: estimator:`.
"""

from __future__ import annotations

from collections.abc import Mapping

from plant_models.parameters import Parameter

DESIGN = "process design page, reference A"
TUNED = "tuned on the scenario files: stable with gain +/-10 % and delay +/-20 % at once"

COATING_SETTINGS: tuple[Parameter, ...] = (
    Parameter("gauge.distance", 25.0, "m", DESIGN, "web from die to gauge"),
    Parameter("gauge.play", 0.2, "1", "process design page, section 4", "of its distance"),
    Parameter("gauge.noise", 0.002, "1", "readings of a calm line", "scatter of one of them"),
    Parameter("gauge.fits", 0.01, "1", "wrong plants in the scenarios", "surprise that still fits"),
    Parameter("gauge.age", 3.0, "s", "half a traverse and its turn", "age of the newest traverse"),
    Parameter("gauge.span", 6.0, "s", "0.55 m at 100 mm/s", "time one traverse averages over"),
    Parameter("gauge.gain", 0.15, "1", TUNED, "share of a surprise believed at each reading"),
    Parameter("gauge.gain_after_batch", 0.35, "1", TUNED, "while a new batch comes by the gauge"),
    Parameter("gauge.gain_most", 0.6, "1", TUNED, "after an outage, when much may have changed"),
    Parameter("gauge.metres_after_batch", 20.0, "m", TUNED, "web over which that gain holds"),
    Parameter("gauge.settled", 7, "1", "1/7 is gauge.gain", "readings that end a start-up"),
    Parameter("gauge.doubt", 0.03, "1", "3 times the release band", "larger surprises must repeat"),
    Parameter("gauge.repeats", 3, "1", "three traverses agree"),
    Parameter("gear.lag", 1.3, "s", "commissioning run", "PLC scan and drive: pump behind web"),
    Parameter("gear.least", 1.5e-3, "1", "the web's own wander is less", "of the coat weight"),
    Parameter("hose.plug", 1.8e-3, "m3", "5 m of 25 mm hose, less its mixing"),
    Parameter("hose.mixed", 0.5e-3, "m3", "filter housing, drawing"),
    Parameter("solids.trust", 0.8, "1", "a kelvin hides one wt%: the rest is left to feedback"),
    Parameter("solids.span", 1.2e-3, "m3", "about a minute of readings", "averaging of the meter"),
    Parameter("solids.doubt", 0.02, "1", "2 wt% between two readings is no batch"),
    Parameter("density.per_kelvin", -1.2, "kg/m3/K", "ethyl acetate, process design page"),
    Parameter("density.per_solids", 130.0, "kg/m3", "process design page, section 4"),
    Parameter("pressure.gain", 0.3, "1", "engineering estimate"),
    Parameter("residual.gain", 0.3, "1", "engineering estimate"),
    Parameter("residual.bias_gain", 0.05, "1", "engineering estimate"),
    Parameter("web_temp.gain", 0.025, "1", "a reading scatters by 0.4 K, the trim by 0.1 K"),
    Parameter("oven.gain", 0.1, "1", "air follows in minutes, thermometers are quiet"),
    Parameter("speed.least", 0.0167, "m/s", "1 m/min: slower web is not production"),
)
"""Every number of the coating estimator, with unit, default and source."""

COATING_BOUNDS: Mapping[str, tuple[float, float]] = {
    "coater.line_speed": (0.0, 2.0),
    "coater.feed_solids": (0.05, 1.0),
    "coater.feed_temp": (263.15, 373.15),
    "coater.feed_density": (500.0, 1500.0),
    "d_coat": (-0.7, 0.7),
    "d_pressure": (-2.0e6, 2.0e6),
    "d_residual": (-5.0, 5.0),
    "d_web_temp": (-15.0, 15.0),
    "coater.die_pressure": (0.0, 3.0e6),
    "coater.gap": (50.0e-6, 3.0e-3),
    "coater.oven_trim": (-30.0, 30.0),
    "coater.ln_residual": (-14.0, 0.0),
}
"""The estimate is bounded whatever the readings say."""
