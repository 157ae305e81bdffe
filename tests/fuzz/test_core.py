"""Parsers of the core, fed anything: a result or their own error, nothing else."""

import json
from contextlib import suppress

from hypothesis import example, given, settings
from hypothesis import strategies as st

from furler_engine import json_value, markers
from furler_engine.clean import clean_line
from furler_engine.coverage import CoverageError, check
from furler_engine.detect import detect
from furler_engine.json_value import JsonError
from furler_engine.markers import MarkerError
from furler_engine.select import SelectorError, select
from furler_engine.shared import ranking
from furler_engine.shared.headings import sections
from furler_engine.shared.json_offsets import spans
from furler_engine.shared.json_path import QueryError, locate
from furler_engine.shared.passages import passages
from furler_engine.types import (
    Bytes,
    BytesShown,
    Coverage,
    Draft,
    Elision,
    Hints,
    JsonLocation,
    Lines,
    LinesShown,
    Place,
    Rows,
    Selector,
    Source,
    ValueShown,
    Within,
)
from strategies import contents, hints, json_values, lines, selectors, texts, words

locations: st.SearchStrategy[JsonLocation] = st.lists(words | st.integers(0, 4), max_size=4).map(
    tuple
)
nearly_json = texts | contents | st.text('{}[]",:\\u0123456789eE+-. \ntrfnalse', max_size=60)
selector_like = texts | st.text("LB0123456789-$[]:.'\\uaé", max_size=30)
places: st.SearchStrategy[Place] = (
    st.builds(Lines, st.integers(0, 10**14), st.integers(0, 10**14))
    | st.builds(Bytes, st.integers(0, 10**14), st.integers(0, 10**14))
    | st.builds(Rows, st.lists(texts | st.integers(0, 10**14), max_size=4).map(tuple),
                st.integers(0, 10**14), st.integers(0, 10**14))
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(selector_like)
def test_parse_place_gives_a_place_that_prints_to_an_equal_one_or_a_marker_error(text: str) -> None:
    try:
        place = markers.parse_place(text)
    except MarkerError:
        return
    assert markers.parse_place(markers.format_place(place)) == place


@settings(max_examples=200, deadline=None)
@given(places)
def test_every_place_survives_being_printed(place: Place) -> None:
    assert markers.parse_place(markers.format_place(place)) == place


@settings(max_examples=300, deadline=None)
@given(nearly_json)
@example('{"a\\\\": 1}')
@example("-0")
def test_json_value_parses_what_json_parses_or_raises_json_error(text: str) -> None:
    try:
        value = json_value.parse(text)
    except JsonError:
        return
    assert json_value.same_value(json_value.parse(json_value.dumps(value)), value)
    if not json_value.is_json_lines(text):
        assert json.loads(text) == json.loads(json_value.dumps(value))


@settings(max_examples=300, deadline=None)
@given(nearly_json, st.lists(locations, max_size=4))
def test_json_offsets_gives_ranges_inside_the_text_or_a_json_error(
    text: str, places: list[JsonLocation]
) -> None:
    try:
        found = spans(text, places)
    except JsonError:
        return
    assert set(found) <= set(places)
    assert all(0 <= start < end <= len(text.encode()) for start, end in found.values())


@settings(max_examples=200, deadline=None)
@given(json_values, st.sampled_from([None, 1, 4]), st.booleans())
def test_json_offsets_finds_every_node_of_a_document(
    value: object,
    indent: int | None,
    ascii_only: bool,  # noqa: FBT001
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    every = locate(value, "$..*")
    found = spans(text, every)
    assert list(found) == every or set(found) == set(every)
    for place, (start, end) in found.items():
        node = value
        for step in place:
            node = node[step]  # type: ignore[index]
        assert json.loads(text.encode()[start:end]) == node


@settings(max_examples=300, deadline=None)
@given(contents, selectors)
def test_select_gives_ranges_or_a_selector_error(text: str, selector: Selector) -> None:
    try:
        ranges = select(text, selector)
    except SelectorError:
        return
    for start, end in ranges:
        text.encode()[start:end].decode()


@settings(max_examples=200, deadline=None)
@given(json_values, st.text("$.[]*?@'\"()&|<=>!:,-0123ab matchserngtvlu", max_size=40))
@example([], "[1e0")
@example([], "[?@>1e400]")
@example([1], "[?null <> count(@)]")
def test_locate_gives_locations_or_a_query_error(value: object, query: str) -> None:
    try:
        found = locate(value, "$" + query)
    except QueryError:
        return
    for place in found:
        node = value
        for step in place:
            node = node[step]  # type: ignore[index]


@settings(max_examples=200, deadline=None)
@given(contents, places, places, st.sampled_from(["lines", "bytes", "value"]))
def test_check_passes_a_draft_or_raises_coverage_error(
    text: str, shown: Place, elided: Place, sort: str
) -> None:
    inner = shown.place if isinstance(shown, Within) else shown
    first, last = (
        (inner.first, inner.last) if isinstance(inner, Lines) else (inner.start, inner.end)
    )
    coverages: dict[str, Coverage] = {
        "lines": LinesShown((Lines(first, min(last, 10**6)),)),
        "bytes": BytesShown((Bytes(first, last),)),
        "value": ValueShown(json_value.parse),
    }
    coverage = coverages[sort]
    with suppress(CoverageError):
        check(Source(text), Draft(text, coverage, "lines", 1, 1, (Elision(elided, ""),)))


@given(texts | contents)
def test_passages_and_sections_cover_what_they_say(text: str) -> None:
    assert "".join(text[start:end] for start, end in passages(text)) == text
    assert all(0 <= s.start < s.end <= len(text) for s in sections(text))


@given(st.lists(lines | texts, max_size=8), lines | texts)
def test_ranking_scores_any_texts_for_any_query(items: list[str], query: str) -> None:
    scores = ranking.Passages(items).scores(query, smoothing=2.0, feedback=True)
    assert len(scores) == len(items)
    assert all(score >= 0 for score in scores)
    found = ranking.hits(items, query, limit=3)
    assert found == sorted(set(found))
    assert len(found) <= 3


@given(texts | contents, hints)
def test_every_text_has_a_kind(text: str, hint: Hints) -> None:
    assert detect(Source(text, hint)) is detect(Source(text, hint))


@given(texts)
def test_a_clean_line_is_clean(text: str) -> None:
    line = text.replace("\n", "")
    assert clean_line(clean_line(line)) == clean_line(line)
