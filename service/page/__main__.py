"""`python -m service.page --state DIR [--port N]`: serve the operator page on loopback."""

from __future__ import annotations

import argparse
import faulthandler
import json
import socket
import sys
from pathlib import Path

import uvicorn

from service.give_way import give_way
from service.page.app import build_app


def main() -> None:
    """Serve until told to stop; the first line on stdout says where."""
    parser = argparse.ArgumentParser(prog="service.page", description=main.__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8470)
    options = parser.parse_args()
    give_way()
    faulthandler.enable()  # the watchdog's SIGABRT then tells where it hung
    listener = socket.create_server(("127.0.0.1", options.port))
    port = listener.getsockname()[1]
    sys.stdout.write(json.dumps({"ready": "page", "port": port}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        build_app(options.state), log_level="warning", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
