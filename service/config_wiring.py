"""Judge the tag table and what the loops are wired to: sources, addresses, roles, directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.config_address import FLOATS, check_address, claim_address
from service.config_desk import CALCULATED, Desk, at, mapping, texts
from service.config_problem import did_you_mean
from service.config_yaml import Path_

_WHOLE = ("int16", "uint16", "int32", "uint32")
_ROLES: dict[str, tuple[str, tuple[str, ...]]] = {
    "heartbeat_in": ("read", _WHOLE),
    "heartbeat_out": ("write", _WHOLE),
    "sequence": ("write", _WHOLE),
    "remote_request": ("write", ("bool",)),
    "remote_ready": ("read", ("bool",)),
    "remote_active": ("read", ("bool",)),
    "commit": ("write", _WHOLE),
    "owner": ("write", _WHOLE),
}


def check_tags(desk: Desk) -> None:
    """Judge every row of the tag table by itself, then all addresses against each other."""
    taken: dict[tuple[str, str, str | int], str] = {}
    for name, row in mapping(desk.tags, "tags").items():
        if isinstance(row, dict):
            _check_row(desk, name, row)
            claim_address(desk, name, row, taken)


def _check_row(desk: Desk, name: str, row: Mapping[str, Any]) -> None:
    path: Path_ = ("tags", name)
    sources = mapping(desk.line, "sources")
    source = row.get("source")
    if isinstance(source, str) and sources and source not in sources:
        desk.tags.report(
            "RH-1041",
            (*path, "source"),
            f"no source is called `{source}`.{did_you_mean(source, sources)}",
            f"name one of the sources in {desk.line.name}: " + ", ".join(sources),
        )
    if row.get("direction") == "read" and "max_age" not in row:
        desk.tags.report(
            "RH-1011", path, "`max_age` is missing here: when is a reading stale?",
            "add 'max_age: 20 s' (two to three cycles of its loop)",
        )  # fmt: skip
    kind = row.get("type")
    if kind in FLOATS and "unit" not in row:
        desk.tags.report(
            "RH-1020", path, "missing unit: in what is this number on the wire?",
            "add 'unit: ...' ('unit: fraction' for a plain ratio)",
        )  # fmt: skip
    if kind in FLOATS and "range" not in row:
        desk.tags.report(
            "RH-1011", path, "`range` is missing here: what can the instrument show?",
            "add 'range: [low, high]' with units",
        )  # fmt: skip
    if kind == "bool":
        for key in ("unit", "range", "gain", "offset"):
            if key in row:
                desk.tags.report(
                    "RH-1013", (*path, key), f"a yes/no signal has no {key}", "delete it"
                )
    desk.span(desk.tags, (*path, "range"), desk.unit_of(name))
    check_address(desk, name, row)


def check_loops(desk: Desk) -> None:
    """Judge what each loop reads and writes, and that no word is played with by two of them."""
    written: dict[str, str] = {}
    for loop in mapping(desk.line, "loops"):
        _check_handshake(desk, loop, written)
        _check_inputs(desk, loop)
        _check_mvs(desk, loop, written)
        _check_controller_names(desk, loop)


def _check_handshake(desk: Desk, loop: str, written: dict[str, str]) -> None:
    base: Path_ = ("loops", loop, "handshake")
    shake = mapping(desk.line, *base)
    sources = mapping(desk.line, "sources")
    source = shake.get("source")
    if isinstance(source, str) and sources and source not in sources:
        desk.line.report(
            "RH-1041",
            (*base, "source"),
            f"no source is called `{source}`.{did_you_mean(source, sources)}",
            "name one of: " + ", ".join(sources),
        )
    for role, (direction, kinds) in _ROLES.items():
        path = (*base, role)
        row = desk.must_know(desk.line, path, shake.get(role), direction)
        if row is None:
            continue
        _check_kind(desk, path, str(shake[role]), row, kinds)
        _check_source(desk, path, str(shake[role]), row, source)
        if direction == "write":
            _claim(desk, path, str(shake[role]), f"{loop} {role}", written)


def _check_inputs(desk: Desk, loop: str) -> None:
    base: Path_ = ("loops", loop)
    seen: dict[str, str] = {}
    for group in ("permissives", "critical", "optional"):
        for number, name in texts(desk.line, *base, group):
            path = (*base, group, number)
            row = desk.must_know(desk.line, path, name, "read")
            if row is not None and group == "permissives":
                _check_kind(desk, path, name, row, ("bool",))
            other = seen.setdefault(name, group)
            if other != group or list(at(desk.line, *base, group)).index(name) != number:
                desk.line.report(
                    "RH-1047", path, f"`{name}` stands under `{other}` already",
                    "keep it in one place",
                )  # fmt: skip
    for path in ((*base, "phase", "tag"), (*base, "trips", "batch")):
        name = at(desk.line, *path)
        row = desk.must_know(desk.line, path, name, "read")
        if row is not None:
            _check_kind(desk, path, name, row, _WHOLE)


def _check_mvs(desk: Desk, loop: str, written: dict[str, str]) -> None:
    base: Path_ = ("loops", loop, "mvs")
    source = at(desk.line, "loops", loop, "handshake", "source")
    critical = [name for _, name in texts(desk.line, "loops", loop, "critical")]
    for setpoint, active in mapping(desk.line, *base).items():
        path = (*base, setpoint)
        row = desk.must_know(desk.line, path, setpoint, "write", at_key=True)
        if row is not None:
            _check_kind(desk, path, setpoint, row, FLOATS, at_key=True)
            _check_source(desk, path, setpoint, row, source)
            _claim(desk, path, setpoint, f"{loop} setpoint", written)
        limits = mapping(desk.limits, "setpoints")
        if desk.limits.tree is not None and setpoint not in limits:
            desk.line.report(
                "RH-1044",
                path,
                f"`{setpoint}` has no limits.{did_you_mean(setpoint, limits)}",
                f"add it under 'setpoints' in {desk.limits.name}",
                at_key=True,
            )
        back = desk.must_know(desk.line, path, active, "read")
        if back is None:
            continue
        _check_kind(desk, path, active, back, FLOATS)
        _check_source(desk, path, active, back, source)
        if row is not None and desk.unit_of(setpoint) != desk.unit_of(active):
            desk.line.report(
                "RH-1043", path, f"`{active}` is in {desk.unit_of(active)}, but `{setpoint}` in "
                f"{desk.unit_of(setpoint)}", "give both tags the same unit",
            )  # fmt: skip
        if active not in critical:
            desk.line.report(
                "RH-1043", path, f"`{active}` is not among the critical inputs of this loop",
                f"add it to loops.{loop}.critical",
            )  # fmt: skip


def _check_controller_names(desk: Desk, loop: str) -> None:
    base: Path_ = ("loops", loop, "controller")
    loop_mvs = mapping(desk.line, "loops", loop, "mvs")
    mvs = mapping(desk.line, *base, "mvs")
    for name in mvs:
        if name not in loop_mvs:
            desk.line.report(
                "RH-1040", (*base, "mvs", name),
                f"the loop has no setpoint `{name}`.{did_you_mean(name, loop_mvs)}",
                "name one of: " + ", ".join(loop_mvs), at_key=True,
            )  # fmt: skip
    for name in loop_mvs:
        if mvs and name not in mvs:
            desk.line.report(
                "RH-1011", (*base, "mvs"), f"`{name}` is missing here",
                f"add '{name}: {{ move_weight: 1.0 }}'",
            )  # fmt: skip
    read = [n for g in ("critical", "optional") for _, n in texts(desk.line, "loops", loop, g)]
    for name in mapping(desk.line, *base, "cvs"):
        if name in CALCULATED or name in read:
            continue
        hint = did_you_mean(name, [*read, *CALCULATED])
        desk.line.report(
            "RH-1040", (*base, "cvs", name),
            f"the loop neither reads nor calculates `{name}`.{hint}",
            f"add the tag to loops.{loop}.optional, or correct the name", at_key=True,
        )  # fmt: skip


def _check_kind(
    desk: Desk,
    path: Path_,
    name: str,
    row: Mapping[str, Any],
    kinds: tuple[str, ...],
    *,
    at_key: bool = False,
) -> None:
    kind = row.get("type")
    if isinstance(kind, str) and kind not in kinds:
        desk.line.report(
            "RH-1048", path, f"`{name}` is of type {kind}; this role needs {' or '.join(kinds)}",
            "name another tag, or correct its type in the tag table", at_key=at_key,
        )  # fmt: skip


def _check_source(
    desk: Desk, path: Path_, name: str, row: Mapping[str, Any], source: object
) -> None:
    known = row.get("source") in mapping(desk.line, "sources")
    if isinstance(source, str) and known and row["source"] != source:
        desk.line.report(
            "RH-1047", path, f"`{name}` is on source `{row.get('source')}`, but this loop shakes "
            f"hands with `{source}`", "one loop writes to one PLC: name a tag of that source",
        )  # fmt: skip


def _claim(desk: Desk, path: Path_, name: str, role: str, written: dict[str, str]) -> None:
    other = written.setdefault(name, role)
    if other != role:
        desk.line.report(
            "RH-1047", path, f"`{name}` is written as {other} already", "give each role its own tag"
        )
