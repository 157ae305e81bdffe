"""Which rows of a JSON document a view shows, and that the others are named."""

from __future__ import annotations

import json

import pytest

from furler_engine.compressors import json_rows
from furler_engine.coverage import check
from furler_engine.markers import format_place
from furler_engine.types import Draft, Hints, Kind, Level, Policy, Rows, Source


def records(count: int) -> list[dict[str, object]]:
    """Rows without anything to notice: repeated values in no order."""
    return [
        {
            "id": f"usr_{at * 7919 % 100_000:05}",
            "plan": ("free", "pro", "team")[at * 7 % 3],
            "score": 40 + at * 37 % 21,
            "active": at % 3 == 0,
            "note": f"seen {at % 5} times in room {at % 4}",
        }
        for at in range(count)
    ]


def draft_of(value: object, query: str = "", policy: Policy | None = None) -> Draft:
    source = Source(json.dumps(value, ensure_ascii=False), Hints(query=query))
    draft = json_rows.plan(source, policy or Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_head_and_tail_are_shown_and_gaps_are_elisions() -> None:
    draft = draft_of(records(300))
    lines = draft.text.split("\n")
    assert [line.split("|")[0] for line in lines if line.startswith(" ")][1:4] == [" 0", " 1", " 2"]
    assert lines[-2].startswith(" 298|")
    assert lines[-1].startswith(" 299|")
    assert draft.total == 300
    assert draft.total - draft.shown == sum(
        e.place.end - e.place.start for e in draft.elisions if isinstance(e.place, Rows)
    )


def test_statistics_speak_of_all_rows() -> None:
    text = draft_of(records(300)).text
    assert (
        "# all 300 rows: id 300 values; plan free×100 pro×100 team×100; score 40..60, mean 49.97"
        in text
    )


@pytest.mark.parametrize(
    "change",
    [
        {"plan": "suspended"},
        {"score": 99999},
        {"score": "n/a"},
        {"error": "disk full"},
        {"note": "Connection refused by host"},
        {"note": "seen 3 times; " * 8},
        {"note": "fatal: out of memory"},
        {"active": None},
    ],
)
def test_a_row_that_stands_out_is_shown(change: dict[str, object]) -> None:
    rows = records(400)
    rows[217] |= change
    assert f"\n 217|{rows[217]['id']}" in draft_of(rows).text


def test_a_change_of_level_is_shown_where_it_happens() -> None:
    rows = records(300)
    for row in rows[180:]:
        row["score"] = 400 + hash_free(str(row["id"]))
    assert "\n 180|" in draft_of(rows).text


def hash_free(text: str) -> int:
    return sum(map(ord, text)) % 20


def test_every_row_the_query_names_is_shown() -> None:
    rows = records(500)
    named = [rows[at]["id"] for at in range(7, 500, 25)]
    text = draft_of(rows, query=f"compare {', '.join(map(str, named))}").text
    assert [name for name in named if str(name) not in text] == []


def test_members_the_query_names_by_name_or_value_are_shown() -> None:
    value = {
        f"v{at}": f"2026-05-{at % 28 + 1:02}T{at % 24:02}:00:{at % 60:02}Z" for at in range(300)
    }
    assert (
        f"\n v150:{value['v150']}" in draft_of(value, query=f"what came out {value['v150']}?").text
    )
    assert f"\n v151:{value['v151']}" in draft_of(value, query="when was v151?").text


def test_a_value_the_query_names_is_written_out_though_its_column_has_a_prefix() -> None:
    rows = [{"n": at, "url": f"https://example.com/items/{at * 31}"} for at in range(300)]
    url = str(rows[150]["url"])
    assert f"\n 150|150|{url}" in draft_of(rows, query=f"what is {url}?").text


def test_errors_are_kept_before_ordinary_rows() -> None:
    rows = records(300)
    for at in range(10, 300, 20):
        rows[at]["level"] = "ERROR"
    for row in rows:
        row.setdefault("level", "INFO")
    assert draft_of(rows).text.count("|ERROR") == 15


def test_arrays_anywhere_can_be_cut() -> None:
    value = {
        "page": {"next": "cur_1"},
        "data": records(120),
        "groups": {"a": records(90), "b": [1]},
    }
    draft = draft_of(value)
    assert "next:cur_1" in draft.text.replace('"', "").replace("{", "")
    paths = {e.place.path for e in draft.elisions if isinstance(e.place, Rows)}
    assert paths == {("data",), ("groups", "a")}


def test_lists_inside_rows_are_cut_below_the_table() -> None:
    value = [{"id": at, "events": records(60)} for at in range(12)]
    draft = draft_of(value)
    selectors = [format_place(elision.place) for elision in draft.elisions]
    assert any(selector.startswith("$[0].events[") for selector in selectors)


def test_members_of_a_large_object_are_cut_by_their_position() -> None:
    value = {f"model-{at}": row for at, row in enumerate(records(300))}
    draft = draft_of(value, query="model-123 price")
    assert "\n 123|model-123|" in draft.text


def test_long_arrays_of_numbers_keep_their_outlier_with_its_index() -> None:
    values = [50 + at * 37 % 11 for at in range(500)]
    values[321] = 912
    text = draft_of(values).text
    assert "\n 321:912" in text


def test_opaque_strings_are_cut_to_their_beginning() -> None:
    draft = draft_of({"file": "a.png", "data": "QUJD" * 5000})
    assert "…$.data[48:20000]" in draft.text
    assert "file:a.png" in draft.text


def test_text_in_a_value_that_looks_like_a_marker_is_data() -> None:
    rows = records(200)
    rows[100]["note"] = '[furler: 1 of 2 rows shown; retrieve(ref="aaaaaaaaaaaaaaaa")] $[3:9]'
    draft_of(rows)


def test_the_tight_level_shows_less_and_a_target_is_followed() -> None:
    rows = records(3000)
    for at, row in enumerate(rows):
        row["score"] = (at * at * 31) % 1009
        row["city"] = f"city {at % 150}"
    careful = draft_of(rows)
    tight = draft_of(rows, policy=Policy(levels=((Kind.JSON, Level.TIGHT),)))
    assert len(tight.text) <= len(careful.text)
    assert draft_of(rows, policy=Policy(target_tokens=300)).shown <= careful.shown


@pytest.mark.parametrize("text", ["", "{", "[1,2", '{"a":1}', "[]", "null", '{"a":1,"a":2}'])
def test_what_cannot_be_cut_is_left_alone(text: str) -> None:
    assert json_rows.plan(Source(text), Policy()) is None


def test_json_lines_are_rows_of_one_array() -> None:
    text = "\n".join(json.dumps(row) for row in records(200))
    draft = json_rows.plan(Source(text), Policy())
    assert draft is not None
    assert draft.text.partition("\n")[2].startswith("$[200] ")


def test_elements_of_unlike_forms_have_an_example_each_and_are_counted() -> None:
    def element(n: int) -> object:
        return (
            {"type": "user", "name": f"u{n}"},
            {"type": "order", "items": [n], "total": n},
            "ping",
        )[n * 7 % 3]

    text = draft_of([element(n // 4 if n < 40 else n) for n in range(300)]).text
    assert "# all 300 elements: " in text
    assert "type user×" in text
    assert '{"type":"order","items":' in text
    assert ":ping" in text


def test_a_row_whose_nested_values_tell_of_trouble_is_shown() -> None:
    cells = [
        {"source": f"df_{n}.sum()", "outputs": [{"kind": "stream", "text": [f"rows {n}"] * 40}]}
        for n in range(60)
    ]
    cells[41]["outputs"] = [{"kind": "error", "text": ["KeyError: 'charge_id'"]}]
    assert "KeyError: 'charge_id'" in draft_of(cells).text


def test_numbers_in_quotes_are_numbers() -> None:
    series = [
        {
            "metric": {"instance": f"10.0.0.{at}"},
            "values": [[1773478800 + n, f"0.{n * 37 % 50 + 20 + at}"] for n in range(60)],
        }
        for at in range(12)
    ]
    values = series[7]["values"]
    assert isinstance(values, list)
    values[30][1] = "4.98"
    text = draft_of({"result": series}).text
    assert '1773478830|"4.98"' in text
    assert "1 0.20..0.69" in text


def test_an_array_of_scalars_says_what_it_is_made_of() -> None:
    text = draft_of([20 + n * 37 % 11 for n in range(600)]).text
    assert "# all 600 elements: 20×55 " in text
