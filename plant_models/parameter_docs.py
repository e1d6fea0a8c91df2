"""Every physical number as one Markdown page: `python -m plant_models.parameter_docs`.

The page in the documentation is this program's output, and a test compares the two, so that the
manual cannot fall behind the tables.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from plant_models import coater_parameters, coating_parameters
from plant_models.line_parameters import LINE_PARAMETERS
from plant_models.mixer_parameters import MIXER_PARAMETERS, RECIPE_B
from plant_models.mixing_parameters import MIXING_PARAMETERS
from plant_models.parameters import Parameter

HEAD = """# Parameters of the models

<!-- Made by `python -m plant_models.parameter_docs`; a test compares. Edit the tables instead. -->

Every number of every model, in SI, with where it comes from. 'Estimate' means what it says: nobody
has measured it on a real line. The plant and its control model keep separate tables and differ on
purpose; [how to override one](../how-to/override-a-parameter.md).

The settings of the estimators stand beside their code, in the same form:
[coating](../../controller/coating_settings.py), [mixing](../../controller/mixing_settings.py),
[profile](../../controller/cd_settings.py) with the lip as its controller believes it.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """One table of the page, and what to know before reading it."""

    title: str
    lead: str
    rows: Sequence[Parameter]


SECTIONS = (
    Section(
        "The coater as a plant",
        "What the bench simulates. Override with a scenario's `plant:` or with `--set`.",
        coater_parameters.COATER_PARAMETERS,
    ),
    Section(
        "The mixer as a plant",
        "What the bench simulates. Override as above.",
        MIXER_PARAMETERS,
    ),
    Section(
        "Between mixer and coater",
        "The two feed tanks, and how one batch differs from the next.",
        LINE_PARAMETERS,
    ),
    Section(
        "The coating controller's model",
        "What the controller believes. Override in the loop's `controller: model:`.",
        coating_parameters.COATING_PARAMETERS,
    ),
    Section(
        "The mixing controller's model",
        "What the controller believes. Override in the loop's `controller: model:`.",
        MIXING_PARAMETERS,
    ),
)
SETUPS: Mapping[str, Mapping[str, float]] = {
    "Recipe B: the coater": coater_parameters.HYDROGEL_SETUP,
    "Recipe B: the mixer": RECIPE_B,
    "Recipe B: the coating controller's model": coating_parameters.HYDROGEL_BELIEFS,
}


def page() -> str:
    """Return the whole page as Markdown."""
    units = {row.path: row.unit for section in SECTIONS for row in section.rows}
    parts = [HEAD]
    parts += [_section(section) for section in SECTIONS]
    parts += [_setup(title, values, units) for title, values in SETUPS.items()]
    return "\n".join(parts)


def _section(section: Section) -> str:
    rows = [
        f"| `{row.path}` | {row.value:.6g} | {_cell(row.unit)} | {_cell(_origin(row))} |"
        for row in section.rows
    ]
    head = ["| Path | Value | Unit | Source, note |", "|---|---|---|---|"]
    return "\n".join([f"## {section.title}", "", section.lead, "", *head, *rows, ""])


def _setup(title: str, values: Mapping[str, float], units: Mapping[str, str]) -> str:
    rows = [f"| `{path}` | {value:.6g} | {units[path]} |" for path, value in values.items()]
    lead = "What changes against the tables above."
    return "\n".join(
        [f"## {title}", "", lead, "", "| Path | Value | Unit |", "|---|---|---|", *rows, ""]
    )


def _origin(row: Parameter) -> str:
    return f"{row.source}; {row.note}" if row.note else row.source


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
