"""The doctor's look at the line: its configuration, and who answers at its addresses."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.doctor_finding import Finding, well
from cli.places import shown

PATIENCE_S = 1.5


def configuration(config: Path) -> tuple[Finding, dict[str, Any] | None]:
    """Judge the line's files and say what limits are loaded."""
    from service.config_load import load_line
    from service.config_problem import ConfigError

    try:
        loaded = load_line(config)
    except ConfigError as error:
        first = error.problems[0]
        return Finding(
            "configuration", "ill",
            f"{len(error.problems)} problem(s); first {first.file}:{first.line}: {first.what}",
            "nothing starts from it", f"./rheostat check {shown(config)} lists them all",
        ), None  # fmt: skip
    limits = loaded.sealed["limits"]["setpoints"]
    what = f"{shown(config)} in order, limits of {len(limits)} setpoints loaded"
    return well("configuration", f"{what}, sha256 {loaded.sha256[:12]}"), loaded.sealed


def closing(sealed: Mapping[str, Any]) -> Finding:
    """Say whether closing a loop takes a signature."""
    if sealed["auto"] == "signed":
        return well("AUTO", "takes the signature of a registered operator or engineer")
    return Finding(
        "AUTO", "warning", "a name is enough to close a loop: this line is being commissioned",
        "anybody who reaches the engine could close it in somebody's name",
        "register people and write 'auto: signed' (docs/how-to/people-and-roles.md)",
    )  # fmt: skip


def sources(sealed: Mapping[str, Any]) -> list[Finding]:
    """Knock at every PLC's door (a TCP connection, nothing is read or written)."""
    return [_source(name, source) for name, source in sealed["sources"].items()]


def _source(name: str, source: Mapping[str, Any]) -> Finding:
    subject = f"PLC {name}"
    if source["protocol"] == "modbus-rtu":
        return _serial(subject, str(source["device"]))
    host, port = _address(source)
    try:
        socket.create_connection((host, port), timeout=PATIENCE_S).close()
    except OSError as error:
        free = "the port is free for a virtual PLC" if _is_free(host, port) else str(error)
        return Finding(
            subject, "warning", f"nobody answers at {host}:{port} ({free})",
            "without it its loop stays OFF or SHED; the engine keeps knocking",
            "start the PLC; on a bench: ./rheostat plc all",
        )  # fmt: skip
    secured = source.get("security") or source.get("tls")
    if not secured and not _is_loopback(host):
        return Finding(
            subject, "warning", f"answers at {host}:{port}, without signing and encryption",
            "anybody on that network can speak in the engine's name",
            "configure 'security' ('tls' on Modbus), or keep it on a network of its own",
        )  # fmt: skip
    how = "secured" if secured else "in clear"
    return well(subject, f"answers at {host}:{port} ({source['protocol']}, {how})")


def _serial(subject: str, device: str) -> Finding:
    """Say whether the serial line can be opened; nothing is sent on it."""
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError as error:
        return Finding(
            subject, "warning", f"the serial line {device} cannot be opened: {error.strerror}",
            "without it its loop stays OFF or SHED; the engine keeps trying",
            "plug the adapter in, and let this account use it (often the group dialout)",
        )  # fmt: skip
    return well(subject, f"the serial line {device} is there; whether the device answers, "
                "the first connection shows")  # fmt: skip


def _address(source: Mapping[str, Any]) -> tuple[str, int]:
    if source["protocol"] == "opcua":
        parts = urlsplit(source["endpoint"])
        return parts.hostname or "", parts.port or 4840
    return str(source["host"]), int(source["port"])


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _is_free(host: str, port: int) -> bool:
    if not _is_loopback(host):
        return False
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True
