"""A process that speaks to its watchdog as its mood says: `... MOOD`, a key of `MOODS`."""

from __future__ import annotations

import os
import signal
import sys
import time

from service.notify import Notifier


def well(notifier: Notifier) -> None:
    """Live on."""
    while True:
        notifier.say(WATCHDOG="1")
        time.sleep(notifier.watchdog_s / 4.0)


def hangs(notifier: Notifier) -> None:
    """Say one word, then none."""
    notifier.say(WATCHDOG="1")
    time.sleep(3600)


def deaf(notifier: Notifier) -> None:
    """Hang in a way that the polite signal does not end."""
    signal.signal(signal.SIGABRT, signal.SIG_IGN)
    hangs(notifier)


def crashes(notifier: Notifier) -> None:
    """End with an error."""
    del notifier
    os._exit(7)


def killed(notifier: Notifier) -> None:
    """Die by a signal."""
    del notifier
    os.kill(os.getpid(), signal.SIGKILL)


def ends(notifier: Notifier) -> None:
    """End as one that was asked to."""
    del notifier


MOODS = {mood.__name__: mood for mood in (well, hangs, deaf, crashes, killed, ends)}


def main() -> None:
    """Be ready (or never), then do as the mood says."""
    notifier = Notifier()
    if sys.argv[1] == "never ready":
        time.sleep(3600)
    notifier.say(READY="1")
    MOODS[sys.argv[1]](notifier)


if __name__ == "__main__":
    main()
