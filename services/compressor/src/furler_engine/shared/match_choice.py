"""Which texts of search results are shown, by what they add to those shown already.

What lives here: the choice. What does not: how a view writes it (compressors/search.py),
and the places of matches, which are all shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared import severity
from furler_engine.shared.grep import Entry, Results

_MIN_FOLDED: Final = 32
"""Characters from which leaving a text out saves more than naming its line does."""
_LITTLE: Final = 0.1
"""Hidden characters for each of the texts shown: a view is chosen for a fifth saved, which is 0.25."""
_SAID_WITHIN: Final = 400
"""Characters of a line in which it says how bad it is."""
_TOLD_AT_ONCE: Final = 64
"""Texts, of which mostly none is grave."""
_RARE: Final = 0.2
"""Share of the entries up to which a word of the query, or an error, tells some from the others."""
_ALONE: Final = 4
"""Times the texts that a file shows which was searched alone: there are no others to leave room for."""
_DEFINITION = re.compile(
    r"\s*(?:(?:export|default|pub(?:\([a-z]+\))?|async|static|public|private|protected|final|abstract|inline|unsafe)\s+){0,6}"
    r"(def|class|func|fn|function|struct|interface|type|enum|trait|impl|module)\s+(?:\([^()\n]{0,80}\)\s*)?([A-Za-z_$][\w.$]*)",
    re.ASCII,
)


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
_TOO_MANY: Final = 2_000
"""Entries, about 30,000 tokens, from which on nobody reads texts: the search is narrowed by its places."""
_FAR_TOO_MANY: Final = 100_000
"""Entries, about eight megabytes: two views of more at a time take over eight times the memory of the text."""


def careful(results: Results) -> Limits | None:
    """Return the limits where a policy says nothing: tight ones for very many results, None for more."""
    entries = sum(len(group.entries) for group in results.groups)
    if entries > _FAR_TOO_MANY:
        return None
    return CAREFUL if entries <= _TOO_MANY else TIGHT


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
        spread = _spread(mine, limits) if results.form.one_file else None
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
            fits = fits and own < limits.per_file if spread is None else e.line in spread
            if not is_new or fits or e.line in wanted or len(e.text) < _MIN_FOLDED:
                shown.add(e.line)
                texts.add(e.text)
                own += is_new
            seen[key] += 1
    return shown


def named(text: str) -> tuple[str, str] | None:
    """Return what a line of code defines and its name: ("def", "read"); None for other lines."""
    match = _DEFINITION.match(text)
    return (match[1], match[2]) if match else None


def _spread(entries: Sequence[Entry], limits: Limits) -> set[int]:
    """Return the lines of some texts from all over a file, of each way to begin before the next of one."""
    seen: Counter[str] = Counter()
    begun: Counter[str] = Counter()
    texts: set[str] = set()
    rounds: dict[int, list[int]] = {}
    for e in entries:
        key = _bare(e.text.lower())[:_KEY_WIDTH]
        alike, seen[key] = seen[key], seen[key] + 1
        if e.mark == "-" or e.text in texts or len(e.text) > limits.width or alike >= limits.alike:
            continue
        texts.add(e.text)
        start = key[:_START_WIDTH]
        rounds.setdefault(begun[start], []).append(e.line)
        begun[start] += 1
    room = _ALONE * limits.per_file
    chosen: set[int] = set()
    for _, lines in sorted(rounds.items()):
        left = room - len(chosen)
        if len(lines) > left:
            return chosen.union(lines[at * len(lines) // left] for at in range(left))
        chosen.update(lines)
    return chosen


_NO_LETTERS = re.compile(r"\W+|\d+")
# To delete from ASCII by table takes a tenth of the time, and from bytes a sixth of that.
_NO_LETTERS_ASCII = bytes(code for code in range(128) if _NO_LETTERS.match(chr(code)))
_KEY_WIDTH: Final = 32
"""Letters of a text, from its start, that two texts must share to be alike."""
_START_WIDTH: Final = 16
"""And to begin in one way, as ``raise ValueError`` does."""


def _bare(text: str) -> str:
    """Return the letters of a text."""
    if text.isascii():
        return text.encode().translate(None, _NO_LETTERS_ASCII).decode()
    return _NO_LETTERS.sub("", text)


def _near_matches(entries: list[Entry], distance: int) -> set[int]:
    numbers = [int(e.number) for e in entries]
    near: set[int] = set()
    for i, e in enumerate(entries):
        if e.mark == ":":
            around = range(max(0, i - distance), min(len(entries), i + distance + 1))
            near.update(j for j in around if abs(numbers[j] - numbers[i]) <= distance)
    return near


def _hits(results: Results, entries: list[Entry], query: str) -> set[int]:
    """Output lines that have a telling word of the query, in their text or their path, or a rare error."""
    hits = _rare_errors(entries)
    words = dict.fromkeys(w for w in re.findall(r"\w+", query.lower()) if len(w) > 2)
    if not words:
        return hits
    paths = {e.line: group.path for group in results.groups for e in group.entries}
    texts = [(e.line, f"{paths[e.line]}:{e.text}".lower()) for e in entries]
    for word in words:
        found = [line for line, text in texts if word in text]
        if len(found) <= _RARE * len(entries):
            hits.update(found)
    return hits


def _rare_errors(entries: Sequence[Entry]) -> set[int]:
    errors: set[int] = set()
    for at in range(0, len(entries), _TOLD_AT_ONCE):
        said = [(e.line, e.text[:_SAID_WITHIN]) for e in entries[at : at + _TOLD_AT_ONCE]]
        if severity.may_be_grave("\n".join(text for _, text in said)):
            errors.update(line for line, text in said if _is_grave(text))
    return errors if len(errors) <= _RARE * len(entries) else set()


def _is_grave(text: str) -> bool:
    return severity.may_be_grave(text) and severity.level(text) in (severity.ERROR, severity.FATAL)


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
