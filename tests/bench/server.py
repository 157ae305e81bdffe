"""A real compressor process, started for a measurement and stopped after it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from furler.v1 import compressor_service_pb2_grpc

_READY = re.compile(r"is ready on (\S+):(\d+)")
_LIMIT = 64 * 1024 * 1024


class ServerError(Exception):
    """The server did not start."""


@dataclass(frozen=True, slots=True)
class Held:
    """A process, by its module's name, and bytes: resident, and with shared pages divided."""

    name: str
    resident: int
    proportional: int


class Server:
    """A running server; its store is SQLite in a temporary directory, or what ``store`` names.

    ``settings`` are FURLER_* variables besides, whole.
    """

    def __init__(
        self, workers: int = 1, store: str = "", settings: Mapping[str, str] | None = None
    ) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="furler-bench-")
        self._workers = workers
        self._settings = settings or {}
        self._store = store or self._directory.name
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def __enter__(self) -> Self:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "FURLER_LISTEN": "127.0.0.1:0",
            "FURLER_STORE": self._store,
            "FURLER_WORKERS": str(self._workers),
            **self._settings,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "furler_compressor.main"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        for _ in range(self._workers):
            self.address = self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._directory.cleanup()

    def channel(self) -> grpc.Channel:
        """Return a connection of its own, so that several may land on several workers."""
        options = [
            ("grpc.max_receive_message_length", _LIMIT),
            ("grpc.max_send_message_length", _LIMIT),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        return grpc.insecure_channel(self.address, options)

    def stub(self) -> compressor_service_pb2_grpc.CompressorServiceStub:
        """Return a stub on a connection of its own."""
        return compressor_service_pb2_grpc.CompressorServiceStub(self.channel())

    def processes(self) -> list[Held]:
        """Return what runs and what it holds (Linux)."""
        if self._process is None:
            return []
        pids = [self._process.pid, *_descendants(self._process.pid)]
        return [Held(_module(pid), _resident(pid), _proportional(pid)) for pid in pids]

    def busy_ms(self) -> float:
        """Return the milliseconds that the server's processes have run so far, on any core (Linux)."""
        if self._process is None:
            return 0.0
        pids = [self._process.pid, *_descendants(self._process.pid)]
        return sum(map(_ticks, pids)) * 1000 / os.sysconf("SC_CLK_TCK")

    def _wait(self) -> str:
        if self._process is None or self._process.stdout is None:
            raise ServerError("enter the context first")
        for line in self._process.stdout:
            if match := _READY.search(line):
                return f"{match[1]}:{match[2]}"
        raise ServerError(f"the server ended with {self._process.wait()}")


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return sorted(found)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # utime, stime


def _module(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    if "-m" in words:
        return words[words.index("-m") + 1].rpartition(".")[2]
    return "worker" if any("spawn_main" in w for w in words) else words[-2][-40:]


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _proportional(pid: int) -> int:
    fields = re.search(
        r"^Pss: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE
    )
    return int(fields[1]) * 1024 if fields else 0
