"""Keeps one source connected: one task owns connect and close, the cycle only looks.

The libraries' own reconnect is off: it sends requests before a session stands, repeats old ones,
and backs off without jitter. A fresh link for each attempt, and full jitter between attempts
(Brooker, AWS Architecture Blog, 2015), so that ten engines do not storm a PLC that comes back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from fieldbus.link import Link, LoginRefusedError, RefusedError, within

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
LONGEST_PAUSE_LOGIN_S = 30.0  # a PLC may lock an account that knocks too often
_RECANCEL_S = 1.5  # longer than a link needs to say goodbye


class Supervisor:
    """Holds the one live link of a source, or the reason why there is none.

    `epoch` counts the connections. `connected_s` is the engine time of the last one: whatever was
    decided before it is void. `refusals` counts the attempts that security ended, on either side,
    and `last_refusal` says why. All pauses and limits are wall seconds.
    """

    def __init__(
        self,
        dial: Callable[[], Link],
        clock: Callable[[], float],
        rng: random.Random,
        connect_limit_s: float,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.link: Link | None = None
        self.epoch = 0
        self.attempts = 0
        self.connected_s = float("-inf")
        self.last_error = "not connected yet"
        self.refusals = 0
        self.last_refusal = ""
        self._dial = dial
        self._clock = clock
        self._rng = rng
        self._connect_limit_s = connect_limit_s
        self._longest_pause_s = longest_pause_s
        self._failures = 0
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Say whether there is a link that was proved at connect and not lost since."""
        return self.link is not None and not self.link.lost.is_set()

    def start(self, name: str) -> None:
        """Begin to connect in the background."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"supervisor of {name}")

    async def stop(self) -> None:
        """End for good; returns when everything is let go of.

        A cancellation can get lost in a library (asyncua's teardown swallows it, and so does
        `asyncio.wait_for` of Python 3.11 when it races with a result): so it is repeated.
        """
        self._stopping = True
        task, self._task = self._task, None
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_RECANCEL_S)

    async def _run(self) -> None:
        """Connect, wait for the loss, pause, connect again."""
        while not self._stopping:
            self.attempts += 1
            ceiling_s = self._longest_pause_s
            link = self._dial()
            try:
                async with within(self._connect_limit_s):
                    await link.open()
                self._announce(link)
                await link.lost.wait()
                self.last_error = link.why_lost
            except RefusedError as error:
                self.last_error = self.last_refusal = in_words(error, self._connect_limit_s)
                self.refusals += 1
                if isinstance(error, LoginRefusedError):
                    ceiling_s = max(ceiling_s, LONGEST_PAUSE_LOGIN_S)
            # Whatever a hostile or half-dead peer provokes in a library is one failed attempt:
            # this task must outlive it, or the source would stay lost for ever.
            except Exception as error:  # noqa: BLE001
                self.last_error = in_words(error, self._connect_limit_s)
            finally:
                self.link = None
                await link.close()
            self._failures += 1
            await asyncio.sleep(self.pause_s(self._failures, ceiling_s))

    def pause_s(self, failures: int, longest_s: float | None = None) -> float:
        """Return the pause after so many failures in a row [wall s]."""
        longest = self._longest_pause_s if longest_s is None else longest_s
        ceiling = min(longest, FIRST_PAUSE_S * 2 ** min(failures, 16))
        return self._rng.uniform(0.0, ceiling)

    def proved(self) -> None:
        """Note a good full read: only that ends the back-off, not a bare connect."""
        self._failures = 0

    def _announce(self, link: Link) -> None:
        self.epoch += 1
        self.connected_s = self._clock()
        self.last_error = ""
        self.link = link


def in_words(error: BaseException, limit_s: float) -> str:
    """Say what an exception of a connection means, for the page and the record."""
    text = " ".join(str(error).split())
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: is the PLC's server running at this address?"
    if isinstance(error, TimeoutError):
        return f"no answer within {limit_s:g} s"
    if isinstance(error, AssertionError):
        return "the server broke off the handshake (often: it does not trust our certificate)"
    return text or type(error).__name__
