"""Campaign plans: which runs to play, as data, and what they have to show.

A plan of `kind: scenarios` is the product of scenarios, variations, seeds and controllers; one of
`kind: robustness` is a number of cycles on plants where everything goes wrong at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from hil.scenario import LOOPS, Event, Scenario, ScenarioError, load_scenario

FOLDER = Path(__file__).parent / "campaigns"
Kind = Literal["mpc", "pi", "hold", "local"]


class CampaignError(ValueError):
    """A campaign cannot be played; the text says which, where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Variation(_Strict):
    """What is changed in every scenario: plant parameters (SI), more events, the mismatch's width.

    A fault or a disturbance is a variation with events or parameters of its own.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    plant: dict[str, float] = Field(default_factory=dict)
    events: list[Event] = Field(default_factory=list)
    mismatch: float = Field(default=1.0, ge=0.0)


class Target(_Strict):
    """What the campaign has to show of one figure, over all its `scenarios` together.

    `rule`: 'less' than the baseline by the share `value`; 'spread' over the plants at most `value`;
    'no_more' than the baseline.
    """

    name: str
    loop: str
    figure: str
    rule: Literal["less", "spread", "no_more"]
    value: float = 0.0
    scenarios: list[str] = Field(min_length=1)


class CampaignPlan(_Strict):
    """One plan file."""

    name: str
    title: str
    why: str
    kind: Literal["scenarios", "robustness"]
    seeds: int = Field(ge=1)
    scenarios: list[str] = Field(default_factory=list)
    controllers: list[Kind] = Field(min_length=1)
    variations: list[Variation] = Field(default=[Variation(name="as-published")], min_length=1)
    targets: list[Target] = Field(default_factory=list)
    cycles_per_episode: int = Field(default=1000, ge=100)
    loops: list[Literal["coating", "mixing"]] = Field(default=["coating", "mixing"])


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a campaign. `key` names it among all others, and its file."""

    kind: str
    subject: str  # a scenario's name; in a robustness campaign the loop
    variation: Variation
    seed: int
    controller: str
    cycles: int

    @property
    def key(self) -> str:
        """A name for a file, unique within the campaign."""
        subject = Path(self.subject).stem
        return f"{subject}.{self.variation.name}.{self.seed:04d}.{self.controller}"


def plan_names() -> list[str]:
    """The names of all plans that come with the bench."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_plan(name_or_path: str | Path) -> CampaignPlan:
    """Read a plan by name or from a file.

    Raises:
        CampaignError: there is none, or it says something that cannot be used.
    """
    path = Path(name_or_path)
    if path.suffix != ".yaml":
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(plan_names())
        raise CampaignError(f"there is no campaign {name_or_path}. Known are: {known}")
    raw: Any = YAML(typ="safe", pure=True).load(path)
    try:
        plan = CampaignPlan.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise CampaignError(f"{path}: {faults}") from error
    _check(path, plan)
    return plan


def _check(path: Path, plan: CampaignPlan) -> None:
    if plan.kind == "scenarios" and not plan.scenarios:
        raise CampaignError(f"{path}: scenarios: a campaign of scenarios needs at least one")
    try:
        for name in plan.scenarios:
            found = load_scenario(name).name
            if found != Path(name).stem:
                raise CampaignError(f"{path}: scenarios: the file {name} calls itself {found}")
    except ScenarioError as error:
        raise CampaignError(f"{path}: scenarios: {error}") from error
    for target in plan.targets:
        if target.loop not in LOOPS:
            raise CampaignError(f"{path}: targets: {target.name}: no loop is called {target.loop}")
        if unknown := set(target.scenarios).difference(plan.scenarios):
            raise CampaignError(
                f"{path}: targets: {target.name}: {min(unknown)} is not among the scenarios"
            )
        if target.rule != "spread" and len(plan.controllers) < 2:
            raise CampaignError(f"{path}: targets: {target.name}: there is no baseline")


def jobs_of(plan: CampaignPlan) -> Iterator[Job]:
    """Yield the jobs seed by seed, so that a campaign cut short has whole plants."""
    subjects = plan.scenarios if plan.kind == "scenarios" else plan.loops
    cycles = 0 if plan.kind == "scenarios" else plan.cycles_per_episode
    for seed in range(1, plan.seeds + 1):
        for subject in subjects:
            for variation in plan.variations:
                for controller in plan.controllers:
                    yield Job(plan.kind, subject, variation, seed, controller, cycles)


def varied(scenario: Scenario, variation: Variation) -> Scenario:
    """Return the scenario with the variation's parameters and events in it."""
    events = sorted([*scenario.events, *variation.events], key=lambda event: event.at_min)
    return scenario.model_copy(
        update={"plant": {**scenario.plant, **variation.plant}, "events": events}
    )
