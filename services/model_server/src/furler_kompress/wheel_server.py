"""How to start the Triton server that the wheel ``nvidia-pytriton`` brings.

For machines without Triton's container image: tests, laptops. The wheel is unpacked by
itself into a folder (``make triton`` does it); its server has the Python backend only.
``python -m furler_kompress.wheel_server --wheel DIR --repository DIR`` runs it.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class WheelServerError(Exception):
    """The server cannot run here. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A command line and its environment."""

    command: tuple[str, ...]
    environment: dict[str, str]


def prepare(wheel: Path, repository: Path, port: int, arguments: Sequence[str] = ()) -> Launch:
    """Return how to start the server on loopback, gRPC only.

    Args:
        wheel: The folder that the wheel was unpacked into.
        repository: The model repository.
        port: Where gRPC listens.
        arguments: More arguments of the server.

    Raises:
        WheelServerError: the wheel is not there, or not for this machine or this Python.
    """
    root = wheel / "pytriton" / "tritonserver"
    binary = root / "bin" / "tritonserver"
    if not binary.exists():
        raise WheelServerError(f"{binary}: there is no Triton server")
    backend = root / "backends" / "python"
    _place_stub(root, backend)
    environment = {
        # The stub embeds a Python, finds its environment by PATH, and ignores PYTHONPATH: what the
        # model imports is what is installed for this interpreter.
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": f"{_python_library()}:{wheel / 'nvidia_pytriton.libs'}",
    }
    command = (
        *(str(binary), f"--model-repository={repository}", f"--backend-directory={root}/backends"),
        *("--grpc-address=127.0.0.1", f"--grpc-port={port}"),
        *("--allow-http=false", "--allow-metrics=false", "--exit-timeout-secs=5"),
        *arguments,
    )
    return Launch(command, environment)


def _place_stub(root: Path, backend: Path) -> None:
    """Put the stub for this Python where the backend looks for it."""
    name = "triton_python_backend_stub"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub, placed = root / "python_backend_stubs" / version / name, backend / name
    if not stub.exists():
        raise WheelServerError(f"the Triton server has no stub for Python {version}")
    if placed.exists() and filecmp.cmp(stub, placed, shallow=False):
        return
    # Several processes may do this at once.
    descriptor, partial = tempfile.mkstemp(dir=backend)
    os.close(descriptor)
    shutil.copyfile(stub, partial)
    Path(partial).chmod(0o755)
    Path(partial).replace(placed)


def _python_library() -> str:
    """Return the folder of libpython, which the stub needs as a shared library."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    folders = [sysconfig.get_config_var("LIBDIR") or ""]
    folders.append(os.path.join(folders[0], sysconfig.get_config_var("MULTIARCH") or ""))  # noqa: PTH118
    for folder in folders:
        if ".so" in name and Path(folder, name).exists():
            return folder
    raise WheelServerError(f"this Python has no shared library ({name or 'libpython'})")


def main(argv: Sequence[str] | None = None) -> int:
    """Become the server. Returns an exit status where that fails, and not at all where it does not."""
    parser = argparse.ArgumentParser(description="Run the wheel's Triton server on loopback.")
    parser.add_argument("--wheel", type=Path, required=True, help="where the wheel is unpacked")
    parser.add_argument("--repository", type=Path, required=True, help="the model repository")
    parser.add_argument("--port", type=int, default=8001, help="gRPC's port")
    given = parser.parse_args(argv)
    try:
        launch = prepare(given.wheel.absolute(), given.repository, given.port)
        os.execve(launch.command[0], launch.command, launch.environment)  # noqa: S606
    except (WheelServerError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
