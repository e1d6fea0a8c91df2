"""`./rheostat tune`: propose a tuning, with its evidence; never put it in force."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG
from cli.refusal import OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile

if TYPE_CHECKING:
    from hil.tune import Tuning

SCENARIOS: Mapping[str, tuple[str, ...]] = {
    "coating": ("speed-ramp", "batch-solids-step", "pump-slip"),
    "mixing": ("viscosity-lot",),
}


def tune(
    *,
    loop: Literal["coating", "mixing"] = "coating",
    scenario: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = (),
    seeds: int = 3,
    trials: int = 12,
    seed: int = 1,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> int:
    """Search for better weights and filters on scenarios under mismatch, and show the evidence.

    Prints what it would change and what that saves on plants the search has not seen. The
    configuration itself is never touched: a person edits it, and it is sealed anew.

    Parameters
    ----------
    loop
        Which loop's MPC.
    scenario
        Name or file of a scenario to judge by. Repeatable.
        Default: a few of the loop's own.
    seeds
        How many plants to search on, and again as many to verify on.
    trials
        How many tunings to try beside the present one.
    seed
        Of the search: the same gives the same proposal.
    out
        Write the proposal to this new file.
    config
        The line's file. Default: config/line.yaml.
    """
    from hil.scenario import ScenarioError, load_scenario

    if seeds < 1 or trials < 1:
        raise RefusalError(
            "--seeds and --trials count from 1",
            "nothing would be tried",
            "./rheostat tune --help",
            USAGE,
        )
    if out is not None and out.exists():
        raise RefusalError(
            f"{out} exists",
            "a proposal never replaces a file, least of all a configuration",
            "name a new file with --out",
            USAGE,
        )
    names = scenario or SCENARIOS[loop]
    try:
        chosen = {name: load_scenario(name) for name in names}
    except ScenarioError as error:
        raise RefusalError(
            str(error),
            "a tuning is judged by what its scenarios say",
            "./rheostat simulate --list shows the scenarios that come with the bench",
            USAGE,
        ) from error
    if idle := [name for name, one in chosen.items() if loop not in one.loops]:
        raise RefusalError(
            f"{idle[0]} does not play the {loop} loop",
            "it would say nothing about this tuning",
            "choose a scenario whose `loops` name it",
            USAGE,
        )
    sealed = sealed_or_refused(config)
    from hil.simulate import run_scenario
    from hil.tune import tune as search

    def play(name: str, plant: int, changed: Mapping[str, Any]) -> Mapping[str, Any]:
        alone = chosen[name].model_copy(update={"loops": [loop]})
        return run_scenario(alone, plant, "mpc", changed)

    say(f"{trials} trials on {len(names)} scenario(s) x {seeds} plant(s) ...")
    found = search(loop, sealed, names, seeds, trials, seed, play, say)
    text = report(found, names, seeds, seed)
    print(text, end="")
    if out is not None:
        out.write_text(text, "utf-8")
        say(f"written to {out}; nothing is changed by it")
    return OK


def report(found: Tuning, scenarios: tuple[str, ...], seeds: int, seed: int) -> str:
    """The proposal as people and YAML read it: evidence in comments, then the changes."""
    lines = [
        f"# A proposal for the {found.loop} loop's controller. It is in force nowhere.",
        f"# Searched on {', '.join(scenarios)}; plants 1 to {seeds}, seed {seed}:",
        *(f"#   trial {one.number:2d}  price {one.price:.3f}" for one in found.trials),
        f"# Best: trial {found.best.number}",
    ]
    if not found.changes:
        return "\n".join([*lines, "# Nothing was better than what is in force.", ""])
    lines.append(f"# On plants {seeds + 1} to {2 * seeds}, which the search has not seen:")
    for name, one in found.evidence.items():
        lines.append(
            f"#   {name:14s} {one.difference:+.4g} +/- {one.half:.2g} a run: {one.verdict}"
        )
    lines.append("# The difference:")
    for name, (old, new) in found.changes.items():
        lines += [f"# - {name}: {old:.4g}", f"# + {name}: {new:.4g}"]
    return "\n".join([*lines, *_as_yaml(found), ""])


def _as_yaml(found: Tuning) -> list[str]:
    """The changed settings as they would stand in the line's file (bare numbers are SI)."""
    lines = ["loops:", f"  {found.loop}:", "    controller:"]
    estimator = {n.split(": ")[1]: new for n, (_, new) in found.changes.items() if "estimator" in n}
    mvs = {n.split(": ")[1]: new for n, (_, new) in found.changes.items() if n.startswith("mvs")}
    if estimator:
        lines.append("      estimator:")
        lines += [f"        {name}: {value:.6g}" for name, value in estimator.items()]
    if mvs:
        lines.append("      mvs:")
        lines += [f"        {tag}: {{ move_weight: {value:.6g} }}" for tag, value in mvs.items()]
    return lines
