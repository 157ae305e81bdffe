"""Running text and its words: what a model of prose may judge, and which words may go at all.

What lives here: which lines of a text are English running text, and which of their words are
plain ones. What does not: which words go (shared.word_choice), how a view is written
(compressors.words).

Whatever is not plainly running text stays as it is: headings, tables, fences, indented code, lines
that report an error, other languages and scripts; within running text inline code, links, quoted
text, numbers, identifiers, whatever has a sign in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from furler_engine.shared.severity import ERROR, FATAL, WARN, level

Interval = tuple[int, int]
"""Half-open characters of a text."""

_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_HEADING: Final = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE: Final = re.compile(r" {0,3}(?:=+|-+|~+|\^+)[ \t]*$")
_ITEM: Final = re.compile(r"[ \t]*(?:[-*+•]|\d{1,9}[.)])[ \t]+\S")
_INDENTED: Final = re.compile(r" {4}|[ ]{0,3}\t")
# A definition, a tag, a directive of reStructuredText, a table's row, a front matter's edge.
_NO_TEXT: Final = re.compile(r"[ \t]*(?:\[[^\]\n]+\]:|</?[A-Za-z!]|\.\. |\||---[ \t]*$|\$ |>>> )")
_LABEL: Final = re.compile(r"[ \t]*[^\W\d_a-z][\w.'’()-]{0,30}(?: [\w.'’()-]{1,30}){0,3}:[ \t]")
_WORD: Final = re.compile(r"\S+")
_LETTER: Final = re.compile(r"[^\W_]")
# Thai, Lao, Tibetan, Burmese, Khmer, kana, Han, hangul and their wide forms: written without
# blanks between words, or not in the model's vocabulary.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff"
    "\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
# Lower case or capitalised, joined by hyphens and apostrophes, one mark at most behind it. Names
# of things (HTTP, camelCase, snake_case, v2) are none of these, nor is what has a hundred parts.
_PLAIN: Final = re.compile(
    r"(?:[A-Za-zÀ-ÖØ-öø-ÿ]?[a-zß-öø-ÿ]++|[AIO])(?:['’-][a-zß-öø-ÿ]++){0,99}[,.;!]?"
)
_PROTECTED: Final = re.compile(
    r"(?<!`)(`++)[^`]{1,400}+\1(?!`)"  # inline code
    r"|!?\[[^\[\]\n]*+\](?:\([^()\n]*+\)|\[[^\[\]\n]*+\])"  # links and images
    r"|<[^<>\n]++>|\{\{[^{}\n]*+\}\}|:[a-z]{2,20}:`"  # tags, templates, roles
    r"|(?<![^\s(\[])\"(?=\S)[^\"\n]{1,300}+(?<=\S)\""  # quoted text
    r"|“[^“”\n]{1,300}+”|«[^«»\n]{1,300}+»"
    r"|(?<![^\s(\[])'(?=\S)[^'\n]{1,300}+(?<=\S)'(?!\w)"
)
_EDGES: Final = ("", " ", "\t", "\n")
_UNSPACED_SHARE: Final = 0.05
"""Of characters, up to which a text only names something in such a script: that word stays."""
_FEWEST_WORDS: Final = 6
"""Words with a letter, behind a speaker's name, of a turn, an item, a paragraph under which it says little that could go."""
_SET_IN: Final = 0.9
"""Share of indented lines. Manual pages have .94 and more, lists in Markdown up to .8."""
_HYPHENS: Final = "-‐"
_MOSTLY: Final = 0.5
"""Share of plain words from which it is text rather than data."""
# Function words of English that German, Dutch, French, Spanish, Italian and Scandinavian texts lack.
_ENGLISH: Final = frozenset({
    "the", "of", "and", "to", "that", "is", "with", "are", "this", "it", "which", "will", "from",
    "been", "their", "by", "would", "there", "you", "when", "if", "we", "they", "not", "your",
})  # fmt: skip
_ENGLISH_SHARE: Final = 0.08
"""Of the words of a paragraph. Terse notes of developers have 10 % and more, other languages 2 %."""


class Word(NamedTuple):
    """A word of running text; ``may_go`` says that it is a plain one."""

    start: int
    end: int
    may_go: bool


def stretches(text: str, shown: Sequence[Interval]) -> list[Interval]:
    """Return the running text within ``shown``; what only blanks part is one stretch.

    ``shown`` are intervals in order. Linear in the text.
    """
    found: list[Interval] = []
    joins = False
    at = 0
    for start, end in _running_lines(text):
        while at < len(shown) and shown[at][1] <= start:
            at, joins = at + 1, False
        while at < len(shown) and shown[at][0] < end:
            piece = max(start, shown[at][0]), min(end, shown[at][1])
            if joins and not text[found[-1][1] : piece[0]].strip():
                found[-1] = found[-1][0], piece[1]
            else:
                found.append(piece)
            joins = shown[at][1] > end
            if joins:
                break
            at += 1
    return found


def words(text: str, start: int, end: int) -> list[Word]:
    """Return the words of a stretch in order: what ``str.split`` gives, with their places."""
    kept = sorted([*(m.span() for m in _PROTECTED.finditer(text, start, end)),
                   *_openings(text, start, end)])  # fmt: skip
    found: list[Word] = []
    at = 0
    for first, behind in _units(text, list(_lines(text, start, end))):
        spans = [match.span() for match in _WORD.finditer(text, first, behind)]
        label = _LABEL.match(text, first, behind)
        said = label.end() if label else first
        read = sum(a >= said and _LETTER.search(text, a, b) is not None for a, b in spans)
        is_long = read >= _FEWEST_WORDS
        for a, b in spans:
            while at < len(kept) and kept[at][1] <= a:
                at += 1
            free = is_long and (at == len(kept) or kept[at][0] >= b)
            is_plain = _PLAIN.fullmatch(text, a, b) is not None
            whole = _stands_alone(text, a, b) and not (found and _goes_on(text, found[-1], a))
            found.append(Word(a, b, free and is_plain and whole))
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether plain blanks part a word from others: what is left out of lines leaves them whole."""
    return text[start - 1 : start] in _EDGES and text[end : end + 1] in _EDGES


def _goes_on(text: str, before: Word, start: int) -> bool:
    """Whether what starts is the rest of a word that was parted at the end of a line."""
    return text[before.end - 1] in _HYPHENS and "\n" in text[before.end : start]


def _openings(text: str, start: int, end: int) -> Iterator[Interval]:
    """Yield list marks and speakers' names, where lines open with them."""
    for first, behind in _lines(text, start, end):
        if item := _ITEM.match(text, first, behind):
            yield first, item.end() - 1
        elif label := _LABEL.match(text, first, behind):
            yield label.span()


def _lines(text: str, start: int, end: int) -> Iterator[Interval]:
    while start < end:
        behind = text.find("\n", start, end)
        behind = end if behind < 0 else behind
        yield start, behind
        start = behind + 1


def _units(text: str, lines: Sequence[Interval]) -> Iterator[Interval]:
    """Yield what is said in one breath: an item, a turn of a talk, a paragraph with its lines."""
    begun = 0
    for n in range(1, len(lines) + 1):
        opens = n == len(lines) or (
            _ITEM.match(text, *lines[n])
            or _LABEL.match(text, *lines[n])
            or lines[n - 1][0] == lines[n - 1][1]
        )
        if opens:
            yield lines[begun][0], lines[n - 1][1]
            begun = n


def _running_lines(text: str) -> Iterator[Interval]:
    """Yield what of paragraphs is English running text, without the last line ends."""
    paragraph: list[Interval] = []
    reader = _Reader(is_set_in=_is_set_in(text))
    spans = [*_lines(text, 0, len(text)), (len(text), len(text))]
    for (start, end), (after, after_end) in pairwise(spans):
        line = text[start:end]
        if reader.is_text(line) and not _UNDERLINE.fullmatch(text, after, after_end):
            paragraph.append((start, end))
            continue
        yield from _english(text, paragraph)
        paragraph = []
    yield from _english(text, paragraph)


def _is_set_in(text: str) -> bool:
    """Whether most lines are indented, as a manual page's: then it is no sign of code."""
    lines = [line for line in text.split("\n") if line]
    return sum(1 for line in lines if _INDENTED.match(line)) > _SET_IN * len(lines)


class _Reader:
    """Tells line by line what may be running text."""

    def __init__(self, *, is_set_in: bool) -> None:
        self._is_set_in = is_set_in
        self._fence = ""
        self._in_item = False
        self._is_text = False

    def is_text(self, line: str) -> bool:
        """Whether the next line may be running text."""
        self._is_text = self._reads(line)
        return self._is_text

    def _reads(self, line: str) -> bool:
        mark = _FENCE.match(line)
        if self._fence:
            if mark is not None and mark[1].startswith(self._fence):
                self._fence = ""
            return False
        if mark is not None:
            self._fence = mark[1]
            return False
        if not line.strip():
            return False
        is_item = _ITEM.match(line) is not None
        if not self._is_set_in and _INDENTED.match(line):
            # Indented code does not interrupt a paragraph; items may stand in items.
            if not (self._is_text or (is_item and self._in_item)):
                return False
        else:
            self._in_item = is_item or (self._in_item and line[0] == " ")
        if _HEADING.match(line) or _NO_TEXT.match(line):
            return False
        return " | " not in line and "\t" not in line.strip()


def _english(text: str, paragraph: Sequence[Interval]) -> Iterator[Interval]:
    """Yield the units of a paragraph that read as text, if it is English."""
    if not paragraph:
        return
    everything = text[paragraph[0][0] : paragraph[-1][1]].split()
    known = sum(1 for word in everything if word.strip(".,;:!?").lower() in _ENGLISH)
    if known < _ENGLISH_SHARE * len(everything):
        return
    for start, end in _units(text, paragraph):
        unit = text[start:end]
        found = unit.split()
        plain = sum(1 for word in found if _PLAIN.fullmatch(word))
        says = not any(level(line) in (FATAL, ERROR, WARN) for line in unit.split("\n"))
        is_spaced = len(_UNSPACED.findall(unit)) <= _UNSPACED_SHARE * len(unit)
        if says and plain >= _MOSTLY * len(found) and is_spaced:
            yield start, end
