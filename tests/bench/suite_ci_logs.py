"""Compiler, linter and build output: no diagnostic may be hidden without being counted.

A diagnostic is a line that names a file and a line number. It is *shown* when
the view leaves nothing out, or has the line, or its place (visible.py, rule c)
and its code; *counted*
when one of the view's selectors covers it and the view names its file and its
code, if it has one; *hidden* otherwise. Of failing test runs, the lines that
carry a failure have to stand there verbatim; it is counted, too, how many of all
lines of pytest's failure blocks do, source, frames and rulers included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from furler_engine.types import Hints, Lines, View

from .corpus import CorpusError, read_text
from .furler_side import count, engine_view
from .report import Json, SuiteResult, Table, all_of, percent, saved
from .setting import Setting
from .visible import is_rewritten, is_verbatim

_DIAGNOSTIC = re.compile(
    r"(?P<file>(?:[A-Za-z]:)?[\w./\\+~@-]*[\w+-]\.[A-Za-z]\w{0,9})"
    r"(?::\[?|\s?\(|\",? line |, line |:line )(?P<line>\d{1,7})\b"
)
_CODE = re.compile(r"\b[A-Z]{1,8}\d{2,6}\b|\[-?W?[a-z][\w.-]+\](?!\S)|#\d{2,6}(?=[:-])")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FAILURE = re.compile(
    r"^(?:E  |>  |FAILED |ERROR |error(?:\[\w+\])?: |---- .* stdout ----|thread '.*panicked)"
)
_BLOCKS = re.compile(
    r"^={3,} (?:FAILURES|ERRORS) ={3,}\n(.*?)^={3,} (?:warnings summary|short test summary|PASSES|\d)",
    re.MULTILINE | re.DOTALL,
)
_NUMBERED = re.compile(r"\d+:")


@dataclass(slots=True)
class _Diagnostics:
    """One file of output."""

    file: str
    seen_as: str
    before: int
    after: int
    total: int
    shown: int
    counted: int
    hidden: list[str]


@dataclass(slots=True)
class _Failures:
    """One test or build run."""

    file: str
    before: int
    after: int
    total: int
    verbatim: int
    missing: list[str]
    block: int = 0
    block_verbatim: int = 0


def run(setting: Setting) -> SuiteResult:
    """Measure ci_logs/ and the failing runs of build_logs/ and inputs/."""
    paths = setting.corpus.files("ci_logs")
    logs = [_measure(p.name, read_text(p)) for p in setting.progress("ci_logs", paths, len(paths))]
    runs = [_failures(name, text) for name, text in _runs(setting)]
    runs = [r for r in runs if r.total]
    total, good = sum(d.total for d in logs), sum(d.shown + d.counted for d in logs)
    lines, verbatim = sum(r.total for r in runs), sum(r.verbatim for r in runs)
    data: dict[str, Json] = {"logs": [asdict(d) for d in logs], "runs": [asdict(r) for r in runs]}
    bars = (
        all_of("ci_logs: diagnostics", "shown, or counted by code and file", good, total),
        all_of("test and build runs: failure lines", "verbatim", verbatim, lines),
    )
    return SuiteResult("ci_logs", (_summary(logs), _worst(logs), _run_table(runs)), data, bars)


def _measure(name: str, text: str) -> _Diagnostics:
    return judge(name, text, engine_view(text, Hints()))


def judge(name: str, text: str, view: View) -> _Diagnostics:
    """Say of every diagnostic of a text whether a view shows, counts or hides it."""
    elided = _elided_lines(view)
    result = _Diagnostics(name, view.kind, count(text), count(view.text), 0, 0, 0, [])
    for number, line in enumerate(text.split("\n"), 1):
        clean = _ANSI.sub("", line).strip()
        match = _DIAGNOSTIC.search(clean)
        if match is None:
            continue
        result.total += 1
        if not view.elisions or _is_shown(clean, match, view.text):
            result.shown += 1
        elif number in elided and _is_named(clean, match, view.text):
            result.counted += 1
        else:
            result.hidden.append(clean[:160])
    return result


def _is_shown(line: str, match: re.Match[str], view: str) -> bool:
    if is_verbatim(line, view):
        return True
    code = _code(line, match)
    if code and code not in view:
        return False
    place = match[0] in view or f"{_base(match['file'])}:{match['line']}" in view
    return place or is_rewritten(
        f"{match['file']}:{match['line']}:{_text_after(line, match)}", view
    )


def _is_named(line: str, match: re.Match[str], view: str) -> bool:
    return _base(match["file"]) in view and _code(line, match) in view


def _code(line: str, match: re.Match[str]) -> str:
    """Return the diagnostic's code, or nothing; it stands after the place, or else before it."""
    code = _CODE.search(line, match.end()) or _CODE.search(line, 0, match.start())
    return code[0].strip("[]") if code else ""


def _base(path: str) -> str:
    return re.split(r"[/\\]", path)[-1]


def _text_after(line: str, match: re.Match[str]) -> str:
    return line[match.end() :].lstrip(":,)] 0123456789")


def _elided_lines(view: View) -> set[int]:
    places = [e.place for e in view.elisions]
    return {n for p in places if isinstance(p, Lines) for n in range(p.first, p.last + 1)}


def _runs(setting: Setting) -> Iterable[tuple[str, str]]:
    try:
        for path in setting.corpus.files("build_logs"):
            yield path.name, read_text(path)
    except CorpusError:
        pass
    for item in setting.corpus.inputs:
        if item.kind in {"test_output", "build_log"}:
            yield item.id, item.content


def _failures(name: str, text: str) -> _Failures:
    view = engine_view(text, Hints())
    result = _Failures(name, count(text), count(view.text), 0, 0, [])
    for line in dict.fromkeys(_ANSI.sub("", line).rstrip() for line in text.split("\n")):
        if _FAILURE.match(line) and line[1:].strip():
            result.total += 1
            if line.strip() in view.text:
                result.verbatim += 1
            else:
                result.missing.append(line[:160])
    shown = {_NUMBERED.sub("", line, count=1) for line in view.text.split("\n")}
    shown.update(view.text.split("\n"))
    for block in _BLOCKS.findall(_ANSI.sub("", text)):
        lines = [line for line in block.split("\n") if line.strip()]
        result.block += len(lines)
        result.block_verbatim += sum(line in shown for line in lines)
    return result


def _summary(logs: Sequence[_Diagnostics]) -> Table:
    with_any = [d for d in logs if d.total]
    sizes = (("up to 5 KB", 0, 1_500), ("larger", 1_500, 1 << 60), ("all", 0, 1 << 60))
    rows = []
    for name, low, high in sizes:
        members = [d for d in logs if low <= d.before < high]
        rows.append(_row(f"{name} ({len(members)} files)", members))
    title = f"ci_logs: {len(logs)} files, {len(with_any)} with diagnostics"
    return Table(title, _COLUMNS, tuple(rows))


_COLUMNS = (
    "file",
    "seen as",
    "before",
    "after",
    "saved %",
    "diagnostics",
    "shown",
    "counted",
    "hidden",
)


def _worst(logs: Sequence[_Diagnostics]) -> Table:
    picked = [d for d in logs if d.hidden or d.before >= 1_500]
    picked.sort(key=lambda d: (-len(d.hidden), d.file))
    return Table("ci_logs: large files, and files with a hidden diagnostic", _COLUMNS,
                 tuple(_row(d.file, [d]) for d in picked[:40]), detail=True)  # fmt: skip


def _row(name: str, members: Sequence[_Diagnostics]) -> tuple[str, ...]:
    before, after = sum(d.before for d in members), sum(d.after for d in members)
    return (
        name,
        members[0].seen_as if len(members) == 1 else "",
        str(before),
        str(after),
        percent(saved(before, after)),
        str(sum(d.total for d in members)),
        str(sum(d.shown for d in members)),
        str(sum(d.counted for d in members)),
        str(sum(len(d.hidden) for d in members)),
    )


def _run_table(runs: Sequence[_Failures]) -> Table:
    columns = (
        "run",
        "before",
        "after",
        "saved %",
        "failure lines",
        "verbatim",
        "lines of blocks",
        "verbatim",
    )
    rows = [
        (r.file, str(r.before), str(r.after), percent(saved(r.before, r.after)),
         str(r.total), str(r.verbatim), str(r.block), str(r.block_verbatim))
        for r in runs
    ]  # fmt: skip
    return Table("Test and build runs", columns, tuple(rows))
