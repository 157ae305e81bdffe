"""Search results, listings, diffs and git logs: what must be in the view whatever it saves.

Search: every match's file and line number. Listings: every name, as often as
it occurs. Diffs: every added and removed line, byte for byte, but for files
that are elided and named. Git logs: every commit's hash, at least
ten digits of it or all there are, but for commits that are elided and named.
A view that leaves nothing out has been decoded back by the engine; its units
count as shown ("proven"); of the others the text is read as a reader would.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

from furler_engine.types import Hints, Kind, Lines, View

from .corpus import CorpusError, read_text
from .furler_side import count, engine_times, engine_view
from .report import Json, SuiteResult, Table, all_of, percent, saved
from .setting import Setting

_MATCH = re.compile(r"^(?P<path>[^\s:][^:\n]*?):(?P<line>\d+):", re.MULTILINE)
_HASH = re.compile(r"^(?:commit )?([0-9a-f]{7,40})\b")
_SHORT = 10
"""Digits of a hash that name one commit even in a large repository."""
_NUMBERS = re.compile(r"^[\s>L*·|]*(?:also )?((?:\d+(?:-\d+(?!\S))?[,\s]*)+)")
_PLACES = re.compile(r" \[L[\d,\sL-]+\]$")
_NAME = re.compile(r"[^\s/:]+")


@dataclass(slots=True)
class _Units:
    """Units of one content: how many there are, are shown, are behind a selector, are lost."""

    what: str
    total: int = 0
    shown: int = 0
    elided: int = 0
    lost: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Figures:
    name: str
    seen_as: str
    proven: bool
    before: int
    after: int
    units: _Units
    p50: float
    peer_after: int | None = None


_Judge = Callable[[str, View], _Units]


def run(setting: Setting) -> SuiteResult:
    """Measure search/, list/, diff/ and the inputs of these kinds."""
    contents = list(_contents(setting))
    figures = [
        _measure(setting, name, text, judge)
        for name, text, judge in setting.progress("folders", contents, len(contents))
    ]
    bars = [
        all_of(what, _WANTED.get(what, "all visible"),
               sum(f.units.shown + (f.units.elided if what in _WANTED else 0) for f in members),
               sum(f.units.total for f in members))
        for what, members in _by_unit(figures).items()
    ]  # fmt: skip
    table = Table("Search, listings, git", _columns(figures), tuple(_row(f) for f in figures))
    return SuiteResult("folders", (table,), _data(figures), tuple(bars))


def _contents(setting: Setting) -> Iterator[tuple[str, str, _Judge]]:
    for folder in ("search", "list", "diff"):
        try:
            paths = setting.corpus.files(folder)
        except CorpusError:
            continue
        for path in paths:
            log = "git_log" in path.name
            yield path.name, read_text(path), judge_commits if log else _JUDGES[folder]
    kinds = {"grep": "search", "file_listing": "list", "diff": "diff"}
    for item in setting.corpus.inputs:
        if item.kind == "git_log":
            yield item.id, item.content, judge_commits
        elif item.kind in kinds and "diffstat" not in item.id:
            yield item.id, item.content, _JUDGES[kinds[item.kind]]


def _measure(setting: Setting, name: str, text: str, judge: _Judge) -> _Figures:
    view = engine_view(text, Hints())
    figures = _Figures(
        name=name,
        seen_as=view.kind,
        proven=not view.elisions,
        before=count(text),
        after=count(view.text),
        units=judge(text, view),
        p50=engine_times(text, Hints(), most=7, seconds=0.2).p50,
    )
    if not view.elisions:
        figures.units.shown, figures.units.lost = figures.units.total, []
    if setting.peer is not None:
        figures.peer_after = count(setting.peer.compress(text, "").text)
    return figures


_MATCHES = "search: file and line of matches"
_NAMES = "listings: names"
_CHANGES = "diffs: + and - lines"
_COMMITS = "git log: hashes"
_WANTED = {
    _CHANGES: "exact, or elided and named",
    _COMMITS: "whole, or elided and named",
}
"""Units that may be elided."""


def judge_matches(text: str, view: View) -> _Units:
    wanted = list(dict.fromkeys((m["path"], int(m["line"])) for m in _MATCH.finditer(text)))
    units = _Units(_MATCHES, len(wanted))
    if view.is_passthrough:
        return units
    found = _numbers_below_paths(view.text, {path for path, _ in wanted})
    for path, number in wanted:
        if number in found.get(path, ()):
            units.shown += 1
        else:
            units.lost.append(f"{path}:{number}")
    return units


def _numbers_below_paths(view: str, paths: set[str]) -> dict[str, set[int]]:
    """Return the line numbers that a view gives each path, in its heading's line or below it."""
    names = _names_of(view, paths)
    found: dict[str, set[int]] = {}
    current = ""
    for line in view.split("\n"):
        head, colon, rest = _PLACES.sub("", line.removeprefix("# ")).partition(":")
        if head.strip() in names:
            current = names[head.strip()]
        numbers = rest if colon and head.strip() in names else line
        if current and (match := _NUMBERS.match(numbers)):
            found.setdefault(current, set()).update(_expand(match[1]))
    return found


def _names_of(view: str, paths: set[str]) -> dict[str, str]:
    """Return paths by what the view may call them: whole, or less a folder that it states."""
    names = {path: path for path in sorted(paths)}
    for path in sorted(paths):
        for slash in (m.end() for m in re.finditer("/", path)):
            if f"with {path[:slash]}" in view:
                names.setdefault(path[slash:], path)
    return names


def _expand(text: str) -> Iterator[int]:
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", text):
        yield from range(int(first), min(int(last or first), int(first) + 10_000) + 1)


def judge_names(text: str, view: View) -> _Units:
    wanted = Counter(name for line in text.split("\n") for name in _NAME.findall(line)[-1:])
    there = Counter(_NAME.findall(view.text))
    units = _Units(_NAMES, sum(wanted.values()))
    for name, times in wanted.items():
        # A name that the view's layout has glued to something else still stands there.
        have = there[name] if there[name] >= times else view.text.count(name)
        units.shown += min(times, have)
        if have < times:
            units.lost.append(name)
    return units


def judge_changes(text: str, view: View) -> _Units:
    elided = _elided(view)
    units, at = _Units(_CHANGES), 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith(("+", "-")) or line.startswith(("+++ ", "--- ")):
            continue
        units.total += 1
        found = view.text.find(line, at) if number not in elided else -1
        if found >= 0:
            units.shown += 1
            at = found + len(line)
        elif number in elided:
            units.elided += 1
        else:
            units.lost.append(line[:120])
    return units


def judge_commits(text: str, view: View) -> _Units:
    elided, units = _elided(view), _Units(_COMMITS)
    for number, line in enumerate(text.split("\n"), 1):
        match = _HASH.match(line)
        if match is None:
            continue
        units.total += 1
        if match[1] in view.text or match[1][:_SHORT] in view.text:
            units.shown += 1
        elif number in elided:
            units.elided += 1
        else:
            units.lost.append(match[1])
    return units


def _elided(view: View) -> set[int]:
    places = [e.place for e in view.elisions]
    return {n for p in places if isinstance(p, Lines) for n in range(p.first, p.last + 1)}


_JUDGES: dict[str, _Judge] = {"search": judge_matches, "list": judge_names, "diff": judge_changes}


def _by_unit(figures: Sequence[_Figures]) -> dict[str, list[_Figures]]:
    groups: dict[str, list[_Figures]] = {}
    for f in figures:
        groups.setdefault(f.units.what, []).append(f)
    return groups


def _columns(figures: Sequence[_Figures]) -> tuple[str, ...]:
    columns = ("content", "seen as", "before", "after", "saved %", "what", "total", "shown",
               "elided", "lost", "proven", "p50 ms")  # fmt: skip
    return columns + (("peer saved %",) if any(f.peer_after is not None for f in figures) else ())


def _row(f: _Figures) -> tuple[str, ...]:
    kind = f.seen_as if f.after < f.before or f.seen_as != Kind.TEXT else "text"
    row = (
        f.name, kind, str(f.before), str(f.after), percent(saved(f.before, f.after)),
        f.units.what, str(f.units.total), str(f.units.shown), str(f.units.elided),
        str(len(f.units.lost)), "yes" if f.proven else "", f"{f.p50:.1f}",
    )  # fmt: skip
    return row if f.peer_after is None else (*row, percent(saved(f.before, f.peer_after)))


def _data(figures: Sequence[_Figures]) -> dict[str, Json]:
    return {"contents": [asdict(f) for f in figures]}
