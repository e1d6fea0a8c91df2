"""The mixer's PLC as a C program of its own: built when it is needed, and plugged into a plant.

The sources stand in `hil/plc`; the program shares no code and no language with the engine. It is
compiled once, by the system's compiler against libmodbus, and kept in the user's cache under a name
that is the hash of its sources, of its flags and of itself.

The program waits for a plant at its own Modbus address. Whoever has a plant (`hil.bench`) plugs the
field cable in at its side door, says how fast the plant runs and where the log goes.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hil import bench_door

SOURCES = Path(__file__).parent / "plc"
PARTS = (
    "block.c", "mixer.c", "mixer_batch.c", "mixer_lab.c", "mixer_words.c", "messages.c", "show.c",
    "field.c", "modbus_server.c", "door.c", "soft_plc.c",
)  # fmt: skip
FLAGS = ("-std=c11", "-O2", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-pthread")
"""No contraction and no fast arithmetic: a REAL is rounded to 32 bits after every operation."""
COMPILERS = ("cc", "gcc", "clang")
COMPILE_TIMEOUT_S = 120.0
DOOR = "plc-mixer.sock"


class NotBuiltError(RuntimeError):
    """The soft PLC cannot be built here; the text says what is missing."""


def folder_of(states: Path, source: Mapping[str, Any]) -> Path:
    """Return the folder of the soft PLC that stands at a Modbus address of this machine.

    Raises:
        NotBuiltError: it cannot serve at such an address.
    """
    if not _serves(source):
        raise NotBuiltError(
            "the soft PLC serves Modbus/TCP without TLS on loopback only; the configuration says "
            f"{source['protocol']} at {source.get('host') or source.get('endpoint')}"
        )
    return states / f"plc-mixer-{source['port']}"


def built(cache: Path | None = None) -> Path:
    """Return the program, compiled now if these very sources were not compiled before.

    Raises:
        NotBuiltError: a tool is missing, or the compiler refuses.
        OSError: the cache cannot be used.
    """
    folder = cache or _default_cache()
    library = _libmodbus()
    names = sorted([*PARTS, *(path.name for path in SOURCES.glob("*.h"))])
    text = "\0".join([*FLAGS, *library, platform.machine()])
    text += "\0".join((SOURCES / name).read_text("utf-8") for name in names)
    what = f"soft-plc-{_digest(text.encode())}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _must_be_ours(folder)
    for path in folder.glob(f"{what}-*"):
        if path.name == f"{what}-{_digest(path.read_bytes())}":
            return path
    with tempfile.TemporaryDirectory(dir=folder, prefix="making-") as making:
        made = Path(making) / "soft-plc"
        parts = [str(SOURCES / name) for name in PARTS]
        _run([_compiler(), *FLAGS, *parts, "-o", str(made), *library, "-lm"])
        final = folder / f"{what}-{_digest(made.read_bytes())}"
        os.replace(made, final)
    return final


def command(source: Mapping[str, Any], state: Path, *, leash: int | None = None) -> list[str]:
    """Return the command line of the soft PLC at the address of `source`, its door in `state`.

    Raises:
        NotBuiltError: it cannot be built.
    """
    state.mkdir(parents=True, exist_ok=True)
    words = [str(built()), "--port", str(source["port"]), "--door", str(state / DOOR)]
    words += ["--unit", str(source["device_id"])]
    return words if leash is None else [*words, "--leash", str(leash)]


def plug_in(
    door: Path, recipe: Mapping[str, Any], log: Path, *, field: int, speed: float, start: str
) -> dict[str, Any]:
    """Plug a plant into a waiting soft PLC and set it up for a product, as its operator does.

    Raises:
        OSError: nobody answers at `door`.
        ValueError: the PLC refused; the text says why.
    """
    targets = recipe["targets"]
    return bench_door.ask(
        door,
        {
            "do": "plug", "field": field, "speed": speed, "log": str(log), "start": start,
            "viscosity_pa_s": targets["mixer.viscosity_25c"], "temp_k": targets["mixer.temp"],
        },
    )  # fmt: skip


def standing(states: Path, sealed: Mapping[str, Any]) -> dict[str, Path]:
    """Return the side doors of the soft PLCs that stand at an address of this configuration."""
    doors = {
        name: folder_of(states, source) / DOOR
        for name, source in sealed["sources"].items()
        if name == "mixer" and _serves(source)
    }
    return {name: door for name, door in doors.items() if _answers(door)}


def _serves(source: Mapping[str, Any]) -> bool:
    return (
        source["protocol"] == "modbus-tcp"
        and source["host"] in ("127.0.0.1", "localhost")
        and not source.get("tls")
    )


def _answers(door: Path) -> bool:
    try:
        return bool(bench_door.ask(door, {"do": "status"}))
    except (OSError, ValueError):
        return False


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rheostat" / "soft-plc"


def _compiler() -> str:
    found = next(filter(None, map(shutil.which, COMPILERS)), None)
    if found is None:
        raise NotBuiltError("there is no C compiler on this machine: apt-get install gcc libc6-dev")
    return found


def _libmodbus() -> list[str]:
    if shutil.which("pkg-config") is None:
        raise NotBuiltError("there is no pkg-config on this machine: apt-get install pkg-config")
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True,
        check=False, timeout=30,
    )  # fmt: skip
    if asked.returncode:
        raise NotBuiltError("libmodbus is not on this machine: apt-get install libmodbus-dev")
    return asked.stdout.split()


def _run(words: list[str]) -> None:
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT_S
    )
    if done.returncode:
        raise NotBuiltError(f"the compiler refused the soft PLC:\n{done.stderr.strip()}")


def _must_be_ours(folder: Path) -> None:
    """Run nothing from where somebody else may have put it."""
    info = folder.stat()
    if info.st_uid not in (0, os.getuid()) or info.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise NotBuiltError(f"others may write to {folder}; make it yours with mode 700")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
