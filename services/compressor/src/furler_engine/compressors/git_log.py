"""git log: a line per commit, its message, its changed files.

What lives here: git log in its medium, full and fuller forms, with or without
--stat; how a view writes commits and how that is read back. What does not: one
line per commit (git_oneline), patches (diff).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from furler_engine.shared import change_counts
from furler_engine.shared.located import located, spans
from furler_engine.types import Draft, Elision, Lines, LinesShown, Policy, Source

MIN_COMMITS: Final = 2
SHORT_HASH: Final = 12
"""What git itself takes for unambiguous in large repositories; at least ten are wanted."""
_BODY: Final = 12
"""Lines of a message that the eliding view shows."""
_COMMIT = re.compile(r"commit ([0-9a-f]{40})((?: \([^\n]*\))?)")
_FORMS: Final = (
    ("Author: ", "Date:   "),
    ("Author:     ", "AuthorDate: ", "Commit:     ", "CommitDate: "),
    ("Author: ", "Commit: "),
    ("Author: ",),
)
_MERGE: Final = "Merge: "
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{1,2})"
    r" (\d\d:\d\d:\d\d) (\d{4}) ([+-]\d{4})",
    re.ASCII,
)
_SHORT_DATE = re.compile(
    r"([A-Z][a-z]{2}) (\d{1,2}) (\d\d:\d\d:\d\d)(?: (\d{4}) ([+-]\d{4}))?", re.ASCII
)
_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)
_DAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_SUMMARY = re.compile(r" \d+ files? changed[^\n]*", re.ASCII)
_TRAILER = re.compile(
    r"    (?:Signed-off-by|Co-authored-by|Reviewed-by|Acked-by|Tested-by|Change-Id|Reviewed-on|Cc): ",
    re.IGNORECASE,
)
_HEAD: Final = "# "
_RAW: Final = "| "
_FILES: Final = "files: "
_INDENT: Final = "    "
_SAME: Final = "same"
_JOINT: Final = "; "


class Form(NamedTuple):
    """The header fields of a commit, in order, and what stands in them."""

    fields: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(slots=True)
class Commit:
    """One commit of a log, lines ``first`` to ``last``; ``form`` None if it is not understood."""

    first: int
    last: int
    hash: str
    decoration: str
    merge: str = ""
    form: Form | None = None
    message: list[str] = field(default_factory=list)
    changes: list[change_counts.Change] = field(default_factory=list)
    summary: str = ""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write each commit's header on one line; nothing is left out."""
    del policy
    commits = _commits(source.lines)
    if len(commits) < MIN_COMMITS:
        return None
    view = _View(source.lines, commits, brief=False)
    total = len(source.lines)
    return Draft(
        "\n".join(view.text()), LinesShown((Lines(1, total),), _decode), "lines", total, total
    )


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Shorten hashes, leave out committers, trailers and the ends of long messages."""
    del policy
    commits = _commits(source.lines)
    if len(commits) < MIN_COMMITS:
        return None
    view = _View(source.lines, commits, brief=True, query=source.hints.query.lower())
    text = "\n".join(view.text())
    total = len(source.lines)
    kept = spans(n for n in range(1, total + 1) if n not in view.hidden)

    def decode(text: str) -> Iterator[tuple[int, str]]:
        return located((line for _, line in _decode(text)), source.lines, kept)

    summary = "full hash, committer, trailers, end of a long message"
    elisions = tuple(Elision(place, summary) for place in spans(sorted(view.hidden)))
    return Draft(text, LinesShown(kept, decode), "lines", total, total - len(view.hidden), elisions)


def _commits(lines: Sequence[str]) -> list[Commit]:
    """Cut a log into commits; [] when it does not open with one."""
    starts = [
        at
        for at, line in enumerate(lines)
        if line.startswith("commit ") and _COMMIT.fullmatch(line)
    ]
    if not starts or starts[0] != 0:
        return []
    return [_commit(lines, a, b) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _commit(lines: Sequence[str], start: int, end: int) -> Commit:
    match = _COMMIT.fullmatch(lines[start])
    commit = Commit(start + 1, end, match[1] if match else "", match[2] if match else "")
    chunk = list(lines[start + 1 : end])
    if end < len(lines):
        if not chunk or chunk.pop() != "":
            return commit
    if chunk and chunk[0].startswith(_MERGE):
        commit.merge = chunk.pop(0)[len(_MERGE) :]
    form = _form(chunk)
    if form is None or _JOINT in "".join(form.values):
        return commit
    at = len(form.fields)
    if at < len(chunk) and chunk[at] != "":
        return commit
    at += 1
    while at < len(chunk) and chunk[at].startswith(_INDENT):
        commit.message.append(chunk[at])
        at += 1
    if at < len(chunk) and not _read_changes(commit, chunk[at:]):
        return commit
    # A commit without a message has one blank line less; git always prints one, so this is no log of git's.
    commit.form = form if len(chunk) > len(form.fields) else None
    return commit


def _form(chunk: Sequence[str]) -> Form | None:
    for fields in _FORMS:
        if all(line.startswith(name) for line, name in zip(chunk, fields, strict=False)):
            values = tuple(line[len(name) :] for line, name in zip(chunk, fields, strict=False))
            if len(values) == len(fields) and all(values):
                return Form(fields, values)
    return None


def _read_changes(commit: Commit, tail: Sequence[str]) -> bool:
    """Read a blank line, changed files and their sum; False when there is anything else."""
    if len(tail) < 3 or tail[0] != "" or not _SUMMARY.fullmatch(tail[-1]):
        return False
    changes = change_counts.read(tail[1:-1])
    if changes is None or any(
        change_counts.JOINT in c.path or c.path.endswith(" ") for c in changes
    ):
        return False
    commit.changes, commit.summary = changes, tail[-1][1:]
    return True


class _People:
    """Names whose address was said, to be said once; the same on both sides."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def write(self, person: str) -> str:
        name, _, mail = person.partition(" <")
        if self.said.get(name) == mail:
            return name
        self.said[name] = mail
        return person

    def read(self, text: str) -> str:
        name, bracket, mail = text.partition(" <")
        if bracket:
            self.said[name] = mail
            return text
        return f"{name} <{self.said[name]}"


class _Dates:
    """Dates without what the one before already said; the same on both sides."""

    def __init__(self) -> None:
        self.year = self.zone = ""

    def write(self, date: str) -> str:
        match = _DATE.fullmatch(date)
        if match is None or _weekday(match[5], match[2], match[3]) != match[1]:
            return date
        short = f"{match[2]} {match[3]} {match[4]}"
        if (match[5], match[6]) == (self.year, self.zone):
            return short
        self.year, self.zone = match[5], match[6]
        return f"{short} {self.year} {self.zone}"

    def read(self, text: str) -> str:
        match = _SHORT_DATE.fullmatch(text)
        if match is None:
            return text
        if match[4]:
            self.year, self.zone = match[4], match[5]
        day = _weekday(self.year, match[1], match[2])
        return f"{day} {match[1]} {match[2]} {match[3]} {self.year} {self.zone}"


def _weekday(year: str, month: str, day: str) -> str:
    """The day of the week (Sakamoto's method): git prints it, nobody needs it."""
    index = _MONTHS.index(month)
    y = int(year) - (index < 2)
    shift = (0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4)[index]
    return _DAYS[(y + y // 4 - y // 100 + y // 400 + shift + int(day)) % 7]


class _View:
    """One view being written; ``hidden`` collects the lines it leaves out."""

    def __init__(
        self, lines: Sequence[str], commits: list[Commit], *, brief: bool, query: str = ""
    ) -> None:
        self.lines = lines
        self.commits = commits
        self.brief = brief
        self.query = query
        self.hidden: set[int] = set()
        self.people = _People()
        self.dates = _Dates()
        hashes = [commit.hash for commit in commits]
        sizes = (SHORT_HASH, 16, 40) if brief else (40,)
        self.size = next(
            n for n in sizes if n == 40 or len({h[:n] for h in hashes}) == len(set(hashes))
        )

    def text(self) -> Iterator[str]:
        """Yield the lines of the view."""
        body = [line for commit in self.commits for line in self._commit(commit)]
        yield self._legend()
        yield from body

    def _legend(self) -> str:
        says = f"[git log: {len(self.commits):,} commits; # hash author; date"
        if any(c.form and len(c.form.fields) == 4 for c in self.commits) and not self.brief:
            says += "; committer; date"
        says += "; an address, a year and a zone are said when they are new"
        if self.brief:
            says += (
                f"; left out: the ends of hashes, who committed, trailers like Signed-off-by,"
                f" what comes after {_BODY} lines of a message (… L8-19 says where)"
            )
        return says + "]"

    def _commit(self, commit: Commit) -> Iterator[str]:
        if commit.form is None:
            yield from (_RAW + line for line in self.lines[commit.first - 1 : commit.last])
            return
        yield self._header(commit, commit.form)
        if commit.merge:
            yield f"{_MERGE}{commit.merge}"
        yield from self._message(commit)
        if commit.changes:
            files = change_counts.JOINT.join(change_counts.shorten(c) for c in commit.changes)
            yield f"{_FILES}{files}{_JOINT}{commit.summary}"

    def _header(self, commit: Commit, form: Form) -> str:
        start = f"{_HEAD}{commit.hash[: self.size]}{commit.decoration} "
        values = [
            (self.dates if "Date" in name else self.people).write(value)
            for name, value in zip(form.fields, form.values, strict=True)
            if not (self.brief and name.startswith("Commit"))
        ]
        if self.brief:
            at = commit.first + (1 if commit.merge else 0) + 1
            self.hidden.add(commit.first)
            self.hidden.update(
                n for n, name in enumerate(form.fields, at) if name.startswith("Commit")
            )
        elif len(form.values) == 4 and form.values[1] == form.values[3]:
            values[3] = _SAME
        return start + _JOINT.join(values)

    def _message(self, commit: Commit) -> Iterator[str]:
        assert commit.form is not None
        first = commit.first + bool(commit.merge) + len(commit.form.fields) + 2
        hidden: list[int] = []
        if self.brief:
            hidden = [n for n, line in enumerate(commit.message, first) if _TRAILER.match(line)]
            body = [n for n in range(first, first + len(commit.message)) if n not in hidden]
            if not self._is_asked_for(commit):
                hidden += body[_BODY + 2 :] if len(body) > _BODY + 4 else []
        self.hidden.update(hidden)
        for n, line in enumerate(commit.message, first):
            if n not in self.hidden:
                yield line[len(_INDENT) - 1 :]
        ends = [n for n in hidden if not _TRAILER.match(self.lines[n - 1])]
        if ends:
            yield f"… L{ends[0]}-{ends[-1]}"

    def _is_asked_for(self, commit: Commit) -> bool:
        words = [word for word in re.findall(r"[\w.-]{4,}", self.query)]
        text = "\n".join(commit.message).lower()
        return any(word in text for word in words)
