"""The shape of the configuration files: what may stand where, in pydantic's words.

Only shapes are judged here, one value at a time; what the values mean to each other is judged in
`service.config_check` and `service.config_limits`. The JSON schema that editors use
(config/schema.json) is made from these classes and those of `config_model_limits` and
`config_model_wire`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from service.config_model_wire import Source
from service.config_words import (
    AnyQuantity,
    Count,
    Fraction_,
    LoopName,
    Mass,
    Metres,
    Name,
    Positive,
    Seconds,
    Shape,
    Speed,
    TagName,
    Target,
    Temperature,
    Versioned,
)


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


class TripsWords(Shape):
    """How often the loop may trip in one batch; once more, and it stays OFF for the rest of it."""

    batch: TagName = Field(description="the tag that shows the batch number")
    most: Count


class Cv(Shape):
    """What one controlled variable should be; `rank` 1 is given up last."""

    target: Target | None = None
    low: AnyQuantity | None = None
    high: AnyQuantity | None = None
    alarm: AnyQuantity | None = Field(
        None,
        description="how far off its target it may be before people are told; without a target, "
        "how far beyond its limits",
    )
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
    trips: TripsWords | None = None
    mvs: dict[TagName, TagName] = Field(min_length=1)
    gate: Gate
    controller: Controller


class LineId(Shape):
    """Which line this is."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    site: Name
    product: Name


PageUrl = Annotated[str, Field(
    pattern=r"^(https://[^/?#\s]+|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?)(/[^?#\s]*)?$",
    max_length=300,
)]  # fmt: skip


class Provider(Shape):
    """An OpenID Connect provider that people sign in at. Its secret is in no configuration."""

    title: Name = Field("OpenID Connect", description="what the button says")
    issuer: PageUrl = Field(description="the provider's address: https, or http on this machine")
    client: Name = Field(description="under which id this line is registered there")
    address: PageUrl = Field(description="the page's own address; the provider sends back to it")
    claim: Name = Field("groups", description="the claim that holds a person's groups")
    scopes: list[Name] = Field(default=[], description="beside openid and profile")
    roles: dict[Name, Literal["operator", "engineer", "qa-approver", "admin", "auditor"]] = Field(
        min_length=1, description="group to role; who is in none, or in two, gets nothing"
    )


class Page(Shape):
    """The operator page: who may read it, and how long a person stays signed in."""

    read: Literal["open", "signed-in"] = Field(
        default="signed-in",
        description="open: whoever reaches the page may look",
    )
    idle: Seconds = Field(default=900.0, description="signed out after so long without a touch")
    longest: Seconds = Field(default=43_200.0, description="signed out after so long in any case")
    hosts: list[Name] = Field(
        default=["localhost", "127.0.0.1", "::1"],
        description="the names in the browser's address line under which the page answers",
    )
    provider: Provider | None = Field(
        default=None, description="sign-in by the company's directory"
    )


Days = Annotated[int, Field(ge=1, le=36_500)]


class KeptStore(Shape):
    """How long readings stay where trends open at once; only what is archived ever leaves."""

    days: Days


class KeptArchive(Shape):
    """How long the archive is kept, and with it the raw data of every batch."""

    days: Days
    shelf_life_days: Days = Field(description="of the product, from the end of its batch")
    after_expiry_days: Annotated[int, Field(ge=365, le=36_500)] = Field(
        description="how long a batch's raw data are kept after it has expired"
    )


class Kept(Shape):
    """What may be deleted when. A part that is left out deletes nothing."""

    store: KeptStore | None = None
    archive: KeptArchive | None = None


class LineFile(Versioned):
    """line.yaml: where the PLCs are, and what the loops control with what."""

    line: LineId
    recipe: Name
    tags: Name
    limits: Name
    people: Name | None = Field(None, description="the file of those who may sign changes")
    page: Page = Field(Page(), description="the operator page; left out: read by who signed in")
    history: Kept | None = Field(None, description="how long history is kept; left out: for ever")
    sources: dict[Name, Source] = Field(min_length=1)
    loops: dict[LoopName, Loop] = Field(min_length=1)
