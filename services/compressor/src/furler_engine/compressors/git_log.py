"""git log: a line per commit, its message, its changed files.

What lives here: git log in its medium, full and fuller forms; how a view writes
commits and how that is read back. What does not: their files (shared.commit_files),
one line per commit (git_oneline, git_files), patches (diff).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared import commit_files
from furler_engine.shared.commit_files import GAP, Files
from furler_engine.shared.located import located, spans
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Elision, Lines, LinesShown, Policy, Source

MIN_COMMITS: Final = 2
SHORT_HASH: Final = 12
"""What git itself takes for unambiguous in large repositories; at least ten are wanted."""
_BODY: Final = 14
"""Lines of a message that the eliding view shows, if it has at least four more."""
_HEADER = re.compile(r"# ([0-9a-f]{12,40})((?: \([^\n]*?\))?) ([^\n]*)")
_COMMIT = re.compile(r"commit ([0-9a-f]{40})((?: \([^\n]*\))?)")
_FORMS: Final = {
    "author; date": ("Author: ", "Date:   "),
    "author; date; committer; date": (
        "Author:     ",
        "AuthorDate: ",
        "Commit:     ",
        "CommitDate: ",
    ),
    "author; committer": ("Author: ", "Commit: "),
    "author": ("Author: ",),
    "author; date written": ("Author:     ", "AuthorDate: "),
}
"""The header fields of git's own forms, by the words that announce them in a view."""
_BRIEF: Final = {
    "author; date; committer; date": "author; date written",
    "author; committer": "author",
}
"""What is left of a form without the committer."""
_LEGEND: Final = "; an author, year or zone that is not said is that of the commit above, an address is said once"
_STATES: Final = "; » M d/: a b are d/a and d/b"
_FULL: Final = "# hash "
_CUT: Final = "# start of the hash, "
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
_TRAILER = re.compile(
    r"    (?:Signed-off-by|Co-authored-by|Reviewed-by|Acked-by|Tested-by|Change-Id|Reviewed-on|Cc): ",
    re.IGNORECASE,
)
_HEAD: Final = "# "
_RAW: Final = "| "
_INDENT: Final = "    "
_JOINT: Final = "; "


@dataclass(slots=True)
class Commit:
    """One commit of a log, lines ``first`` to ``last``; no ``values`` if it is not understood."""

    first: int
    last: int
    hash: str
    decoration: str
    merge: str = ""
    values: tuple[str, ...] = ()
    message: list[str] = field(default_factory=list)
    files: Files | None = None


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write each commit's header on one line; nothing is left out."""
    del policy
    form, commits = _commits(source.lines)
    if not _is_worth_it(commits):
        return None
    view = _View(source.lines, form, commits)
    total = len(source.lines)
    return Draft(
        "\n".join(view.text()), LinesShown((Lines(1, total),), _decode), "lines", total, total
    )


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Shorten hashes, leave out committers, trailers and the ends of long messages."""
    del policy
    form, commits = _commits(source.lines)
    if not _is_worth_it(commits):
        return None
    messages = [" ".join(commit.message) for commit in commits]
    query = source.hints.query
    view = _View(source.lines, form, commits, set(rare_hits(query, messages)))
    view.named = {row + 1 for row in rare_hits(query, source.lines)}
    text = "\n".join(view.text())
    total = len(source.lines)
    kept = spans(n for n in range(1, total + 1) if n not in view.hidden)

    def decode(text: str) -> Iterator[tuple[int, str]]:
        return located((line for _, line in _decode(text)), source.lines, kept)

    summary = "full hash, committer, trailers, end of a long message"
    elisions = tuple(Elision(place, summary) for place in spans(sorted(view.hidden)))
    return Draft(text, LinesShown(kept, decode), "lines", total, total - len(view.hidden), elisions)


def _is_worth_it(commits: Sequence[Commit]) -> bool:
    """Whether there are several commits, or one with a list of files (git show --stat)."""
    return len(commits) >= MIN_COMMITS or any(commit.files is not None for commit in commits)


def _commits(lines: Sequence[str]) -> tuple[str, list[Commit]]:
    """Cut a log into commits of one form; none when it does not open with a commit."""
    starts = [
        at
        for at, line in enumerate(lines)
        if line.startswith("commit ") and _COMMIT.fullmatch(line)
    ]
    if not starts or starts[0] != 0:
        return "", []
    ends = [*starts[1:], len(lines)]
    head = lines[1 : ends[0]]
    form = next((name for name in _FORMS if _values(head, name) or _values(head[1:], name)), "")
    return form, [
        _commit(lines, a, b, form) for a, b in zip(starts, ends, strict=True)
    ] if form else []


def _commit(lines: Sequence[str], start: int, end: int, form: str) -> Commit:
    match = _COMMIT.fullmatch(lines[start])
    commit = Commit(start + 1, end, match[1] if match else "", match[2] if match else "")
    chunk = list(lines[start + 1 : end])
    if end < len(lines) and (not chunk or chunk.pop() != ""):
        return commit
    if chunk and chunk[0].startswith(_MERGE):
        commit.merge = chunk.pop(0)[len(_MERGE) :]
    values = _values(chunk, form)
    at = len(values) + 1
    if not values or at > len(chunk) or chunk[at - 1] != "":
        return commit
    while at < len(chunk) and chunk[at].startswith(_INDENT):
        commit.message.append(chunk[at])
        at += 1
    if at < len(chunk) and chunk[at] == "":
        first = start + 3 + bool(commit.merge) + at
        commit.files = commit_files.read(chunk[at + 1 :], first)
    if at == len(chunk) or commit.files is not None:
        commit.values = values
    return commit


def _values(chunk: Sequence[str], form: str) -> tuple[str, ...]:
    """What stands in the fields of a form; () if they are not those."""
    fields = _FORMS[form]
    if not all(line.startswith(name) for line, name in zip(chunk, fields, strict=False)):
        return ()
    values = tuple(line[len(name) :] for line, name in zip(chunk, fields, strict=False))
    return values if len(values) == len(fields) and _JOINT not in "".join(values) else ()


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
    """One view being written; ``hidden`` collects the lines it leaves out, ``named`` are never among them.

    ``asked`` are the indexes of commits whose messages the query names; None
    means that nothing is left out.
    """

    def __init__(
        self, lines: Sequence[str], form: str, commits: list[Commit], asked: set[int] | None = None
    ) -> None:
        self.lines = lines
        self.form = form
        self.commits = commits
        self.asked = asked
        self.named: set[int] = set()
        self.hidden: set[int] = set()
        self.people = _People()
        self.dates = _Dates()
        self.author = ""
        self.trailers = 0
        self.sums = ""
        hashes = {commit.hash for commit in commits}
        sizes = (40,) if asked is None else (SHORT_HASH, 16, 40)
        self.size = next(n for n in sizes if n == 40 or len({h[:n] for h in hashes}) == len(hashes))

    def text(self) -> Iterator[str]:
        """Yield the lines of the view."""
        body = [line for at, commit in enumerate(self.commits) for line in self._commit(at, commit)]
        yield self._legend()
        yield from body

    def _legend(self) -> str:
        says = f"[git log: {len(self.commits):,} commits: "
        legend = _LEGEND + (
            _STATES if any(c.files and c.files.states for c in self.commits) else ""
        )
        if self.asked is None:
            return f"{says}{_FULL}{self.form}{legend}]"
        form = _BRIEF.get(self.form, self.form)
        return (
            f"{says}{_CUT}{form}{legend}; left out: {'' if form == self.form else 'committers, '}"
            f"trailers such as Signed-off-by ({self.trailers:,}), {self.sums}the ends of messages over {_BODY} lines (… L8-19)]"
        )

    def _commit(self, at: int, commit: Commit) -> Iterator[str]:
        if not commit.values:
            yield from (_RAW + line for line in self.lines[commit.first - 1 : commit.last])
            self.author = ""
            return
        yield self._header(commit)
        if commit.merge:
            yield f"{_MERGE}{commit.merge}"
        yield from self._message(commit, whole=self.asked is None or at in self.asked)
        if commit.files is not None:
            yield from self._files(commit.files)

    def _files(self, files: Files) -> Iterator[str]:
        rows: Sequence[int] = range(files.count)
        if self.asked is not None:
            named = {line - files.first for line in self.named}
            rows = commit_files.shown(files, len(self.commits), named.intersection(rows))
            hidden = set(range(files.count)).difference(rows)
            self.hidden.update(files.first + row for row in hidden)
            if commit_files.repeats_itself(files):
                self.sums = "sums of single files, "
                self.hidden.add(files.first + 1)
        place = format_place(files.place)
        yield from commit_files.write(files, rows, brief=self.asked is not None, place=place)

    def _header(self, commit: Commit) -> str:
        fields = _FORMS[self.form]
        start = f"{_HEAD}{commit.hash[: self.size]}{commit.decoration} "
        shown = fields
        if self.asked is not None:
            shown = _FORMS[_BRIEF.get(self.form, self.form)]
            first = commit.first + 1 + bool(commit.merge)
            self.hidden.add(commit.first)
            self.hidden.update(range(first + len(shown), first + len(fields)))
        values = [
            (self.dates if "Date" in name else self.people).write(value)
            for name, value in zip(shown, commit.values, strict=False)
        ]
        if commit.values[0] == self.author and len(values) > 1:
            values.pop(0)
        self.author = commit.values[0]
        return start + _JOINT.join(values)

    def _message(self, commit: Commit, *, whole: bool) -> Iterator[str]:
        first = commit.first + bool(commit.merge) + len(commit.values) + 2
        numbered = list(enumerate(commit.message, first))
        if self.asked is not None:
            trailers = [n for n, line in numbered if _TRAILER.match(line)]
            self.trailers += len(trailers)
            self.hidden.update(trailers)
        body = [n for n, _ in numbered if n not in self.hidden]
        end = [] if whole or len(body) < _BODY + 4 else body[_BODY:]
        self.hidden.update(end)
        yield from (line[len(_INDENT) - 1 :] for n, line in numbered if n not in self.hidden)
        if end:
            yield f"{GAP}{format_place(Lines(end[0], end[-1]))}"


def _decode(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(_read(text.split("\n")), 1)


def _read(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the log that a view shows; never a commit line whose hash was cut."""
    announced = lines[0].partition(_LEGEND)[0].partition(" commits: ")[2]
    brief = announced.startswith(_CUT)
    fields = _FORMS[announced.removeprefix(_CUT).removeprefix(_FULL)]
    people, dates = _People(), _Dates()
    waiting: list[str] = []
    author = ""
    apart = inside = False
    for line in [*lines[1:], GAP]:
        if waiting and line.startswith(_MERGE):
            yield line
            continue
        yield from waiting
        waiting = []
        if apart and line.startswith((_HEAD, _RAW)):
            yield ""
            apart = False
        if match := _HEADER.fullmatch(line):
            if not brief:
                yield f"commit {match[1]}{match[2]}"
            parts = match[3].split(_JOINT)
            if len(parts) < len(fields):
                parts.insert(0, author)
            values = zip(fields, parts, strict=True)
            waiting = [n + (dates if "Date" in n else people).read(v) for n, v in values]
            author = waiting[0].removeprefix(fields[0])
            waiting.append("")
            apart = True
        elif line.startswith(_RAW):
            yield line[len(_RAW) :]
        elif commit_files.is_list(line):
            if not inside:
                yield ""
            inside = True
            yield from commit_files.read_back(line)
            continue
        elif line.startswith(GAP):
            continue
        else:
            yield _INDENT[1:] + line
        inside = False
