"""One connection: what is queued must not arrive later, and a limit is a limit."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import sys
import termios

import pytest

from fieldbus.link import cut, within

QUEUED = 20_000_000  # bytes: more than both kernel buffers of a connection hold


@pytest.mark.requirement("P10")
def test_a_cut_connection_delivers_nothing_of_its_queue_to_a_peer_that_wakes_up() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            loop = asyncio.get_running_loop()
            address = server.getsockname()
            transport, _ = await loop.create_connection(asyncio.Protocol, *address)
            peer, _ = server.accept()
            with peer:
                transport.write(b"s" * QUEUED)  # the peer sleeps
                sock = transport.get_extra_info("socket")
                before, queued = (-1, -1), (QUEUED, unsent(sock.fileno()))
                while queued != before:  # until both kernels have taken what they will take
                    await asyncio.sleep(0.05)
                    before, queued = (
                        queued,
                        (transport.get_write_buffer_size(), unsent(sock.fileno())),
                    )
                ours, kernels = queued
                assert ours > 0
                assert kernels > 0
                cut(transport)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert received(peer) <= QUEUED - ours - kernels

    asyncio.run(story())


def unsent(fileno: int) -> int:
    """Return how many bytes the kernel still holds for the other side."""
    answer = fcntl.ioctl(fileno, termios.TIOCOUTQ, b"\0\0\0\0")
    return int.from_bytes(answer, sys.byteorder)


def received(peer: socket.socket) -> int:
    """Read until the end or the reset; return how many bytes came."""
    peer.settimeout(10.0)
    total = 0
    try:
        while chunk := peer.recv(1_000_000):
            total += len(chunk)
    except ConnectionResetError:
        pass
    return total


def test_cutting_nothing_is_no_fault() -> None:
    cut(None)


class RacedError(asyncio.CancelledError):
    """What asyncua's `wait_for` makes of a cancellation that races with the answer."""


async def raced() -> None:
    try:
        await asyncio.sleep(60.0)
    except asyncio.CancelledError:
        raise RacedError from None


def test_a_limit_that_races_with_the_answer_is_still_a_time_out() -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with within(0.01):
                await raced()

    asyncio.run(story())


def test_a_cancellation_from_outside_stays_one() -> None:
    async def limited() -> None:
        async with within(60.0):
            await raced()

    async def story() -> None:
        task = asyncio.create_task(limited())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()

    asyncio.run(story())
