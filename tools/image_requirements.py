"""Print what an image installs from the registry: the dependencies of the distributions in it.

``make lock`` compiles the list to ``requirements/<image>.txt``, so that an image holds what its
distributions name, at the very versions that the tests run with, and nothing else.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROJECTS: Final = sorted(
    p for part in ("clients", "services") for p in (ROOT / part).glob("*/pyproject.toml")
)
DISTRIBUTIONS: Final = {tomllib.loads(p.read_text())["project"]["name"]: p.parent for p in PROJECTS}
"""Our distributions and their directories."""
IMAGES: Final = {
    "compressor": "furler-compressor",
    "gateway": "furler-gateway",
    "model_server": "furler-kompress",  # for its build stage alone, which writes Triton's repository
}
"""The distribution that an image is for; those of ours that it needs follow from it."""
WHOLE: Final = ("compressor",)
"""Images that have every optional part of their distribution: which model serves is a setting."""
_NAME: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[(?P<extras>[^]]*)\])?")


def _project(name: str) -> dict[str, Any]:
    return tomllib.loads((DISTRIBUTIONS[name] / "pyproject.toml").read_text())["project"]


def walk(name: str, extras: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    """Yield the requirements of one of our distributions and of those of ours that it needs."""
    if f"{name}{sorted(extras)}" in seen:
        return
    seen.add(f"{name}{sorted(extras)}")
    project = _project(name)
    optional = project.get("optional-dependencies", {})
    for line in (*project["dependencies"], *(r for e in extras for r in optional.get(e, ()))):
        match = _NAME.match(line)
        if match is None:
            raise ValueError(f"{name}: cannot read the requirement {line!r}")
        if match["name"] in DISTRIBUTIONS:
            inner = tuple(filter(None, (match["extras"] or "").split(",")))
            yield from walk(match["name"], inner, seen)
        else:
            # An image may run an older patch release than the lock is compiled with: no condition on it.
            yield line.partition(";")[0]


def _parts(image: str) -> tuple[str, ...]:
    """Return the optional parts that an image has of its distribution."""
    if image not in WHOLE:
        return ()
    return tuple(sorted(_project(IMAGES[image]).get("optional-dependencies", {})))


def requirements(image: str) -> list[str]:
    """Return the requirements of an image, sorted, each once."""
    return sorted(set(walk(IMAGES[image], _parts(image), set())))


def distributions(image: str) -> list[Path]:
    """Return the directories of the distributions of ours that an image holds."""
    seen: set[str] = set()
    for _ in walk(IMAGES[image], _parts(image), seen):
        pass
    names = {entry.partition("[")[0] for entry in seen}
    return [directory for name, directory in DISTRIBUTIONS.items() if name in names]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", choices=sorted(IMAGES))
    sys.stdout.write("\n".join(requirements(parser.parse_args().image)) + "\n")
