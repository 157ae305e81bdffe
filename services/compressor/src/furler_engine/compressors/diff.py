"""Diffs: short file headers, hunks cut to less context, changes byte for byte.

What lives here: which lines of a diff a view leaves out (context beyond the
next line, lock files, generated and deleted files), how files' headers are
written and read back. What does not: reading diffs (shared.unified_diff),
tables of changed files (diff_stat).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.located import located, spans
from furler_engine.shared.unified_diff import File, Hunk, header_of, read, split_header
from furler_engine.types import (
    Draft,
    Elision,
    Fidelity,
    Kind,
    Level,
    Lines,
    LinesShown,
    Policy,
    Source,
)

_MIN_LEFT_OUT: Final = 12
"""Changed lines from which a file that nobody reads is left out."""
_LOCK: Final = frozenset({
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "cargo.lock", "go.sum",
    "poetry.lock", "uv.lock", "pdm.lock", "pipfile.lock", "composer.lock", "gemfile.lock", "flake.lock",
    "mix.lock", "pubspec.lock", "podfile.lock", "package.resolved", "gradle.lockfile", "deno.lock",
})  # fmt: skip
_GENERATED = re.compile(
    r"\.min\.(?:js|css)$|\.(?:js|css)\.map$|\.pb\.(?:go|cc|h)$|_pb2(?:_grpc)?\.pyi?$|[._]generated\.|(?:^|/)zz_generated"
    r"|\.snap$|\.svg$|\.designer\.cs$|\.g\.dart$|\.freezed\.dart$|(?:^|/)(?:node_modules|vendor|third_party|dist)/",
    re.IGNORECASE,
)
_GENERATED_NOTE = re.compile(r"[-+ ].{0,80}(?:@generated\b|DO NOT EDIT)")
_NOTE_WINDOW: Final = 12
"""Lines of a file's first hunk in which a generator leaves its note."""
_SMALL: Final = 2_400
"""Characters of a diff (about 700 tokens) that is not worth eliding anything of."""
_FILE: Final = "## "
_LEFT_OUT: Final = "### "
_TEXT: Final = "| "
_AT: Final = tuple(f"{'@' * count} -" for count in range(2, 18))
"""How the line above a hunk begins, of a merge of up to sixteen parents too."""
_MIN_GAP: Final = 3
"""Lines of context between two changes from which a new @@ line costs less than they do."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write each file's header on one line; nothing is left out.

    That saves 2-12 %, which must not keep a large diff from being cut, so where
    eliding is allowed this serves small ones only.
    """
    lossless = policy.fidelity is Fidelity.LOSSLESS or policy.level(Kind.DIFF) is Level.LOSSLESS
    if not lossless and len(source.text) > _SMALL:
        return None
    lines = source.lines
    files = read(lines)
    if not any(file.hunks for file in files):
        return None
    total = len(lines)
    body: list[str] = ["[diff: ## path stands for the lines diff --git, index, --- and +++]"]
    at = 0
    for file in files:
        body += map(_escape, lines[at : file.first - 1])
        body += header_of(lines[file.first - 1 : file.header_last])
        body += lines[file.header_last : file.last]
        at = file.last
    body += map(_escape, lines[at:])
    return Draft("\n".join(body), LinesShown((Lines(1, total),), _decode), "lines", total, total)


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Leave out context and files that nobody reads; never a changed line of another file."""
    files = read(source.lines)
    if not any(file.hunks for file in files):
        return None
    context = 0 if policy.level(Kind.DIFF) is Level.TIGHT else 1
    view = _Eliding(source, files, context)
    text = "\n".join(view.lines())
    total = len(source.lines)
    kept = spans(sorted(view.shown))
    left_out = spans(n for n in range(1, total + 1) if n not in view.shown)
    if not left_out:
        return None
    hunks = {source.lines[n - 1] for n in view.shown if source.lines[n - 1].startswith(_AT)}

    def decode(text: str) -> Iterator[tuple[int, str]]:
        read_back = (line for _, line in _decode(text))
        # Hunks that were cut anew have a header of their own, which the diff does not have.
        wanted = (line for line in read_back if not line.startswith(_AT) or line in hunks)
        return located(wanted, source.lines, kept)

    summary = "context, index lines, files that nobody reads"
    elisions = tuple(Elision(place, summary) for place in left_out)
    return Draft(text, LinesShown(kept, decode), "lines", total, len(view.shown), elisions)


@dataclass(slots=True)
class _Cut:
    """A run of lines of a hunk that stays together, and where it starts on both sides."""

    first: int
    last: int
    old: tuple[int, ...]
    new: int


class _Eliding:
    """One eliding view being written; ``shown`` collects the lines of the diff that it shows."""

    def __init__(self, source: Source, files: list[File], context: int) -> None:
        self.source = source
        self.text = source.lines
        self.files = files
        self.context = context
        self.shown: set[int] = set()
        self.context_left_out = 0

    def lines(self) -> Iterator[str]:
        """Yield the lines of the view."""
        body = list(self._body())
        added = sum(file.added for file in self.files)
        removed = sum(file.removed for file in self.files)
        unit = "line" if self.context == 1 else "lines"
        yield (
            f"[diff: {len(self.files):,} files, +{added:,} -{removed:,}; every + and - line is exact and complete but in"
            f" files marked as left out; hunks are cut anew to {self.context} {unit} of context"
            f" ({self.context_left_out:,} lines of context left out), @@ -old line +new line @@;"
            " [L8-47] after a file are the lines of this diff that hold it in full]"
        )
        yield from body

    def _body(self) -> Iterator[str]:
        at = 0
        for file in self.files:
            yield from self._verbatim(at + 1, file.first - 1)
            yield from self._file(file)
            at = file.last
        yield from self._verbatim(at + 1, len(self.text))

    def _verbatim(self, first: int, last: int) -> Iterator[str]:
        self.shown.update(range(first, last + 1))
        yield from map(_escape, self.text[first - 1 : last])

    def _file(self, file: File) -> Iterator[str]:
        reason = self._why_left_out(file)
        place = format_place(Lines(file.first, file.last))
        if reason:
            path = file.old_path if file.is_deleted else file.path
            yield f"{_LEFT_OUT}{path}: +{file.added:,} -{file.removed:,}, {reason}, left out [{place}]"
            return
        cuts = [(hunk, self._cuts(hunk)) for hunk in file.hunks]
        body = [line for hunk, runs in cuts for line in self._hunk(hunk, runs)]
        header = self.text[file.first - 1 : file.header_last]
        self.shown.update(
            number
            for number, line in enumerate(header, file.first)
            if not line.startswith("index ")
        )
        first, *rest = header_of([line for line in header if not line.startswith("index ")])
        whole = all(n in self.shown for n in range(file.header_last + 1, file.last + 1))
        yield first if whole or not first.startswith(_FILE) else f"{first} [{place}]"
        yield from rest
        yield from body

    def _why_left_out(self, file: File) -> str:
        if file.added + file.removed < _MIN_LEFT_OUT:
            return ""
        path = file.old_path if file.is_deleted else file.path
        name = path.rpartition("/")[2].lower()
        if name in self.source.hints.query.lower():
            return ""
        if file.is_deleted:
            return "deleted file"
        if name in _LOCK:
            return "lock file"
        start = file.hunks[0].first
        note = any(_GENERATED_NOTE.match(line) for line in self.text[start : start + _NOTE_WINDOW])
        return "generated file" if note or _GENERATED.search(path) else ""

    def _cuts(self, hunk: Hunk) -> list[_Cut]:
        """Runs of changed lines with their context, in order."""
        cuts: list[_Cut] = []
        old, new, tail = hunk.old, hunk.new, 0
        before: list[_Cut] = []
        for number in range(hunk.first + 1, hunk.last + 1):
            marks = hunk.marks(self.text[number - 1])
            before.append(_Cut(number, number, old, new))
            if marks[:1] == "\\" or "+" in marks or "-" in marks:
                start = before[-1 - self.context :][0]
                if cuts and start.first - cuts[-1].last <= _MIN_GAP:
                    cuts[-1].last = number
                else:
                    cuts.append(_Cut(start.first, number, start.old, start.new))
                before, tail = [], self.context
            elif tail:
                cuts[-1].last, tail = number, tail - 1
            if marks[:1] != "\\":
                stays = "-" not in marks
                marks = marks.ljust(len(old))
                old = tuple(
                    a + (m == (" " if stays else "-")) for a, m in zip(old, marks, strict=True)
                )
                new += stays
        return cuts

    def _hunk(self, hunk: Hunk, cuts: list[_Cut]) -> Iterator[str]:
        header = self.text[hunk.first - 1]
        if len(cuts) == 1 and (cuts[0].first, cuts[0].last) == (hunk.first + 1, hunk.last):
            self.shown.update(range(hunk.first, hunk.last + 1))
            yield from self.text[hunk.first - 1 : hunk.last]
            return
        at = "@" * (len(hunk.old) + 1)
        section = header.partition(f" {at}")[2]
        kept = 0
        for cut in cuts:
            yield f"{at} {' '.join(f'-{line}' for line in cut.old)} +{cut.new} {at}{section}"
            self.shown.update(range(cut.first, cut.last + 1))
            kept += cut.last - cut.first + 1
            yield from self.text[cut.first - 1 : cut.last]
            section = ""
        self.context_left_out += hunk.last - hunk.first - kept


def _escape(line: str) -> str:
    """Write a line outside of any file so that it is taken for nothing else."""
    return _TEXT + line if line.startswith((_FILE, _LEFT_OUT, _TEXT, *_AT)) else line


def _decode(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(_read(text.split("\n")[1:]), 1)


def _read(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the diff that a view shows."""
    for line in lines:
        if line.startswith(_FILE):
            yield from split_header(line)
        elif line.startswith(_TEXT):
            yield line[len(_TEXT) :]
        elif not line.startswith(_LEFT_OUT):
            yield line
