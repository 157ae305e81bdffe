"""Round trips of JSON views over generated documents."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import json_rows, json_tables
from furler_engine.coverage import check
from furler_engine.json_value import JsonError, dumps, parse, same_value
from furler_engine.shared.json_table.columns import join, split
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import Cuts, encode
from furler_engine.shared.json_table.grammar import (
    format_cell,
    format_column,
    parse_cell,
    parse_column,
)
from furler_engine.shared.json_table.outline import build
from furler_engine.shared.pruning import prune
from furler_engine.types import Hints, Policy, Rows, Source

TRICKY = (
    "", " ", "~", "…", "…a", "$", "$.a[1:2]", "a …$.b[1:2]", "@", '"', "|", "a|b", "#", "# every row: {}",
    "# x", "[1]", "{}", "null", "true", "12", "-0", "1e5", "1.0", "a.b", "a: b", "x:", "\n", "\t", "\\", "a\nb",
    "\u2028", "\x85", "é", "日本", "😀", "/", "https://example.com/a/b", "-", "+", "(name)", "0",
)  # fmt: skip
strings = st.sampled_from(TRICKY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = (
    st.integers(-(2**70), 2**70)
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([-0.0, 0.0, 1.0, 1e-7, 1e16, 5e-324, 2**63, -(2**63) - 1])
)
scalars = st.none() | st.booleans() | numbers | strings
names = (
    st.sampled_from(["id", "a", "b", "a.b", "", "#", "+", "key", "~", "…", "x y", "0", "$"])
    | strings
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@st.composite
def tables(draw: st.DrawFn) -> list[object]:
    """Lists of near-equal objects: shared members, some missing, some constant."""
    columns = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    urls = st.integers(0, 40).map(lambda n: f"https://api.example.com/v1/users/{n}/keys")
    numbered = st.integers(0, 40).map(lambda n: f"user{n}@example.com")
    kinds = [
        draw(st.sampled_from([scalars, strings, numbers, values, st.just("free"), urls, numbered]))
        for _ in columns
    ]
    rows: list[object] = []
    for _ in range(draw(st.integers(3, 9))):
        row = {
            name: draw(kind)
            for name, kind in zip(columns, kinds, strict=True)
            if draw(st.integers(0, 9)) > 0
        }
        rows.append(row)
    return rows


documents = (
    values
    | tables()
    | st.dictionaries(names, tables(), max_size=3)
    | st.lists(tables(), max_size=3)
    | tables().map(lambda rows: {f"k{at}": row for at, row in enumerate(rows)})
    | st.lists(st.lists(scalars, min_size=2, max_size=2), min_size=3, max_size=6)
)


@settings(max_examples=150, deadline=None)
@given(documents, st.booleans(), st.lists(strings.filter(bool), max_size=2))
def test_an_outline_decodes_to_the_value_it_was_made_of(
    value: object,
    tight: bool,  # noqa: FBT001
    whole: list[str],
) -> None:
    value = parse(json.dumps(value))
    text = encode(build(value), Cuts(whole=tuple(map(str.lower, whole))), tight=tight)
    assert same_value(decode(text), value)


@settings(max_examples=80, deadline=None)
@given(st.lists(values, min_size=1, max_size=8))
def test_a_column_reads_and_writes_like_its_cells(column: Sequence[object]) -> None:
    cells = format_column(column)
    assert cells == [format_cell(value) for value in column]
    assert "|" not in "".join(cells)
    assert "\n" not in "".join(cells)
    for read in (parse_column(cells), [parse_cell(cell) for cell in cells]):
        assert same_value(read, list(column))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.dictionaries(names, values, min_size=1, max_size=5), min_size=1, max_size=8))
def test_columns_join_to_the_objects_they_were_split_from(
    rows: list[dict[str, object]],
) -> None:
    assert same_value(join(split(rows), len(rows)), rows)


@settings(max_examples=80, deadline=None)
@given(tables(), st.data())
def test_kept_rows_decode_to_the_value_without_the_others(
    rows: list[object], data: st.DataObject
) -> None:
    kept = data.draw(st.sets(st.integers(0, len(rows) - 1), min_size=1))
    cut = [Rows((), at, at + 1) for at in range(len(rows)) if at not in kept]
    value = parse(json.dumps(rows))
    view = encode(build(value), Cuts(rows={(): sorted(kept)}))
    assert same_value(decode(view), prune(value, cut))


@settings(max_examples=80, deadline=None)
@given(documents, st.sampled_from(["", "free", "what about id 3?"]), st.integers(1, 60))
def test_every_draft_accounts_for_the_whole_document(
    value: object, query: str, target: int
) -> None:
    source = Source(json.dumps(value), Hints(query=query))
    for plan in (json_tables.plan, json_rows.plan):
        draft = plan(source, Policy(target_tokens=target))
        if draft is not None:
            check(source, draft)


@settings(max_examples=80, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
    | st.binary(max_size=40).map(repr)
)
def test_any_text_parses_or_is_a_json_error(text: str) -> None:
    try:
        value = parse(text)
    except JsonError:
        return
    assert same_value(parse(dumps(value)), value)
