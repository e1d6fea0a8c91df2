"""The shape of tags.yaml, and of what line.yaml says of the PLCs: the wire."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from service.config_quantity import Unit, read_unit
from service.config_words import (
    Finite,
    Name,
    Pair,
    Seconds,
    Shape,
    TagName,
    UnitText,
    Versioned,
)


def _a_day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise PydanticCustomError("day", "must be a day of the calendar") from error
    return text


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_a_day)]
"""A day as 2027-06-30."""


class Tag(Shape):
    """One signal: where it is on the wire and what it can be."""

    source: Name
    direction: Literal["read", "write"]
    node: Annotated[str, Field(pattern=r"^(nsu=[^;]+;|ns=\d+;)?[isgb]=.+$")] | None = Field(
        None, description="OPC UA: the node, by namespace address: nsu=urn:...;s=Name"
    )
    table: Literal["holding", "input"] | None = Field(
        None, description="Modbus: which table of registers; this version speaks to no other"
    )
    register_: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, alias="register", description="Modbus: first register, counted from 0"
    )
    type: Literal[
        "bool", "int16", "uint16", "int32", "uint32", "float", "double", "float32", "float64"
    ]
    word_order: Literal["big", "little"] = "big"
    byte_order: Literal["big", "little"] = "big"
    write_function: Literal[6, 16, 23] | None = Field(
        None, description="Modbus: how this one is written, if not as its source says"
    )
    must_be: Annotated[bool | int | float, Field(allow_inf_nan=False)] | None = Field(
        None, description="the value on the wire that proves device, type and word order"
    )
    calibrated_until: Day | None = Field(
        None,
        description="the last day of its calibration, 2027-06-30 (UTC); then a loop that "
        "reads it holds and is given back, and none is closed",
    )
    unit: UnitText | None = None
    gain: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        1.0, description="value in `unit` = value on the wire * gain + offset"
    )
    offset: Finite = 0.0
    range: Pair | None = Field(None, description="what the instrument can show")
    max_age: Seconds | None = Field(None, description="an older reading is stale")


class Tags(Versioned):
    """tags.yaml: the tag table."""

    tags: dict[TagName, Tag] = Field(min_length=1)


class Security(Shape):
    """How an OPC UA connection is protected: always signed and encrypted, never less."""

    policy: Literal["Aes256Sha256RsaPss", "Aes128Sha256RsaOaep", "Basic256Sha256"]
    server_uri: Name = Field(
        description="the PLC's application URI; its certificate must carry this one and no other"
    )
    user: Annotated[str, Field(pattern=r"^\S+$", max_length=100)] | None = Field(
        None, description="who we log in as; the password stands in the file 'logins'"
    )


class OpcUaSource(Shape):
    """A PLC that speaks OPC UA."""

    protocol: Literal["opcua"]
    endpoint: Annotated[str, Field(pattern=r"^opc\.tcp://[^\s/:]+(:\d{1,5})?(/\S*)?$")]
    timeout: Seconds
    security: Security | None = None
    insecure: Literal[True] | None = Field(
        None, description="neither signed nor encrypted: a bench on loopback, and in so many words"
    )


class ScanWords(Shape):
    """Two registers the PLC counts up before and after it refreshes what lies between them."""

    table: Literal["holding", "input"]
    before: Annotated[int, Field(ge=0, le=65535)]
    after: Annotated[int, Field(ge=0, le=65535)]


class Modbus(Shape):
    """What a Modbus source can say, however it is reached."""

    timeout: Seconds
    write_function: Literal[6, 16, 23] | None = Field(
        None, description="how registers are written: 16 (default), 6 one at a time, 23 and read"
    )
    read_twice: Literal[True] | None = Field(
        None, description="values of more than one register count when two readings agree"
    )
    scan_words: ScanWords | None = None


class ModbusSource(Modbus):
    """A PLC that speaks Modbus/TCP, in clear or inside TLS."""

    protocol: Literal["modbus-tcp"]
    host: Annotated[str, Field(pattern=r"^[^\s/]+$")]
    port: Annotated[int, Field(ge=1, le=65535)]
    device_id: Annotated[int, Field(ge=0, le=255)]
    tls: Literal[True] | None = Field(
        None, description="inside TLS, both sides by certificate; Modbus itself has no security"
    )


class SerialSource(Modbus):
    """A device that speaks Modbus RTU, alone on a serial line."""

    protocol: Literal["modbus-rtu"]
    device: Annotated[str, Field(pattern=r"^/\S+$", max_length=200)]
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200]
    parity: Literal["none", "even", "odd"]
    stop_bits: Literal[1, 2]
    device_id: Annotated[int, Field(ge=1, le=247)]
    slowest_answer: Seconds = Field(
        description="longer than the device ever takes: so long the line stays quiet after a loss"
    )


Source = Annotated[OpcUaSource | ModbusSource | SerialSource, Field(discriminator="protocol")]


def read_unit_of(tag: Tag) -> Unit:
    """Return the unit people see `tag` in; '' is a plain number."""
    return read_unit(tag.unit or "")
