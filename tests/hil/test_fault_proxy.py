"""The TCP fault proxy does to bytes what its weather says, and nothing in calm weather."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hil.fault_proxy import FaultProxy, Weather

SHORT_S, LONG_S = 0.3, 10.0  # a wait that must end empty; a wait that must not


@pytest.fixture
def echo() -> Iterator[tuple[int, list[bytes]]]:
    """A peer that answers 'a' + what it got; returns its port and what it heard."""
    heard: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve(link: socket.socket) -> None:
        with link:
            try:
                while data := link.recv(4096):
                    heard.append(data)
                    link.sendall(b"a" + data)
            except OSError:
                return

    def listen() -> None:
        while True:
            try:
                link, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(link,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    yield server.getsockname()[1], heard
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@contextmanager
def through(port: int) -> Iterator[tuple[FaultProxy, socket.socket]]:
    with (
        FaultProxy(port, seed=1) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port)) as link,
    ):
        link.settimeout(LONG_S)
        yield proxy, link


def asked(link: socket.socket, question: bytes, size: int) -> bytes:
    link.sendall(question)
    return received(link, size)


def received(link: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = link.recv(size - len(got))
        assert piece, "the connection ended"
        got += piece
    return got


def nothing_comes(link: socket.socket) -> bool:
    link.settimeout(SHORT_S)
    try:
        return not link.recv(1)
    except TimeoutError:
        return True
    finally:
        link.settimeout(LONG_S)


def test_calm_and_split_weather_change_no_byte(echo: tuple[int, list[bytes]]) -> None:
    with through(echo[0]) as (proxy, link):
        assert asked(link, b"one", 4) == b"aone"
        proxy.set(Weather("split", pieces=1))
        link.sendall(b"q")
        assert received(link, 2) == b"aq"
        proxy.set(Weather("delay", seconds=0.01))
        assert asked(link, b"two", 4) == b"atwo"
        assert proxy.links == 1


def test_answers_come_spoiled_twice_late_or_in_another_order(
    echo: tuple[int, list[bytes]],
) -> None:
    with through(echo[0]) as (proxy, link):
        assert asked(link, b"one", 4) == b"aone"
        proxy.set(Weather("previous"))
        assert asked(link, b"two", 4) == b"aone"
        proxy.set(Weather("duplicate"))
        assert asked(link, b"six", 8) == b"asixasix"
        proxy.set(Weather("corrupt"))
        spoiled = asked(link, b"six", 4)
        assert sum((a ^ b).bit_count() for a, b in zip(spoiled, b"asix", strict=True)) == 1
        proxy.set(Weather("malformed"))
        assert asked(link, b"six", 4) != b"asix"
        proxy.set(Weather("reorder"))
        link.sendall(b"one")
        assert nothing_comes(link)
        assert asked(link, b"two", 8) == b"atwoaone"


def test_silence_and_a_half_open_line_say_nothing(echo: tuple[int, list[bytes]]) -> None:
    port, heard = echo
    with through(port) as (proxy, link):
        proxy.set(Weather("silent"))
        link.sendall(b"lost")
        assert nothing_comes(link)
        assert heard == []
        proxy.set(Weather())
        assert asked(link, b"one", 4) == b"aone"
        proxy.set(Weather("half-open"))
        link.sendall(b"lost")
        assert nothing_comes(link)
        with socket.create_connection(("127.0.0.1", proxy.port)) as fresh:
            assert asked(fresh, b"two", 4) == b"atwo"
    assert b"lost" not in heard


def test_a_reset_ends_what_is_open_and_what_comes(echo: tuple[int, list[bytes]]) -> None:
    with through(echo[0]) as (proxy, link):
        assert asked(link, b"one", 4) == b"aone"
        proxy.set(Weather("reset"))
        with pytest.raises(ConnectionResetError):
            link.recv(1)
        with socket.create_connection(("127.0.0.1", proxy.port)) as fresh:
            fresh.settimeout(LONG_S)
            with pytest.raises(ConnectionResetError):
                fresh.recv(1)
        proxy.set(Weather())
        with socket.create_connection(("127.0.0.1", proxy.port)) as fresh:
            assert asked(fresh, b"two", 4) == b"atwo"


def test_a_replayed_request_reaches_the_peer_again(echo: tuple[int, list[bytes]]) -> None:
    with through(echo[0]) as (proxy, link):
        assert asked(link, b"one", 4) == b"aone"
        proxy.set(Weather("replay"))
        link.sendall(b"two")
        assert received(link, 7).startswith(b"atwo")
        assert b"".join(echo[1]) == b"onetwoone"
