"""`./rheostat doctor`: whether this machine, and this line, are fit to run."""

from __future__ import annotations

from pathlib import Path

from cli.places import DEFAULT_CONFIG, STATES, shown
from cli.refusal import FINDINGS, OK, say
from cli.words import ConfigFile, Flag


def doctor(
    config: ConfigFile = DEFAULT_CONFIG,
    /,
    *,
    state: Path | None = None,
    json: Flag = False,
) -> int:
    """Look at the machine and at a line: packages, clocks, disk, ports, solver, limits, service.

    Reads and knocks, but changes nothing on the plant. Exit code 1 when something is ill;
    warnings alone give 0.

    Parameters
    ----------
    config
        The line's file. Default: config/line.yaml.
    state
        State folder whose disk is tried. Default: var/ and the line's id.
    json
        Print the findings as JSON.
    """
    from cli import doctor_line, doctor_machine, doctor_service
    from cli.doctor_certs import certificates

    finding, sealed = doctor_line.configuration(Path(shown(config)))
    place = state or STATES / (str(sealed["line"]["id"]) if sealed else "")
    findings = [
        doctor_machine.python(),
        doctor_machine.packages(),
        doctor_machine.clocks(),
        *doctor_machine.disk(place),
        doctor_machine.sqlite(),
        doctor_machine.compiler(),
        doctor_machine.solver(),
        finding,
        *([doctor_line.closing(sealed)] if sealed else []),
        *(doctor_line.sources(sealed) if sealed else []),
        *(certificates(sealed, place) if sealed else []),
        *([doctor_service.supervision(place, sealed)] if sealed else []),
        *doctor_service.ports(place),
    ]
    ill = [one for one in findings if one.health == "ill"]
    warnings = [one for one in findings if one.health == "warning"]
    if json:
        import json as words
        from dataclasses import asdict

        answer = {"ok": not ill, "findings": [asdict(one) for one in findings]}
        print(words.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print("\n".join(one.as_text() for one in findings))
        say(f"rheostat: {len(ill)} ill, {len(warnings)} warning(s), {len(findings)} looked at")
    return FINDINGS if ill else OK
