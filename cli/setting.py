"""`--set path=value`: plant parameters from the command line, with a unit or in SI."""

from __future__ import annotations

from collections.abc import Iterable

from cli.refusal import USAGE, RefusalError


def plant_settings(settings: Iterable[str]) -> dict[str, float]:
    """Return the plant parameters that `settings` override, in SI.

    Raises:
        RefusalError: an unknown path, or a value that is not a quantity of that parameter.
    """
    wanted = list(settings)
    if not wanted:
        return {}
    from plant_models.line_plant import all_parameters
    from service.config_problem import did_you_mean

    units = {row.path: row.unit for row in all_parameters()}
    found: dict[str, float] = {}
    for setting in wanted:
        path, equals, text = (part.strip() for part in setting.partition("="))
        if not equals or not text:
            raise _refused(setting, "write it as path=value, for instance coater.pump.slip=0.05")
        if path not in units:
            raise _refused(
                setting, f"the plant has no parameter `{path}`.{did_you_mean(path, units)}"
            )
        found[path] = _value(setting, text, units[path])
    return found


def _value(setting: str, text: str, unit: str) -> float:
    from service.config_quantity import QuantityError, parameter_value, read_quantity

    try:
        return parameter_value(read_quantity(text), unit)
    except QuantityError as error:
        raise _refused(setting, f"{error.what}; {error.next_step}") from error


def _refused(setting: str, what: str) -> RefusalError:
    return RefusalError(
        f"--set {setting}: {what}",
        "a setting that does nothing would look like a plant that does not care",
        "parameters, units and sources stand in the tables of plant_models/",
        USAGE,
    )
