"""The words configuration files are written in: quantities with their units, names, strict shapes.

Only one value at a time is judged here. Strict, frozen, and nothing unknown passes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.config_quantity import Quantity, QuantityError, read_quantity, read_unit, si_value


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
