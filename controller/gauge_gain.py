"""Learns the coat weight's unknown gain from what the gauge shows of web laid some metres before.

A scalar Kalman filter on `d_coat` whose steady share is the tuned one. Where exactly the gauge
stands is known only to within a fifth of its distance. So the same reading may show any web laid
within that play, and what the coat weights there differ by is noise of the reading: a step of our
own making (another recipe, the answer to a start-up) is no surprise while it comes by, wherever it
comes by.

symbol   meaning                                                          unit
K        share of a surprise that is believed                             1
s        scatter of ln coat weight within the play, in those of a reading 1
P        variance of d_coat, in those of a reading; K = P/(P + 1 + s^2)   1
"""

from __future__ import annotations

import math

from controller.sequence import Moment, Phase
from controller.web_memory import WebMemory
from plant_models.parameters import Parameters

STEP_APART = 1.5
"""Gauge distances until another step is believed: its own web must pass first."""
LARGEST_STEP = 0.1
"""Most that is believed at once, of the coat weight."""


class GaugeGain:
    """How well the gain is known, and what may be believed of the next reading.

    `beyond` is how far [ln] the last reading lay beyond anything the web under the gauge can be;
    None where the reading compared with nothing, or is a lone odd one that may be a spike.
    """

    def __init__(self, settings: Parameters) -> None:
        """Begin with a gain of one that nobody has seen."""
        self._s = settings
        steady = settings["gauge.gain"]
        self._walk = steady**2 / (1.0 - steady)  # the walk whose steady share that is
        self.anchored = False
        self._away = 1.0  # P
        self._odd = 0
        self._step_after_m = -math.inf
        self.beyond: float | None = None

    def wait(self) -> None:
        """A cycle went by: what is not seen may change."""
        self._away += self._walk

    def learn(
        self, web: WebMemory, shown: float, moment: Moment, length_m: float, speed: float, ln: float
    ) -> tuple[float, str]:
        """Return ln gain after the reading `shown` [kg/m2], from `ln` before it, and a note or ''.

        `length_m` is the web counter now.
        """
        s, starting = self._s, moment.phase is Phase.START_UP
        self.beyond = None
        newest_m = length_m - s["gauge.distance"] - speed * s["gauge.age"]
        oldest_m = newest_m - speed * s["gauge.span"]
        laid = web.mean(oldest_m, newest_m)
        if laid is None and starting:  # the gauge is nearer than believed: it shows the first coat
            laid = web.first_coat()
        if laid is None:
            return ln, ""
        if moment.edge:
            return ln, "the edge of the first coat, not measured"
        surprise = math.log(shown / laid) - ln
        if not self.anchored or (starting and moment.fresh <= 1):
            self.anchored, self._away = True, 1.0
            return ln + surprise, ""
        play_m = s["gauge.play"] * s["gauge.distance"]
        low, high, scatter = web.spread(oldest_m - play_m, newest_m + play_m, laid)
        beyond = surprise - min(max(surprise, low), high)
        self._odd = self._odd + 1 if not starting and abs(beyond) > s["gauge.doubt"] else 0
        self.beyond = None if self._odd == 1 else beyond
        if self._odd:
            off = f"{surprise:+.1%} off the prediction"
            if self._odd < s["gauge.repeats"]:
                return ln, f"{off}, waiting for another"
            if length_m >= self._step_after_m:  # it stays: a step of the plant, believed whole
                self._step_after_m = length_m + STEP_APART * s["gauge.distance"]
                self._odd = 0
                step = min(max(surprise, -LARGEST_STEP), LARGEST_STEP)
                return ln + step, f"{off} again, believed at once"
        waited = min(self._away / (1.0 + self._away), s["gauge.gain_most"])
        share = max(self._trust(web, newest_m), waited, 1.0 / moment.fresh if starting else 0.0)
        share /= 1.0 + (1.0 - share) * (scatter / s["gauge.noise"]) ** 2
        self._away *= 1.0 - share
        return ln + share * surprise, ""

    def _trust(self, web: WebMemory, at_m: float) -> float:
        """The share of a surprise to believe: more while a new batch comes by."""
        start = web.batch_at(at_m - self._s["gauge.metres_after_batch"])
        new_batch = start is not None and start != web.batch_at(at_m)
        return self._s["gauge.gain_after_batch" if new_batch else "gauge.gain"]
