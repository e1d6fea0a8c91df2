"""`./rheostat page`: serve the operator page of an engine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cli.places import ROOT, shown, state_of_running_engine
from cli.refusal import RefusalError, say


def page(*, state: Path | None = None, port: int = 8470) -> None:
    """Serve the operator page of a running engine on loopback, in a process of its own.

    Parameters
    ----------
    state
        State folder of the engine; default: the one engine running here.
    port
        Port on 127.0.0.1.
    """
    import socket

    place = state_of_running_engine(state)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        raise RefusalError(
            f"port {port} cannot be used: {error}",
            "the page needs a port of its own",
            "name another one with --port",
        ) from error
    say(f"operator page of {shown(place)}: http://127.0.0.1:{port}/   (Ctrl-C ends it)")
    command = [sys.executable, "-m", "service.page", "--state", str(place), "--port", str(port)]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})
