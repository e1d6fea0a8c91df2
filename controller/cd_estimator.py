"""What the profile would be with every bolt at zero: measured, less what the bolts did to it.

symbol  meaning                                                      unit
d       profile with the bolts at zero, relative to the target        1
u       bolts as they really stand, a lag behind their setpoints      um
G       response of the boxes to the bolts                            %/um

What a bolt does is laid on the web, warms up slowly and is measured 25 m later; it is remembered
metre by metre. Since d is what remains when that is taken off, an error of the model turns up in
d and is put right with it: the loop has no offset, and needs no model of the delay but its metres.
"""

from __future__ import annotations

import math
from collections import deque

from controller.cd_filter import Point, ProfileFilter, Taken, Vector, Walks
from controller.cd_kkt import Matrix
from controller.plan import PlanRequest
from controller.readings import number
from plant_models.parameters import Parameters

SCAN, FORWARD, AGE = "coater.gauge_scan", "coater.gauge_forward", "coater.gauge_scan_age"
LENGTH = "coater.web_length"
MEMORY_M = 60.0
NOTHING = Taken(0, 0, math.nan)


class ProfileEstimator:
    """Keeps the profile between cycles."""

    def __init__(
        self,
        model: Parameters,
        settings: Parameters,
        G: Matrix,
        target_kg_m2: float,
        box_m: float,
    ) -> None:
        """`G` [%/um] is the response of the scanned boxes of width `box_m`, its mean removed."""
        self._m, self._s, self._G = model, settings, G
        self._box_s = box_m / model["gauge.traverse_speed"]
        self._target_kg_m2 = target_kg_m2
        self._tags = [f"coater.gauge_box{box}" for box in range(1, len(G) + 1)]
        self.forget()

    def forget(self) -> None:
        """Start without a past."""
        s = self._s
        walks = Walks(
            mean=s["mean.walk"],
            profile=s["profile.walk"],
            noise=s["point.noise"],
            reach=s["profile.reach"],
            mean_start=s["mean.start"],
            profile_start=s["profile.start"],
            doubt=s["point.doubt"],
        )
        self.filter = ProfileFilter(len(self._G), walks)
        self.taken = NOTHING
        self.missing: int | None = None  # cycles since the last traverse; None: none yet
        self._bolts_um: Vector | None = None
        self._now_s = math.nan
        self._length_m = 0.0
        self._speed_m_s = 0.0
        self._laid: deque[tuple[float, Vector]] = deque()
        self._scan: int | None = None

    def update(self, request: PlanRequest, applied_um: Vector) -> None:
        """Take one cycle's readings in; `applied_um` are the setpoints the PLC uses."""
        self._move(request, applied_um)
        self.taken = NOTHING
        if self.missing is not None:
            self.missing += 1
        scan = number(request.values, SCAN, math.nan)
        if math.isnan(scan) or scan <= 0 or int(scan) == self._scan:
            return
        self._scan = int(scan)
        self.taken = self.filter.take(self._points(request))
        if self.taken.believed:
            self.missing = 0

    @property
    def profile(self) -> Vector:
        """d, by box [%]."""
        return 100.0 * self.filter.profile

    @property
    def at_gauge(self) -> Vector:
        """The profile at the gauge now, bolts included, by box [%]."""
        return self.profile + self._effect(self._length_m - self._m["gauge.distance"])

    def _move(self, request: PlanRequest, applied_um: Vector) -> None:
        """Let the bolts follow their setpoints, and lay what they do on the web."""
        dt_s = request.now_s - self._now_s
        dt_s = dt_s if dt_s > 0.0 else 0.0
        self._now_s = request.now_s
        length_m = number(request.values, LENGTH, self._length_m + self._speed_m_s * dt_s)
        if self._laid and dt_s > 0.0:
            self._speed_m_s = max(0.0, (length_m - self._length_m) / dt_s)
        self._length_m = length_m
        if self._bolts_um is None:
            self._bolts_um = applied_um.copy()  # a line at rest
        share = 1.0 - math.exp(-dt_s / self._m["lip.lag"])
        self._bolts_um = self._bolts_um + share * (applied_um - self._bolts_um)
        if self._laid and self._length_m < self._laid[-1][0]:
            self._laid.clear()  # the counter was set back
        self._laid.append((self._length_m, self._G @ self._bolts_um))
        while self._laid[0][0] < self._length_m - MEMORY_M:
            self._laid.popleft()

    def _effect(self, at_m: float) -> Vector:
        """What the bolts did [%] to the web that lies at a counter reading."""
        for length_m, effect in reversed(self._laid):
            if length_m <= at_m:
                return effect
        return self._laid[0][1]

    def _points(self, request: PlanRequest) -> list[Point]:
        """The boxes of the last traverse in the order they were crossed; none without its age."""
        values, m = request.values, self._m
        age_s = number(values, AGE, math.nan)
        if not (age_s >= 0.0 and self._speed_m_s >= self._s["speed.least"]):
            return []
        box_s = self._box_s
        order = range(len(self._tags))
        crossed = order if number(values, FORWARD, 1.0) > 0.5 else reversed(order)
        end_s = request.now_s - age_s
        half_m = self._speed_m_s * (age_s + 0.5 * len(order) * box_s)
        effect = self._effect(self._length_m - half_m - m["gauge.distance"])
        points = []
        for place, box in enumerate(crossed):
            shown = number(values, self._tags[box], math.nan)
            if shown > 0.0:  # a box that was not measured shows 0
                over = shown / self._target_kg_m2 - 1.0 - 0.01 * float(effect[box])
                at_s = end_s - (len(order) - 1 - place) * box_s
                points.append(Point(at_s, box, over))
        return points
