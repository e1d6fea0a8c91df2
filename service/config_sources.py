"""Judge how each source is protected: signed and encrypted, or insecure in so many words."""

from __future__ import annotations

from service.config_desk import Desk, at, mapping


def check_sources(desk: Desk) -> None:
    """Judge every OPC UA source: exactly one of `security` and `insecure: true`."""
    for name in mapping(desk.line, "sources"):
        if at(desk.line, "sources", name, "protocol") != "opcua":
            continue
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
