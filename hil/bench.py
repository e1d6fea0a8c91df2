"""The whole line on one machine: plant, two PLCs, engine and page, each a process of its own.

`Bench` starts them in order, waits for each one's ready line, and ends everything it started and
nothing else. Each child dies with us, however we die (service.leash). The demo, the end-to-end
tests and `./rheostat plc all` use it.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hil import bench_door, soft_plc
from hil.bench_identity import introduce
from records.canonical import canonical_json, sha256_of
from service import commands

READY_WITHIN_S = 60.0
END_WITHIN_S = 8.0


class BenchError(RuntimeError):
    """A process of the bench did not come up; the text says which, and what it said last."""


LONGEST_TIMEOUT_S = 0.5
_PLCS = {"coater": "hil.plc_opcua", "mixer": "hil.plc_modbus"}


def on_free_ports(sealed: Mapping[str, Any], keep: Container[str] = ()) -> dict[str, Any]:
    """Return `sealed` with every source but those to `keep` moved to a free port on loopback.

    Time-outs on the wire are wall seconds, also when the bench runs faster than real time: a
    peer on loopback need not be waited for as long as one across a plant.
    """
    moved = copy.deepcopy(dict(sealed))
    with contextlib.ExitStack() as held:
        for name, source in moved["sources"].items():
            source["timeout"] = min(float(source["timeout"]), LONGEST_TIMEOUT_S)
            if name in keep:
                continue
            holder = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = holder.getsockname()[1]
            if source["protocol"] == "opcua":
                source["endpoint"] = f"opc.tcp://127.0.0.1:{port}/rheostat/bench"
            else:
                source["host"], source["port"] = "127.0.0.1", port
    return moved


class Bench:
    """One line's processes, by name: plant, coater, mixer, engine, page."""

    def __init__(
        self,
        sealed: Mapping[str, Any],
        state: Path,
        *,
        speed: float = 1.0,
        seed: int = 0,
        overrides: Mapping[str, float] | None = None,
        start: str = "running",
        watch: Sequence[Path] = (),
        standing: Mapping[str, Path] | None = None,
    ) -> None:
        """Write the sealed configuration into `state`; nothing is started yet.

        `watch` are the files it was made from, for the engine to look at. `standing` are the side
        doors of PLCs that are there already, by name: they get this plant and are not ended.
        """
        self.sealed = dict(sealed)
        self.state = state
        self.speed = speed
        self.children: dict[str, subprocess.Popen[str]] = {}
        self.ready: dict[str, dict[str, Any]] = {}
        self._common = ["--sealed", str(state / "sealed.json"), "--state", str(state)]
        self._plant = ["--seed", str(seed), "--start", start]
        for path, value in (overrides or {}).items():
            self._plant += ["--set", f"{path}={value!r}"]
        self._start = start
        self._watch = [word for path in watch for word in ("--watch", str(path))]
        self._standing = dict(standing or {})
        state.mkdir(parents=True, exist_ok=True)
        (state / "sealed.json").write_text(canonical_json(self.sealed), "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def sha256(self) -> str:
        """The hash of the sealed configuration this bench runs."""
        return sha256_of(self.sealed)

    def start_line(self) -> None:
        """Start the plant and both PLCs."""
        pace = ["--speed", repr(self.speed)]
        facts = self._spawn("plant", "hil.plant_process", [*self._common, *pace, *self._plant])
        field = ["--field", str(facts["port"]), "--start", self._start]
        for name, module in _PLCS.items():
            if name in self._standing:
                self._plug_in(name, int(facts["port"]))
            else:
                self._spawn(name, module, [*self._common, *pace, *field])

    def start_engine(self, *, strangers: bool = False) -> None:
        """Start the engine; it comes up OFF.

        The PLCs of `strangers` are not this bench's: the certificates that lie in `state` are used.
        """
        if not strangers:
            introduce(self.sealed, self.state)
        options = [*self._common, "--speed", repr(self.speed), *self._watch]
        self._spawn("engine", "service.engine", options)

    def start_quick_engine(self, sealed: Path) -> None:
        """Start an engine on the configuration in `sealed`, with stand-in controllers."""
        words = [str(self.state), str(sealed), repr(self.speed)]
        self._spawn("engine", "hil.quick_engine", words)

    def restart_plc(self, name: str) -> None:
        """Start a PLC anew that was killed, at its address and on the plant that goes on.

        The engine has written down since where *it* finds the PLCs, behind a proxy perhaps.
        """
        own = self.state / "bench.json"
        own.write_text(canonical_json(self.sealed), "utf-8")
        words = ["--sealed", str(own), "--state", str(self.state), "--speed", repr(self.speed)]
        field = ["--field", str(self.ready["plant"]["port"]), "--start", self._start]
        self._spawn(name, _PLCS[name], [*words, *field])

    def start_page(self, port: int = 0) -> str:
        """Start the operator page and return its address."""
        arguments = ["--state", str(self.state), "--port", str(port)]
        facts = self._spawn("page", "service.page", arguments)
        return f"http://127.0.0.1:{facts['port']}/"

    def ask_engine(self, **message: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON can say
        """Ask the engine at its command door."""
        return commands.ask(self.state, message)

    def panel(self, plc: str, **words: Any) -> None:  # noqa: ANN401 - the panel's own words
        """Operate the panel of 'coater' or 'mixer', as the operator at the machine does."""
        self._ask(f"plc-{plc}", do="panel", words=words)

    def plc(self, plc: str) -> dict[str, Any]:
        """Return what a PLC shows on its own panel: image, panel words, active setpoints."""
        return self._ask(f"plc-{plc}", do="status")

    def event(self, kind: str, **details: Any) -> None:  # noqa: ANN401 - the event's own words
        """Make something happen in the plant."""
        self._ask("plant", do="event", kind=kind, details=details)

    def truth(self) -> dict[str, Any]:
        """Return the plant's time and what really is there."""
        return self._ask("plant", do="truth")

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one of our processes; SIGKILL also waits for its end."""
        child = self.children[name]
        child.send_signal(how)
        if how is signal.SIGKILL:
            child.wait(END_WITHIN_S)

    def close(self) -> None:
        """End what we started, the engine first, and wait for each."""
        for name in ("engine", "page", "coater", "mixer", "plant"):
            child = self.children.pop(name, None)
            if child is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                child.send_signal(signal.SIGCONT)
                child.terminate()
            try:
                child.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(END_WITHIN_S)
            if child.stdout is not None:
                child.stdout.close()

    def log_tail(self, name: str, lines: int = 12) -> str:
        """Return the last lines one of our processes wrote to its log."""
        path = self.state / f"{name}.log"
        return "\n".join(path.read_text("utf-8", "replace").splitlines()[-lines:])

    def _plug_in(self, name: str, field: int) -> None:
        """Give this plant to a PLC that stands already; its door then opens from here as well."""
        door = self._standing[name]
        log = self.state.resolve() / f"plc-{name}.jsonl"
        try:
            self.ready[name] = soft_plc.plug_in(
                door, self.sealed["recipe"], log, field=field, speed=self.speed, start=self._start
            )
        except (OSError, ValueError) as error:
            raise BenchError(f"the {name}'s PLC at {door} took no plant: {error}") from error
        here = self.state / f"plc-{name}.sock"
        here.unlink(missing_ok=True)
        here.symlink_to(door.resolve())

    def _ask(self, door: str, **request: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        return bench_door.ask(self.state / f"{door}.sock", request)

    def _spawn(self, name: str, module: str, arguments: list[str]) -> dict[str, Any]:
        old = self.children.pop(name, None)
        if old is not None and old.stdout is not None:
            old.stdout.close()
        command = [sys.executable, "-m", "service.leash", str(os.getpid()), module, *arguments]
        with (self.state / f"{name}.log").open("a", encoding="utf-8") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True, start_new_session=True,
            )  # fmt: skip
        self.children[name] = child
        self.ready[name] = self._first_line(name, child)
        return self.ready[name]

    def _first_line(self, name: str, child: subprocess.Popen[str]) -> dict[str, Any]:
        until = time.monotonic() + READY_WITHIN_S
        assert child.stdout is not None  # noqa: S101 - we asked for a pipe
        while time.monotonic() < until:
            if select.select([child.stdout], [], [], 0.2)[0]:
                line = child.stdout.readline()
                if line.startswith("{"):
                    facts: dict[str, Any] = json.loads(line)
                    return facts
            if child.poll() is not None:
                break
        raise BenchError(
            f"the bench's {name} did not come up (exit status {child.poll()}).\n"
            f"It said last:\n{self.log_tail(name)}"
        )
