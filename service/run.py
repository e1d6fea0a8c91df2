"""What `./rheostat run` does: read the configuration, seal it, become the engine.

The configuration's reader needs libraries the engine must not hold. So it runs here, and then this
process replaces itself by a fresh one: the engine starts with nothing but the sealed file.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from service.config_load import LoadedLine, load_line
from service.config_problem import ConfigError
from service.sealed_file import write_sealed

_ROOT = Path(__file__).resolve().parent.parent


def default_state_dir(line: LoadedLine) -> Path:
    """Return where the engine of this line keeps its state, unless told otherwise."""
    return _ROOT / "var" / str(line.sealed["line"]["id"])


def engine_command(
    state_dir: Path, sealed: Path, speed: float = 1.0, watch: Sequence[Path] = ()
) -> list[str]:
    """Return the command line of an engine process that watches the files it was made from."""
    return [
        sys.executable, "-m", "service.engine",
        "--state", str(state_dir), "--sealed", str(sealed), "--speed", repr(speed),
        *(word for path in watch for word in ("--watch", str(path.resolve()))),
    ]  # fmt: skip


def run(config: Path, state_dir: Path | None = None, speed: float = 1.0) -> NoReturn:
    """Seal the configuration at `config` and become its engine; does not return.

    What then runs is the version in force by the records of `state_dir`: at its first start this
    one, later what was signed.

    Raises ConfigError with every problem of every file; nothing is started or written then.
    """
    line = load_line(config)
    place = (state_dir or default_state_dir(line)).resolve()
    # The engine makes it sealed.json once it holds the lock: a second engine must not.
    sealed = write_sealed(line.sealed, place / "proposed.json")
    _become(engine_command(place, sealed, speed, line.files))


def run_supervised(
    config: Path, state_dir: Path | None = None, speed: float = 1.0, page_port: int = 8470
) -> NoReturn:
    """Seal the configuration and become the supervisor of its engine, page and other followers.

    Raises ConfigError as `run` does.
    """
    line = load_line(config)
    place = (state_dir or default_state_dir(line)).resolve()
    sealed = write_sealed(line.sealed, place / "proposed.json")
    engine = engine_command(place, sealed, speed, line.files)
    _become([sys.executable, "-m", "service.supervise", *engine[3:], "--page-port", str(page_port)])


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(_ROOT)})


def main() -> NoReturn:
    """Run from `python -m service.run CONFIG [STATE_DIR]`."""
    config, *state_dir = (Path(word) for word in sys.argv[1:3])
    try:
        run(config, state_dir[0] if state_dir else None)
    except ConfigError as error:
        sys.exit("\n\n".join(problem.as_text() for problem in error.problems))


if __name__ == "__main__":
    main()
