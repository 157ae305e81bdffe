"""What every suite is given: the corpus, both sides, and how loudly to report progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .corpus import Corpus
from .furler_side import Furler
from .peer import Peer
from .report import SuiteResult

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One run.

    ``peer`` is None unless the run compares; ``quick`` asks for fewer
    repetitions; ``only`` is a part of the ids of inputs to look at; ``views`` is
    a directory to write views to, for reading.
    """

    corpus: Corpus
    furler: Furler
    peer: Peer | None = None
    quick: bool = False
    only: str = ""
    views: Path | None = None

    def save_view(self, name: str, text: str) -> None:
        """Write a view for a person to read, if the run asks for views."""
        if self.views is not None:
            self.views.mkdir(parents=True, exist_ok=True)
            (self.views / f"{name}.txt").write_text(text)

    def progress(self, suite: str, items: Iterable[_T], total: int) -> Iterator[_T]:
        """Yield the items and say on stderr how far the suite is, if that is a terminal."""
        for done, item in enumerate(items, 1):
            yield item
            if sys.stderr.isatty():
                end = "\n" if done == total else ""
                print(f"\r{suite}: {done} of {total}", end=end, file=sys.stderr, flush=True)


Suite = Callable[[Setting], SuiteResult]
"""A suite. Raises corpus.CorpusError when its inputs are not there."""
