"""When a batch is ready: the end point of the mixer, judged from what really is.

Viscosity at 25 degC within +/-10 % of the target and changing by less than 1 % in 10 minutes, at
25 +/-1 degC, all of it for 20 minutes on end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

BAND, SLOPE, SLOPE_S, STEADY_S = 0.10, 0.01, 600.0, 1200.0
WARM_K = (297.15, 299.15)


def end_point_min(t: Sequence[float], e: Sequence[float], temp_k: Sequence[float]) -> float:
    """Return when the batch was ready [min]; NaN when it never was.

    `t` are equally spaced times [s], `e` the relative errors of the viscosity.
    """
    back = max(1, round(SLOPE_S / (t[1] - t[0]))) if len(t) > 1 else 1
    since_s = math.nan
    for i, at in enumerate(t):
        calm = i >= back and abs(e[i] - e[i - back]) < SLOPE
        good = calm and abs(e[i]) <= BAND and WARM_K[0] <= temp_k[i] <= WARM_K[1]
        if not good:
            since_s = math.nan
        elif math.isnan(since_s):
            since_s = at
        elif at - since_s >= STEADY_S:
            return at / 60.0
    return math.nan
