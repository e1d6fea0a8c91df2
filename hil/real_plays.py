"""Plays that need a real wire or a real process, by fault: `./rheostat hil run ... --real`.

A play names a way of `RealLine`; `lasts`, `within` and `watch` count periods of the loop as in the
catalogue. What must be seen is the least: that the loop whose source is struck holds in time. That
the neighbours keep their beat, that the source is back in time and that the judge sees no unsafe
frame is asked of every play.
"""

from __future__ import annotations

from collections.abc import Mapping

from hil.fault_catalogue import Expected, Play

_HOLDS = Expected(action="HOLD")


def _play(name: str, verb: str, loop: str, expect: Expected = _HOLDS, **args: object) -> Play:
    return Play.model_validate({
        "name": name, "verb": verb, "args": args, "medium": "real", "loop": loop, "lasts": 4,
        "expect": expect.model_dump(), "within": 4.0,
    })  # fmt: skip


REAL: Mapping[str, tuple[Play, ...]] = {
    "F25": (_play("frozen-process", "frozen", "coating"),),
    "F26": (
        _play("reset-opcua", "weather", "coating", kind="reset"),
        _play("reset-modbus", "weather", "mixing", kind="reset"),
    ),
    "F27": (
        _play("silent-opcua", "weather", "coating", kind="silent"),
        _play("silent-modbus", "weather", "mixing", kind="silent"),
    ),
    "F31": (
        _play("after-the-time-out", "weather", "mixing", kind="delay", seconds=0.7),
        _play("the-one-before", "weather", "mixing", kind="previous"),
    ),
    "F32": (_play("half-open", "weather", "coating", kind="half-open"),),
    "F64": (_play("no-descriptors", "no_descriptors", "mixing"),),
    "F65": (
        _play("malformed-modbus", "weather", "mixing", kind="malformed"),
        _play("malformed-opcua", "weather", "coating", kind="malformed"),
    ),
    "F70": (_play("thousand-a-second", "flood", "coating", Expected(mode=["AUTO"])),),
}
