"""Markdown as blocks that stay or go whole: headings, paragraphs, items, fences, tables.

What lives here: where a block starts and ends, and what it is. A fence, a table,
a list item is never cut. What does not: which blocks stay (answers.py), the
units of text without such marks (units.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, overload

from furler_engine.text_lines import line_starts


class Form(Enum):
    """What a block of Markdown is."""

    HEADING = "heading"
    TEXT = "text"
    LIST = "list"
    FENCE = "code"
    TABLE = "table"
    COMMENT = "comments"
    BADGES = "badges"
    LINKS = "link addresses"
    CONTENTS = "table of contents"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a text: half-open characters, blank lines behind it included."""

    form: Form
    start: int
    end: int
    rank: int = 0


_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+\S")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ITEM: Final = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_DEFINITION: Final = re.compile(r" {0,3}\[[^\]\n]+\]:[ \t]*\S")
# No part of these crosses a bracket of its own kind: linear in lines of nothing but brackets.
_IMAGE: Final = re.compile(r"!\[[^\[\]\n]*\](?:\([^()\n]*\)|\[[^\[\]\n]*\])|<img\b[^<>\n]*>")
# What is left of linked images without the images.
_AROUND_IMAGES: Final = re.compile(
    r"</?(?:a|p|div|br|center|picture|source)\b[^<>\n]*>|\[\s*\](?:\([^()\n]*\)|\[[^\[\]\n]*\])|\s"
)
_ANCHOR_ITEM: Final = re.compile(
    r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[.{1,200}\]\(#[^()\n]{0,200}\)[ \t]*$"
)
_FEW_LINES: Final = 1 << 18
"""Characters up to which all lines are kept: as objects they take several times their text."""
_MANY, _LEAST = 10_000, 12
"""Blocks, and their mean characters up to which no view of them is shorter than they are."""
_ITEMS_TOGETHER: Final = 400
"""Characters of neighbouring list items that go together: single short ones say little."""
_LONGEST: Final = 1200
"""Characters of a paragraph from which it is cut at sentences."""
# Latin ends of sentences need white space and a capital behind them; CJK ones nothing.
_SENTENCE_END: Final = re.compile(
    r"[.!?][\"')\]”’]{0,3}\s+(?=[\"'(\[“‘]?[A-Z0-9À-Þ])|[。！？]+[」』”’）]{0,3}"
)
_SENTENCES_TOGETHER: Final = 250


def markdown_blocks(text: str) -> list[Block]:
    """Cut Markdown into blocks, without gaps, in order; none where they are too small to be any."""
    blocks: list[Block] = []
    for block in _Reader(text).blocks():
        last = blocks[-1] if blocks else None
        if (
            last is not None
            and last.form is block.form
            and block.form in (Form.LIST, Form.BADGES, Form.LINKS, Form.CONTENTS)
            and (block.form is not Form.LIST or block.end - last.start <= _ITEMS_TOGETHER)
        ):
            blocks[-1] = Block(last.form, last.start, block.end)
        elif block.form is Form.TEXT and block.end - block.start > _LONGEST:
            blocks += (Block(Form.TEXT, a, b) for a, b in _sentences(text, block.start, block.end))
        else:
            blocks.append(block)
            if len(blocks) > _MANY and block.end < _LEAST * len(blocks):
                return []
    return blocks


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield groups of sentences of at least 250 characters."""
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() - start >= _SENTENCES_TOGETHER and match.end() < end:
            yield start, match.end()
            start = match.end()
    yield start, end


class _Lines(Sequence[str]):
    """The lines of a text with their ends, cut out where they are asked for."""

    def __init__(self, text: str, starts: Sequence[int]) -> None:
        self._text = text
        self._starts = starts

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        if isinstance(row, slice):
            return [self[at] for at in range(*row.indices(len(self)))]
        return self._text[self._starts[row] : self._starts[row + 1]]


class _Reader:
    """Reads a text line by line; rows are indexes of lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = line_starts(text)
        self.lines: Sequence[str] = _Lines(text, self.starts)
        if len(text) <= _FEW_LINES:
            self.lines = list(self.lines)
        self.last_comment_end = text.rfind("-->")

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks; a blank line belongs to the block before it."""
        row = 0
        while row < len(self.lines):
            first = row
            form, rank, row = self._block_at(row)
            while row < len(self.lines) and self.lines[row].isspace():
                row += 1
            start, end = self.starts[first], min(self.starts[row], len(self.text))
            yield Block(_refined(form, self.text[start:end]), start, end, rank)

    def _block_at(self, row: int) -> tuple[Form, int, int]:
        """Return form and rank of the block at a row, and the row behind it."""
        line = self.lines[row]
        if fence := _FENCE.match(line):
            return Form.FENCE, 0, self._behind_fence(row, fence[1])
        if heading := _HEADING.match(line):
            return Form.HEADING, len(heading[1]), row + 1
        if line.lstrip().startswith("<!--") and self.starts[row] < self.last_comment_end:
            end = self.text.find("-->", self.starts[row])
            behind = row + 1
            while behind < len(self.lines) and self.starts[behind] < end:
                behind += 1
            return Form.COMMENT, 0, behind
        if item := _ITEM.match(line):
            return Form.LIST, 0, self._behind_item(row, len(item[1].expandtabs(4)))
        if _DEFINITION.match(line):
            return Form.LINKS, 0, row + 1
        return self._text_at(row)

    def _text_at(self, row: int) -> tuple[Form, int, int]:
        """Read a paragraph, a table, or a heading that is underlined."""
        is_table = self.lines[row].lstrip().startswith("|")
        behind = row + 1
        while behind < len(self.lines):
            line = self.lines[behind]
            if not is_table and behind == row + 1 and (under := _UNDERLINE.match(line)):
                return Form.HEADING, 1 if under[1][0] == "=" else 2, behind + 1
            if line.isspace() or is_table != line.lstrip().startswith("|"):
                break
            if not is_table and _starts_block(line):
                break
            behind += 1
        return (Form.TABLE if is_table else Form.TEXT), 0, behind

    def _behind_fence(self, row: int, mark: str) -> int:
        for behind in range(row + 1, len(self.lines)):
            if self.lines[behind].strip().startswith(mark):
                return behind + 1
        return len(self.lines)

    def _behind_item(self, row: int, indent: int) -> int:
        """Return the row behind a list item, with all that is indented below it."""
        behind = row + 1
        after_blank = False
        while behind < len(self.lines):
            line = self.lines[behind]
            if line.isspace():
                after_blank = True
                behind += 1
                continue
            if _indent(line) <= indent and (after_blank or _starts_block(line)):
                break
            fence = _FENCE.match(line)
            behind = self._behind_fence(behind, fence[1]) if fence else behind + 1
            after_blank = False
        return behind


def _indent(line: str) -> int:
    return len(line[: len(line) - len(line.lstrip())].expandtabs(4))


def _starts_block(line: str) -> bool:
    return bool(
        _HEADING.match(line) or _FENCE.match(line) or _ITEM.match(line) or _DEFINITION.match(line)
    )


def _refined(form: Form, body: str) -> Form:
    """Tell badges from text and a table of contents from a list."""
    if form is Form.TEXT and _IMAGE.search(body):
        return Form.TEXT if _AROUND_IMAGES.sub("", _IMAGE.sub("", body)) else Form.BADGES
    if form is Form.LIST:
        lines = [line for line in body.split("\n") if line.strip()]
        return Form.CONTENTS if all(map(_ANCHOR_ITEM.match, lines)) else Form.LIST
    return form
