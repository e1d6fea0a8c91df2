"""The sources of a line: which PLC speaks what, where, and how it has to be spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldbus.tags import WiringError

PROTOCOLS: Final = ("opcua", "modbus-tcp", "modbus-rtu")


@dataclass(frozen=True, slots=True)
class Serial:
    """A serial line; `slowest_answer_s` is the longest the device has ever been seen to take."""

    device: str
    baud: int
    parity: str
    stop_bits: int
    slowest_answer_s: float


@dataclass(frozen=True, slots=True)
class ScanWords:
    """Two registers the PLC counts up before and after it refreshes what lies between them."""

    table: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Source:
    """One PLC and how to reach it; `timeout_s` is wall time, also on a bench that runs faster.

    `policy`, `server_uri` and `user` are what an OPC UA connection has to be and who is at its
    ends; without a policy only `insecure` may connect. No `user` is anonymous. `tls`,
    `write_function`, `read_twice` and `scan_words` are Modbus's.
    """

    name: str
    protocol: str
    timeout_s: float
    insecure: bool = False
    policy: str = ""
    server_uri: str = ""
    user: str = ""
    endpoint: str = ""
    host: str = ""
    port: int = 502
    device_id: int = 1
    tls: bool = False
    serial: Serial | None = None
    write_function: int = 16
    read_twice: bool = False
    scan_words: ScanWords | None = None

    @property
    def address(self) -> str:
        """Return where it is, as people write it."""
        if self.serial is not None:
            return f"{self.serial.device} device {self.device_id}"
        return self.endpoint or f"{self.host}:{self.port} device {self.device_id}"

    @property
    def protection(self) -> str:
        """Return what protects the connection, as people read it; '' when nothing does."""
        if self.tls:
            return "TLS, both sides by certificate"
        if not self.policy or self.insecure:
            return ""
        who = f"user {self.user}" if self.user else "anonymous"
        return f"{self.policy}, signed and encrypted, {who}"


def sources_of(sealed: Mapping[str, Any]) -> dict[str, Source]:
    """Return the sources of a sealed configuration by name."""
    found = {name: _source(name, row) for name, row in sealed["sources"].items()}
    lines: dict[str, str] = {}
    for source in found.values():
        if source.serial is not None:
            other = lines.setdefault(source.serial.device, source.name)
            if other != source.name:
                raise WiringError(f"source {source.name}: {other} has this serial line already")
    return found


def _source(name: str, row: Mapping[str, Any]) -> Source:
    if row["protocol"] not in PROTOCOLS:
        raise WiringError(
            f"source {name}: protocol {row['protocol']!r} is not one we speak; use "
            + ", ".join(PROTOCOLS)
        )
    security, words = row.get("security") or {}, row.get("scan_words")
    return Source(
        name=name,
        protocol=row["protocol"],
        timeout_s=float(row["timeout"]),
        insecure=row.get("insecure") is True,
        policy=security.get("policy") or "",
        server_uri=security.get("server_uri") or "",
        user=security.get("user") or "",
        endpoint=row.get("endpoint") or "",
        host=row.get("host") or "",
        port=int(row.get("port") or 502),
        device_id=1 if row.get("device_id") is None else int(row["device_id"]),
        tls=row.get("tls") is True,
        serial=_serial(row) if row["protocol"] == "modbus-rtu" else None,
        write_function=int(row.get("write_function") or 16),
        read_twice=row.get("read_twice") is True,
        scan_words=ScanWords(words["table"], words["before"], words["after"]) if words else None,
    )


def _serial(row: Mapping[str, Any]) -> Serial:
    return Serial(
        device=row["device"],
        baud=int(row["baud"]),
        parity=row["parity"],
        stop_bits=int(row["stop_bits"]),
        slowest_answer_s=float(row["slowest_answer"]),
    )
