"""An image's file system, made from its Dockerfile in plain directories.

The build stage's RUN lines run here as they stand, with this Python and the paths of the stage's
own root put in. The base of the last stage is put together from the Debian packages that the
base image is made of, as they are installed on this machine: what is missing there is missing here.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pathspec
from rehearsal.dockerfile import Stage, stages

ROOT: Final = Path(__file__).resolve().parents[2]
BASE: Final = "gcr.io/distroless/python3-debian12"
# The packages of that base image: of its layers "base", "cc" and "python3".
PACKAGES: Final = [
    "libc6",
    "libssl3",
    "libgcc-s1",
    "libgomp1",
    "libstdc++6",
    "gcc-12-base",
    "libbz2-1.0",
    "libcom-err2",
    "libcrypt1",
    "libdb5.3",
    "libexpat1",
    "libffi8",
    "libgssapi-krb5-2",
    "libk5crypto3",
    "libkeyutils1",
    "libkrb5-3",
    "libkrb5support0",
    "liblzma5",
    "libncursesw6",
    "libnsl2",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libreadline8",
    "libsqlite3-0",
    "libtinfo6",
    "libtirpc3",
    "libuuid1",
    "python3-distutils",
    "python3.11-minimal",
    "zlib1g",
    "tzdata",
    "ca-certificates",
    "netbase",
]
_USERS: Final = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"


class CannotRehearseError(Exception):
    """This machine lacks what a rehearsal needs; the message says what."""


def require() -> None:
    """Raise CannotRehearseError where the base image's Python cannot be put together."""
    if os.geteuid() != 0:
        raise CannotRehearseError("a rehearsal changes roots and users: it needs root")
    if sys.version_info[:2] != (3, 11):
        raise CannotRehearseError("the images run Python 3.11; this environment is another's")
    for tool in ("strip", "dpkg-query", "unshare"):
        if shutil.which(tool) is None:
            raise CannotRehearseError(f"{tool} is not installed")
    if not Path("/usr/bin/python3.11").exists():
        raise CannotRehearseError("/usr/bin/python3.11 of Debian 12 is not installed")


def build(dockerfile: Path, into: Path, until: str = "") -> tuple[Path, Stage]:
    """Make the image's file system below ``into``; return root and stage of ``until``, or of the last."""
    roots: dict[str, Path] = {}
    found = stages(dockerfile)
    if until:
        found = found[: [stage.name for stage in found].index(until) + 1]
    for number, stage in enumerate(found):
        root = into / (stage.name or "image")
        roots[stage.name] = root
        root.mkdir(parents=True)
        if number == len(found) - 1 and not until:
            if not stage.base.startswith(BASE):
                raise CannotRehearseError(f"{stage.base}: only {BASE} can be put together here")
            _base(root)
        _run_stage(stage, root, roots, into)
    return roots[found[-1].name], found[-1]


def _run_stage(stage: Stage, root: Path, roots: dict[str, Path], scratch: Path) -> None:
    """Do what the stage's steps say."""
    directory = Path("/")
    for instruction, value in stage.steps:
        match instruction:
            case "WORKDIR":
                directory = directory / value
                _inside(root, directory).mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(value, root, directory, roots, scratch)
            case "RUN":
                _run(value, root, directory, scratch)
            case _:
                pass


def _run(line: str, root: Path, directory: Path, scratch: Path) -> None:
    tools = scratch / "tools"
    tools.mkdir(exist_ok=True)
    python = tools / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    # The paths of the build stage are below its own root here.
    placed = re.sub(r"(?<=\s)/out\b", str(root / "out"), line)
    subprocess.run(
        ["/bin/sh", "-ec", placed],
        cwd=_inside(root, directory),
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
        stdout=sys.stderr,
        check=True,
    )


def _copy(value: str, root: Path, directory: Path, roots: dict[str, Path], scratch: Path) -> None:
    words = value.split()
    source = _context(scratch)
    if words[0].startswith("--from="):
        source = roots[words.pop(0).removeprefix("--from=")]
    *names, target = words
    destination = _inside(root, directory / target)
    for name in names:
        path = _inside(source, Path("/") / name)
        if path.is_dir():
            shutil.copytree(path, destination, symlinks=True, dirs_exist_ok=True)
        else:
            place = destination / path.name if target.endswith("/") else destination
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, place)


def _inside(root: Path, path: Path) -> Path:
    return root / path.as_posix().lstrip("/")


def _context(scratch: Path) -> Path:
    """Return the build's context: what git knows of, less what .dockerignore leaves out."""
    context = scratch / "context"
    if not context.exists():
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout.splitlines()  # fmt: skip
        left_out = pathspec.PathSpec.from_lines(
            "gitwildmatch", (ROOT / ".dockerignore").read_text().splitlines()
        )
        for name in listed:
            if not left_out.match_file(name) and (ROOT / name).exists():
                (context / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, context / name)
    return context


def _base(root: Path) -> None:
    """Copy the files of the base image's packages from this machine."""
    for link in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / link).mkdir(parents=True, exist_ok=True)
        (root / link).symlink_to(f"usr/{link}")
    for directory in ("dev", "proc", "tmp", "etc", "home/nonroot"):
        (root / directory).mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        found = subprocess.run(
            ["dpkg-query", "--listfiles", package], check=False, capture_output=True, text=True
        )
        if found.returncode:
            raise CannotRehearseError(f"{package}, part of the base image, is not installed here")
        for name in found.stdout.splitlines():
            path = Path(name)
            place = _inside(root, path)
            if path.is_symlink() or path.is_file():
                place.parent.mkdir(parents=True, exist_ok=True)
                if not place.exists() and not place.is_symlink():
                    shutil.copy2(path, place, follow_symlinks=False)
    (root / "usr/bin/python3").symlink_to("python3.11")
    (root / "etc/passwd").write_text(_USERS)
