"""The template miner: which lines of a log were printed by the same statement.

Lines are masked (numbers, addresses, times, hexadecimal ids become ``0``) and
grouped by hash; groups merge where they differ in one word that looks like a
variable. One pass over the text, then work per distinct masked line only. What
lives here: masking and grouping. What does not: what to show of a pattern, nor
what its varying fields mean (fields.py).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from furler_engine.shared.blocks import blocks, taken

MASK: Final = "0"
# A number with all that may follow inside one: 10.0.0.1:80, 07:57:51,123, 9f4ef63, 2026-11-20.
_NUMBER: Final = re.compile(r"[0-9][0-9a-fA-F.:,\-]*")
# Letters a-f right before a masked number: the start of a hexadecimal id, or a 0x prefix.
_HEX: Final = re.compile(
    r"(?<![0-9A-Za-z_])(?:[a-f]{1,8}0|[A-F]{1,8}0|0x0?[a-f]*0?)(?:-?[a-f]{0,8}0)*"
)
# Paths, addresses and structured values: one is as good as another.
_PATH: Final = re.compile(r"[/\\@|<{]")
_KEY: Final = re.compile(r"([\w.\-]*[A-Za-z_]=|[A-Za-z_]\w*[:=])[^=:]")
_BAR: Final = re.compile(r"[━─╸╺█▉▊▋▌▍▎▏▓▒░]{3,}")
"""A progress bar, of any length."""
WILD: Final = "*"
"""What stands in a template where its lines differ: alone, or after a prefix they share."""

_MANY_WORDS: Final = 12
"""Plain words that may alternate in one place before it counts as a variable:
verbs and states stay apart (opened, closed), user and host names fold."""
_FEW_VALUES: Final = 5
"""The same for words that look like values: dotted, hyphenated or quoted names."""
_SHORT: Final = 3
"""In lines of fewer words, plain words are the message, never a variable."""
_LONGEST_WORD: Final = 200
_MERGE_WIDTH: Final = 64
"""Lines of more words merge only by their masked form; bounds the work per line."""
_SHAPE_WIDTH: Final = 512
"""Words of a line that are looked at one by one; no log line of a person's has more."""
_MODULUS: Final = (1 << 61) - 1
_MASKED_AT_ONCE: Final = 1 << 18
"""Characters."""
_SEAM: Final = re.compile(r"[ \n]")
"""No number lasts beyond it, and no word before it tells what one is."""


@dataclass(slots=True)
class Pattern:
    """Lines with one template.

    ``words`` is the template, WILD where lines differ; ``label`` is what the
    caller's labeller said of them; ``rows`` are indexes into the mined lines,
    ascending.
    """

    words: tuple[str, ...]
    label: str
    rows: array[int]

    @property
    def count(self) -> int:
        """How many lines have this template."""
        return len(self.rows)


def mask(text: str) -> str:
    """Replace every number, and what clings to it, by ``0``.

    >>> mask("10.0.0.1:80 took 12ms at 07:57:51")
    '0 took 0ms at 0'
    """
    return _masked(_NUMBER, text)


def _masked(pattern: re.Pattern[str], text: str) -> str:
    """Replace what matches, piece by piece: all matches of a text take ten times its memory."""
    if len(text) <= _MASKED_AT_ONCE:
        return pattern.sub(MASK, text)
    masked, at = "", 0
    while at < len(text):
        seam = _SEAM.search(text, at + _MASKED_AT_ONCE)
        end = seam.end() if seam else len(text)
        masked += pattern.sub(MASK, text[at:end])
        at = end
    return masked


def is_bar(word: str) -> bool:
    """Whether a word is a progress bar."""
    return _BAR.fullmatch(word) is not None


def mine(
    lines: Sequence[str],
    label: Callable[[str], str],
    header: int = 0,
    rows: Sequence[int] | None = None,
) -> list[Pattern]:
    """Group lines into patterns, in the order of their first lines.

    The first ``header`` words of a line tell no patterns apart. ``label`` is called
    with masked lines; lines with different labels never share a pattern. ``rows`` are
    the indexes of the lines to group, ascending, all by default; each that is not empty is
    in exactly one pattern. Linear in the text; the text may be anything, lines must not contain a newline.
    """
    exact = _by_masked_form(lines, range(len(lines)) if rows is None else rows)
    if not exact:
        return []
    shaped: dict[tuple[str, ...], Pattern] = {}
    known = _Known()
    keys = _masked(_HEX, "\n".join(exact)).split("\n")
    for key, found in zip(keys, exact.values(), strict=True):
        name = label(key)
        words = _shape(key, header, known)
        pattern = shaped.get((name, *words))
        if pattern is None:
            shaped[name, *words] = Pattern(words, name, found)
        else:
            pattern.rows += found
    merged = _merge(list(shaped.values()))
    for pattern in merged:
        if len(pattern.rows) > 1:
            # In place: as Python's integers the rows of a large log take ten times its text.
            np.frombuffer(pattern.rows, np.intc).sort()
    merged.sort(key=lambda p: p.rows[0])
    return merged


def _by_masked_form(lines: Sequence[str], rows: Sequence[int]) -> dict[str, array[int]]:
    exact: dict[str, array[int]] = {}
    for block in blocks(rows):
        keys = mask("\n".join(taken(lines, block))).split("\n")
        for row, key in zip(block, keys, strict=True):
            if not key:
                continue
            found = exact.get(key)
            if found is None:
                exact[key] = array("i", (row,))
            else:
                found.append(row)
    return exact


class _Known(dict[str, str]):
    """What stands for a word in a template, by the word: worked out once, however often it occurs."""

    def __missing__(self, word: str) -> str:
        self[word] = shown = word if word.isalpha() else _word(word)
        return shown


def _shape(key: str, header: int, known: _Known) -> tuple[str, ...]:
    """Return the words of a masked line, with WILD for values."""
    # What lies beyond stays one word, to the letter: a line of 20 MB is not worth four million
    # strings.
    words = key.split(None, _SHAPE_WIDTH)
    rest = [words.pop()] if len(words) > _SHAPE_WIDTH else []
    shape = [*map(known.__getitem__, words), *rest]
    # Indented lines are continuations: they belong with no header of the same words.
    if key[:1] in (" ", "\t"):
        return ("", *shape)
    if len(words) > header:
        shape[:header] = [WILD] * header
    return tuple(shape)


def _word(word: str) -> str:
    """Return a word with WILD for its variable end, if it has one."""
    if len(word) > _LONGEST_WORD or is_bar(word):
        return WILD
    at = word.find(MASK)
    keyed = _KEY.match(word)
    if keyed is not None and (at < 0 or keyed.end() <= at + 1):
        # A state (allDrawn=false, action=UP) is a word; anything else is a value.
        return word if _is_plain(word[keyed.end(1) :]) else keyed[1] + WILD
    path = _PATH.search(word)
    if path is not None and (at < 0 or path.start() < at):
        return WILD
    if at < 0:
        return word
    while at and word[at - 1].isalnum():
        at -= 1
    prefix = word[:at]
    # A host before its port is as variable as the port.
    return WILD if prefix.endswith(":") and "." in prefix else prefix + WILD


def _merge(patterns: list[Pattern]) -> list[Pattern]:
    """Join patterns that differ in one word, where enough words alternate there."""
    families: dict[int, tuple[int, list[int]]] = {}
    codes: dict[str, int] = {}
    weights = _weights()
    for at, pattern in enumerate(patterns):
        if not 1 <= len(pattern.words) <= _MERGE_WIDTH:
            continue
        terms = [
            codes.setdefault(word, len(codes) + 1) * weight
            for word, weight in zip(pattern.words, weights, strict=False)
        ]
        total = sum(terms) + codes.setdefault(pattern.label, len(codes) + 1)
        width = len(terms)
        short = width < _SHORT
        for place, (word, term) in enumerate(zip(pattern.words, terms, strict=True)):
            if word not in (WILD, "") and not (short and _is_plain(word)):
                rest = ((total - term) * weights[-1] + width * _MERGE_WIDTH + place) % _MODULUS
                families.setdefault(rest, (place, []))[1].append(at)
    return _joined(patterns, families.values())


def _joined(patterns: list[Pattern], families: Iterable[tuple[int, list[int]]]) -> list[Pattern]:
    parent = list(range(len(patterns)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for place, members in families:
        if len(members) <= _FEW_VALUES:
            continue
        plain = sum(_is_plain(patterns[at].words[place]) for at in members)
        if len(members) > (_MANY_WORDS if 2 * plain > len(members) else _FEW_VALUES):
            first = root(members[0])
            for member in members[1:]:
                parent[root(member)] = first
    joined: dict[int, Pattern] = {}
    for at, pattern in enumerate(patterns):
        whole = joined.get(root(at))
        if whole is None:
            joined[root(at)] = Pattern(pattern.words, pattern.label, pattern.rows)
        else:
            whole.words = tuple(
                [a if a == b else WILD for a, b in zip(whole.words, pattern.words, strict=True)]
            )
            whole.rows += pattern.rows
    return _of_one_form(joined.values())


def _of_one_form(patterns: Iterable[Pattern]) -> list[Pattern]:
    """Join patterns that have become the same: libfoo2 was a value by itself, libfoo by its many like."""
    formed: dict[tuple[str, ...], Pattern] = {}
    for pattern in patterns:
        same = formed.setdefault((pattern.label, *pattern.words), pattern)
        if same is not pattern:
            same.rows += pattern.rows
    return list(formed.values())


def _is_plain(word: str) -> bool:
    return word.strip(".,:;()!?").replace("_", "").isalpha()


def _weights() -> list[int]:
    """Return fixed pseudo-random multipliers, one per place (a multiplicative generator)."""
    weights, state = [], 0x9E3779B97F4A7C15
    for _ in range(_MERGE_WIDTH + 1):
        state = state * 6364136223846793005 % _MODULUS
        weights.append(state)
    return weights
