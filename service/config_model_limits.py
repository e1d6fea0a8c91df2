"""The shape of limits.yaml: what the gate enforces."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from service.config_words import (
    AnyQuantity,
    Count,
    Finite,
    LoopName,
    Name,
    Pair,
    Positive,
    Seconds,
    Shape,
    TagName,
    Versioned,
)


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
    max_jitter: AnyQuantity = Field(description="going to and fro by more on the mean is noise")


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


class Balance(Shape):
    """Readings that belong together: factor times the product of their powers, all in SI."""

    powers: dict[TagName, Annotated[int, Field(ge=-4, le=4)]] = Field(min_length=1)
    factor: Positive
    range: Annotated[list[Finite], Field(min_length=2, max_length=2)]
    cycles: Count


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
    balances: dict[Name, Balance]
    models: dict[LoopName, ModelLimits]
