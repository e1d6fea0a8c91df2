"""The reconnect supervisor with a link that does what the test says."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest

from fieldbus.link import LinkError, LoginRefusedError, RefusedError, WireReading
from fieldbus.supervisor import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_LOGIN_S,
    LONGEST_PAUSE_S,
    Supervisor,
    in_words,
)
from fieldbus.tags import Tag, Wire
from tests.fieldbus.bench import until


class FakeLink:
    """A link that fails to open, or is lost, as told; counts what was done to it."""

    def __init__(self, fault: BaseException | None = None, swallows: int = 0) -> None:
        self.lost = asyncio.Event()
        self.why_lost = ""
        self.fault = fault
        self.swallows = swallows
        self.opened = 0
        self.closed = 0

    async def open(self) -> None:
        self.opened += 1
        if self.fault is not None:
            raise self.fault

    async def read(self, tags: Sequence[Tag]) -> Mapping[str, WireReading]:
        raise NotImplementedError

    async def write(self, items: Sequence[tuple[Tag, Wire]]) -> Mapping[str, str]:
        raise NotImplementedError

    def drop(self, why: str) -> None:
        self.why_lost = why
        self.lost.set()

    async def close(self) -> None:
        self.closed += 1
        while self.swallows:
            try:
                await asyncio.sleep(60.0)
            except asyncio.CancelledError:
                self.swallows -= 1


def supervisor(links: Sequence[FakeLink]) -> Supervisor:
    supply = iter(links)
    return Supervisor(lambda: next(supply), lambda: 7.0, random.Random(1), 5.0, 0.001)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (ConnectionRefusedError(111, "refused"), "connection refused"),
        (TimeoutError(), "no answer within 5 s"),
        (AssertionError(), "does not trust our certificate"),
        (OSError("no route to host"), "no route to host"),
        (KeyError(), "KeyError"),
    ],
)
def test_an_attempt_may_fail_in_any_way_and_the_next_one_uses_a_fresh_link(
    fault: Exception, words: str
) -> None:
    async def story() -> None:
        bad, good = [FakeLink(fault) for _ in range(3)], FakeLink()
        dialled: list[FakeLink] = []
        seen: list[str] = []

        def dial() -> FakeLink:
            seen.append(watch.last_error)
            dialled.append(good if len(dialled) == len(bad) else bad[len(dialled)])
            return dialled[-1]

        watch = Supervisor(dial, lambda: 7.0, random.Random(1), 5.0, 0.001)
        watch.start("plc")
        await until(lambda: watch.ready)
        assert seen[0] == "not connected yet"
        assert all(words in text for text in seen[1:])
        assert (watch.epoch, watch.connected_s, watch.last_error) == (1, 7.0, "")
        assert [(link.opened, link.closed) for link in bad] == [(1, 1)] * 3
        await watch.stop()
        assert good.closed == 1
        assert not watch.ready

    asyncio.run(story())


def test_each_connection_is_a_new_epoch_and_the_loss_is_told_at_once() -> None:
    async def story() -> None:
        links = [FakeLink(), FakeLink(), FakeLink()]
        watch = supervisor(links)
        watch.start("plc")
        for epoch, link in enumerate(links, start=1):
            await until(lambda e=epoch: watch.ready and watch.epoch == e)  # type: ignore[misc]
            if link is not links[-1]:
                link.drop("unplugged")
                assert not watch.ready
                await until(lambda le=link: le.closed == 1)  # type: ignore[misc]
                assert watch.last_error in ("unplugged", "")
        await watch.stop()
        assert [link.opened for link in links] == [1, 1, 1]

    asyncio.run(story())


def test_a_library_that_swallows_the_cancellation_cannot_keep_us_from_ending() -> None:
    async def story() -> None:
        link = FakeLink(swallows=1)
        watch = supervisor([link])
        watch.start("plc")
        await until(lambda: watch.ready)
        async with asyncio.timeout(30.0):
            await watch.stop()
        assert (link.closed, link.swallows) == (1, 0)

    asyncio.run(story())


def test_the_pause_is_full_jitter_with_a_ceiling_and_a_seed() -> None:
    watch = Supervisor(FakeLink, lambda: 0.0, random.Random(3), 5.0)
    twin = Supervisor(FakeLink, lambda: 0.0, random.Random(3), 5.0)
    pauses = [watch.pause_s(n) for n in range(1, 200)]
    assert pauses == [twin.pause_s(n) for n in range(1, 200)]
    assert 0.0 <= pauses[0] <= 2 * FIRST_PAUSE_S
    assert max(pauses) <= LONGEST_PAUSE_S
    late = pauses[20:]
    assert min(late) < 0.1 * LONGEST_PAUSE_S
    assert max(late) > 0.9 * LONGEST_PAUSE_S


def test_words_for_an_error_are_one_line() -> None:
    assert in_words(OSError("a\n  b"), 1.0) == "a b"


@pytest.mark.parametrize(
    ("fault", "longest_s", "refusals"),
    [
        (LinkError("half there"), LONGEST_PAUSE_S, 0),
        (RefusedError("its key does not answer yet"), LONGEST_PAUSE_S, 2),
        (LoginRefusedError("wrong password"), LONGEST_PAUSE_LOGIN_S, 2),
    ],
)
def test_only_a_refused_login_waits_longer_than_a_plc_that_comes_back(
    fault: Exception, longest_s: float, refusals: int
) -> None:
    """A restarting PLC refuses in many ways, and is to be found again 10 s after it is there."""

    async def story() -> None:
        asked: list[float | None] = []

        class Impatient(Supervisor):
            def pause_s(self, failures: int, longest_s: float | None = None) -> float:
                asked.append(longest_s)
                return 0.0

        links = iter([FakeLink(fault), FakeLink(fault), FakeLink()])
        watch = Impatient(lambda: next(links), lambda: 7.0, random.Random(1), 5.0)
        watch.start("plc")
        await until(lambda: watch.ready)
        assert asked == [longest_s, longest_s]
        assert watch.refusals == refusals
        await watch.stop()

    asyncio.run(story())
