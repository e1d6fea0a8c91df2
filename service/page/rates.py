"""How often one address may ask, and how much it may send. Requirement SEC-15."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_ADDRESSES = 1000


class Rates:
    """A bucket of tokens for each address, refilled evenly; the longest unseen is forgotten."""

    def __init__(
        self, per_minute: float, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._full = per_minute
        self._per_s = per_minute / 60.0
        self._monotonic_s = monotonic_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def takes(self, address: str) -> bool:
        """Say whether one more request of this address is taken, and count it."""
        now_s = self._monotonic_s()
        left, since_s = self._left.pop(address, (self._full, now_s))
        left = min(self._full, left + (now_s - since_s) * self._per_s)
        taken = left >= 1.0
        self._left[address] = (left - 1.0 if taken else left, now_s)
        if len(self._left) > _MOST_ADDRESSES:
            self._left.popitem(last=False)
        return taken
