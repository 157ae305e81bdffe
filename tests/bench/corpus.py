"""The corpus directory: where inputs lie and how they are read. Knows nothing of Furler."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


class CorpusError(Exception):
    """The corpus directory, or a part of it that a suite needs, is not there."""


@dataclass(frozen=True, slots=True)
class Input:
    """One tool output of ``inputs/``: what an agent would send, and what must not get lost.

    ``critical`` strings have to stand in the view, ``must_keep`` strings have
    to stand there or be retrievable. Groups start with ``a_`` (the peer's own
    generators), ``b_`` (real output) or ``c_`` (edge cases).
    """

    id: str
    kind: str
    group: str
    content: str
    query: str
    must_keep: tuple[str, ...]
    critical: tuple[str, ...]


class Corpus:
    """A corpus directory. Everything is read when it is asked for, sorted by name."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def inputs(self) -> list[Input]:
        """Return all of ``inputs/*.json``. Raises CorpusError when there are none."""
        return [_input(path) for path in self.files("inputs", "*.json")]

    def files(self, folder: str, pattern: str = "*") -> list[Path]:
        """Return the files of a folder that match. Raises CorpusError when there are none."""
        found = sorted(p for p in (self.root / folder).glob(pattern) if p.is_file())
        if not found:
            raise CorpusError(f"no {folder}/{pattern} in {self.root}")
        return found


def default_root() -> Path:
    """Return ``shared/corpus`` beside the checkout, or beside one of the folders above it."""
    checkout = Path(__file__).resolve().parents[2]
    candidates = [parent / "shared" / "corpus" for parent in checkout.parents]
    return next((c for c in candidates if c.is_dir()), candidates[0])


def open_corpus(directory: Path | None) -> Corpus:
    """Return the corpus in a directory. Raises CorpusError, saying what to do."""
    root = directory or default_root()
    if not (root / "inputs").is_dir():
        raise CorpusError(
            f"no corpus at {root}: it wants a folder inputs/ of JSON files with the fields "
            "id, kind, group, content, query, must_keep, critical. "
            "Name the directory with --corpus (make bench CORPUS=directory)."
        )
    return Corpus(root)


def read_text(path: Path) -> str:
    """Return a file's text; ``.gz`` is unpacked, bytes that are not UTF-8 become U+FFFD."""
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode(errors="replace")


def json_lines(path: Path) -> Iterator[dict[str, object]]:
    """Yield the objects of a JSON Lines file."""
    for line in path.read_text().splitlines():
        if line.strip():
            yield json.loads(line)


def _input(path: Path) -> Input:
    fields = json.loads(path.read_text())
    return Input(
        id=fields["id"],
        kind=fields["kind"],
        group=fields["group"],
        content=fields["content"],
        query=fields["query"],
        must_keep=tuple(fields["must_keep"]),
        critical=tuple(fields["critical"]),
    )
