"""The doctor's look at certificates and passwords of the PLC connections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.doctor_finding import Finding, well


def certificates(sealed: Mapping[str, Any], state: Path) -> list[Finding]:
    """Judge what the secured sources need: our certificate, the trust list, each login."""
    from fieldbus.pki import Pki, PkiError

    secured = {
        name: source.get("security") or {}
        for name, source in sealed["sources"].items()
        if source.get("security") or source.get("tls")
    }
    if not secured:
        return []
    pki, findings = Pki(state / "pki"), []
    try:
        pki.own()
        trusted = len(pki.trusted())
        pki.trust()
    except PkiError as error:
        return [
            Finding(
                "certificates", "ill", str(error),
                "without them no secured PLC is connected: its loops stay OFF or SHED",
                "./rheostat certs make and trust, or put the named file in order",
            )
        ]  # fmt: skip
    for text in pki.warnings():
        findings.append(
            Finding(
                "certificates", "ill" if "expired on" in text else "warning", text,
                "from that day on the connection is refused, and its loops shed",
                "./rheostat certs renew for ours; the PLC's own with its tool, then certs trust",
            )
        )  # fmt: skip
    if not trusted:
        findings.append(
            Finding(
                "certificates", "warning", "no PLC is trusted yet", "none will be connected",
                "./rheostat certs trust, with the PLC's certificate or after a first refusal",
            )
        )  # fmt: skip
    for name, security in secured.items():
        if user := security.get("user"):
            try:
                pki.login(name, user)
            except PkiError as error:
                findings.append(
                    Finding(
                        "certificates", "ill", str(error), f"PLC {name} would refuse us",
                        "write the line, and chmod 600 the file",
                    )
                )  # fmt: skip
    return findings or [well("certificates", f"ours and {trusted} trusted, all in order")]
