"""Generate the Python stubs from proto/ into the client package.

What lives here: the one way the checked-in files under clients/python/src/furler/v1
are made. Same proto and same tools give the same bytes; a test compares them.
"""

from __future__ import annotations

import shutil
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
TARGET = ROOT / "clients" / "python" / "src"
PLUGINS = ("protoc-gen-mypy", "protoc-gen-mypy_grpc")


class GenerationError(RuntimeError):
    """protoc or a plugin of it did not do its work."""


def generate(target: Path) -> list[Path]:
    """Write the stubs of every proto below a source root; return their paths, sorted.

    Raises GenerationError.
    """
    protos = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))
    services = [path for path in protos if path.endswith("_service.proto")]
    target.mkdir(parents=True, exist_ok=True)
    # quiet: what was written is what we return.
    _run(protos, f"--python_out={target}", f"--mypy_out=quiet:{target}")
    _run(services, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}")
    return sorted(path for path in target.rglob("*_pb2*") if path.suffix in {".py", ".pyi"})


def _run(protos: list[str], *outputs: str) -> None:
    includes = (PROTO, Path(str(files("grpc_tools"))) / "_proto")
    arguments = [
        "protoc",
        *(f"--proto_path={path}" for path in includes),
        *(f"--plugin={name}={_executable(name)}" for name in PLUGINS),
        *outputs,
        *protos,
    ]
    if code := protoc.main(arguments):
        raise GenerationError(f"protoc exited with {code}")


def _executable(name: str) -> str:
    """Return the plugin that belongs to this interpreter, or the one on the path."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise GenerationError(f"{name} is not installed: it comes with mypy-protobuf")
    return found


def main() -> None:
    """Replace the checked-in stubs."""
    for stale in (TARGET / "furler" / "v1").glob("*_pb2*"):
        stale.unlink()
    for path in generate(TARGET):
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
