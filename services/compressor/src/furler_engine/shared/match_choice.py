"""Which texts of search results are shown, by what they add to those shown already.

What lives here: the choice. What does not: how a view writes it (compressors/search.py),
and the places of matches, which are all shown.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.grep import Entry, Results

_MIN_FOLDED: Final = 32
"""Characters from which leaving a text out saves more than naming its line does."""
_LITTLE: Final = 0.1
"""Hidden characters for each of the texts shown: a view is chosen for a fifth saved, which is 0.25."""
_RARE: Final = 0.2
"""Share of the entries up to which a word of the query tells some from the others."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an eliding view shows: texts alike, texts per file, characters, context."""

    alike: int
    per_file: int
    width: int
    context: int


CAREFUL: Final = Limits(alike=3, per_file=12, width=240, context=1)
TIGHT: Final = Limits(alike=1, per_file=3, width=120, context=0)
BARE: Final = Limits(alike=1, per_file=1, width=80, context=0)


def select(results: Results, query: str, limits: Limits) -> set[int]:
    """Return the output lines whose text is shown."""
    entries = [e for group in results.groups for e in group.entries]
    wanted = _hits(results, entries, query)
    has_context = any(e.mark == "-" for e in entries)
    seen: Counter[str] = Counter()
    texts: set[str] = set()
    shown: set[int] = set()
    for group in results.groups:
        mine = group.entries
        near = _near_matches(mine, limits.context) if has_context else set()
        own = 0
        for i, e in enumerate(mine):
            if e.mark == "-":
                if e.line in wanted or (
                    i in near and e.text.strip() and len(e.text) <= limits.width
                ):
                    shown.add(e.line)
                continue
            key = _bare(e.text.lower())[:_KEY_WIDTH]
            # A text that is shown once costs no more than its name to show again.
            is_new = e.text not in texts
            fits = len(e.text) <= limits.width and seen[key] < limits.alike
            fits = fits and own < limits.per_file
            if not is_new or fits or e.line in wanted or len(e.text) < _MIN_FOLDED:
                shown.add(e.line)
                texts.add(e.text)
                own += is_new
            seen[key] += 1
    return shown


_NO_LETTERS = re.compile(r"\W+|\d+")
# To delete from ASCII by table takes a tenth of the time.
_NO_LETTERS_ASCII = dict.fromkeys(code for code in range(128) if _NO_LETTERS.match(chr(code)))
_KEY_WIDTH: Final = 32
"""Letters of a text, from its start, that two texts must share to be alike."""


def _bare(text: str) -> str:
    """Return the letters of a text."""
    return text.translate(_NO_LETTERS_ASCII) if text.isascii() else _NO_LETTERS.sub("", text)


def _near_matches(entries: list[Entry], distance: int) -> set[int]:
    numbers = [int(e.number) for e in entries]
    near: set[int] = set()
    for i, e in enumerate(entries):
        if e.mark == ":":
            around = range(max(0, i - distance), min(len(entries), i + distance + 1))
            near.update(j for j in around if abs(numbers[j] - numbers[i]) <= distance)
    return near


def _hits(results: Results, entries: list[Entry], query: str) -> set[int]:
    """Output lines that have a telling word of the query, in their text or their path."""
    words = dict.fromkeys(w for w in re.findall(r"\w+", query.lower()) if len(w) > 2)
    if not words:
        return set()
    paths = {e.line: group.path for group in results.groups for e in group.entries}
    texts = [(e.line, f"{paths[e.line]}:{e.text}".lower()) for e in entries]
    hits: set[int] = set()
    for word in words:
        found = [line for line, text in texts if word in text]
        if len(found) <= _RARE * len(entries):
            hits.update(found)
    return hits


def hides_little(results: Results, shown: set[int]) -> bool:
    """Whether a view of all texts is sure to be the better one."""
    hidden = size = 0
    texts: set[str] = set()
    for group in results.groups:
        for e in group.entries:
            if e.line not in shown:
                hidden += len(e.text)
            elif e.text not in texts:
                texts.add(e.text)
                size += len(e.text)
    return hidden <= _LITTLE * size
