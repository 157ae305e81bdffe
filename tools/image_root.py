"""Fill the directory that becomes an image's file system. Runs in the Dockerfiles' build stage.

``requirements``  the hashed third-party packages of the image, alone: the layer that seldom changes
``code``          our distributions beside them, then what nothing needs at run time taken away,
                  byte code compiled, and a bill of materials (CycloneDX) written
``sizes``         what stands in a filled directory, in decimal megabytes, by package

The same commands fill the directory that the tests run the image from, so neither can drift.
Needs pip, and binutils' strip for ``code``.
"""

from __future__ import annotations

import argparse
import compileall
import hashlib
import json
import py_compile
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from image_requirements import ROOT, distributions

APP: Final = "app"
BILL: Final = "sbom.cdx.json"
BUDGET_MB: Final = {"compressor": 350, "gateway": 120}
"""Most decimal megabytes of installed files, base image not counted."""
_SOURCES_OF_BINARIES: Final = ("*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.c", "*.h", "*.hpp", "*.a")
_UNUSED: Final = (
    "zstandard/_cffi.*.so",  # PyPy's way in; CPython takes backend_c
    "numpy/**/tests",
    "numpy/f2py",  # makes Fortran extensions
    "onnxruntime/tools",  # converts and edits models
    "onnxruntime/transformers",
    "onnxruntime/quantization",
)
_NEVER_IMPORTED: Final = ("pygments",)
"""Kept as source, without byte code: the command line imports a few of its 500 modules, seldom."""


def main() -> int:
    """Run the named step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("step", choices=("requirements", "code", "sizes"))
    parser.add_argument("image", choices=sorted(BUDGET_MB))
    parser.add_argument("into", type=Path, help="the directory that becomes the image's root")
    arguments = parser.parse_args()
    app = arguments.into / APP
    match arguments.step:
        case "requirements":
            install(
                app, "--require-hashes", "-r", str(ROOT / "requirements" / f"{arguments.image}.txt")
            )
        case "code":
            packages = map(str, distributions(arguments.image))
            install(app, "--no-build-isolation", "--no-index", *packages)
            trim(app)
            compile_code(app)
            bill = bill_of_materials(arguments.image, app)
            (arguments.into / BILL).write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
        case _:
            return report(arguments.image, app)
    return 0


def install(app: Path, *what: str) -> None:
    """Install into ``app``. The lock names every package, so nothing else is resolved."""
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--root-user-action=ignore", "--no-compile", "--no-deps", "--target", str(app), *what],
        check=True,
    )  # fmt: skip
    # Entry points whose first line names the build stage's Python.
    shutil.rmtree(app / "bin", ignore_errors=True)


def trim(app: Path) -> None:
    """Take away what nothing imports, debugging symbols, and grammars that the engine has no query for."""
    for pattern in _UNUSED:
        for path in list(app.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for pattern in _SOURCES_OF_BINARIES:
        for path in list(app.rglob(pattern)):
            path.unlink()
    grammars = app / "tree_sitter_language_pack" / "bindings"
    if grammars.is_dir():
        wanted = subprocess.run(
            [sys.executable, "-P", "-c",
             "from furler_engine.shared.grammars import QUERIES; print(*QUERIES)"],
            env={"PYTHONPATH": str(app), "PYTHONDONTWRITEBYTECODE": "1"},
            check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        for path in grammars.glob("*.so"):
            if path.name.partition(".")[0] not in wanted:
                path.unlink()
    # Patched libraries, as auditwheel leaves them, do not survive a full strip; symbols alone can go.
    binaries = [
        path for path in app.rglob("*.so*") if path.is_file() and ".libs" not in path.parts[-2]
    ]
    subprocess.run(["strip", "--strip-debug", *map(str, binaries)], check=True)


def compile_code(app: Path) -> None:
    """Write byte code: the root is read-only, and a start would compile it all again.

    By hash, unchecked: two builds of the same files give the same bytes.
    """
    for entry in sorted(app.iterdir()):
        if entry.is_dir() and entry.name not in _NEVER_IMPORTED:
            compileall.compile_dir(
                entry, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                stripdir=app.parent,
            )  # fmt: skip


def bill_of_materials(image: str, app: Path) -> dict[str, object]:
    """Return a CycloneDX 1.6 document of what is installed: read from the files, not from the lock."""
    components = [_package(found) for found in metadata.distributions(path=[str(app)])]
    components += [_file(app, path) for path in _data(app)]
    components.sort(key=lambda component: str(component["bom-ref"]))
    listed = json.dumps(components, sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        # Of the contents: the same build has the same name.
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, listed)}",
        "version": 1,
        "metadata": {
            "component": {"type": "container", "name": f"furler-{image}", "bom-ref": image}
        },
        "components": components,
    }


def _package(found: metadata.Distribution) -> dict[str, object]:
    name, version = found.metadata["Name"], found.version
    where = f"pkg:pypi/{name.lower().replace('_', '-')}@{version}"
    licence = found.metadata.get("License-Expression")
    component: dict[str, object] = {
        "type": "library",
        "bom-ref": where,
        "purl": where,
        "name": name,
        "version": version,
    }
    if licence:
        component["licenses"] = [{"expression": licence}]
    return component


def _data(app: Path) -> Iterator[Path]:
    """Yield files that are neither code nor of a package: vocabularies, grammars, models."""
    for pattern in (
        "*.tiktoken.gz",
        "tree_sitter_language_pack/bindings/*.so",
        "*.onnx",
        "**/tokenizer.json",
    ):
        yield from app.rglob(pattern)


def _file(app: Path, path: Path) -> dict[str, object]:
    name = path.relative_to(app).as_posix()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "type": "machine-learning-model" if path.suffix == ".onnx" else "file",
        "bom-ref": f"file:{name}",
        "name": name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def megabytes(directory: Path) -> float:
    """Return the sum of the files' sizes, in decimal megabytes."""
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / 1e6


def report(image: str, app: Path) -> int:
    """Print the sizes, largest first. Returns 1 if they are over the budget."""
    sizes = {p.name: megabytes(p) if p.is_dir() else p.stat().st_size / 1e6 for p in app.iterdir()}
    for name, size in sorted(sizes.items(), key=lambda pair: -pair[1])[:15]:
        print(f"{size:8.1f}  {name}")
    total = sum(sizes.values())
    print(f"{total:8.1f}  of {BUDGET_MB[image]} MB: {image}, {len(sizes)} entries")
    return int(total > BUDGET_MB[image])


if __name__ == "__main__":
    sys.exit(main())
