"""Addresses and paths that many strings of a document begin with: ``@1/issues``.

What lives here: finding such prefixes, abbreviating cells, reading them back. Prefixes
end where a path segment ends, so that what is left is whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine.shared.json_table.grammar import is_bare
from furler_engine.shared.json_table.outline import Inline, Items, Members, Node, Table

_MOST: Final = 8
"""More names than that are not kept in mind."""
_SHORTEST: Final = 16
_MIN_STRINGS: Final = 3
_MIN_SAVED: Final = 80
"""Characters, about twenty tokens: what a definition must save beyond its own length."""
_DEEPEST: Final = 12
_USE: Final = re.compile(r"@(\d{1,2})(?=/|$)")


def find_prefixes(node: Node) -> list[str]:
    """Return prefixes without their last slash, the longest first; at most eight."""
    texts = list(_strings(node))
    counts: Counter[str] = Counter()
    for text in texts:
        at = text.find("://") + 3 if "://" in text else 1
        for _ in range(_DEEPEST):
            at = text.find("/", at)
            if at < 0:
                break
            if at >= _SHORTEST:
                counts[text[:at]] += 1
            at += 1
    chosen: list[str] = []
    by_gain = sorted(counts, key=lambda p: (-counts[p] * len(p), p))
    for prefix in by_gain[: 10 * _MOST]:
        if counts[prefix] < _MIN_STRINGS or not is_bare(prefix):
            continue
        inside = sum(counts[other] for other in chosen if other.startswith(prefix + "/"))
        within = max((len(other) for other in chosen if prefix.startswith(other + "/")), default=2)
        saved = (counts[prefix] - inside) * (len(prefix) - within) - len(prefix)
        if saved > _MIN_SAVED:
            chosen.append(prefix)
        if len(chosen) == _MOST:
            break
    chosen.sort(key=lambda prefix: (-len(prefix), prefix))
    return _used(chosen, texts)


def _used(prefixes: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Return the prefixes that are the longest of enough texts to pay."""
    uses = [0] * len(prefixes)
    for text in texts:
        for at, prefix in enumerate(prefixes):
            if text.startswith(prefix):
                uses[at] += 1
                break
    return [prefix for prefix, times in zip(prefixes, uses, strict=True) if times >= _MIN_STRINGS]


def shorten(cell: str, prefixes: Sequence[str]) -> str:
    """Return a cell with its prefix replaced by a name; quoted cells are left alone."""
    for number, prefix in enumerate(prefixes, 1):
        if cell.startswith(prefix) and cell[len(prefix) : len(prefix) + 1] in {"/", ""}:
            return f"@{number}{cell[len(prefix) :]}"
    return cell


def expand(cell: str, prefixes: Sequence[str]) -> str:
    """Return the cell that shorten was given."""
    match = _USE.match(cell)
    return prefixes[int(match[1]) - 1] + cell[match.end() :] if match else cell


def _strings(node: Node) -> Iterator[str]:
    match node:
        case Inline(str(text)):
            yield from [text] if _is_address(text) else []
        case Members(members):
            for _, member in members:
                yield from _strings(member)
        case Items(items):
            for item in items:
                yield from _strings(item)
        case Table():
            for values in node.all_columns().values():
                yield from (v for v in values if isinstance(v, str) and _is_address(v))
            for part in node.all_inner():
                yield from _strings(part.node)
        case _:
            pass


def _is_address(text: str) -> bool:
    return len(text) > _SHORTEST and ("://" in text[:12] or text[0] == "/") and " " not in text
