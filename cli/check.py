"""`./rheostat check`: judge a configuration; start nothing."""

from __future__ import annotations

from pathlib import Path

from cli.places import DEFAULT_CONFIG, shown
from cli.refusal import FINDINGS, OK, say
from cli.words import ConfigFile, Flag


def check(config: ConfigFile = DEFAULT_CONFIG, /, *, json: Flag = False) -> int:
    """Judge a line's configuration: every problem of every file in one pass; nothing is started.

    Parameters
    ----------
    config
        The line's file; the files it names are judged with it. Default:
        config/line.yaml.
    json
        Print the findings as JSON.
    """
    from service.config_load import check_line, load_line

    place = Path(shown(config))
    problems = check_line(place)
    loaded = None if problems else load_line(place)
    if json:
        import json as words

        answer = {
            "ok": not problems,
            "config": str(place),
            "sha256": loaded.sha256 if loaded else None,
            "problems": [problem.as_json() for problem in problems],
        }
        print(words.dumps(answer, indent=2, ensure_ascii=False))
        return FINDINGS if problems else OK
    if loaded is None:
        print("\n\n".join(problem.as_text() for problem in problems))
        files = len({problem.file for problem in problems})
        say(
            f"\nrheostat: {_count(len(problems), 'problem')} in {_count(files, 'file')}; "
            "nothing was started. Each code is explained in docs/reference/errors.md"
        )
        return FINDINGS
    sealed = loaded.sealed
    print(
        f"{place}: in order. {_count(len(sealed['loops']), 'loop')}, "
        f"{_count(len(sealed['tags']), 'tag')}, {_count(len(sealed['sources']), 'PLC')}, "
        f"{_count(len(sealed['limits']['setpoints']), 'setpoint')} with limits.\n"
        f"sealed as sha256 {loaded.sha256}"
    )
    if sealed["auto"] == "named":
        print("AUTO: a name is enough ('auto: named'); for commissioning only")
    for name, source in sealed["sources"].items():
        if source.get("security") or source.get("tls"):
            continue
        if source["protocol"] == "modbus-rtu":
            print(f"{name}: a serial line; whoever reaches the wire can speak on it")
        else:
            print(f"{name}: in clear, neither signed nor encrypted; on a network of its own only")
    return OK


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
