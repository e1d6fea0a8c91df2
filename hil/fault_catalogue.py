"""The fault catalogue F01 to F76 as data: what goes wrong, where, when, how long, and what then.

`hil/faults/*.yaml` hold it. A fault has one or more plays; a play names a verb (an injector), the
moment it strikes, how many cycles it lasts, the reaction that must be seen and within how many
cycles. A fault that cannot be played yet says why. A file that says anything unknown is refused
with the place.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

FOLDER = Path(__file__).parent / "faults"
COUNT = 76

Moment = Literal["anytime", "read", "plan", "intent", "write", "mid-write", "record"]
Place = Literal[
    "instrument", "plant", "plc", "wire", "solver", "clock", "disk", "host", "config", "operator"
]
Medium = Literal["virtual", "files", "real"]
ActionName = Literal["CLAMP", "HOLD", "SHED", "TRIP"]
ModeName = Literal["OFF", "SHADOW", "INIT", "AUTO", "HOLD", "SHED", "TRIPPED"]


class CatalogueError(ValueError):
    """The catalogue cannot be used; the text says which file, where and why."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Expected(_Strict):
    """The reaction that must be seen; all that is named must be.

    `action`: the gate's action is at least this. `mode`: the loop is in one of these. `bad`: this
    reading is not believed. `rule`: this interlock gave a reason. `outcome`: what came of a write.
    `event`: a record says so. `plc`: the PLC itself logged words beginning like this. `said`: a
    refusal or a start says this. `steady`: nothing at all happens to the loop: no HOLD, no lost
    beat, no mode but AUTO. With nothing named only safety is judged.
    """

    action: ActionName | None = None
    mode: list[ModeName] = Field(default_factory=list)
    bad: str = ""
    rule: str = ""
    outcome: str = ""
    event: str = ""
    plc: str = ""
    said: str = ""
    steady: bool = False


class Play(_Strict):
    """One way to play a fault.

    `within` counts periods of the loop from the moment the fault strikes. `lasts` counts cycles; 0
    is to the end. `watch` is how many cycles are looked at after it ended, `then` the modes the
    loop may be in at last. `config` replaces values of the sealed configuration by path. `open`
    says why the reaction is not expected to be seen in this version: it counts as missed, named.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    verb: str
    args: dict[str, Any] = Field(default_factory=dict)
    medium: Medium = "virtual"
    loop: Literal["coating", "profile", "mixing"] = "coating"
    controller: Literal["mpc", "pi", "hold"] = "mpc"
    config: dict[str, Any] = Field(default_factory=dict)
    when: Moment = "anytime"
    lasts: int = Field(default=0, ge=0)
    watch: int = Field(default=12, ge=1)
    expect: Expected = Expected()
    within: float = Field(default=1.0, gt=0.0)
    then: list[ModeName] = Field(default_factory=list)
    open: str = ""


class Fault(_Strict):
    """One entry.

    `asked` is the reaction and budget the catalogue asks for; `differs` says in words where this
    line's plays expect something else, and why.
    """

    id: str = Field(pattern=r"^F\d\d$")
    title: str
    place: Place
    asked: str
    differs: str = ""
    not_yet: str = ""
    plays: list[Play] = Field(default_factory=list)

    @model_validator(mode="after")
    def _played_or_said_why(self) -> Fault:
        if not self.plays and not self.not_yet:
            raise ValueError(f"{self.id} has no play and does not say why (not_yet)")
        names = [play.name for play in self.plays]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.id} has two plays of one name")
        return self

    @property
    def status(self) -> str:
        """'played', 'in part' (some of it is not played yet) or 'not yet'."""
        if not self.plays:
            return "not yet"
        return "in part" if self.not_yet else "played"


class _File(_Strict):
    faults: list[Fault] = Field(min_length=1)


def load_catalogue(folder: Path = FOLDER) -> list[Fault]:
    """Read the whole catalogue, in the order of its numbers.

    Raises:
        CatalogueError: a file says something that cannot be used, or a number is missing or given
            twice.
    """
    faults = [fault for path in sorted(folder.glob("*.yaml")) for fault in _read(path)]
    faults.sort(key=lambda fault: fault.id)
    wanted = [f"F{number:02d}" for number in range(1, COUNT + 1)]
    found = [fault.id for fault in faults]
    if twice := sorted({one for one in found if found.count(one) > 1}):
        raise CatalogueError(f"{folder}: {twice[0]} is there twice")
    if missing := [one for one in wanted if one not in found]:
        raise CatalogueError(f"{folder}: {missing[0]} is missing")
    return faults


def chosen(faults: list[Fault], words: list[str]) -> list[Fault]:
    """Return the faults that `words` name: numbers ('F07'), places, or 'all'.

    Raises:
        CatalogueError: a word names nothing.
    """
    if "all" in words:
        return faults
    found: dict[str, Fault] = {}
    for word in words:
        named = [f for f in faults if word.upper() == f.id or word == f.place]
        if not named:
            hint = "F01 to F76, a place such as 'wire', or all"
            raise CatalogueError(f"no fault is called {word!r}; known are {hint}")
        found.update({fault.id: fault for fault in named})
    return [fault for fault in faults if fault.id in found]


def _read(path: Path) -> list[Fault]:
    return list(_faults(path, path.read_text("utf-8")))


@functools.lru_cache(maxsize=32)
def _faults(path: Path, text: str) -> list[Fault]:
    """Return the faults of a text, for reading only: the same text is not taken apart again."""
    try:
        raw: Any = YAML(typ="safe", pure=True).load(text)
        return _File.model_validate(raw).faults
    except YAMLError as error:
        raise CatalogueError(f"{path}: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise CatalogueError(f"{path}: {re.sub(r'[ ]+', ' ', faults)}") from error
