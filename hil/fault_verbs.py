"""All verbs of the catalogue by their names: what each needs is its own arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from hil import (
    inject_config,
    inject_desk,
    inject_host,
    inject_peers,
    inject_people,
    inject_plant,
    inject_plc,
    inject_readings,
    inject_solver,
    inject_wire,
)
from hil.fault_catalogue import CatalogueError, Play
from hil.injection import Injection
from hil.real_line import WAYS

_MODULES = (
    inject_readings, inject_plant, inject_plc, inject_wire, inject_solver, inject_host,
    inject_people,
)  # fmt: skip


def _public(module: object) -> dict[str, Callable[..., Any]]:
    return {
        name: found
        for name, found in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and found.__module__ == getattr(module, "__name__", "")
    }


VIRTUAL: Mapping[str, Callable[..., Injection]] = {
    name: verb for module in _MODULES for name, verb in _public(module).items()
}
"""Verbs of a virtual world: (world, **args) -> Injection."""

FILES: Mapping[str, Callable[..., str]] = {
    **inject_config.STORIES, **inject_desk.STORIES, **inject_peers.STORIES,
}  # fmt: skip
"""Verbs played without a line, on files, at a desk or with a peer: (folder, sealed, **args) -> what
was said."""


def check_play(fault: str, play: Play) -> None:
    """Raise CatalogueError when a play's verb does not exist or takes other arguments."""
    known: Mapping[str, Callable[..., Any]] = {
        "virtual": VIRTUAL, "files": FILES, "real": WAYS,
    }[play.medium]  # fmt: skip
    if play.verb not in known:
        raise CatalogueError(f"{fault}.{play.name}: no verb is called {play.verb!r}")
    try:
        given = (None,) if play.medium == "virtual" else (None, None)
        inspect.signature(known[play.verb]).bind(*given, **play.args)
    except TypeError as error:
        raise CatalogueError(f"{fault}.{play.name}: {play.verb}: {error}") from error
