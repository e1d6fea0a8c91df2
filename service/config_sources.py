"""Judge each source: how it is protected, and what it says of a Modbus device."""

from __future__ import annotations

from service.config_desk import Desk, at, mapping

_MOST_IN_ONE_REQUEST = 125  # registers in one FC03


def check_sources(desk: Desk) -> None:
    """Judge every source by itself, and that no two claim one serial line."""
    lines: dict[str, str] = {}
    for name in mapping(desk.line, "sources"):
        if at(desk.line, "sources", name, "protocol") == "opcua":
            _check_security(desk, name)
        else:
            _check_modbus(desk, name)
        device = at(desk.line, "sources", name, "device")
        if isinstance(device, str) and lines.setdefault(device, name) != name:
            desk.line.report(
                "RH-1046", ("sources", name, "device"),
                f"the serial line {device} belongs to `{lines[device]}` already",
                "one source speaks on one line; give each its own adapter",
            )  # fmt: skip


def _check_modbus(desk: Desk, name: str) -> None:
    row = mapping(desk.line, "sources", name)
    words = mapping(desk.line, "sources", name, "scan_words")
    before, after = words.get("before"), words.get("after")
    if not isinstance(before, int) or not isinstance(after, int):
        return
    if not 0 < after - before < _MOST_IN_ONE_REQUEST:
        desk.line.report(
            "RH-1045", ("sources", name, "scan_words"),
            f"registers {before} to {after} cannot be read in one request",
            "name the first word before the second, at most 124 registers apart",
        )  # fmt: skip
    if row.get("read_twice"):
        desk.line.report(
            "RH-1045", ("sources", name, "read_twice"),
            "the scan words show already whether a reading is whole",
            "delete one of the two",
        )  # fmt: skip


def _check_security(desk: Desk, name: str) -> None:
    """Judge an OPC UA source: exactly one of `security` and `insecure: true`."""
    row = mapping(desk.line, "sources", name)
    secured, insecure = row.get("security") is not None, row.get("insecure") is not None
    if secured and insecure:
        desk.line.report(
            "RH-1049", ("sources", name, "insecure"),
            "the source has `security` and says it is insecure as well",
            "delete one of the two",
        )  # fmt: skip
    elif not secured and not insecure:
        desk.line.report(
            "RH-1049", ("sources", name),
            "is this connection signed and encrypted? Nothing is said",
            "add 'security: { policy: Aes256Sha256RsaPss, server_uri: urn:... }'; on a bench "
            "on loopback, 'insecure: true'", at_key=True,
        )  # fmt: skip
