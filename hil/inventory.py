"""Where a bench's real PLCs are: an inventory file that changes addresses and nothing else.

A source outside loopback may only be used when the inventory unlocks that very address and says
why. Every source of the line must be named, so that none is left at an address of another file.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

LEAST_REASON = 10  # letters: 'test' explains nothing


class InventoryError(ValueError):
    """The inventory cannot be used; the text says where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(_Strict):
    """Where one PLC is: an OPC UA endpoint, or host and port of a Modbus device."""

    endpoint: str = Field(default="", pattern=r"^$|^opc\.tcp://[^/\s]+")
    host: str = Field(default="", pattern=r"^\S*$")
    port: int = Field(default=0, ge=0, le=65535)

    @model_validator(mode="after")
    def _one_of_both(self) -> Place:
        modbus = bool(self.host) and self.port > 0
        if bool(self.endpoint) == modbus or (self.endpoint and (self.host or self.port)):
            raise ValueError("name either an endpoint, or host and port")
        return self

    @property
    def address(self) -> str:
        """The host a connection goes to."""
        return (urlsplit(self.endpoint).hostname or "") if self.endpoint else self.host


class Unlock(_Strict):
    """A person's word that this address may be written to, and why."""

    address: str = Field(min_length=1)
    reason: str = Field(min_length=LEAST_REASON)


class Inventory(_Strict):
    """A whole inventory."""

    schema_: Literal[1] = Field(alias="schema")
    sources: dict[str, Place] = Field(min_length=1)
    unlock: list[Unlock] = Field(default_factory=list)

    def locked(self) -> dict[str, str]:
        """Return the sources outside loopback that nothing unlocks: name to address."""
        free = {one.address for one in self.unlock}
        return {
            name: place.address
            for name, place in self.sources.items()
            if not is_loopback(place.address) and place.address not in free
        }


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine; a name other than 'localhost' never is."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def read_inventory(path: Path) -> Inventory:
    """Read an inventory.

    Raises:
        InventoryError: the file cannot be read, or says something that cannot be used.
    """
    try:
        raw: Any = YAML(typ="safe", pure=True).load(path)
        return Inventory.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise InventoryError(f"{path}: {faults}") from error
    except (OSError, YAMLError) as error:
        raise InventoryError(f"{path} cannot be read: {error}") from error


def at_places(sealed: Mapping[str, Any], inventory: Inventory) -> dict[str, Any]:
    """Return the line at the inventory's addresses; nothing else of it changes.

    Raises:
        InventoryError: a source is missing, unknown, or speaks the other protocol.
    """
    known, named = set(sealed["sources"]), set(inventory.sources)
    if known != named:
        wrong = sorted(known ^ named)[0]
        what = "is not in the inventory" if wrong in known else "is no source of this line"
        raise InventoryError(f"source {wrong} {what}; the line has {', '.join(sorted(known))}")
    moved = copy.deepcopy(dict(sealed))
    for name, place in inventory.sources.items():
        source = moved["sources"][name]
        if (source["protocol"] == "opcua") != bool(place.endpoint):
            raise InventoryError(f"source {name} speaks {source['protocol']}: "
                                 "OPC UA takes an endpoint, Modbus host and port")  # fmt: skip
        if source["protocol"] == "modbus-rtu":
            raise InventoryError(f"source {name} is a serial line, which has no address to check")
        source.update({"endpoint": place.endpoint} if place.endpoint else
                      {"host": place.host, "port": place.port})  # fmt: skip
    return moved
