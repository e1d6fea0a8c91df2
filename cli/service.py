"""`./rheostat service`: keep a line's processes running, and see how they are."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from cli import service_backup, service_units
from cli.places import DEFAULT_CONFIG, shown
from cli.starting import refusing
from cli.words import ConfigFile

HELP = """Keep the processes of a line running, watched and started again.

docs/how-to/run-as-a-service.md goes through it step by step.
"""

service = App(name="service", help=HELP)
service.command(service_units.install)
service.command(service_units.status)
service.command(service_units.logs)
service.command(service_units.uninstall)
service.command(service_backup.backup)
service.command(service_backup.restore)


@service.command
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    /,
    *,
    state: Path | None = None,
    speed: float = 1.0,
    page_port: int = 8470,
) -> None:
    """Run engine, page and the other followers of a line under watch, without systemd.

    A process that hangs or dies is started again, the engine always OFF; one that fails again and
    again stays down with an alarm. Ctrl-C ends them all, the engine last.

    Parameters
    ----------
    config
        The line's file. Default: config/line.yaml.
    state
        Folder for records and command door. Default: var/ and the line's id.
    speed
        Bench only: plant seconds per second, the same as the virtual PLCs'.
    page_port
        Port of the page on 127.0.0.1.
    """
    from service.run import run_supervised

    with refusing(config):
        run_supervised(Path(shown(config)), state, speed, page_port)
