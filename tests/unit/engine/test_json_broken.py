"""JSON that does not parse as a whole: the whole records in it are still rows."""

from __future__ import annotations

import json

from furler_engine.compressors import json_broken
from furler_engine.coverage import check
from furler_engine.types import Draft, Hints, Policy, Source


def rows(count: int) -> list[dict[str, object]]:
    return [{"id": f"u{at * 7919 % 997}", "plan": ("free", "pro")[at % 2]} for at in range(count)]


def draft_of(text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = json_broken.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_a_document_that_was_cut_off_shows_where_it_ends() -> None:
    text = json.dumps(rows(80), indent=2)[:-20]
    draft = draft_of(text)
    assert draft.text.endswith(text[text.rfind("{") :].split("\n")[-1])
    assert draft.shown < draft.total / 3


def test_an_envelope_that_was_cut_off_keeps_its_head() -> None:
    text = json.dumps({"page": 3, "data": rows(80)}, indent=2)[:-30]
    assert '  "page": 3,' in draft_of(text).text


def test_a_broken_line_among_json_lines_is_shown() -> None:
    lines = [json.dumps(row) for row in rows(100)]
    lines[40] = lines[40][:11]
    assert f"\n41:{lines[40]}\n" in draft_of("\n".join(lines)).text


def test_records_the_query_names_are_shown() -> None:
    lines = [json.dumps(row) for row in rows(100)]
    named = str(rows(100)[63]["id"])
    lines[40] = lines[40][:11]
    assert f'"{named}"' in draft_of("\n".join(lines), f"plan of {named}").text


def test_json_that_parses_and_text_without_records_are_left_alone() -> None:
    for text in (
        "",
        "[",
        "text\n" * 50,
        json.dumps(rows(50)),
        '[{"a":1},{"a":2}' * 9,
        "[" * 100_000,
    ):
        assert json_broken.plan(Source(text), Policy()) is None
