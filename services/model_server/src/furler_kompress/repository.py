"""A Triton model repository from what ships with this package.

``python -m furler_kompress.repository --to DIR`` writes it: configurations, model files, and the
parameter that tells a client which weights a version holds. An init container runs it, so that
the servers serve what the compressors of the same release know.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from furler_kompress import artefact

NAME: Final = "kompress"
INT8_FILE: Final = "model.int8.onnx"
FP16_FILE: Final = "model.fp16.onnx"
_PACKAGED: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGED.parents[1]
# Read by Furler's Triton adapter; one per version, for all versions share one configuration.
_PARAMETER: Final = (
    'parameters {{ key: "furler_model:{version}" value {{ string_value: "{model}" }} }}\n'
)


class Backend(StrEnum):
    """What runs the model on the server."""

    ONNX = "onnx"
    """Triton's ONNX backend: the full server image."""
    PYTHON = "python"
    """ONNX Runtime in Triton's Python backend: a server without the ONNX backend."""


class RepositoryError(Exception):
    """A repository cannot be written. The message names the file."""


def write(to: Path, backend: Backend, version: int = 1, fp16: Path | None = None) -> Path:
    """Write a repository, or another version into one that is there, and return the model's folder.

    Args:
        to: The repository; made where it is missing.
        backend: What will run it.
        version: Number of the version directory; a server serves the highest ones.
        fp16: The fp16 export, for GPUs; without it only pods with ``--model-config-name=cpu``
            serve an ONNX repository.

    Raises:
        RepositoryError: a template or model file is missing, or the version is there already.
        ArtefactError: the packaged model is damaged.
    """
    source = _template(backend)
    model = to / NAME
    directory = model / str(version)
    if version < 1:
        raise RepositoryError(f"version: want 1 or more, got {version}")
    if directory.exists():
        raise RepositoryError(f"{directory}: is there already; versions are never changed")
    int8 = artefact.read(artefact.MODEL)
    identities = {"config.pbtxt": artefact.version(), "configs/cpu.pbtxt": artefact.version()}
    model.mkdir(parents=True, exist_ok=True)
    if backend is Backend.ONNX:
        identities["config.pbtxt"] = f"{artefact.version()}-fp16"
    for name, identity in identities.items():
        if (source / name).exists():
            _configure(
                source / name, model / name, _PARAMETER.format(version=version, model=identity)
            )
    # Under another name first: a server that polls never sees half a version.
    partial = model / f".{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    (partial / INT8_FILE).write_bytes(int8)
    if backend is Backend.PYTHON:
        shutil.copyfile(source / "1" / "model.py", partial / "model.py")
    elif fp16 is not None:
        shutil.copyfile(fp16, partial / FP16_FILE)
    partial.rename(directory)
    return model


def _template(backend: Backend) -> Path:
    """Return the folder of a model's configuration: beside this file once installed."""
    folder = {Backend.ONNX: "models", Backend.PYTHON: "models-python"}[backend]
    for root in (_PACKAGED, _CHECKOUT):
        if (root / folder / NAME).is_dir():
            return root / folder / NAME
    raise RepositoryError(f"{folder}/{NAME}: is missing from this installation")


def _configure(source: Path, to: Path, parameter: str) -> None:
    """Copy a configuration, with the parameters of the versions that are there already."""
    known = to.read_text().splitlines(keepends=True) if to.exists() else []
    kept = [line for line in known if line.startswith('parameters { key: "furler_model:')]
    to.parent.mkdir(exist_ok=True)
    to.write_text("".join([source.read_text(), *kept, parameter]))


def main(argv: Sequence[str] | None = None) -> int:
    """Write a repository. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Write a Triton model repository for Kompress.")
    parser.add_argument("--to", type=Path, required=True, help="the repository's directory")
    parser.add_argument(
        "--backend", type=Backend, choices=list(Backend), default=Backend.ONNX, help="what runs it"
    )
    parser.add_argument("--version", type=int, default=1, help="number of the version directory")
    parser.add_argument("--fp16", type=Path, help="the fp16 export, for servers with a GPU")
    given = parser.parse_args(argv)
    try:
        model = write(given.to, given.backend, given.version, given.fp16)
    except (RepositoryError, artefact.ArtefactError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{model}: version {given.version} is {artefact.version()}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
