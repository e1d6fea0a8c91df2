"""Who the bench's OPC UA PLC is, and how PLC and engine of one bench get to know each other.

The PLC's identity is in `plc-coater-pki` of the bench's folder, made at the first start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fieldbus.pki import Pki

PLC = "coater"
_DAYS = 365


def plc_identity(source: Mapping[str, Any], state: Path) -> Pki:
    """Return the PLC's certificates and login, made when they are not there yet."""
    pki = Pki(state / f"plc-{PLC}-pki")
    security = source["security"]
    if not (pki.folder / "own.der").exists():
        hosts = ["127.0.0.1", "localhost"]
        pki.make(security["server_uri"], hosts, "Rheostat bench PLC", _DAYS, server=True)
    if security.get("user") and not (pki.folder / "logins").exists():
        _write_logins(pki, f"{PLC} {security['user']} {secrets.token_urlsafe(18)}\n")
    return pki


def introduce(sealed: Mapping[str, Any], state: Path) -> None:
    """Let the engine and the PLC of one bench folder know each other, as two people would."""
    source = sealed["sources"].get(PLC, {})
    if not source.get("security"):
        return
    plc, engine = plc_identity(source, state), Pki(state / "pki")
    if not (engine.folder / "own.der").exists():
        uri = f"urn:rheostat:bench:{sealed['line']['id']}"
        engine.make(uri, ["127.0.0.1"], "Rheostat bench engine", _DAYS)
    engine.accept(plc.own().certificate)
    plc.accept(engine.own().certificate)
    if user := source["security"].get("user"):
        _write_logins(engine, f"{PLC} {user} {plc.login(PLC, user).password}\n")


def _write_logins(pki: Pki, text: str) -> None:
    path = pki.folder / "logins"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
