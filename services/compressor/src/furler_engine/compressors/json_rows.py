"""JSON with rows left out: of each array the head, the tail and every row that stands out.

What lives here: how much of a document a view shows, and where. What stands out is
decided by shared.statistics; how it is written by shared.json_table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine import tokens
from furler_engine.json_value import JsonError, dumps
from furler_engine.markers import format_place
from furler_engine.shared.column_summary import describe
from furler_engine.shared.json_paths import path_list
from furler_engine.shared.json_table import mixed
from furler_engine.shared.json_table.columns import MISSING, Columns, Path
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.describe import describe_columns
from furler_engine.shared.json_table.encode import Cuts, encode
from furler_engine.shared.json_table.grammar import Gap
from furler_engine.shared.json_table.outline import (
    LONG_TEXT,
    Inline,
    Items,
    Members,
    Node,
    Table,
    outline,
)
from furler_engine.shared.ranking import hits, literals
from furler_engine.shared.statistics import MUST, STRIKING, notable, troubled
from furler_engine.types import (
    Draft,
    Elision,
    JsonLocation,
    Kind,
    Level,
    Policy,
    Rows,
    Source,
    ValueShown,
)

_HEAD: Final = 3
_TAIL: Final = 2
_SMALL: Final = 8
"""Elements up to which an array is not worth cutting."""
_SHARE: Final = 0.13
"""Part of a document that a careful view shows."""
_STRETCH: Final = 1.45
"""How far errors and rare things may exceed that part."""
_LEAST: Final = 450
_MOST: Final = 5000
_MOST_PATHS: Final = 20_000
"""Tokens of a list of paths up to which all are shown, as of a listing: a third of it then."""
_TEXT_SHOWN: Final = 240
_OPAQUE_SHOWN: Final = 48
"""Characters shown of a long string without blanks: enough to tell its format."""
_CHARS_PER_TOKEN: Final = 2.8
"""Of JSON tables; prose has 4, identifiers and numbers 2."""
_INNER_ROOM: Final = 60
"""Tokens of nested values that each row of a table is given at first."""
_NAMED: Final = 60
"""Rows that a literal of the query may pick; one that picks more names none."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Return a view with rows, elements and characters left out; None if nothing can be."""
    try:
        node = source.derived(outline)
    except JsonError:
        return None
    size = tokens.estimate(source.text, policy.tokenizer)
    tight = policy.level(Kind.JSON) is Level.TIGHT
    if not (tight or policy.target_tokens or size > _MOST_PATHS) and (
        source.derived(path_list) is not None
    ):
        return None
    share = _SHARE / 2 if tight else _SHARE
    budget = policy.target_tokens or min(max(share * size, _LEAST), _MOST)
    chooser = _Chooser(source.hints.query)
    chooser.visit(node, (), budget)
    if not chooser.elisions:
        return None
    cuts = Cuts(chooser.rows, chooser.texts, chooser.notes, tuple(chooser.names), chooser.remark())
    return Draft(
        encode(node, cuts),
        ValueShown(decode),
        units="rows" if chooser.rows else "characters",
        total=chooser.total or len(source.text),
        shown=chooser.shown,
        elisions=tuple(chooser.elisions),
    )


@dataclass(slots=True)
class _Chooser:
    """Walks an outline with a budget of tokens and collects what is cut."""

    query: str
    rows: dict[JsonLocation, list[int]] = field(default_factory=dict)
    texts: dict[JsonLocation, list[Gap]] = field(default_factory=dict)
    notes: dict[JsonLocation, str] = field(default_factory=dict)
    elisions: list[Elision] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    total: int = 0
    shown: int = 0
    complete: bool = True
    costs: dict[int, float] = field(default_factory=dict)
    columns: dict[int, Columns] = field(default_factory=dict)
    long: dict[int, bool] = field(default_factory=dict)
    row_texts: dict[int, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = [name for name in literals(self.query) if len(name) > 2]

    def remark(self) -> str:
        """Return why a reader may trust what is shown."""
        if not self.rows:
            return ""
        named = ", all the query names" if self.query else ""
        every = "all" if self.complete else "the most striking"
        return (
            f"Shown of what was cut: first {_HEAD}, last {_TAIL}{named}, {every} rows with errors,"
            " rare values or types, outliers, odd forms; those left out are like the rest"
        )

    def visit(self, node: Node, path: JsonLocation, budget: float) -> None:
        """Cut a node so that it costs about ``budget`` tokens."""
        match node:
            case Inline(str(text)):
                self._text(text, path, budget)
            case Inline(list(values)):
                self._array(values, path, budget)
            case Members(members):
                self._members(members, path, budget)
            case Items(items):
                self._items(items, path, budget)
            case Table():
                self._table(node, path, budget)

    # Costs

    def _cost(self, node: Node) -> float:
        known = self.costs.get(id(node))
        if known is None:
            known = self.costs[id(node)] = self._price(node)
        return known

    def _price(self, node: Node) -> float:
        match node:
            case Inline(value):
                return len(dumps(value)) / _CHARS_PER_TOKEN + 2
            case Members(members):
                return sum(self._cost(member) + len(name) / 4 for name, member in members)
            case Items(items):
                return sum(map(self._cost, items))
            case Table():
                columns = self._columns(node)
                inner = sum(self._cost(part.node) for part in node.all_inner())
                return _row_cost(columns, node.count) * node.count + inner + 30

    def _has_long_text(self, node: Node) -> bool:
        known = self.long.get(id(node))
        if known is None:
            match node:
                case Inline(value):
                    known = isinstance(value, str) and len(value) > LONG_TEXT
                case Members(members):
                    known = any(self._has_long_text(member) for _, member in members)
                case Items(items):
                    known = any(map(self._has_long_text, items))
                case Table():
                    known = any(
                        isinstance(value, str) and len(value) > LONG_TEXT
                        for values in self._columns(node).values()
                        for value in values
                    ) or any(self._has_long_text(part.node) for part in node.all_inner())
            self.long[id(node)] = known
        return known

    def _columns(self, table: Table) -> Columns:
        known = self.columns.get(id(table))
        if known is None:
            known = self.columns[id(table)] = table.all_columns()
        return known

    def _share(self, parts: Sequence[tuple[JsonLocation, Node]], budget: float) -> None:
        """Give every part its fair share: small ones all they need, the rest equal parts."""
        order = sorted(range(len(parts)), key=lambda at: (self._cost(parts[at][1]), at))
        left, rest = budget, len(order)
        shares: dict[int, float] = {}
        for at in order:
            shares[at] = min(self._cost(parts[at][1]), left / rest)
            left -= shares[at]
            rest -= 1
        for at, (path, node) in enumerate(parts):
            if shares[at] < self._cost(node) or self._has_long_text(node):
                self.visit(node, path, shares[at])

    # Nodes

    def _text(self, text: str, path: JsonLocation, budget: float) -> None:
        room = _TEXT_SHOWN
        if " " not in text[:LONG_TEXT]:
            room = _OPAQUE_SHOWN
        elif len(text) > LONG_TEXT:
            room = max(room, int(budget * 3.5))
        if len(text) <= max(LONG_TEXT, room):
            return
        end = _word_end(text, room)
        place = Rows(path, end, len(text))
        selector = format_place(place)
        if any(mark in selector for mark in '"|'):
            return
        self.texts[path] = [Gap(end, len(text), selector)]
        summary = f"{len(text) - end} characters"
        self.elisions.append(Elision(place, summary, tokens=(len(text) - end) // 4 or 1))

    def _array(self, values: list[object], path: JsonLocation, budget: float) -> None:
        size = len(dumps(values)) / _CHARS_PER_TOKEN
        if len(values) <= _SMALL or size <= budget:
            return
        room = int(budget * len(values) / size)
        texts = [value if isinstance(value, str) else dumps(value) for value in values]
        kept = self._select([values], texts, room)
        self._keep(path, kept, len(values), "elements")
        told = describe(values, MISSING) if len(kept) < len(values) else ""
        if told:
            self.notes[path] = f"{len(values)} elements: {told}"

    def _members(
        self, members: Sequence[tuple[str, Node]], path: JsonLocation, budget: float
    ) -> None:
        total = sum(self._cost(member) for _, member in members)
        kept: Iterable[int] = range(len(members))
        if len(members) > 40 and total > budget:
            values = [m.value if isinstance(m, Inline) else {} for _, m in members]
            names = [name for name, _ in members]
            room = int(budget * len(members) / total)
            texts = names
            if self.query:
                texts = [f"{name} {self._node_text(member)}" for name, member in members]
            kept = self._select([names, values], texts, room)
            self._keep(path, kept, len(members), "members")
        self._share([((*path, members[at][0]), members[at][1]) for at in kept], budget)

    def _items(self, items: Sequence[Node], path: JsonLocation, budget: float) -> None:
        total = sum(map(self._cost, items))
        kept: Iterable[int] = range(len(items))
        if len(items) > _SMALL and total > budget:
            texts = [self._node_text(item) for item in items]
            room = int(budget * len(items) / total)
            columns = mixed.columns_of(items)
            first = mixed.examples(columns)
            kept = self._select([texts, *columns.values()], texts, room, first)
            self._keep(path, kept, len(items), "elements")
            if len(kept) < len(items):
                self.notes[path] = f"{len(items)} elements: {describe_columns(columns)}"
        self._share([((*path, at), items[at]) for at in kept], budget)

    def _table(self, table: Table, path: JsonLocation, budget: float) -> None:
        columns, count = self._columns(table), table.count
        row_cost = _row_cost(columns, count)
        inner = self._cost(table) - row_cost * count
        kept: Sequence[int] = range(count)
        if self._cost(table) > budget and count > _SMALL:
            room = int(budget / (row_cost + min(inner / count, _INNER_ROOM)))
            texts = self._row_texts(table) if self.query else [""] * count
            told = _inside(table)[: max(_TAIL, room // 2)]
            kept = self._select(list(columns.values()), texts, room, told)
            self._keep(path, kept, count, "rows")
            if len(kept) < count:
                self.notes[path] = f"{count} rows: {describe_columns(columns)}"
        for name, values in columns.items():
            for row in kept:
                value = values[row]
                if isinstance(value, str) and len(value) > LONG_TEXT:
                    self._text(value, (*path, table.step(row), *table.steps(name)), 0)
        chosen = set(kept)
        parts = [
            ((*path, table.step(part.row), *table.steps(part.path)), part.node)
            for part in table.all_inner()
            if part.row in chosen
        ]
        self._share(parts, max(budget - row_cost * len(kept), budget / 2))

    # Rows

    def _select(
        self,
        columns: Sequence[Sequence[object]],
        texts: Sequence[str],
        room: int,
        examples: Iterable[int] = (),
    ) -> list[int]:
        """Return the rows to keep, ascending: what must be seen, then what fits the room."""
        count = len(texts)
        kept = {*range(min(_HEAD, count)), *range(max(0, count - _TAIL), count), *examples}
        kept.update(self._named(texts))
        for row, weight in notable(columns, count, MISSING).ranked():
            if len(kept) >= (room if weight < STRIKING else max(_SMALL, int(_STRETCH * room))):
                self.complete = self.complete and weight < MUST
                break
            kept.add(row)
        return sorted(kept)

    def _named(self, texts: Sequence[str]) -> list[int]:
        """Return the rows that the query names."""
        if not self.query:
            return []
        rows = dict.fromkeys(hits(texts, self.query, limit=8))
        lower = [text.lower() for text in texts]
        for name in self.names:
            having = [row for row, text in enumerate(lower) if name in text]
            if len(having) <= _NAMED:
                rows.update(dict.fromkeys(having))
        return list(rows)

    def _row_texts(self, table: Table) -> list[str]:
        """Return what a query is looked for in: names and values of each row."""
        known = self.row_texts.get(id(table))
        if known is not None:
            return known
        parts: list[list[str]] = [[] for _ in range(table.count)]
        if table.keys is not None:
            parts = [[name] for name in table.keys]
        for values in self._columns(table).values():
            for row, value in enumerate(values):
                if value is not MISSING:
                    parts[row].append(value if isinstance(value, str) else dumps(value))
        for inner in table.all_inner():
            parts[inner.row].append(self._node_text(inner.node))
        texts = self.row_texts[id(table)] = [" ".join(row) for row in parts]
        return texts

    def _node_text(self, node: Node) -> str:
        match node:
            case Inline(value):
                return dumps(value)
            case Members(members):
                return " ".join(f"{name} {self._node_text(member)}" for name, member in members)
            case Items(items):
                return " ".join(map(self._node_text, items))
            case Table():
                return " ".join(self._row_texts(node))

    def _keep(self, path: JsonLocation, kept: Sequence[int], total: int, what: str) -> None:
        self.total += total
        self.shown += len(kept)
        if len(kept) == total:
            return
        self.rows[path] = list(kept)
        at = 0
        for row in [*kept, total]:
            if row > at:
                self.elisions.append(Elision(Rows(path, at, row), f"{row - at} {what}"))
            at = row + 1


def _inside(table: Table) -> list[int]:
    """Return the rows whose nested values tell of trouble, or have numbers far beyond the others'."""
    texts: dict[int, list[str]] = {}
    numbers: dict[tuple[Path, Path], list[object]] = {}
    for part in table.all_inner():
        texts.setdefault(part.row, []).append(mixed.said(part.node))
        for name, most in mixed.largest(part.node).items():
            column = numbers.setdefault((part.path, name), [MISSING] * table.count)
            column[part.row] = most
    rows = troubled(list(texts), [" ".join(of) for of in texts.values()])
    beyond = notable(numbers.values(), table.count, MISSING).ranked()
    return [*rows, *(row for row, weight in beyond if weight >= MUST)]


def _row_cost(columns: Columns, count: int) -> float:
    """Return the mean tokens of a row, from a sample; long texts count as shown."""
    rows = range(0, count, max(1, count // 16))
    characters = 0
    for values in columns.values():
        for row in rows:
            value = values[row]
            if isinstance(value, str):
                characters += min(len(value), LONG_TEXT)
            elif value is not MISSING:
                characters += len(dumps(value))
            characters += 1
    return characters / len(rows) / _CHARS_PER_TOKEN + 1


def _word_end(text: str, room: int) -> int:
    end = text.rfind(" ", room - 40, room)
    return end if end > 0 else room
