"""JSON as an outline with tables: what a reader sees, and what comes back."""

from __future__ import annotations

import json

import pytest

from furler_engine.compressors import json_tables
from furler_engine.coverage import check
from furler_engine.json_value import parse, same_value
from furler_engine.pipeline import compress
from furler_engine.shared.json_table.decode import decode
from furler_engine.shared.json_table.encode import Cuts, encode
from furler_engine.shared.json_table.grammar import Gap
from furler_engine.shared.json_table.outline import build
from furler_engine.types import Draft, Fidelity, Hints, Policy, Source


def view(value: object, *, tight: bool = False) -> str:
    text = encode(build(value), tight=tight)
    assert same_value(decode(text), value)
    return text.partition("\n")[2]


def rows(count: int) -> list[object]:
    return [{"id": at, "name": f"n{at}", "ok": at % 2 == 0} for at in range(count)]


def test_a_list_of_objects_is_a_table_with_one_line_per_element() -> None:
    assert view({"data": rows(5), "total": 5}) == (
        "data[5]: id|name|ok\n 0|n0|true\n 1|n1|false\n 2|n2|true\n 3|n3|false\n 4|n4|true\ntotal:5"
    )


def test_members_of_an_object_that_are_alike_are_a_table_named_by_member() -> None:
    value = {name: {"a": at, "b": "x" * at} for at, name in enumerate(("one", "two", "3"), 1)}
    assert view(value) == '${3}: (name)|a|b\n one|1|x\n two|2|xx\n "3"|3|xxx'


def test_arrays_of_equal_length_are_rows() -> None:
    assert view([["a", 1], ["b", 2], ["c", 3]]) == "$[3][2]: 0|1\n a|1\n b|2\n c|3"


def test_missing_members_null_and_empty_strings_are_told_apart() -> None:
    value = [{"a": 1, "b": ""}, {"a": 2, "b": None}, {"a": 3}]
    assert view(value) == '$[3]: a|b\n 1|""\n 2|null\n 3|'


def test_a_member_that_all_rows_share_is_said_once() -> None:
    value = [{"id": at, "type": "user", "meta": {"v": 1}} for at in range(3)]
    assert view(value) == ('$[3]: id\n # every row: {"type":"user","meta":{"v":1}}\n 0\n 1\n 2')


def test_equal_rows_keep_a_column() -> None:
    assert view([{"a": 1}] * 3) == "$[3]: a\n 1\n 1\n 1"


def test_a_prefix_is_cut_after_a_whole_path_segment_and_leaves_a_mark() -> None:
    value = [{"n": at, "url": f"https://example.com/items/{100 + at}"} for at in range(5)]
    text = view(value)
    assert "url=https://example.com/items/…" in text
    assert "0|…100" in text


def test_the_date_of_times_is_cut_whole_and_a_date_never_inside() -> None:
    times = [{"n": at, "t": f"2026-01-02T00:{at}:00Z"} for at in range(10, 24)]
    assert "t=2026-01-02T…\n 10|…00:10:00Z" in view(times)
    assert " 10|2026-01-02T00:10:00Z" in view(times[:5])
    dates = [{"n": at, "t": f"2026-01-0{at + 1}"} for at in range(5)]
    assert " 0|2026-01-01" in view(dates)


def test_a_prefix_that_few_strings_have_is_not_declared() -> None:
    value = [
        {"n": at, "u": f"https://example.com/{at}" if at < 2 else f"word{at}"} for at in range(8)
    ]
    assert "=" not in view(value)


def test_rare_members_stand_with_their_names_in_one_last_cell() -> None:
    value: list[object] = [{"a": at, "b": at} for at in range(12)]
    value[7] = {"a": 7, "b": 7, "error": "disk full"}
    assert ' 7|7|{"error":"disk full"}' in view(value)


def test_nested_objects_of_a_table_are_dotted_or_a_table_of_their_own() -> None:
    small = [{"id": at, "at": {"city": f"c{at}"}} for at in range(3)]
    assert "$[3]: id|at.city" in view(small)
    large = [
        {"id": at, "user": {f"member{n}": f"value {n} of {at}, long enough" for n in range(9)}}
        for at in range(3)
    ]
    text = view(large)
    assert text.startswith("$[3]: #|id\n 0|0\n 1|1\n 2|2\n [*].user[3]: #|member0|")


def test_nested_lists_too_large_for_a_cell_stand_below_under_the_rows_number() -> None:
    value = [{"id": at, "items": rows(20)} for at in range(3)]
    text = view(value)
    assert "\n [1].items[20]: id|name|ok\n  0|n0|true" in text


def test_lists_of_objects_in_a_cell_are_tuples_named_in_the_header() -> None:
    value = [{"id": at, "tags": [{"k": "a", "v": at}]} for at in range(4)]
    assert view(value).startswith('$[4]: id|tags[k,v]\n 0|[["a",0]]')


def test_the_identifying_column_comes_first() -> None:
    value = [{"state": "open", "number": at, "x": at * 3} for at in (4, 5, 6)]
    value[0]["state"] = "closed"
    assert view(value).startswith("$[3]: number|state|x")


@pytest.mark.parametrize(
    "text",
    [
        "~", "…", "$", "$.a[1:2]", 'say "x" …$.a[0:3]', "@", '"', "a|b", "#", "# every row: {}", "*1",
        "[furler: x]", "null", "12", "1.0", "-0", "", " ", "a: b", "a\nb", "\\", "\u2028", "日本", "😀",
    ],
)  # fmt: skip
def test_a_string_is_never_taken_for_notation(text: str) -> None:
    view([{"a": text, "b": at} for at in range(4)])
    view({"a": text, text: text, "list": [text, [text]]})
    view([[text, 1], [text, 2], ["x", 3]])


@pytest.mark.parametrize(
    "document",
    [
        "[1, 1.0, -0.0, 0, 1e5, 1E-7, 123456789012345678901234567890]",
        '[{"a": 18446744073709551616}, {"a": -9223372036854775809}, {"a": 0.12345678901234567890}]',
        '{"a.b": {"c": 1}, "a": {"b.c": 2}, "": {"": 3}}',
        '[{"a.b": 1, "a": {"b": 2}}, {"a.b": 3, "a": {"b": 4}}, {"a.b": 5, "a": {"b": 6}}]',
        '[{"a": 1}, {"a": 1.0}, {"a": true}]',
        '[{"a": 0.0}, {"a": -0.0}, {"a": 0.0}]',
        '[{"a": {}}, {"a": {"b": 1}}, {"a": null}, {}]',
        "[{}, {}, {}]",
        "[]", "{}", "null", '""', "0",
    ],
)  # fmt: skip
def test_values_come_back_with_their_types_and_digits(document: str) -> None:
    view(parse(document))
    view(parse(document), tight=True)


def test_a_derived_column_is_a_rule_and_not_a_cell() -> None:
    value = [{"login": f"user{at * 7}", "mail": f"user{at * 7}@example.com"} for at in range(6)]
    text = view(value, tight=True)
    assert '# mail := "{login}@example.com"' in text
    assert text.endswith("\n user35")


def test_addresses_that_begin_alike_are_named_once_and_only_if_used() -> None:
    base = "https://api.example.com/repos/octo/hello-world"
    value = {
        f"{name}_url": f"{base}/{name}" for name in ("issues", "pulls", "keys", "tags", "forks")
    }
    text = view({**value, "self": base, "at": "@1/x", "n": [1]}, tight=True)
    assert text.startswith(f"# @1 = {base}\nissues_url:@1/issues\n")
    assert 'self:@1\nat:"@1/x"\nn:[1]' in text
    assert "# @2" not in text


def test_a_long_cell_that_occurs_again_is_defined_under_its_header() -> None:
    body = "a description that is rather long"
    text = view(
        [{"id": at, "body": body if at % 2 else f"short {at}"} for at in range(8)], tight=True
    )
    assert f"\n # *1 = {body}\n" in text
    assert "\n 1|*1\n" in text


def test_codes_and_rules_are_used_only_where_they_save_fifteen_percent() -> None:
    plain = Source(json.dumps([{"id": at, "name": f"n{at * 7 % 40}"} for at in range(40)]))
    assert json_tables.plan_tight(plain, Policy()) is None
    bodies = ["a description that is rather long", "another one, which is long as well"]
    repeated = Source(json.dumps([{"id": at, "body": bodies[at % 2]} for at in range(40)]))
    draft = json_tables.plan_tight(repeated, Policy())
    assert isinstance(draft, Draft)
    check(repeated, draft)


def test_what_the_query_names_is_written_out_in_every_form() -> None:
    rows = [
        {
            "id": at * 7,
            "mail": f"user{at * 7}@example.com",
            "url": f"https://api.example.com/v1/users/{at * 7}",
        }
        for at in range(40)
    ]
    for name in ("user70@example.com", "https://api.example.com/v1/users/91"):
        source = Source(json.dumps(rows), Hints(query=f"what of {name}?"))
        whole = json_tables._whole(source)
        for text in (encode(build(rows), whole), encode(build(rows), whole, tight=True)):
            assert name in text
            assert same_value(decode(text), rows)


def test_kept_rows_carry_their_index_and_gaps_are_missing_rows() -> None:
    text = encode(build(rows(9)), Cuts(rows={(): [0, 4]}, notes={(): "9 rows: something"}))
    assert text.partition("\n")[2] == (
        "$[9] 2 shown: #|id|name|ok\n # all 9 rows: something\n 0|0|n0|true\n 4|4|n4|true"
    )
    assert decode(text) == [rows(9)[0], rows(9)[4]]


def test_kept_elements_of_a_list_of_scalars_stand_in_runs() -> None:
    text = encode(build({"v": list(range(50))}), Cuts(rows={("v",): [0, 1, 2, 40]}))
    assert text.partition("\n")[2] == "v[50] 4 shown:\n 0:0|1|2\n 40:40"
    assert decode(text) == {"v": [0, 1, 2, 40]}


def test_a_cut_string_shows_the_selector_of_what_is_left_out() -> None:
    gap = Gap(5, 125, "$.v[5:125]")
    text = encode(build({"v": "a" * 130, "w": [1]}), Cuts(texts={("v",): [gap]}))
    assert text.partition("\n")[2] == 'v:"aaaaa" …$.v[5:125] "aaaaa"\nw:[1]'
    assert decode(text) == {"v": "a" * 10, "w": [1]}


def test_only_the_notation_in_use_is_explained() -> None:
    assert encode(build({"a": 1})).partition("\n")[0] == "[JSON as an outline]"
    legend = encode(build(rows(3))).partition("\n")[0]
    assert "table x[n]" in legend
    assert "prefix" not in legend


def test_minified_json_is_taken_where_it_is_shorter() -> None:
    document = json.dumps({"a": ["x y"] * 30, "b": 2})
    draft = json_tables.plan(Source(document), Policy())
    assert draft is not None
    assert draft.text == '{"a":' + json.dumps(["x y"] * 30, separators=(",", ":")) + ',"b":2}'


@pytest.mark.parametrize("text", ["", "no json", "{", '{"a":1,"a":2}', "[NaN]", "[" * 100_000])
def test_what_is_no_json_value_is_left_alone(text: str) -> None:
    assert json_tables.plan(Source(text), Policy()) is None
    assert json_tables.plan_tight(Source(text), Policy()) is None


def test_a_text_that_is_no_view_is_a_value_error() -> None:
    for text in ("", "x", "[JSON]\n$[2]: a|b\n 1", "[JSON]\n$:{", "[JSON]\n a", "[JSON]\n$"):
        try:
            decode(text)
        except (ValueError, LookupError):
            continue


def test_a_byte_order_mark_costs_no_lossless_view() -> None:
    text = json.dumps([{"id": n, "city": "Lyon", "name": f"user {n}"} for n in range(90)], indent=1)
    policy = Policy(fidelity=Fidelity.LOSSLESS)
    plain, marked = (compress(t, Hints(), policy, "") for t in (text, f"\ufeff{text}"))
    assert marked.compressors
    assert marked.text == plain.text
