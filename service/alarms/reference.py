"""docs/reference/alarms.md, made from the catalogue: `python -m service.alarms.reference`."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from service.alarms.catalogue import ENGINE_KINDS, LIMIT, LOOP_KINDS, SOURCE, TARGET, Kind

_HEAD = """# Alarms

Every alarm needs a person's act; what needs none is an event, and stands in the records only. The
line's alarms are made from its configuration: those of a loop once for each loop, `limit` once for
each controlled variable with limits, `target` for each with an `alarm` distance, `source` for each
PLC. What to do with them is told in [Work with alarms](../how-to/work-with-alarms.md). This page is
made from `service/alarms/catalogue.py`.
"""
_COLUMNS = (
    "| alarm | priority | cause | if nobody acts | what to do | within | on after, off after |"
)


def reference() -> str:
    """Return the page."""
    parts = [_HEAD, _table("Of each loop (`LOOP.…`)", LOOP_KINDS)]
    values = {"limit.TAG": LIMIT, "target.TAG": TARGET}
    parts.append(_table("Of each controlled variable (`LOOP.…`)", values))
    parts.append(_table("Of each PLC (`source.…`)", {"NAME": SOURCE}))
    parts.append(_table("Of the engine (`engine.…`)", ENGINE_KINDS))
    return "\n".join(parts)


def _table(title: str, kinds: Mapping[str, Kind]) -> str:
    rows = [
        f"| `{name}` {kind.title} | {kind.priority} | {kind.cause} | {kind.consequence} "
        f"| {kind.action} | {kind.response_min:g} min | {_delay(kind.on_periods, kind.on_s)}, "
        f"{'reset' if kind.latching else _delay(kind.off_periods, kind.off_s)} |"
        for name, kind in kinds.items()
    ]
    return "\n".join([f"## {title}", "", _COLUMNS, "|---" * 7 + "|", *rows, ""])


def _delay(periods: float, seconds: float) -> str:
    return f"{periods:g} cycles" if periods else f"{seconds:g} s"


if __name__ == "__main__":
    sys.stdout.write(reference())
