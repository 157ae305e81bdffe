"""The peer, headroom-ai, in an environment and a process of its own.

What lives here: setting that environment up, starting the process, asking it.
peer_child.py is what runs inside. The peer is given what it would be given in
use: the content as a tool's result after the user's question.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Self

VERSION = "0.42.0"
_REQUIREMENT = f"headroom-ai[proxy,code]=={VERSION}"
_PYTHONS = ("python3.12", "python3.13", "python3.11", "python3")
"""It names 3.12 as its main version; its wheel fits 3.10 and later."""
_VOCABULARY_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
"""tiktoken names a cached vocabulary by the SHA-1 of its address; nothing is fetched from it."""


class PeerError(Exception):
    """The peer cannot be set up or does not answer."""


@dataclass(frozen=True, slots=True)
class PeerView:
    """What the peer made of a content: the text it would send, and its milliseconds."""

    text: str
    ms: float


class Peer:
    """A running peer process. ``fresh`` calls empty its result cache first."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        python = _environment(self._cache)
        home = self._cache / "peer-home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": str(home),
            "HEADROOM_OFFLINE": "1",
            "HF_HUB_OFFLINE": "1",
            "TIKTOKEN_CACHE_DIR": str(_vocabularies(self._cache)),
        }
        self._process = subprocess.Popen(
            [python, str(Path(__file__).with_name("peer_child.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self._read()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        self._process.terminate()
        self._process.wait()

    def compress(self, content: str, query: str, *, fresh: bool = True) -> PeerView:
        """Compress one content. Raises PeerError when the process ended."""
        process = self._process
        if process is None or process.stdin is None:
            raise PeerError("enter the context first")
        request = json.dumps({"content": content, "query": query, "fresh": fresh})
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
        except OSError as error:
            raise PeerError("the peer's process ended") from error
        answer = json.loads(self._read())
        return PeerView(answer["text"], answer["ms"])

    def memory(self) -> int:
        """Return the peer's resident bytes now (Linux)."""
        if self._process is None:
            raise PeerError("enter the context first")
        return resident(self._process.pid)

    def _read(self) -> str:
        if self._process is None or self._process.stdout is None:
            raise PeerError("enter the context first")
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"the peer's process ended with {self._process.wait()}")
        return line


def resident(pid: int) -> int:
    """Return a process's resident bytes, from /proc."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _environment(cache: Path) -> str:
    """Return the Python of the peer's environment; make it on the first call."""
    python = cache / f"peer-{VERSION}" / "bin" / "python"
    ready = cache / f"peer-{VERSION}" / ".ready"
    if ready.exists():
        return str(python)
    print(f"Installing {_REQUIREMENT} (about 0.9 GB) under {cache}", file=sys.stderr, flush=True)
    directory = cache / f"peer-{VERSION}"
    shutil.rmtree(directory, ignore_errors=True)
    _run([_python(), "-m", "venv", str(directory)])
    _run([str(python), "-m", "pip", "install", "--quiet", _REQUIREMENT])
    ready.touch()
    return str(python)


def _python() -> str:
    """Return the first Python of _PYTHONS that runs: a version manager's shim may not."""
    for name in _PYTHONS:
        found = shutil.which(name)
        if (
            found
            and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0
        ):
            return found
    return sys.executable


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise PeerError(f"{' '.join(command[1:4])} failed: {tail[0]}")


def _vocabularies(cache: Path) -> Path:
    """Return a directory with our vocabularies under the names tiktoken's cache gives them."""
    directory = cache / "tiktoken"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("o200k_base", "cl100k_base"):
        key = hashlib.sha1(_VOCABULARY_URL.format(name).encode(), usedforsecurity=False)
        target = directory / key.hexdigest()
        if not target.exists():
            packed = resources.files("furler_engine.vocabularies") / f"{name}.tiktoken.gz"
            target.write_bytes(gzip.decompress(packed.read_bytes()))
    return directory
