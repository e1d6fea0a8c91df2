"""A condition is believed when it has lasted: on-delay and off-delay, both in seconds."""

from __future__ import annotations

from typing import NamedTuple


class Lasting(NamedTuple):
    """What is believed, and since when the condition has said otherwise (None: it has not)."""

    believed: bool = False
    other_since_s: float | None = None


def lasting(now: Lasting, raw: bool, now_s: float, on_s: float, off_s: float) -> Lasting:
    """Return what is believed after `raw` was seen at `now_s`; a delay of zero believes at once."""
    if raw == now.believed:
        return Lasting(now.believed)
    since_s = now_s if now.other_since_s is None else min(now.other_since_s, now_s)
    if now_s - since_s >= (on_s if raw else off_s):
        return Lasting(raw)
    return Lasting(now.believed, since_s)
