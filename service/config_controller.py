"""Judge what a loop's controller is told: that there is one, and that it knows the parameters.

The tables are imported only where a configuration overrides something: they belong to the
controllers, and some of them load numerical libraries.
"""

from __future__ import annotations

from service.config_desk import Desk, mapping
from service.config_problem import did_you_mean
from service.config_quantity import QuantityError, parameter_value, read_quantity
from service.config_yaml import Path_

LOOPS = ("coating", "profile", "mixing")
TABLES = ("model", "estimator", "pi")
PUSHED = "coater.line_speed_sp"


def check_controllers(desk: Desk) -> None:
    """Judge the names of the loops and every parameter their controllers are given."""
    for loop in mapping(desk.line, "loops"):
        if loop not in LOOPS:
            desk.line.report(
                "RH-1013",
                ("loops", loop),
                f"no controller is written for a loop called `{loop}`.{did_you_mean(loop, LOOPS)}",
                "call it coating, profile or mixing",
                at_key=True,
            )
            continue
        _check_push(desk, loop)
        for table in TABLES:
            path: Path_ = ("loops", loop, "controller", table)
            given = mapping(desk.line, *path)
            if given:
                _check_table(desk, path, given, _units(loop, table))


def _check_push(desk: Desk, loop: str) -> None:
    """What is pushed must be a setpoint that the coating loop drives and knows how to push."""
    path: Path_ = ("loops", loop, "controller", "economic")
    push = mapping(desk.line, *path).get("push")
    driven = mapping(desk.line, "loops", loop, "controller", "mvs")
    if push is not None and (loop != "coating" or push != PUSHED or push not in driven):
        desk.line.report(
            "RH-1013",
            (*path, "push"),
            f"`{push}` cannot be pushed: only `{PUSHED}` can, where the coating loop lists it",
            "docs/how-to/push-the-line-speed.md shows every line that is needed",
        )


def _check_table(desk: Desk, path: Path_, given: dict[str, object], units: dict[str, str]) -> None:
    for name, value in given.items():
        place = (*path, name)
        if name not in units:
            desk.line.report(
                "RH-1052",
                place,
                f"there is no such parameter as `{name}`.{did_you_mean(name, units)}",
                "docs/reference/parameters.md lists them; delete it or correct the name",
                at_key=True,
            )
            continue
        try:
            parameter_value(read_quantity(value), units[name])
        except QuantityError as error:
            desk.line.report(error.code, place, error.what, error.next_step)


def _units(loop: str, table: str) -> dict[str, str]:
    """Return the parameters of one table with their units."""
    from controller.cd_settings import PROFILE_MODEL, PROFILE_SETTINGS
    from controller.coating_settings import COATING_SETTINGS
    from controller.mixing_settings import MIXING_SETTINGS
    from controller.pi import PI_COATING, PI_MIXING
    from plant_models.coating_parameters import COATING_PARAMETERS
    from plant_models.mixing_parameters import MIXING_PARAMETERS

    tables = {
        ("coating", "model"): COATING_PARAMETERS,
        ("coating", "estimator"): COATING_SETTINGS,
        ("coating", "pi"): PI_COATING,
        ("profile", "model"): PROFILE_MODEL,
        ("profile", "estimator"): PROFILE_SETTINGS,
        ("profile", "pi"): (),
        ("mixing", "model"): MIXING_PARAMETERS,
        ("mixing", "estimator"): MIXING_SETTINGS,
        ("mixing", "pi"): PI_MIXING,
    }
    return {row.path: row.unit for row in tables[loop, table]}
