"""Scenario files: what is done to the line, for how long, on which plants, and how it is judged.

People write minutes, metres per minute and per cent; inside it is SI. A file that says anything
unknown is refused with the place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML

from plant_models.line_plant import EVENTS

FOLDER = Path(__file__).parent / "scenarios"
MINUTE_S = 60.0
LOOPS = ("coating", "profile", "mixing")
OPERATOR_EVENTS = ("line_speed", "start", "recipe")
PLANT_EVENTS = tuple(event.partition("(")[0] for event in EVENTS)
KNOWN_EVENTS = (*PLANT_EVENTS, *OPERATOR_EVENTS, "scale")


class ScenarioError(ValueError):
    """A scenario file cannot be used; the text says which, where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Event(_Strict):
    """Something that happens at a time.

    `kind` is an event of the plant, or 'scale' (path, factor: a parameter of the plant times a
    factor), or what the operator does: 'line_speed' (m_min), 'start' (m_min), 'recipe' (its new
    numbers). `window_min` is how long its transient is counted, at most to the end of the run.
    """

    at_min: float = Field(ge=0.0)
    kind: str
    details: dict[str, float | str] = Field(default_factory=dict)
    dwell_min: float = Field(default=5.0, gt=0.0)
    window_min: float = Field(default=25.0, gt=0.0)

    @property
    def at_s(self) -> float:
        """When [s]."""
        return self.at_min * MINUTE_S

    @property
    def transient_s(self) -> tuple[float, float]:
        """From when to when its transient is counted [s]."""
        return self.at_s, self.at_s + self.window_min * MINUTE_S


class Scenario(_Strict):
    """One scenario file."""

    name: str
    title: str
    why: str
    duration_min: float = Field(gt=0.0)
    settle_min: float = Field(ge=0.0)
    loops: list[str] = Field(min_length=1)
    mismatch: bool
    seeds: list[int] = Field(min_length=1)
    start: Literal["running", "cold"] = "running"
    line_speed_m_min: float = Field(gt=0.0)
    band_percent: dict[str, float]
    band_reason: str
    plant: dict[str, float] = Field(default_factory=dict)
    events: list[Event]

    @property
    def duration_s(self) -> float:
        """How long [s]."""
        return self.duration_min * MINUTE_S

    @property
    def settle_s(self) -> float:
        """From when on it counts [s]."""
        return self.settle_min * MINUTE_S


def scenario_names() -> list[str]:
    """The names of all scenarios that come with the bench."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_scenario(name_or_path: str | Path) -> Scenario:
    """Read a scenario by name or from a file.

    Raises:
        ScenarioError: there is none, or it says something that cannot be used.
    """
    path = Path(name_or_path)
    if path.suffix != ".yaml":
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(scenario_names())
        raise ScenarioError(f"there is no scenario {name_or_path}. Known are: {known}")
    raw: Any = YAML(typ="safe", pure=True).load(path)
    try:
        scenario = Scenario.model_validate(raw)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ScenarioError(f"{path}: {faults}") from error
    _check(path, scenario)
    return scenario


def _check(path: Path, scenario: Scenario) -> None:
    if unknown := {*scenario.loops, *scenario.band_percent}.difference(LOOPS):
        raise ScenarioError(f"{path}: no loop is called {min(unknown)}; known are {LOOPS}")
    if missing := [loop for loop in scenario.loops if loop not in scenario.band_percent]:
        raise ScenarioError(f"{path}: band_percent lacks {missing[0]}")
    if strange := [event.kind for event in scenario.events if event.kind not in KNOWN_EVENTS]:
        known = ", ".join(KNOWN_EVENTS)
        raise ScenarioError(f"{path}: no event is called {strange[0]}; known are {known}")
    times = [event.at_min for event in scenario.events]
    if times != sorted(times):
        raise ScenarioError(f"{path}: the events are not in the order of their times")
    if late := [event for event in scenario.events if event.at_min >= scenario.duration_min]:
        raise ScenarioError(f"{path}: the event at {late[0].at_min:g} min is after the end")
