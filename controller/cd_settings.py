"""The numbers of the profile loop: what it believes of lip and gauge, and how fast it learns.

The configuration overrides them by path under `controller: model:` and `controller: estimator:`.
"""

from __future__ import annotations

from plant_models.parameters import Parameter

DESIGN = "process design page, CD control"
GAUGE = "the gauge's data sheet"
TUNED = "tuned on the scenario cd-profile: gain +/-30 %, width +/-15 %, a quarter pitch beside"

PROFILE_MODEL: tuple[Parameter, ...] = (
    Parameter("lip.gain", 6.1e3, "1/m", "(2 + 1/n)/h, n 0.6, h 600 um", "0.61 % per um"),
    Parameter("lip.width", 0.105, "m", DESIGN, "2.1 pitches of 50 mm"),
    Parameter("lip.attenuation", 2.0, "1", DESIGN),
    Parameter("lip.divergence", 0.0, "1", "left out of the model"),
    Parameter("lip.lag", 120.0, "s", "thermal bolts, process design page"),
    Parameter("lip.bending", 9.6e-6, "m", "10 um, less four grains of 0.1", "of neighbours"),
    Parameter("lip.modes", 0.15, "1", DESIGN, "least singular value, share of the largest"),
    Parameter("lip.calm", 0.3, "1", TUNED, "price of a move, share of the largest mode's"),
    Parameter("lip.stiffness", 1.0e-3, "1", TUNED, "price of travel, as above"),
    Parameter("gauge.distance", 25.0, "m", "web from die to gauge"),
    Parameter("gauge.edge", 0.025, "m", GAUGE, "not scanned at either edge"),
    Parameter("gauge.boxes", 22.0, "1", GAUGE, "data boxes across the scanned width"),
    Parameter("gauge.traverse_speed", 0.10, "m/s", GAUGE),
)
"""What the controller believes of the lip and of where its effect is measured."""

PROFILE_SETTINGS: tuple[Parameter, ...] = (
    Parameter("mean.walk", 8.0e-4, "1/s^0.5", TUNED, "of the mean along the web"),
    Parameter("profile.walk", 1.0e-4, "1/s^0.5", "0.3 % in 1800 s, process design page"),
    Parameter("profile.reach", 3.0, "1", "half a bolt's width", "boxes that move together"),
    Parameter("point.noise", 4.0e-3, "1", "0.15 g/m2 at 1 s, a quarter second a box, flutter"),
    Parameter("mean.start", 0.03, "1", "a fresh batch", "1 sigma before the first traverse"),
    Parameter("profile.start", 0.02, "1", "an untuned lip", "as above"),
    Parameter("point.doubt", 6.0, "1", "a bubble is 20 % deep", "sigmas; further is left out"),
    Parameter("speed.least", 0.0167, "m/s", "1 m/min: slower web is not production"),
)
"""Every number of the profile's filter, with unit, default and source."""
