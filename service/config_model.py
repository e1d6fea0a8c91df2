"""The shape of the configuration files: what may stand where, in pydantic's words.

Only shapes are judged here, one value at a time; what the values mean to each other is judged in
`service.config_check` and `service.config_limits`. Strict, frozen, and nothing unknown passes.
The JSON schema that editors use (config/schema.json) is made from these classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.config_quantity import (
    Quantity,
    QuantityError,
    Unit,
    read_quantity,
    read_unit,
    si_value,
)


def _refuse(error: QuantityError) -> PydanticCustomError:
    # Braces would be read as a template, so the sentences travel in the context.
    return PydanticCustomError(
        "quantity", "{what}", {"code": error.code, "what": error.what, "next": error.next_step}
    )


def _quantity(value: object) -> Quantity:
    try:
        return read_quantity(value)
    except QuantityError as error:
        raise _refuse(error) from error


def _quantity_or(word: str) -> Callable[[object], object]:
    return lambda value: value if value == word else _quantity(value)


def _si(unit: str, *, positive: bool = True) -> Callable[[object], float]:
    def convert(value: object) -> float:
        try:
            number = si_value(read_quantity(value), unit)
        except QuantityError as error:
            raise _refuse(error) from error
        if positive and number <= 0.0:
            raise PydanticCustomError(
                "quantity",
                "{what}",
                {
                    "code": "RH-1013",
                    "what": f"'{value}' must be above zero",
                    "next": f"write a positive quantity, for instance '1 {unit}'",
                },
            )
        return number

    return convert


def _unit(value: object) -> object:
    if not isinstance(value, str):
        return value  # pydantic's own 'should be a string' follows
    try:
        read_unit(value)
    except QuantityError as error:
        raise _refuse(error) from error
    return value


def _schema(example: str) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": ["string", "number"],
            "description": "a number with its unit",
            "examples": [example],
        }
    )


AnyQuantity = Annotated[InstanceOf[Quantity], BeforeValidator(_quantity), _schema("280 um")]
"""A quantity whose unit is judged later, against its tag."""

Target = Annotated[
    InstanceOf[Quantity] | Literal["recipe"],
    BeforeValidator(_quantity_or("recipe")),
    _schema("recipe"),
]
Seconds = Annotated[float, BeforeValidator(_si("s")), _schema("8 s")]
Metres = Annotated[float, BeforeValidator(_si("m")), _schema("280 um")]
Speed = Annotated[float, BeforeValidator(_si("m/min")), _schema("10 m/min")]
Fraction_ = Annotated[float, BeforeValidator(_si("wt%")), _schema("42 wt%")]
Temperature = Annotated[float, BeforeValidator(_si("degC")), _schema("60 degC")]
Mass = Annotated[float, BeforeValidator(_si("kg")), _schema("25 kg")]
UnitText = Annotated[str, BeforeValidator(_unit), Field(examples=["g/m2"])]
Pair = Annotated[list[AnyQuantity], Field(min_length=2, max_length=2)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
TagName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=100)]
LoopName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]


class Shape(BaseModel):
    """Strict, frozen, nothing unknown."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", protected_namespaces=(), populate_by_name=False
    )


class Versioned(Shape):
    """Every file says which schema it is written in."""

    schema_: Literal[1] = Field(alias="schema", description="the version of this file's shape: 1")


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


class SetpointLimits(Shape):
    """What one setpoint may be, and how fast it may move."""

    equipment: Pair
    proven: Pair
    operating: Pair
    rate: AnyQuantity
    resolution: AnyQuantity
    tolerance: AnyQuantity
    dwell: Seconds = Field(description="the least time between two moves")
    travel: AnyQuantity = Field(
        description="the most it may be moved in an hour, up and down added"
    )
    swing: AnyQuantity = Field(description="turning round by more than this is a reversal")
    reversals: Count = Field(description="so many reversals an hour at most")


class InputLimits(Shape):
    """When one reading is no longer believed."""

    validity: Pair
    frozen_after: Annotated[int, Field(ge=0, le=100_000)]
    max_step: AnyQuantity


class Vote(Shape):
    """Two or three instruments that measure one thing; the vote stands for the tag it is under."""

    members: Annotated[list[TagName], Field(min_length=2, max_length=3)]
    tolerance: AnyQuantity = Field(description="readings within this of each other agree")
    cycles: Count = Field(description="off for so many cycles: struck until repaired")


class Combination(Shape):
    """Values that are allowed together only where their product, all in SI, is in the range."""

    powers: dict[TagName, Annotated[int, Field(ge=-4, le=4)]] = Field(min_length=1)
    factor: Positive
    range: Annotated[list[Finite], Field(min_length=2, max_length=2)]


class WeightedSum(Shape):
    """Values that are allowed together only: weight * value, added up, must lie in the range."""

    weights: dict[TagName, Annotated[int, Field(ge=-4, le=4)]] = Field(min_length=2)
    range: Pair


class Guard(Shape):
    """A reading that holds the loop outside `trip` until it is back inside `return`."""

    trip: Pair
    return_: Pair = Field(alias="return")
    trip_after: Count
    return_after: Count


class ModelLimits(Shape):
    """How long the plant may surprise the model of a loop."""

    innovation: Annotated[float, Field(gt=1, allow_inf_nan=False)]
    cycles: Count


class Limits(Versioned):
    """limits.yaml: what the gate enforces."""

    setpoints: dict[TagName, SetpointLimits] = Field(min_length=1)
    inputs: dict[TagName, InputLimits]
    votes: dict[TagName, Vote]
    cross: dict[Name, Combination]
    sums: dict[Name, WeightedSum]
    guards: dict[TagName, Guard]
    models: dict[LoopName, ModelLimits]


class Nominal(Shape):
    """The working point a recipe is written for."""

    solids: Fraction_
    line_speed: Speed
    web_width: Metres
    gap: Metres
    oven_zones: Annotated[list[Temperature], Field(min_length=5, max_length=5)]


class Gelation(Shape):
    """A batch that sets: how long it may wait."""

    pot_life: Seconds


class Recipe(Versioned):
    """recipes/*.yaml: what to make."""

    recipe: Name
    title: Name
    targets: dict[TagName, AnyQuantity] = Field(min_length=1)
    nominal: Nominal
    phases_in_control: Annotated[list[Name], Field(min_length=1)]
    max_solvent_per_batch: Mass
    gelation: Gelation | None = None


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


class Handshake(Shape):
    """The words by which the engine and the PLC agree who has the loop."""

    source: Name
    heartbeat_in: TagName
    heartbeat_out: TagName
    sequence: TagName
    remote_request: TagName
    remote_ready: TagName
    remote_active: TagName
    commit: TagName | None = Field(
        None, description="the word at which the PLC takes all setpoints at once: our sequence"
    )
    owner: TagName | None = Field(
        None, description="the word that says which engine may write; 0 is nobody"
    )


class Gate(Shape):
    """How patient the gate is."""

    hold_cycles: Count
    heartbeat_cycles: Count
    max_plan_age: Seconds
    max_residual: Positive
    max_iterations: Count
    command_life: Seconds
    deadline_share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]


class PhaseWords(Shape):
    """Which tag shows the batch phase, and what its numbers mean."""

    tag: TagName
    codes: dict[Name, Annotated[int, Field(ge=0, le=65535)]] = Field(min_length=1)


class Cv(Shape):
    """What one controlled variable should be; `rank` 1 is given up last."""

    target: Target | None = None
    low: AnyQuantity | None = None
    high: AnyQuantity | None = None
    weight: Positive
    rank: Annotated[int, Field(ge=1, le=100)]


class Mv(Shape):
    """How one manipulated variable is used; `rest` is where it returns to when it is free."""

    move_weight: Positive
    rest: AnyQuantity | None = None


class Economic(Shape):
    """What to push to its limit, and how far inside the other limits it stays."""

    push: TagName
    backoff: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = Field(
        0.5, description="in tenths of each CV's scale: web 1 K, residual 50 ppm, t/H 0.01"
    )


class Controller(Shape):
    """Who decides, and how."""

    kind: Literal["mpc", "pi", "hold"]
    horizon: Annotated[int, Field(ge=2, le=500)]
    bad_cycles: Count
    cvs: dict[TagName, Cv] = Field(min_length=1)
    mvs: dict[TagName, Mv] = Field(min_length=1)
    model: dict[Name, AnyQuantity] | None = Field(
        None, description="control-model parameters by path; a bare number is SI"
    )
    pi: dict[Name, AnyQuantity] | None = Field(
        None, description="settings of the PI controller by name; a bare number is SI"
    )
    economic: Economic | None = Field(None, description="the coating loop's economic layer")
    estimator: dict[Name, AnyQuantity] | None = Field(
        None, description="settings of the MPC's estimator by name; a bare number is SI"
    )
    filter: Literal["ekf", "mhe"] | None = Field(
        None,
        description="how the mixing loop's MPC estimates: ekf (default), an extended Kalman filter,"
        " or mhe, a moving horizon on top of it",
    )
    solver: Literal["realtime", "shooting", "do-mpc"] | None = Field(
        None,
        description="the MPC's optimiser: realtime (default), shooting, its patient recovery,"
        " or do-mpc, the slow reference",
    )


class Loop(Shape):
    """One loop: what it reads, what it writes, and who decides."""

    title: Name
    period: Seconds
    handshake: Handshake
    permissives: list[TagName]
    critical: Annotated[list[TagName], Field(min_length=1)]
    optional: list[TagName]
    phase: PhaseWords | None = None
    mvs: dict[TagName, TagName] = Field(min_length=1)
    gate: Gate
    controller: Controller


class LineId(Shape):
    """Which line this is."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    site: Name
    product: Name


class LineFile(Versioned):
    """line.yaml: where the PLCs are, and what the loops control with what."""

    line: LineId
    recipe: Name
    tags: Name
    limits: Name
    people: Name | None = Field(None, description="the file of those who may sign changes")
    sources: dict[Name, Source] = Field(min_length=1)
    loops: dict[LoopName, Loop] = Field(min_length=1)


def read_unit_of(tag: Tag) -> Unit:
    """Return the unit people see `tag` in; '' is a plain number."""
    return read_unit(tag.unit or "")
