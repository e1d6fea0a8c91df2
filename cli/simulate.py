"""`./rheostat simulate`: scenarios in closed loop without a wire, faster than real time."""

from __future__ import annotations

import json as words
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG
from cli.refusal import OK, USAGE, RefusalError, say
from cli.scenarios import chosen
from cli.sealing import sealed_or_refused
from cli.setting import plant_settings
from cli.words import ConfigFile, Flag

Kind = Literal["mpc", "pi", "hold", "local"]


def simulate(
    *,
    scenario: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    seeds: int = 1,
    controller: Kind = "mpc",
    baseline: Annotated[tuple[Kind, ...], Parameter(negative="", show_default=False)] = (),
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="", show_default=False)] = (),
    config: ConfigFile = DEFAULT_CONFIG,
    workers: int = 2,
    json: Flag = False,
    list_: Annotated[bool, Parameter(name="--list", negative="", show_default=False)] = False,
) -> int:
    """Play scenarios in closed loop: the real cycle and gate, virtual plant and PLCs, no wire.

    The same arguments give the same numbers. 'hold' freezes the controller's proposals, 'local'
    leaves the line to the PLCs' own loops.

    Parameters
    ----------
    scenario
        Name of a scenario (--list shows them), a scenario file, or 'all'. Repeatable.
        Default: nominal.
    seeds
        How many plants: seeds 1 to N.
    controller
        Who controls.
    baseline
        Who else plays the same scenarios, for comparison. Repeatable.
    set_
        Override a plant parameter: PATH=VALUE, a unit may follow the value. Repeatable.
    config
        The line's file. Default: config/line.yaml.
    workers
        Processes that play at the same time.
    json
        Print every run as JSON.
    list_
        List the scenarios and end.
    """
    if list_:
        return _list(as_json=json)
    if seeds < 1 or workers < 1:
        raise RefusalError(
            "--seeds and --workers count from 1",
            "nothing would be played",
            "./rheostat simulate --help",
            USAGE,
        )
    scenarios = chosen(scenario)
    sealed = sealed_or_refused(config)
    overrides = plant_settings(set_)
    from hil.simulate import simulate as play

    kinds = list(dict.fromkeys((controller, *baseline)))
    count = len(scenarios) * seeds * len(kinds)
    say(f"playing {count} run(s): {len(scenarios)} scenario(s) x {seeds} plant(s) x {kinds} ...")
    result = play(scenarios, range(1, seeds + 1), kinds, overrides, sealed, workers)
    if json:
        print(words.dumps(result, indent=2, ensure_ascii=False))
    else:
        from hil.campaign_report import compared

        print(_table(result["table"]))
        for other, rows in result["paired"].items():
            print("\n" + compared(kinds[0], other, rows))
        say(f"{result['wall_s']:g} s. Mean over the plants, +/- its 95 % interval.")
    return OK


def _list(*, as_json: bool) -> int:
    from hil.scenario import load_scenario, scenario_names

    known = [load_scenario(name) for name in scenario_names()]
    if as_json:
        rows = [
            {"name": s.name, "title": s.title, "why": s.why, "duration_min": s.duration_min}
            for s in known
        ]
        print(words.dumps(rows, indent=2, ensure_ascii=False))
    else:
        width = max(len(one.name) for one in known)
        for one in known:
            print(f"{one.name:<{width}}  {one.duration_min:4.0f} min  {one.title}")
    return OK


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one block per scenario and loop: a line per figure, a column per controller."""
    groups: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["scenario"], row["loop"]), {})[row["kind"]] = row
    blocks = []
    for (scenario, loop), kinds in groups.items():
        lines = [f"{scenario}: {loop}", " " * 30 + "".join(f"{kind:>22}" for kind in kinds)]
        first = next(iter(kinds.values()))
        for name, cell in first.items():
            if isinstance(cell, Mapping):
                cells = "".join(f"{_cell(kinds[kind].get(name)):>22}" for kind in kinds)
                lines.append(f"  {name:<28}{cells}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _cell(cell: object) -> str:
    if not isinstance(cell, Mapping):
        return "-"
    middle, half = cell["mean"], cell["ci95"]
    if middle is None:
        return "-"
    return f"{middle:.4g}" if half is None else f"{middle:.4g} +/- {half:.2g}"
