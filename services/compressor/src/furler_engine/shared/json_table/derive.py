"""Columns that another column determines: ``email = {login}@example.com``.

What lives here: finding such columns, writing the rule as a line, applying it. A rule is
kept only if it gives every value of the column.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.json_table.columns import MISSING, Columns, Path
from furler_engine.shared.json_table.grammar import format_path, is_bare, parse_path

_NUMBERED: Final = re.compile(r"(\D*)(0|[1-9]\d*)(\D*)")
_NUMBER_IN: Final = "number in "
_RULE: Final = " := "
_TRIES: Final = 3
"""Occurrences of the other value that are tried in the first row."""
_MIN_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class Rule:
    """``path`` is ``before``, the text of ``base`` or the number in it, and ``after``.

    ``is_number`` says that the value is that number, not a text.
    """

    path: Path
    base: Path
    before: str = ""
    after: str = ""
    by_number: bool = False
    is_number: bool = False


def find_rules(columns: Columns) -> list[Rule]:
    """Return rules for columns that an earlier one determines."""
    if not columns or len(next(iter(columns.values()))) < _MIN_ROWS:
        return []
    texts = {p: t for p, v in columns.items() if (t := _texts(v)) is not None}
    numbers = {p: n for p, t in texts.items() if (n := _numbers(t)) is not None}
    rules: list[Rule] = []
    bases: list[Path] = []
    for path in texts:
        for base in bases:
            rule = _contains(path, base, columns, texts) or _counts(path, base, columns, numbers)
            if rule is not None:
                rules.append(rule)
                break
        else:
            bases.append(path)
    return rules


def format_rule(rule: Rule) -> str:
    """Return the line of a rule, without its mark."""
    source = (_NUMBER_IN if rule.by_number else "") + format_path(rule.base)
    text = f"{rule.before}{{{source}}}{rule.after}"
    return format_path(rule.path) + _RULE + (text if rule.is_number else f'"{text}"')


def parse_rule(line: str) -> Rule:
    """Return the rule of a line. Raises ValueError if it is none."""
    path, at = parse_path(line, 0)
    if not line.startswith(_RULE, at):
        raise ValueError("no rule")
    text = line[at + len(_RULE) :]
    is_number = not text.startswith('"')
    text = text if is_number else text[1:-1]
    before, _, rest = text.partition("{")
    by_number = rest.startswith(_NUMBER_IN)
    base, end = parse_path(rest, len(_NUMBER_IN) if by_number else 0)
    return Rule(path, base, before, rest[end + 1 :], by_number, is_number)


def apply_rules(columns: Columns, rules: Sequence[Rule]) -> None:
    """Add the columns that rules determine."""
    for rule in rules:
        values: list[object] = []
        for value in columns[rule.base]:
            text = str(value)
            if rule.by_number:
                match = _NUMBERED.fullmatch(text)
                text = match[2] if match else text
            values.append(int(text) if rule.is_number else rule.before + text + rule.after)
        columns[rule.path] = values


def _texts(values: Sequence[object]) -> list[str] | None:
    """Return a column of strings or of integers as texts."""
    kinds = set(map(type, values))
    if kinds not in ({str}, {int}) or values[0] is MISSING:
        return None
    texts = list(map(str, values))
    # A column of few values determines nothing but itself.
    return texts if 2 * len(set(texts)) > len(texts) else None


def _numbers(texts: Sequence[str]) -> tuple[str, str, list[str]] | None:
    first = _NUMBERED.fullmatch(texts[0])
    if first is None:
        return None
    before, after = first[1], first[3]
    end = -len(after) or None
    found = [text[len(before) : end] for text in texts]
    good = all(
        text.startswith(before) and text.endswith(after) and _is_plain(number)
        for text, number in zip(texts, found, strict=True)
    )
    return (before, after, found) if good else None


def _is_plain(number: str) -> bool:
    return number.isascii() and number.isdigit() and (number[0] != "0" or number == "0")


def _contains(
    path: Path, base: Path, columns: Columns, texts: Mapping[Path, list[str]]
) -> Rule | None:
    mine, other = texts[path], texts[base]
    is_number = isinstance(columns[path][0], int)
    if len(other[0]) < 2 or (is_number and mine != other):
        return None
    at = mine[0].find(other[0])
    for _ in range(_TRIES):
        if at < 0:
            return None
        before, after = mine[0][:at], mine[0][at + len(other[0]) :]
        if _fits(before, after) and all(
            text == before + part + after for text, part in zip(mine, other, strict=True)
        ):
            return Rule(path, base, before, after, is_number=is_number)
        at = mine[0].find(other[0], at + 1)
    return None


def _counts(
    path: Path,
    base: Path,
    columns: Columns,
    numbers: Mapping[Path, tuple[str, str, list[str]]],
) -> Rule | None:
    if path not in numbers or base not in numbers or numbers[path][2] != numbers[base][2]:
        return None
    before, after, _ = numbers[path]
    is_number = isinstance(columns[path][0], int)
    if not _fits(before, after):
        return None
    return Rule(path, base, before, after, by_number=True, is_number=is_number)


def _fits(before: str, after: str) -> bool:
    return is_bare(f"x{before}x{after}x") and not any(mark in before + after for mark in '{}"')
