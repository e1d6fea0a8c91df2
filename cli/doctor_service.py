"""The doctor's look at the service: who supervises the line, its ports, the outward server."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.doctor_finding import Finding, well

PAGE_PORT = 8470


def supervision(place: Path, sealed: Mapping[str, Any]) -> Finding:
    """Say whether anybody would start the engine again, and what has stayed down."""
    line = str(sealed["line"]["id"])
    found = _supervisor(place)
    if found is not None:
        down = [name for name, one in found.items() if one["state"] == "down"]
        if down:
            return Finding(
                "supervision", "ill", f"stays down after many failures: {', '.join(down)}",
                "nobody starts it any more; a loop of a dead engine is with its PLC",
                "read its words where `service run` stands, mend it, start the service again",
            )  # fmt: skip
        states = ", ".join(f"{name} {one['state']}" for name, one in found.items())
        return well("supervision", f"by `service run`: {states}")
    if (Path("/etc/systemd/system") / f"rheostat@{line}.target.d").exists():
        return well("supervision", f"by systemd: rheostat@{line}.target is installed")
    return Finding(
        "supervision", "warning", f"nobody supervises {line}",
        "a process that hangs or dies stays so",
        "./rheostat service run, or as root ./rheostat service install",
    )  # fmt: skip


def ports(place: Path) -> list[Finding]:
    """Say whether the ports of the page and the outward server are free, or taken by ours."""
    running = _supervisor(place) is not None
    return [_port("page port", PAGE_PORT, running), *_outward(place, running)]


def _outward(place: Path, running: bool) -> list[Finding]:
    from urllib.parse import urlsplit

    from fieldbus.pki import Pki
    from service.outward.settings import SettingsError, folder_of, is_set_up, read_settings

    if not is_set_up(place):
        return []
    try:
        settings = read_settings(place)
    except SettingsError as error:
        what, _, next_ = str(error).partition(" Next: ")
        return [Finding("outward server", "ill", what, "SCADA would not see the line",
                        next_ or "./rheostat outward init")]  # fmt: skip
    found = [_port("outward port", urlsplit(settings.endpoint).port or 0, running)]
    warnings = [] if settings.insecure else Pki(folder_of(place) / "pki").warnings()
    found += [
        Finding("outward certificates", "warning", text, "SCADA is shut out when one runs out",
                "./rheostat outward init after moving the old one away; have the new one trusted")
        for text in warnings
    ]  # fmt: skip
    return found


def _port(subject: str, port: int, running: bool) -> Finding:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        if running:
            return well(subject, f"{port} is in use, and the service runs")
        return Finding(
            subject, "warning", f"{port} cannot be used: {error.strerror}",
            "the process that wants it would not start", "end who has it, or name another port",
        )  # fmt: skip
    return well(subject, f"{port} is free")


def _supervisor(place: Path) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the processes of a supervisor that lives, or None."""
    try:
        found = json.loads((place / "supervision.json").read_text("utf-8"))
        alive = Path(f"/proc/{int(found['pid'])}").exists()
        processes: Mapping[str, Mapping[str, Any]] = found["processes"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return processes if alive else None
