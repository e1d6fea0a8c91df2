"""`./rheostat campaign`: many runs, kept one by one, judged together."""

from __future__ import annotations

import json as words
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag, Text

if TYPE_CHECKING:
    from hil.campaign_plan import CampaignPlan


def campaign(
    plan: Text = "",
    /,
    *,
    seeds: Annotated[int, Parameter(show_default=False)] = 0,
    out: Annotated[Path | None, Parameter(show_default=False)] = None,
    resume: Flag = False,
    workers: int = 2,
    scheduler: Text = "",
    config: ConfigFile = DEFAULT_CONFIG,
    json: Flag = False,
    list_: Annotated[bool, Parameter(name="--list", negative="", show_default=False)] = False,
) -> int:
    """Play a plan of many closed-loop runs, keep every result, and judge them together.

    Writes report.txt, report.json, report.csv and report.html beside the results. Exit code 1 when
    a target was missed. A campaign that was cut off goes on with --resume.

    Parameters
    ----------
    plan
        Name of a plan (--list shows them) or a plan file.
    seeds
        How many plants, instead of the plan's own number.
    out
        Folder of the results. Default: var/campaign-PLAN.
    resume
        Go on in a folder that holds results of the same plan, configuration and sources.
    workers
        Processes that play at the same time.
    scheduler
        Address of a dask scheduler whose workers play instead.
    config
        The line's file. Default: config/line.yaml.
    json
        Print the report as JSON.
    list_
        List the plans and end.
    """
    from hil.campaign import play_campaign
    from hil.campaign_plan import CampaignError, load_plan
    from hil.campaign_store import CampaignStore, manifest_of

    if list_:
        return _list(as_json=json)
    if not plan or workers < 1 or seeds < 0:
        raise RefusalError(
            "a campaign needs the name of a plan; --workers and --seeds count from 1",
            "nothing would be played",
            "./rheostat campaign --list shows the plans that come with the bench",
            USAGE,
        )
    folder = out or STATES / f"campaign-{Path(plan).stem}"
    try:
        chosen = load_plan(plan)
        if seeds:
            chosen = chosen.model_copy(update={"seeds": seeds})
        sealed = sealed_or_refused(config)
        manifest = manifest_of(chosen, sealed)
        store = CampaignStore(folder, manifest, resume=resume)
        results = play_campaign(chosen, store, sealed, workers, scheduler, _progress)
    except CampaignError as error:
        raise RefusalError(
            str(error),
            "a campaign is judged as a whole, so nothing half-known goes into it",
            "name another folder with --out, add --resume to go on in this one, or see --help",
            USAGE,
        ) from error
    text, report, missed = _write_reports(chosen, results, manifest, folder)
    print(words.dumps(report, indent=2, ensure_ascii=False) if json else text)
    say(f"\nreports and results: {shown(folder)}")
    return FINDINGS if missed else OK


def _write_reports(
    plan: CampaignPlan, results: list[dict[str, Any]], manifest: Mapping[str, Any], folder: Path
) -> tuple[str, dict[str, Any], bool]:
    """Write all forms of the report; return text, data, and whether anything was missed."""
    from hil.campaign_page import page
    from hil.campaign_report import as_csv, as_text, report_of
    from hil.robustness_report import robustness_of, robustness_page, robustness_text

    if plan.kind == "robustness":
        report = robustness_of(plan, results)
        text, html = robustness_text(report), robustness_page(plan, report, manifest)
        verdicts = report["verdicts"]
    else:
        report = report_of(plan, results)
        text, html = as_text(report), page(plan, report, manifest)
        verdicts = report["targets"]
        (folder / "report.csv").write_text(as_csv(report), "utf-8")
    (folder / "report.txt").write_text(text + "\n", "utf-8")
    (folder / "report.json").write_text(
        words.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8"
    )
    (folder / "report.html").write_text(html, "utf-8")
    return text, report, any(row["verdict"] == "missed" for row in verdicts)


def _progress(done: int, of: int, key: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of}  {key:<60}", end="" if done < of else "\n", file=sys.stderr)
    elif done == of or done % 20 == 0:
        say(f"{done} of {of} runs")


def _list(*, as_json: bool) -> int:
    from hil.campaign_plan import jobs_of, load_plan, plan_names

    plans = [load_plan(name) for name in plan_names()]
    if as_json:
        rows = [plan.model_dump(mode="json") for plan in plans]
        print(words.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for plan in plans:
            print(f"{plan.name:<12}{sum(1 for _ in jobs_of(plan)):>6} runs  {plan.title}")
    return OK
