"""Lock files: each package once, with its version and what it needs; checksums left out.

What lives here: Cargo.lock, poetry.lock, uv.lock ([[package]] tables), yarn.lock,
pnpm-lock.yaml, Gemfile.lock, go.sum and what pip-compile writes. What does not: settings that people write (config), JSON lock files.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Elision, Lines, LinesShown, Policy, Source

MIN_PACKAGES: Final = 5
_PAIR = re.compile(r"(name|version|source) = (\"[^\"]*\"|\{.*\})")
_NEEDS_OPEN = re.compile(r"dependencies = \[")
_NEED = re.compile(r"\s+(?:\"([^\"]*)\"|\{ name = \"([^\"]+)\".*\}),?")
_TABLE_NEED = re.compile(r"([\w.\"-]+) = .+")
_YARN_HEAD = re.compile(r"(\"?[@\w].*):")
_YARN_VERSION = re.compile(r"  version:? \"?([^\"]+)\"?")
_YARN_NEED = re.compile(r"    \"?([^\s\"]+)\"?:? .+")
_PNPM = re.compile(r"  '?/?(@?[^\s'@/]+(?:/[^\s'@/]+)?)[@/](\d[^\s':]*)'?:(?: \{\})?")
_PNPM_NEED = re.compile(r"      '?([^\s':]+)'?: \S+")
_GEM = re.compile(r"    (\S+) \((\d[^)\s]*)\)")
_GEM_NEED = re.compile(r"      (\S+)(?: \(.*\))?!?")
_PIP = re.compile(r"([\w.-]+(?:\[[\w,-]+\])?)==([^\s;\\]+)(?: *;[^\\]*)? *\\?")
_PIP_NEED = re.compile(r"(?!)")
_INDENTED: Final = ((_PNPM, _PNPM_NEED, 3), (_GEM, _GEM_NEED, 5), (_PIP, _PIP_NEED, 1))
"""What opens a package, what names one that it needs, by how many blanks its lines are set in."""
_GO_SUM = re.compile(r"(\S+) (v[^\s/]+)(/go\.mod)? h1:\S+")


@dataclass(slots=True)
class Package:
    """One package, the lines ``first`` to ``last`` of the file."""

    first: int
    last: int
    name: str = ""
    version: str = ""
    source: str = ""
    needs: list[str] = field(default_factory=list)


def plan(source: Source, policy: Policy) -> Draft | None:
    """List the packages; what the query names is shown whole."""
    del policy
    lines = source.lines
    readers = (_toml, _yarn, _go_sum, _indented)
    packages: list[Package] = next(filter(None, (read(lines) for read in readers)), [])
    if len(packages) < MIN_PACKAGES:
        return None
    for package, following in pairwise(packages):
        if not any(lines[package.last : following.first - 1]):
            package.last = following.first - 1  # blank lines belong to what stands before them
    asked = set(rare_hits(source.hints.query, lines)) if source.hints.query else set()
    usual = Counter(p.source for p in packages).most_common(1)[0][0]
    shown: list[Lines] = []
    left_out: list[Lines] = []
    out = [_legend(packages, usual)]
    at = 0
    for package in packages:
        if package.first > at + 1:
            shown.append(Lines(at + 1, package.first - 1))
            out += lines[at : package.first - 1]
        at = package.last
        place = Lines(package.first, package.last)
        if any(n - 1 in asked for n in range(package.first, package.last + 1)):
            shown.append(place)
            out += lines[package.first - 1 : package.last]
        else:
            left_out.append(place)
            out.append(_line(package, usual))
    if at < len(lines):
        shown.append(Lines(at + 1, len(lines)))
        out += lines[at:]
    count = sum(place.last - place.first + 1 for place in shown)
    elisions = tuple(Elision(place, "checksums, sources") for place in left_out)
    return Draft("\n".join(out), LinesShown(tuple(shown)), "lines", len(lines), count, elisions)


def _legend(packages: Sequence[Package], usual: str) -> str:
    source = f", sources other than {usual}" if usual else ""
    return (
        f"[lock file: {len(packages):,} packages; L6 name version: what it needs{source}; L6 is its first line here;"
        " checksums, files and the like are left out]"
    )


def _line(package: Package, usual: str) -> str:
    text = f"L{package.first} {package.name} {package.version}"
    if package.source != usual:
        text += f" ({package.source})"
    return text + (f": {', '.join(package.needs)}" if package.needs else "")


def _toml(lines: Sequence[str]) -> list[Package]:
    packages: list[Package] = []
    package: Package | None = None
    inside = ""
    for number, line in enumerate(lines, 1):
        if line.startswith("["):
            inside = "table" if line == "[package.dependencies]" else ""
            if line == "[[package]]":
                package = Package(number, number)
                packages.append(package)
            elif not line.startswith(("[package.", "[[package.")):
                package = None
            continue
        if package is None or not line:
            continue
        package.last = number
        if match := _PAIR.match(line):
            value = match[2].strip('"')
            if match[1] == "name":
                package.name = value
            elif match[1] == "version":
                package.version = value
            else:
                package.source = value
        elif _NEEDS_OPEN.match(line):
            inside = "" if "]" in line else "list"
        elif inside == "list" and (match := _NEED.fullmatch(line)):
            package.needs.append(match[1] or match[2])
        elif inside == "table" and (match := _TABLE_NEED.fullmatch(line)):
            package.needs.append(match[1].strip('"'))
        elif line.startswith("]"):
            inside = ""
    return packages if all(p.name for p in packages) else []


def _yarn(lines: Sequence[str]) -> list[Package]:
    packages: list[Package] = []
    inside = False
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        if not line.startswith(" "):
            head = _YARN_HEAD.fullmatch(line)
            if head is None:
                return []
            packages.append(Package(number, number, head[1].replace('"', "")))
            inside = False
        elif packages:
            packages[-1].last = number
            if match := _YARN_VERSION.fullmatch(line):
                packages[-1].version = match[1]
            elif line.startswith("    "):
                match = _YARN_NEED.fullmatch(line) if inside else None
                packages[-1].needs += [match[1]] if match else []
            else:
                inside = line.strip() in ("dependencies:", "optionalDependencies:")
    return packages if all(p.version for p in packages) else []


def _indented(lines: Sequence[str]) -> list[Package]:
    for head, need, depth in _INDENTED:
        packages: list[Package] = []
        package: Package | None = None
        for number, line in enumerate(lines, 1):
            if match := head.fullmatch(line):
                package = Package(number, number, match[1], match[2])
                packages.append(package)
            elif package is not None and line[:depth].isspace() and len(line) > depth:
                package.last = number
                found = need.fullmatch(line)
                package.needs += [found[1]] if found else []
            elif line:
                package = None
        if len(packages) >= MIN_PACKAGES:
            return packages
    return []


def _go_sum(lines: Sequence[str]) -> list[Package]:
    matches = [_GO_SUM.fullmatch(line) for line in lines]
    if not all(matches):
        return []
    return list(_modules([m for m in matches if m is not None]))


def _modules(matches: Sequence[re.Match[str]]) -> Iterator[Package]:
    last: Package | None = None
    for number, match in enumerate(matches, 1):
        if last is not None and (last.name, last.version) == (match[1], match[2]):
            last.last = number
            continue
        if last is not None:
            yield last
        last = Package(number, number, match[1], match[2])
    if last is not None:
        yield last
