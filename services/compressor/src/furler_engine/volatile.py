"""Text in a prefix that changes from turn to turn, and costs the cache of all that follows.

What lives here: finding it, comparing it with an earlier turn's, moving it out of the prefix.
What does not: deciding to move anything; that is done when the caller asks for it, never else.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST: Final = 500
"""Findings per text; a prefix with more is a listing of them, not a prompt."""
# Each alternative starts with fixed characters or a bounded run, so the search is linear.
_VOLATILE: Final = re.compile(
    r"""
      (?P<uuid>\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}\b)
    | (?P<timestamp>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?![\w-])
        | \b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},?[ ](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)
          [a-z]{0,6}[ ]\d{1,2}(?:,?[ ]\d{4})?(?:[ ]\d\d:\d\d(?::\d\d)?)?
        | \b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b)
    | (?P<epoch>\b1[5-9]\d{8}(?:\d{3}|\.\d{1,9})?\b)
    | (?P<jwt>\beyJ[\w-]{8,4000}\.[\w-]{8,8000}\.[\w-]{8,4000})
    | (?P<hex>\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b)
    | (?P<path>/(?:tmp|var/folders|private/tmp|run/user)/[\w./-]{0,200}\d(?:[\w./-]{0,200}\w)?)
    | (?P<id>\b(?:req|sess|session|run|trace|span|msg|conv|toolu|call|chatcmpl|resp)[_-][A-Za-z0-9]{12,64}\b)
    """,
    re.VERBOSE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One piece of volatile text: its form, its place in the text (characters, half-open)."""

    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What is remembered of a prefix: enough to see what changed, nothing to read it from.

    ``skeleton`` is a digest of the text without its findings, ``values`` are theirs.
    """

    skeleton: str
    values: tuple[str, ...]


def find(text: str) -> list[Finding]:
    """Return the volatile pieces of a text, in order, at most MOST of them."""
    found: list[Finding] = []
    for match in _VOLATILE.finditer(text):
        found.append(Finding(match.lastgroup or "", match.start(), match.end()))
        if len(found) == MOST:
            break
    return found


def trace(text: str, found: Sequence[Finding]) -> Trace:
    """Return what to remember of a text."""
    skeleton, _ = _replaced(text, found, [f"\0{each.form}\0" for each in found])
    return Trace(_digest(skeleton), tuple(_digest(text[f.start : f.end]) for f in found))


def changed(now: Trace, before: Trace | None) -> list[bool | None]:
    """Return for each finding whether it changed since; None where that cannot be told."""
    if before is None or before.skeleton != now.skeleton or len(before.values) != len(now.values):
        return [None] * len(now.values)
    return [a != b for a, b in zip(now.values, before.values, strict=True)]


def relocated(text: str, found: Sequence[Finding]) -> tuple[str, str]:
    """Return a text with names in place of its findings, and a note that says what they stand for.

    The text is the same as long as only the findings change.
    """
    numbers: Counter[str] = Counter()
    names: list[str] = []
    for each in found:
        numbers[each.form] += 1
        names.append(f"<{each.form} {numbers[each.form]}>")
    short, values = _replaced(text, found, names)
    told = "; ".join(f"{name} is {value}" for name, value in zip(names, values, strict=True))
    return short, f"\n\n[furler: named in the system prompt, as of this message: {told}]"


def _replaced(text: str, found: Sequence[Finding], names: Sequence[str]) -> tuple[str, list[str]]:
    parts: list[str] = []
    values: list[str] = []
    at = 0
    for each, name in zip(found, names, strict=True):
        parts += [text[at : each.start], name]
        values.append(text[each.start : each.end])
        at = each.end
    return "".join([*parts, text[at:]]), values


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
