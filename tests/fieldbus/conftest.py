"""The OPC UA PLC that the wire tests share: its server needs seconds to start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fieldbus.bench import OPCUA_TYPES, Peer, opcua_tag, opcua_words, variables

VALUES: dict[str, Any] = {
    "bool": True,
    "int16": -12345,
    "uint16": 54321,
    "int32": -2_000_000_000,
    "uint32": 4_000_000_000,
    "int64": -(2**62),
    "uint64": 2**63 + 1,
    "float": 50.25,
    "double": 1.0 / 3.0,
}
SETPOINTS = ("plc.ratio_sp", "plc.gap_sp")
PROOF = ("plc.heartbeat_in", "plc.remote_ready", "plc.remote_active")
TAGS = {
    **opcua_words("plc"),
    **{f"plc.{kind}": opcua_tag("plc", kind, kind) for kind in OPCUA_TYPES},
    "plc.weight": opcua_tag("plc", "weight", "float", gain=1e-3, unit="g/m2", max_age=20.0),
    "plc.temp": opcua_tag("plc", "temp", "float", offset=273.15, unit="degC"),
    "plc.ratio_sp": opcua_tag("plc", "ratio_sp", "float", "write", unit="rev/m"),
    "plc.gap_sp": opcua_tag("plc", "gap_sp", "float", "write", gain=1e-6, unit="um"),
}


@pytest.fixture(scope="session")
def opcua_plc() -> Iterator[Peer]:
    """Start one OPC UA server for all tests that leave it as they found it."""
    with Peer(kind="opcua", variables=variables(TAGS, **VALUES)) as peer:
        yield peer


@pytest.fixture
def quiet(opcua_plc: Peer) -> Peer:
    """Return that PLC with all nodes fresh and good, and an empty log."""
    for name, (_, value, _) in variables(TAGS, **VALUES).items():
        opcua_plc.ask("set", name=name, value=value)
    opcua_plc.ask("log")
    return opcua_plc
