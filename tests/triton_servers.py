"""A real Triton server that tests start themselves, and stop by process id.

It comes from a wheel that `make test` unpacks into .venv-triton; where it cannot run, tests that
need it are skipped and say why.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import InferenceServerClient
from tritonclient.utils import InferenceServerException

from furler_compressor.adapters.triton_url import TritonAccess
from furler_kompress import artefact
from furler_kompress.repository import Backend, write
from furler_kompress.wheel_server import Launch, WheelServerError, prepare
from support.ports import free_port

WHEEL = Path(__file__).parent.parent / ".venv-triton"
# As servers.GUARD; the models' processes outlive a killed server, so its whole group is ended.
_GUARD = 'setsid "$@" >&2 & echo $!; read -r _; kill -9 -$!'
FAULTS = ("nan", "short", "beyond", "slow", "error")
_FAULTY = Path(__file__).parent / "support" / "faulty_model"
_START_SECONDS = 60.0
_PAUSE_SECONDS = 0.05


@dataclass(slots=True)
class TritonServer:
    """A Triton on a loopback port of its own, over a repository of models."""

    repository: Path
    arguments: tuple[str, ...] = ()
    credentials: TritonAccess | None = None
    """Certificates to ask it with, where it wants some."""
    port: int = 0
    pid: int = 0
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="furler-triton-")))
    _guard: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the same port as before, and return when its models are ready."""
        self.port = self.port or free_port()
        launch = _launch(self.repository, self.port, self.arguments)
        with (self.directory / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "sh", *launch.command],
                env=launch.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self._guard.stdout is not None
        self.pid = int(self._guard.stdout.readline())
        deadline = time.monotonic() + _START_SECONDS
        while not self._ready():
            if time.monotonic() > deadline or not Path(f"/proc/{self.pid}").exists():
                self.kill()
                raise RuntimeError((self.directory / "log").read_text()[-4000:])
            time.sleep(_PAUSE_SECONDS)

    def kill(self) -> None:
        """End it at once (SIGKILL): connections break."""
        if self._guard is not None:
            self._guard.communicate(b"")
            self._guard = None

    def load(self, model: str) -> None:
        """Load a model anew from the repository; for --model-control-mode=explicit."""
        with self._client() as client:
            client.load_model(model, client_timeout=_START_SECONDS)

    def pause(self) -> None:
        """Make it hang: connections stay open and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _ready(self) -> bool:
        with (
            contextlib.suppress(InferenceServerException, grpc.RpcError),
            self._client() as client,
        ):
            return bool(client.is_server_ready(client_timeout=1.0))
        return False

    def _client(self) -> InferenceServerClient:
        place, access = f"127.0.0.1:{self.port}", self.credentials
        if access is None:
            return InferenceServerClient(place)
        return InferenceServerClient(
            place,
            ssl=True,
            root_certificates=access.ca_file,
            private_key=access.key_file,
            certificate_chain=access.cert_file,
        )


@contextlib.contextmanager
def triton(
    repository: Path, *arguments: str, credentials: TritonAccess | None = None
) -> Iterator[TritonServer]:
    """Run a Triton for the time of the body, or skip the test where none can run."""
    server = TritonServer(repository, arguments, credentials)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


def write_repository(to: Path, *, faulty: bool = True) -> Path:
    """Write a repository with the real model, and one that goes wrong by words of FAULTS."""
    config = write(to, Backend.PYTHON) / "config.pbtxt"
    # A busy machine is no full queue; the faulty model keeps the policy.
    config.write_text(
        re.sub(r"(default_timeout_microseconds:) \d+", r"\1 60000000", config.read_text())
    )
    if not faulty:
        return to
    shutil.copytree(_FAULTY, to / "faulty")
    with (to / "faulty" / "config.pbtxt").open("a") as faults:
        for fault in FAULTS:
            number = artefact.tokenizer().token_to_id(fault)
            assert number is not None, f"{fault}: is no token of its own"
            faults.write(f'parameters {{ key: "{fault}" value {{ string_value: "{number}" }} }}\n')
    return to


def _launch(repository: Path, port: int, arguments: tuple[str, ...]) -> Launch:
    try:
        return prepare(WHEEL, repository, port, arguments)
    except WheelServerError as error:
        pytest.skip(f"no Triton server here: {error} (`make test` unpacks one)")
