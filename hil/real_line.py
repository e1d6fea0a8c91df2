"""The line with real processes and sockets, a fault proxy before each PLC, and ways to strike it.

The engine is the plant's own with stand-in controllers that move every setpoint in every cycle.
The judge reads what the PLCs logged, behind the proxy.
"""

from __future__ import annotations

import contextlib
import copy
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from hil.bench import Bench, on_free_ports
from hil.fault_proxy import FaultProxy, Weather
from hil.injection import Injection
from records.canonical import canonical_json
from records.reader import Entry, RecordReader
from service import commands

PATIENCE_S = 120.0  # wall: for a loop to reach AUTO
_POLL_S = 0.1
_SPENT = ("SHADOW", "SHED")
_FLOODERS, _REQUESTS_PER_S = 4, 1000.0


class RealLine:
    """Plant, PLCs, proxies and engine; all of them ours, all of them ended on leaving."""

    def __init__(self, sealed: Mapping[str, Any], state: Path, seed: int, speed: float) -> None:
        """`speed` is plant seconds per second; time-outs on the wire stay wall seconds."""
        self.sealed = on_free_ports(sealed)
        self.bench = Bench(self.sealed, state, speed=speed, seed=seed)
        self.state, self.seed, self.speed = state, seed, speed
        self.proxies: dict[str, FaultProxy] = {}
        self.answered = 0  # questions of a flood
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self.bench)
            self.bench.start_line()
            behind = self._behind_proxies()
            path = self.state / "proxied.json"
            path.write_text(canonical_json(behind), "utf-8")
            self.bench.start_quick_engine(path)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _behind_proxies(self) -> dict[str, Any]:
        """Return the engine's configuration: each source is reached through its proxy."""
        moved: dict[str, Any] = copy.deepcopy(self.sealed)
        for name, source in moved["sources"].items():
            opcua = source["protocol"] == "opcua"
            port = urlsplit(source["endpoint"]).port if opcua else source["port"]
            proxy = self._stack.enter_context(FaultProxy(int(port or 0), self.seed))
            self.proxies[name] = proxy
            if opcua:
                source["endpoint"] = source["endpoint"].replace(f":{port}/", f":{proxy.port}/")
            else:
                source["port"] = proxy.port
        return moved

    # -- looking -------------------------------------------------------------------------------

    def source_of(self, loop: str) -> str:
        """Return the PLC that a loop writes to."""
        return str(self.sealed["loops"][loop]["handshake"]["source"])

    def wall_s(self, loop: str, periods: float) -> float:
        """Return how many wall seconds so many periods of a loop take."""
        return periods * float(self.sealed["loops"][loop]["period"]) / self.speed

    def entries(self, after: int = 0) -> list[Entry]:
        """Return the records after number `after`."""
        reader = RecordReader(self.state / "records.sqlite")
        try:
            return list(reader.since(after, limit=1_000_000))
        finally:
            reader.close()

    def to_auto(self, loop: str) -> bool:
        """Bring a loop to AUTO; False when it does not get there in time."""
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            now = commands.ask(self.state, {"do": "status"})["loops"][loop]
            if now["mode"] == "AUTO":
                return True
            spent = now["mode"] in _SPENT and now["plan"] == "solved"
            if now["requested"] == "OFF" or spent:
                words = {"do": "mode", "loop": loop, "mode": "AUTO", "who": "Kim"}
                commands.ask(self.state, {**words, "why": "fault run"})
            time.sleep(_POLL_S)
        return False

    # -- striking ------------------------------------------------------------------------------

    def injection(self, verb: str, loop: str, args: Mapping[str, Any]) -> Injection:
        """Return how a play begins and ends; `verb` is one of WAYS."""
        return WAYS[verb](self, self.source_of(loop), **args)


def weather(line: RealLine, source: str, kind: Any, seconds: float = 0.0) -> Injection:  # noqa: ANN401 - checked by Weather's users
    """Let the wire to a PLC be in a weather of the proxy."""
    proxy = line.proxies[source]
    return Injection(lambda: proxy.set(Weather(kind, seconds)), lambda: proxy.set(Weather()))


def frozen(line: RealLine, source: str) -> Injection:
    """Stop the PLC's process: its connections stand and nothing comes."""
    kill = line.bench.kill
    return Injection(lambda: kill(source, signal.SIGSTOP), lambda: kill(source, signal.SIGCONT))


def restarted(line: RealLine, source: str) -> Injection:
    """End the PLC's process; at the end a new one comes up at the same address."""
    return Injection(lambda: line.bench.kill(source), lambda: line.bench.restart_plc(source))


def no_descriptors(line: RealLine, source: str) -> Injection:
    """Take the engine's right to open anything, and the connection that it has."""
    pid = line.bench.children["engine"].pid
    proxy = line.proxies[source]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)

    def begin() -> None:
        held = max(int(one) for one in os.listdir(f"/proc/{pid}/fd")) + 1
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (min(held, before[1]), before[1]))
        proxy.set(Weather("reset"))

    def end() -> None:
        proxy.set(Weather())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    return Injection(begin, end)


def flood(line: RealLine, _source: str) -> Injection:
    """Ask at the engine's door a thousand times a second, from several mouths."""
    stop = threading.Event()
    mouths = [threading.Thread(target=_ask_on, args=(line, stop)) for _ in range(_FLOODERS)]

    def begin() -> None:
        for mouth in mouths:
            mouth.start()

    def end() -> None:
        stop.set()
        for mouth in mouths:
            mouth.join()

    return Injection(begin, end)


def _ask_on(line: RealLine, stop: threading.Event) -> None:
    while not stop.wait(_FLOODERS / _REQUESTS_PER_S):
        with contextlib.suppress(OSError):
            commands.ask(line.state, {"do": "status"})
            line.answered += 1


WAYS: Mapping[str, Callable[..., Injection]] = {
    way.__name__: way for way in (weather, frozen, restarted, no_descriptors, flood)
}
"""What a real play may name."""


@contextlib.contextmanager
def struck(injection: Injection) -> Iterator[None]:
    """Let a fault last as long as the block."""
    injection.begin()
    try:
        yield
    finally:
        injection.end()
