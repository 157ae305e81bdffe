"""Compilers and linters: messages of one kind together, every file and line named.

What lives here: which lines make one message, and what is shown of messages
that repeat. Reading places is in shared/places.py; everything that is no
message is folded as a log is.

A kind of message with at most two hits is shown whole, with its source lines
and carets. Of any other kind two are, and a note lists the place of each.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from furler_engine.shared import numbered, severity
from furler_engine.shared.blocks import held, joined
from furler_engine.shared.build_failures import failure_rows
from furler_engine.shared.fields import describe, fields_of
from furler_engine.shared.folding import RARE, fold, legend
from furler_engine.shared.layout import Layout, layout_of
from furler_engine.shared.places import (
    Place,
    above_carets,
    code_of,
    listed_line,
    place_span,
    pointed_at,
    say_places,
)
from furler_engine.shared.query import rare_hits
from furler_engine.shared.templates import Pattern, mine
from furler_engine.types import Draft, Kind, Policy, Source

_SAMPLES: Final = 2
_LONGEST_CONTEXT: Final = 40
"""Lines after a message that may belong to it; more are no source excerpt."""
_MIN_GAIN: Final = 0.9
_ASIDE: Final = re.compile(r"help: |note: |--> ")
_QUOTED: Final = re.compile(
    r"'[^'\n]{0,200}'|\"[^\"\n]{0,200}\"|‘[^’\n]{0,200}’|`[^`'\n]{0,200}[`']"
)
_CARET: Final = re.compile(r"\s*[\^~]+\s*$")
_PRETTY: Final = re.compile(r"\d+ .*\n\s*[\^~]+\s*\Z")
_EXCERPT: Final = re.compile(r"\d+ +[|+-]")
# What places.py reads a line number behind, and what opens a message: a superset of both, which
# one search over the whole text finds where line by line each would need five.
_MAY_BE_MESSAGE: Final = re.compile(
    r"[(:|,] ?(?:\[|at line |[Ll]ine[ :])?\d|^error|^warning|\^-", re.MULTILINE
)
# The same where places stand on a line of their own, under the message: rustc, ruff.
_ARROW: Final = "--> "
_MAY_BE_POINTED: Final = re.compile(
    rf"^(?=\S[^\n]{{0,400}}\n *{_ARROW})|{_MAY_BE_MESSAGE.pattern}", re.MULTILINE
)
_FEW_LINES: Final = 4_000
"""Lines up to which that search costs more than it saves: there each line may be a message."""
_ADVISES: Final = "Did you mean:"
_ADVICE: Final = 3
"""Lines of shellcheck's advice: a blank one, its words, and the line as it should be."""
_GAP: Final = "\x01"
"""Stands for a blank inside quotes, so that a quoted name is one word."""


@dataclass(slots=True)
class _Message:
    """One message: its first line, where it points, how many lines below belong to it.

    ``start`` to ``end`` are what of the first line says the place: nothing where it stands elsewhere.
    ``said`` is the message, with the rows ``above`` it, where carets point up at what it speaks of.
    """

    row: int
    place: Place
    start: int = 0
    end: int = 0
    heading: int = -1
    below: int = 0
    said: str | None = None
    above: Sequence[int] = ()

    @property
    def context(self) -> Sequence[int]:
        """The rows that belong to it, above and below."""
        below = range(self.row + 1, self.row + 1 + self.below)
        return [*self.above, *below] if self.above else below

    @property
    def last(self) -> int:
        """The last of its rows."""
        return self.row + self.below

    def kind(self, line: str) -> str:
        """Return the first line with its place masked: the same message elsewhere is the same kind."""
        if self.said is not None:
            return self.said
        return f"{line[: self.start]}0{line[self.end :]}" if self.end else line


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show messages by kind. None where that gains nothing."""
    lines = numbered.cleaned_lines(source)
    text = source.text if lines is source.lines else joined(lines)
    messages, others = _read(lines, text)
    page = numbered.Page(
        picked=numbered.ends(lines),
        tight=policy.is_tight(Kind.DIAGNOSTICS, Kind.BUILD_OUTPUT, Kind.TEXT),
    )
    page.picked.update(rare_hits(source.hints.query, lines))
    told = _show(page, messages, lines)
    failed = frozenset(failure_rows(lines, others))
    if failed:
        page.picked.update(failed)
        page.block.update(failed)
        others = array("i", [row for row in others if row not in failed])
    tally = fold(page, lines, others, layout_of(lines, others))
    opening = (
        ["[messages by kind; ×N at: all their files and source lines"]
        if messages
        else ["[one line per pattern"]
    )
    page.opening.append("; ".join([*opening, *legend(page)]) + "]")
    why = f"lines on why it failed, all shown: {len(failed):,}; " if failed else ""
    page.closing.append(f"[end: {why}{told}{tally}]")
    view = numbered.draft(source, lines, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _read(lines: Sequence[str], text: str) -> tuple[list[_Message], Sequence[int]]:
    """Split lines into messages with their context, and all others; ``text`` is the lines joined."""
    messages: list[_Message] = []
    others: Sequence[int] = range(0)
    files: dict[str, str] = {}
    current: _Message | None = None
    heading = -1
    at = 0
    few = len(lines) <= _FEW_LINES
    for candidate in chain(range(len(lines)) if few else _candidates(text), [len(lines)]):
        if candidate > at:  # between them no line is a message
            while current is not None and at < candidate and _belongs(at, lines, current):
                current.below += 1
                at += 1
            if at < candidate:
                current = None
                others = _extended(others, at, candidate)
                heading = _heading(lines, at, candidate, heading)
        if candidate == len(lines):
            break
        at = candidate + 1
        found = _message_at(candidate, lines, heading)
        if found is not None:
            file, line = found.place
            found.place = Place(files.setdefault(file, file), line)  # one object per file
            messages.append(found)
            current = found
        elif current is not None and _belongs(candidate, lines, current):
            current.below += 1
        else:
            current = None
            others = _extended(others, candidate, candidate + 1)
            heading = _heading(lines, candidate, at, heading)
    above = {row for message in messages if message.said is not None for row in message.context}
    return messages, array("i", [row for row in others if row not in above]) if above else others


def _extended(rows: Sequence[int], first: int, behind: int) -> Sequence[int]:
    """Add rows to ascending ones, which stay a range while they are all up to there."""
    if isinstance(rows, array):
        rows.extend(range(first, behind))
        return rows
    if len(rows) == first:
        return range(behind)
    return array("i", chain(rows, range(first, behind)))


def _candidates(text: str) -> Iterator[int]:
    """Yield the rows that may be a message: the ones with a place or a severity, ascending."""
    row = at = 0
    pattern = _MAY_BE_POINTED if _ARROW in text else _MAY_BE_MESSAGE
    while found := pattern.search(text, at):
        row += text.count("\n", at, found.start())
        yield row
        end = text.find("\n", found.end())
        if end < 0:
            return
        row, at = row + 1, end + 1


def _heading(lines: Sequence[str], first: int, end: int, before: int) -> int:
    """Return the row of the last line that is not indented, -1 below a blank one."""
    for row in range(end - 1, first - 1, -1):
        if not lines[row].strip():
            return -1
        if not lines[row][0].isspace():
            return row
    return before


def _belongs(row: int, lines: Sequence[str], message: _Message) -> bool:
    """Whether a line is part of the message above: indented, or the source line over a caret."""
    line = lines[row]
    if message.said is not None:
        advice = message.row + 2
        return (
            advice < len(lines)
            and row <= message.row + _ADVICE
            and lines[advice].startswith(_ADVISES)
        )
    if message.heading >= 0 or message.below >= _LONGEST_CONTEXT:
        return False
    if line[:1].isspace():
        return bool(line.strip())
    if not line:  # tsc --pretty leaves a line blank above its excerpt
        return row == message.row + 1 and bool(_PRETTY.match("\n".join(lines[row + 1 : row + 3])))
    above_caret = row <= message.row + 2 and row + 1 < len(lines) and _CARET.match(lines[row + 1])
    return bool(above_caret or _EXCERPT.match(line) or _ASIDE.match(line))


def _message_at(row: int, lines: Sequence[str], heading: int) -> _Message | None:
    line = lines[row]
    carets = above_carets(row, lines)
    if carets is not None:
        under, said, above = carets
        return _Message(row, under, said=said, above=above)
    listed = listed_line(line)
    if listed is not None and heading >= 0:
        return _Message(row, Place(lines[heading], listed), heading=heading)
    if pointed_at(line) is not None:
        return None
    if line[:1].strip() and not _ASIDE.match(line) and row + 1 < len(lines):
        place = pointed_at(lines[row + 1])
        if place is not None:
            return _Message(row, place)
    # Source lines are indented; a message of a tool's own is not, or says how bad it is.
    if line[:1].isspace() and severity.level(line) == severity.CALM:
        return None
    span = place_span(line)
    if span is None:
        return None
    place, start, end = span
    return _Message(row, place, start, end)


def _one_word(name: re.Match[str]) -> str:
    return _GAP.join(name[0].split())


def _show(page: numbered.Page, messages: Sequence[_Message], lines: Sequence[str]) -> str:
    """Put the messages on the page; return what the footer says of them."""
    if not messages:
        return ""
    named = held(_QUOTED.sub("'0'", m.kind(lines[m.row])) for m in messages)
    worded = held(_QUOTED.sub(_one_word, m.kind(lines[m.row])) for m in messages)
    kinds = _kinds(messages, named, lines)
    for kind in kinds:
        members = [messages[at] for at in kind.rows]
        whole = members if kind.count <= RARE else members[:_SAMPLES]
        for message in whole:
            page.picked.update([message.row, *message.context])
            if message.heading >= 0:
                page.picked.add(message.heading)
        first = members[0].row
        page.like.update({message.row: first for message in members[1:]})
        if kind.count > RARE:
            said = describe(fields_of(kind, worded, Layout())).replace(_GAP, " ")
            note = f"  ×{kind.count} at {say_places(m.place for m in members)}"
            page.notes.setdefault(members[0].last, []).append(note + (f" | {said}" if said else ""))
    files = len({message.place.file for message in messages})
    return f"kinds of message, all shown: {len(kinds):,}, messages: {len(messages):,}, files: {files:,}. Other lines: "


def _kinds(
    messages: Sequence[_Message], named: Sequence[str], lines: Sequence[str]
) -> list[Pattern]:
    """Group messages by their words; no two codes share a kind, for a number in a kind is as good as another."""
    coded: dict[str, array[int]] = {}
    for at, message in enumerate(messages):
        coded.setdefault(code_of(message.kind(lines[message.row])), array("i")).append(at)
    width = layout_of(named).width
    kinds = [kind for rows in coded.values() for kind in mine(named, severity.level, width, rows)]
    kinds.sort(key=lambda kind: kind.rows[0])
    return kinds
