"""Markdown as blocks that stay or go whole: headings, paragraphs, items, fences, tables.

What lives here: where a block starts and ends, and what it is. A fence, a table,
a list item is never cut. What does not: which blocks stay (relevance.py), the
units of text without such marks (units.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from furler_engine.shared.relevance import Unit


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

    def unit(self, text: str) -> Unit:
        """Return the block as a unit of its text."""
        return Unit(text[self.start : self.end], self.end - self.start, self.rank)


_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_HEADING: Final = re.compile(r" {0,3}(#{1,6})[ \t]+\S")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})")
_ITEM: Final = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_DEFINITION: Final = re.compile(r" {0,3}\[[^\]\n]+\]:[ \t]*\S")
_IMAGE: Final = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])|<img\b[^>\n]*>")
# What is left of linked images without the images.
_AROUND_IMAGES: Final = re.compile(
    r"</?(?:a|p|div|br|center|picture|source)\b[^>\n]*>|\[\s*\](?:\([^)\n]*\)|\[[^\]\n]*\])|\s"
)
_ANCHOR_ITEM: Final = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\[[^\n]*\]\(#[^)\n]*\)[ \t]*$")
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
    """Cut Markdown into blocks, without gaps, in order."""
    blocks: list[Block] = []
    for block in _raw_blocks(text):
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
    return blocks


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield groups of sentences of at least 250 characters."""
    for match in _SENTENCE_END.finditer(text, start, end):
        if match.end() - start >= _SENTENCES_TOGETHER and match.end() < end:
            yield start, match.end()
            start = match.end()
    yield start, end


def _raw_blocks(text: str) -> Iterator[Block]:
    """Yield blocks line by line; a blank line belongs to the block before it."""
    lines = [match.span() for match in _LINE.finditer(text)]
    at = 0
    while at < len(lines):
        first = at
        line = text[lines[at][0] : lines[at][1]]
        form, rank, at = _block_at(text, lines, at, line)
        while at < len(lines) and text[lines[at][0] : lines[at][1]].isspace():
            at += 1
        start, end = lines[first][0], lines[at - 1][1]
        yield Block(_refined(form, text[start:end]), start, end, rank)


def _block_at(text: str, lines: list[tuple[int, int]], at: int, line: str) -> tuple[Form, int, int]:
    """Return form and rank of the block at a line, and the line behind it."""
    if fence := _FENCE.match(line):
        return Form.FENCE, 0, _behind_fence(text, lines, at, fence[1])
    if heading := _HEADING.match(line):
        return Form.HEADING, len(heading[1]), at + 1
    if line.lstrip().startswith("<!--"):
        end = text.find("-->", lines[at][0])
        behind = at + 1
        while end >= 0 and behind < len(lines) and lines[behind][0] < end:
            behind += 1
        return (Form.COMMENT if end >= 0 else Form.TEXT), 0, behind
    if item := _ITEM.match(line):
        return Form.LIST, 0, _behind_item(text, lines, at, len(item[1].expandtabs(4)))
    if _DEFINITION.match(line):
        return Form.LINKS, 0, at + 1
    is_table = line.lstrip().startswith("|")
    behind = at + 1
    while behind < len(lines):
        following = text[lines[behind][0] : lines[behind][1]]
        if not is_table and behind == at + 1 and (under := _UNDERLINE.match(following)):
            return Form.HEADING, 1 if under[1][0] == "=" else 2, behind + 1
        if following.isspace() or is_table != following.lstrip().startswith("|"):
            break
        if not is_table and _starts_block(following):
            break
        behind += 1
    return (Form.TABLE if is_table else Form.TEXT), 0, behind


def _starts_block(line: str) -> bool:
    return bool(
        _HEADING.match(line) or _FENCE.match(line) or _ITEM.match(line) or _DEFINITION.match(line)
    )


def _behind_fence(text: str, lines: list[tuple[int, int]], at: int, mark: str) -> int:
    for behind in range(at + 1, len(lines)):
        if text[lines[behind][0] : lines[behind][1]].strip().startswith(mark):
            return behind + 1
    return len(lines)


def _behind_item(text: str, lines: list[tuple[int, int]], at: int, indent: int) -> int:
    """Return the line behind a list item, with all that is indented below it."""
    behind = at + 1
    after_blank = False
    while behind < len(lines):
        line = text[lines[behind][0] : lines[behind][1]]
        if line.isspace():
            after_blank = True
            behind += 1
            continue
        width = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if width <= indent and (after_blank or _starts_block(line)):
            break
        if fence := _FENCE.match(line):
            behind = _behind_fence(text, lines, behind, fence[1])
        else:
            behind += 1
        after_blank = False
    return behind


def _refined(form: Form, body: str) -> Form:
    """Tell badges from text and a table of contents from a list."""
    if form is Form.TEXT and _IMAGE.search(body):
        return Form.TEXT if _AROUND_IMAGES.sub("", _IMAGE.sub("", body)) else Form.BADGES
    if form is Form.LIST:
        lines = [line for line in body.split("\n") if line.strip()]
        return Form.CONTENTS if all(map(_ANCHOR_ITEM.match, lines)) else Form.LIST
    return form
