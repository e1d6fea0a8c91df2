"""Judge where each tag is on the wire, and what proves that it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.config_desk import Desk, at
from service.config_yaml import Path_

FLOATS = ("float", "double", "float32", "float64")
_WIDTH = {"int32": 2, "uint32": 2, "float": 2, "float32": 2, "double": 4, "float64": 4}


def check_address(desk: Desk, name: str, row: Mapping[str, Any]) -> None:
    """Judge what a row says of its place on the wire, by what its source speaks."""
    path: Path_ = ("tags", name)
    protocol = at(desk.line, "sources", str(row.get("source")), "protocol")
    due: tuple[str, ...]
    foreign: tuple[str, ...]
    kinds: tuple[str, ...]
    if protocol == "opcua":
        due, foreign = ("node",), ("table", "register", "write_function")
        kinds = ("float32", "float64")
    elif protocol in ("modbus-tcp", "modbus-rtu"):
        due, foreign, kinds = ("table", "register"), ("node",), ()
    else:
        return
    for key in due:
        if key not in row:
            desk.tags.report(
                "RH-1045", path, f"`{key}` is missing: the source speaks {protocol}",
                f"add '{key}: ...'",
            )  # fmt: skip
    for key in foreign:
        if key in row:
            desk.tags.report(
                "RH-1045", (*path, key), f"`{key}` means nothing to a source that speaks "
                f"{protocol}", "delete it, or correct the source",
            )  # fmt: skip
    node = row.get("node")
    if protocol == "opcua" and isinstance(node, str) and not node.startswith(("nsu=", "i=")):
        desk.tags.report(
            "RH-1045", (*path, "node"), "this address names its namespace by an index, or not at "
            "all; an index can move when the server restarts",
            "write 'nsu=' and the namespace's URI, then ';' and the node",
        )  # fmt: skip
    if row.get("type") in kinds:
        desk.tags.report(
            "RH-1045", (*path, "type"), f"OPC UA knows no type '{row['type']}'",
            "write 'float' (32 bit) or 'double' (64 bit)",
        )  # fmt: skip
    if row.get("write_function") == 6 and _WIDTH.get(str(row.get("type")), 1) > 1:
        desk.tags.report(
            "RH-1045", (*path, "write_function"), "function 6 writes one register, but "
            f"{row.get('type')} takes {_WIDTH[str(row['type'])]}: it could be half written",
            "write 16 or 23",
        )  # fmt: skip
    _check_canary(desk, name, row)
    if row.get("table") == "input" and row.get("direction") == "write":
        desk.tags.report(
            "RH-1045", (*path, "table"), "nobody can write to the table 'input'", "use 'holding'"
        )


def _check_canary(desk: Desk, name: str, row: Mapping[str, Any]) -> None:
    """Judge `must_be`: on a tag that is read, of its type, and nothing an empty image could be."""
    due, kind = row.get("must_be"), str(row.get("type"))
    if due is None:
        return
    path: Path_ = ("tags", name, "must_be")
    fits = isinstance(due, bool) if kind == "bool" else not isinstance(due, bool) and (
        kind in FLOATS or isinstance(due, int)
    )  # fmt: skip
    if row.get("direction") != "read" or not fits:
        desk.tags.report(
            "RH-1048", path, f"{due!r} is no value that a tag which is read as {kind} could have",
            "write a number of the tag's type, on a tag with 'direction: read'",
        )  # fmt: skip
    elif not due:
        desk.tags.report(
            "RH-1048", path, "an image of nothing but zeros would have this value as well",
            "let the PLC show a number that is not zero",
        )  # fmt: skip


def claim_address(
    desk: Desk,
    name: str,
    row: Mapping[str, Any],
    taken: dict[tuple[str, str, str | int], str],
) -> None:
    """Take the words of a tag; two tags at one place are reported."""
    source, node, table = str(row.get("source")), row.get("node"), row.get("table")
    register = row.get("register")
    words: list[tuple[str, str, str | int]] = []
    key = "node"
    if isinstance(node, str):
        words = [(source, "node", node)]
    elif isinstance(table, str) and isinstance(register, int):
        key = "register"
        width = _WIDTH.get(str(row.get("type")), 1)
        words = [(source, table, register + i) for i in range(width)]
        if register + width > 65536:
            desk.tags.report(
                "RH-1045", ("tags", name, key), "reaches beyond the last register, 65535",
                "correct the register",
            )  # fmt: skip
    for word in words:
        other = taken.setdefault(word, name)
        if other != name:
            what = f"{word[1]} {word[2]} of source `{source}` belongs to `{other}` already"
            desk.tags.report(
                "RH-1046", ("tags", name, key), what, "give each of the two its own address"
            )
            return
