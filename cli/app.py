"""The command line: verbs, suggestions, and errors in words.

Every verb is a small module of its own and imports what it needs only when it is called, so
`./rheostat --help` loads nothing heavy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from cyclopts import App, CycloptsError, UnknownCommandError, UnknownOptionError

from cli import (
    audit,
    bench,
    campaign,
    certs,
    check,
    demo,
    doctor,
    evidence,
    fuzz,
    hil,
    history,
    limits,
    mode,
    mutate,
    outward,
    page,
    people,
    plc,
    replay,
    run,
    service,
    simulate,
    tags,
    test,
    trace,
    tune,
)
from cli.refusal import INTERRUPTED, OK, USAGE, RefusalError, say
from service.config_problem import did_you_mean

HELP = """Open control engine for a pharmaceutical plaster plant.

Begin with `./rheostat demo`. Exit codes: 0 all is well, 1 it ran and found something wrong, 2 the
command was not understood, 3 it could not be done, 130 interrupted.
"""


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("rheostat")
    except PackageNotFoundError:
        return _version_of_tree()


def _version_of_tree() -> str:
    """Return the version this source tree says it is (it is run from its folder, not installed)."""
    import tomllib

    from cli.places import ROOT

    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return str(project["project"]["version"])


app = App(name="./rheostat", help=HELP, version=_version, help_format="markdown")
app.command(demo.demo)
app.command(test.test)
app.command(check.check)
app.command(run.run)
app.command(service.service)
app.command(mode.mode)
app.command(limits.limits)
app.command(people.people)
app.command(audit.audit)
app.command(history.history)
app.command(replay.replay)
app.command(page.page)
app.command(outward.outward)
app.command(certs.certs)
app.command(tags.tags)
app.command(plc.plc)
app.command(simulate.simulate)
app.command(campaign.campaign)
app.command(hil.hil)
app.command(tune.tune)
app.command(trace.trace)
app.command(evidence.evidence)
app.command(fuzz.fuzz)
app.command(mutate.mutate)
app.command(bench.bench)
app.command(doctor.doctor)

VERBS = (
    "demo",
    "test",
    "check",
    "run",
    "service",
    "mode",
    "limits",
    "people",
    "audit",
    "history",
    "replay",
    "page",
    "outward",
    "certs",
    "tags",
    "plc",
    "simulate",
    "campaign",
    "hil",
    "tune",
    "trace",
    "evidence",
    "fuzz",
    "mutate",
    "bench",
    "doctor",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(answer(sys.argv[1:] if arguments is None else list(arguments)))


def answer(arguments: Sequence[str]) -> int:
    """Carry out one command and return its exit code; what a person did wrong never raises."""
    try:
        result = app(
            list(arguments),
            exit_on_error=False,
            print_error=False,
            result_action="return_value",
        )
    except CycloptsError as error:
        say(_usage(error, arguments))
        return USAGE
    except RefusalError as refusal:
        say(refusal.as_text())
        return refusal.code
    except KeyboardInterrupt:
        say("\nrheostat: interrupted; everything this command started has been ended")
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has seen enough; keep Python from complaining at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return result if isinstance(result, int) else OK


def _usage(error: CycloptsError, arguments: Sequence[str]) -> str:
    """Return what was not understood, what was probably meant, and where to look."""
    what = str(error).strip()
    verb = next((word for word in arguments if word in VERBS), "")
    if isinstance(error, UnknownCommandError) and not verb and arguments:
        word = arguments[0]
        kind = "option" if word.startswith("-") else "command"
        hint = did_you_mean(word, ["--help", "--version"] if kind == "option" else VERBS)
        what = f'Unknown {kind} "{word}".{hint} Commands: {", ".join(VERBS)}.'
    place = f"./rheostat {verb} --help" if verb else "./rheostat --help"
    why = (
        "an option that is passed over silently would make the command do something else"
        if isinstance(error, UnknownOptionError)
        else "nothing was started, because it is not certain what was meant"
    )
    return f"rheostat: {what}\n    why:  {why}\n    next: {place}"
