"""A real headless browser, if this machine has one: Debian's chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

BINARY = shutil.which("chromium")
MISSING = "needs Debian's chromium (apt-get install chromium)"


@dataclass(frozen=True)
class Page:
    """A page after its scripts have run, and what its console said."""

    text: str
    console: list[str]


def opened(url: str, profile: Path, *, seconds: int = 4) -> Page:
    """Load a page, give its scripts some seconds of their own, and return what became of it."""
    done = _chromium(profile, "--dump-dom", "--enable-logging=stderr", url, seconds=seconds)
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    return Page(done.stdout, said)


def pictured(url: str, profile: Path, *, dark: bool, file: Path) -> tuple[int, int, int]:
    """Save a picture of a page, and return the colour of its first corner."""
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    _chromium(profile, scheme, "--window-size=1300,1500", f"--screenshot={file}", url)
    return _corner(file.read_bytes())


def _chromium(profile: Path, *arguments: str, seconds: int = 4) -> subprocess.CompletedProcess[str]:
    assert BINARY is not None
    command = [
        BINARY, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        "--disable-background-networking", "--no-first-run", f"--user-data-dir={profile}",
        # Time of the page's own: its timers run without anybody waiting.
        f"--virtual-time-budget={seconds * 1000}", *arguments,
    ]  # fmt: skip
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )


def _corner(png: bytes) -> tuple[int, int, int]:
    """Return the first pixel. No filter of PNG changes it: it has no neighbour before it."""
    data, at = b"", 8
    while at < len(png):
        length, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        if kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    row = zlib.decompress(data)
    return row[1], row[2], row[3]
