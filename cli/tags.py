"""`./rheostat tags`: look at a PLC while its tag table is being written. Reads only."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import App, Parameter

from cli.places import DEFAULT_CONFIG, STATES
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.sealing import sealed_or_refused
from cli.words import ConfigFile, Flag, Text

if TYPE_CHECKING:
    from fieldbus.opcua_browse import Found
    from fieldbus.sources import Source
    from fieldbus.tags import Tag

HELP = """Look at a PLC while its tag table is being written; nothing is ever written to it.

`browse` shows what it has, `map` suggests where tags might be, `test` reads every tag and holds it
against its row. docs/how-to/connect-a-plc.md goes through it step by step.
"""
T = TypeVar("T")
Config = Annotated[ConfigFile, Parameter(name="--config")]

tags = App(name="tags", help=HELP)


@tags.command
def browse(
    source: str,
    /,
    *,
    like: Text = "",
    rows: Flag = False,
    config: Config = DEFAULT_CONFIG,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """List every variable of an OPC UA server: address, type, right, value, unit and range.

    Parameters
    ----------
    source
        Which PLC, by its name in the line's file.
    like
        Only names with these letters in them.
    rows
        Print rows for the tag table instead.
    config
        The line's file. Default: config/line.yaml.
    state
        State folder with the certificates. Default: var/ and the line's id.
    json
        Print them as JSON.
    """
    from fieldbus import opcua_browse
    from fieldbus.pki import Pki

    sealed = sealed_or_refused(config)
    one = _source(sealed, source)
    if one.protocol != "opcua":
        raise RefusalError(
            f"{source} speaks {one.protocol}, which has registers but no names to browse",
            "only its maker's list says what a register is",
            f"write the rows from that list, then ./rheostat tags test {source}",
            USAGE,
        )
    found = _asked(one, opcua_browse.browse(one, Pki(_state(sealed, state) / "pki")))
    found = [node for node in found if like.lower() in node.name.lower()]
    if json:
        _print_json([_as_json(node) for node in found])
    elif rows:
        for node in found:
            print(_row(node, source))
    else:
        print("\n".join(_described(node) for node in found))
        say(f"{len(found)} variables of {one.address}; --rows prints rows for the tag table")
    return OK


@tags.command(name="map")
def map_(
    source: str,
    /,
    *,
    config: Config = DEFAULT_CONFIG,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Suggest addresses for the tags that are not where their rows say; 1 when there are any.

    OPC UA: by name, type, unit and right to write. Modbus has no names: the neighbouring registers
    and every word order are tried for a number in the tag's range. A suggestion is a guess; compare
    each with the PLC's own screen.

    Parameters
    ----------
    source
        Which PLC, by its name in the line's file.
    config
        The line's file. Default: config/line.yaml.
    state
        State folder with the certificates. Default: var/ and the line's id.
    json
        Print them as JSON.
    """
    from dataclasses import asdict

    from fieldbus import survey
    from fieldbus.pki import Pki

    sealed = sealed_or_refused(config)
    one = _source(sealed, source)
    own = _tags_of(sealed, source)
    pki = Pki(_state(sealed, state) / "pki")
    found = _asked(one, survey.suggest(one, own, pki))
    if json:
        _print_json([asdict(suggestion) for suggestion in found])
    else:
        for suggestion in found:
            print(f"{suggestion.tag}: {suggestion.address}\n    {_percent(suggestion.score)} "
                  f"alike: {suggestion.why}")  # fmt: skip
        if not found:
            say(f"nothing to suggest; ./rheostat tags test {source} says what is still wrong")
    return FINDINGS if found else OK


@tags.command(name="test")
def test_(
    source: Annotated[str, Parameter(show_default=False)] = "",
    /,
    *,
    config: Config = DEFAULT_CONFIG,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Read every tag of the PLCs and hold it against its row; 1 when something does not fit.

    Parameters
    ----------
    source
        Which PLC, by its name in the line's file. Default: all of them.
    config
        The line's file. Default: config/line.yaml.
    state
        State folder with the certificates. Default: var/ and the line's id.
    json
        Print the findings as JSON.
    """
    from dataclasses import asdict

    from fieldbus import survey
    from fieldbus.pki import Pki

    sealed = sealed_or_refused(config)
    pki = Pki(_state(sealed, state) / "pki")
    names = [_source(sealed, source).name] if source else list(sealed["sources"])
    found = []
    for name in names:
        one = _source(sealed, name)
        found += _asked(one, survey.examine(one, _tags_of(sealed, name), pki))
    wrong = [finding for finding in found if finding.faults]
    if json:
        _print_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            mark = "WRONG" if finding.faults else "ok   "
            print(f"{mark} {finding.tag:32} {finding.value}")
            for fault in finding.faults:
                print(f"      {fault} ({finding.address})")
        say(f"{len(found)} tags read, {len(wrong)} not in order; nothing was written")
    return FINDINGS if wrong else OK


def _source(sealed: dict[str, Any], name: str) -> Source:
    from fieldbus.sources import sources_of
    from service.config_problem import did_you_mean

    known = sources_of(sealed)
    if name not in known:
        raise RefusalError(
            f"the line has no source `{name}`.{did_you_mean(name, known)}",
            "a PLC is looked at by the address that the line's file gives it",
            "name one of: " + ", ".join(known),
            USAGE,
        )
    return known[name]


def _tags_of(sealed: dict[str, Any], source: str) -> list[Tag]:
    from fieldbus.tags import tags_of

    return [tag for tag in tags_of(sealed).values() if tag.source == source]


def _state(sealed: dict[str, Any], state: Path | None) -> Path:
    return state or STATES / str(sealed["line"]["id"])


def _asked(source: Source, work: Coroutine[Any, Any, T]) -> T:
    """Return what the PLC said; one that does not answer becomes a refusal."""
    import asyncio

    from fieldbus.supervisor import in_words

    try:
        return asyncio.run(work)
    except Exception as error:  # whatever a PLC provokes in a library, a person gets one sentence
        raise RefusalError(
            f"{source.name} at {source.address}: {in_words(error, source.timeout_s)}",
            "without its answer nothing can be compared",
            "./rheostat doctor knocks at its door; for certificates: ./rheostat certs list",
        ) from error


def _described(node: Found) -> str:
    right = "write" if node.writable else "read"
    span = f"  [{node.span[0]:g} .. {node.span[1]:g}]" if node.span else ""
    value = f"{node.value:.6g}" if isinstance(node.value, float) else str(node.value)
    fault = f"  ({node.fault})" if node.fault else ""
    return (
        f"{node.name}\n    {node.node}\n    {node.type}, {right}: "
        f"{f'{value} {node.unit}'.strip()}{span}{fault}"
    )


def _row(node: Found, source: str) -> str:
    from fieldbus.likeness import words_of
    from fieldbus.survey import as_row

    name = f"{source}.{'_'.join(words_of(node.name))}"
    parts = []
    for key, value in as_row(node, source, name)[name].items():
        text = f"[{', '.join(value)}]" if isinstance(value, list) else str(value)
        parts.append(f'{key}: "{text}"' if key == "node" else f"{key}: {text}")
    return f"  {name}: {{ {', '.join(parts)} }}"


def _as_json(node: Found) -> dict[str, Any]:
    from dataclasses import asdict

    row = asdict(node)
    if not isinstance(node.value, (bool, int, float, str)):
        row["value"] = None if node.value is None else str(node.value)
    return row


def _percent(score: float) -> str:
    return f"{100 * score:.0f} %"


def _print_json(document: Any) -> None:  # noqa: ANN401 - JSON
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False))
