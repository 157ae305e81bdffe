import json

import pytest

from furler_engine.select import SelectorError, select
from furler_engine.types import Bytes, JsonPath, Lines, Match, Rows, Search, Selector, Symbol

PYTHON = '''\
import os


class Store:
    """Holds things."""

    def get(self, key):
        return self.items[key]

    def put(self, key, value):
        self.items[key] = value


class Cache(Store):
    def get(self, key):
        return None


def main():
    store = Store()
    print(store.get("a"))
'''


def picked(text: str, selector: Selector) -> list[str]:
    return [text.encode()[start:end].decode() for start, end in select(text, selector)]


def refusal(text: str, selector: Selector) -> str:
    with pytest.raises(SelectorError) as caught:
        select(text, selector)
    return str(caught.value)


# Lines and bytes.


def test_lines_come_whole_with_their_line_ends() -> None:
    assert picked("a\r\nb\r\nc\r\n", Lines(2, 3)) == ["b\r\nc\r\n"]
    assert picked("a\nb\nc", Lines(3, 3)) == ["c"]
    assert picked("ä\n\nö\n", Lines(2, 3)) == ["\nö\n"]


def test_lines_that_end_beyond_the_content_are_clipped() -> None:
    assert picked("a\nb\n", Lines(2, 900)) == ["b\n"]


def test_a_last_line_of_zero_means_the_end() -> None:
    assert picked("a\nb\nc\n", Lines(2, 0)) == ["b\nc\n"]


def test_lines_that_start_beyond_the_content_say_how_many_there_are() -> None:
    text = "x\n" * 812
    assert refusal(text, Lines(900, 950)) == "lines 900-950: the content has 812 lines"
    assert refusal(text, Lines(813, 813)) == "lines 813-813: the content has 812 lines"
    assert "has 0 lines" in refusal("", Lines(1, 1))
    assert "has 1 lines" in refusal("no newline", Lines(2, 2))


@pytest.mark.parametrize("selector", [Lines(0, 4), Lines(5, 3), Lines(-1, 2)])
def test_lines_out_of_order_are_refused(selector: Lines) -> None:
    assert "count from 1" in refusal("a\nb\nc\nd\ne\n", selector)


def test_bytes_are_widened_to_whole_characters() -> None:
    text = "aé€😀z"  # 1 + 2 + 3 + 4 + 1 bytes
    assert picked(text, Bytes(2, 4)) == ["é€"]
    assert picked(text, Bytes(7, 8)) == ["😀"]
    assert picked(text, Bytes(0, 1)) == ["a"]
    assert picked(text, Bytes(10, 0)) == ["z"]
    assert picked(text, Bytes(10, 999)) == ["z"]


def test_bytes_that_are_not_there_are_refused() -> None:
    assert refusal("abc", Bytes(3, 9)) == "bytes 3-9: the content has 3 bytes"
    assert "bytes 2-1" in refusal("abc", Bytes(2, 1))
    assert "0 bytes" in refusal("", Bytes(0, 0))


# JSON.


def test_a_slice_of_rows_is_the_original_text_with_its_separators() -> None:
    text = '{"data": [\n  {"id": 1},\n  {"id": 2.50},\n  {"id": 3}\n]}'
    assert picked(text, Rows(("data",), 1, 3)) == ['{"id": 2.50},\n  {"id": 3}']
    assert picked(text, Rows(("data",), 1, 99)) == ['{"id": 2.50},\n  {"id": 3}']
    assert picked(text, JsonPath("$.data[1:3]")) == ['{"id": 2.50},\n  {"id": 3}']


def test_rows_of_json_lines_are_its_lines() -> None:
    text = '{"n": 1}\n\n{"n": "é"}\n{"n": 3}\n'
    assert picked(text, Rows((), 1, 3)) == ['{"n": "é"}\n{"n": 3}']
    assert picked(text, JsonPath("$[?@.n == 3]")) == ['{"n": 3}']


def test_rows_that_are_not_there_say_what_is() -> None:
    text = '{"data": [1, 2], "x": 5}'
    assert refusal(text, Rows(("data",), 2, 9)) == "rows 2-9: the content has 2 rows there"
    assert "no 'dat'" in refusal(text, Rows(("dat",), 0, 1))
    assert "has no rows" in refusal(text, Rows(("x",), 0, 1))
    assert "1 members" in refusal('{"a": 1}', Rows((), 1, 2))
    assert "2 characters" in refusal('"ab"', Rows((), 2, 3))
    assert "not JSON" in refusal("plain text", Rows((), 0, 1))


def test_rows_of_an_object_are_its_members_with_their_names() -> None:
    text = '{"m": {"a": 1, "b é": {"x": [2]}, "c": [3]}}'
    assert picked(text, Rows(("m",), 1, 3)) == ['"b é": {"x": [2]}, "c": [3]']
    assert picked(text, Rows(("m",), 0, 1)) == ['"a": 1']


def test_rows_of_a_string_are_its_characters_as_they_are_written() -> None:
    text = r'{"s": "aé\n\"\ud83d\ude00\u00e9z"}'
    assert picked(text, Rows(("s",), 0, 2)) == ["aé"]
    assert picked(text, Rows(("s",), 2, 5)) == [r"\n\"\ud83d\ude00"]
    assert picked(text, Rows(("s",), 5, 99)) == [r"\u00e9z"]


def test_a_path_may_name_rows_as_views_print_them() -> None:
    text = '{"m": {"a": 1, "b": 2, "c": 3}, "s": "abcdef", "l": [1, 2, 3]}'
    assert picked(text, JsonPath("$.m[1:3]")) == ['"b": 2, "c": 3']
    assert picked(text, JsonPath("$.s[2:4]")) == ["cd"]
    assert picked(text, JsonPath("$.l[2:9]")) == ["3"]
    assert select(text, JsonPath("$.l[7:9]")) == []


def test_nodes_far_apart_are_ranges_of_their_own() -> None:
    text = '[{"n": "a", "v": 1}, {"n": "b", "v": 2}]'
    assert picked(text, JsonPath("$[*].n")) == ['"a"', '"b"']
    assert picked(text, JsonPath("$[?@.v > 1].n")) == ['"b"']


def test_a_node_inside_another_picked_node_is_not_given_twice() -> None:
    assert picked('{"a": {"b": {"b": 1}}}', JsonPath("$..b")) == ['{"b": 1}']


def test_a_query_without_an_answer_picks_nothing() -> None:
    assert select('{"a": 1}', JsonPath("$.zzz")) == []


def test_documents_with_duplicate_names_give_the_last_one() -> None:
    assert picked('{"a": 1, "a": [2, 3]}', JsonPath("$.a[1]")) == ["3"]


def test_the_root_of_a_scalar_is_the_scalar() -> None:
    assert picked(' "x [1] $" ', JsonPath("$")) == ['"x [1] $"']
    assert select('"[1]"', JsonPath("$[0]")) == []


def test_names_with_escapes_are_found() -> None:
    assert picked(r'{"a\"b\u00e9": [1, {"c.d": 2}]}', JsonPath("$['a\"bé'][1]['c.d']")) == ["2"]


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("$.[", "path '$.['"),
        ("data", "path 'data'"),
        ("$..a..b..c", "too costly"),
        ("$[?@.a == $.b]", "too costly"),
        ("$" + "[*,*]" * 30, "too costly"),
        ("$[?count(@[*,*,*,*]) > 1]", "too costly"),
        ("$" + ".a" * 600, "longer than"),
        ("$[99999999999999999999]", "path"),
    ],
)
def test_a_bad_query_is_refused_with_its_reason(query: str, part: str) -> None:
    assert part in refusal('{"a": [1, 2]}', JsonPath(query))


def test_a_pattern_in_a_query_takes_linear_time() -> None:
    text = json.dumps([{"s": "a" * 5000 + "!"}])
    assert select(text, JsonPath("$[?match(@.s, '(a+)+b')]")) == []
    assert len(select(text, JsonPath("$[?search(@.s, 'a!$')]"))) == 1
    assert select(text, JsonPath("$[?search(@.s, '(')]")) == []


# Match.


def test_matching_lines_come_whole_with_context_and_merge() -> None:
    text = "".join(f"line {n}\n" for n in range(1, 10))
    assert picked(text, Match("5")) == ["line 5\n"]
    assert picked(text, Match("[57]", context=1)) == ["line 4\nline 5\nline 6\nline 7\nline 8\n"]
    assert picked(text, Match("[19]$", context=1)) == ["line 1\nline 2\n", "line 8\nline 9\n"]
    assert select(text, Match("zebra")) == []


def test_anchors_hold_per_line_in_contents_with_carriage_returns_too() -> None:
    assert picked("an error\r\nerror: x\r\n\r\nerror", Match("error$")) == ["an error\r\n", "error"]
    assert picked("a\r\n\r\nb\r\n", Match("^$")) == ["\r\n"]
    assert picked("x\n\ny\n", Match("^$")) == ["\n"]


def test_a_class_does_not_run_over_the_end_of_a_line() -> None:
    assert picked("ab\ncd\n", Match(r"b[^x]c|d")) == ["cd\n"]
    assert select("ab\ncd\n", Match(r"b\sc")) == []


def test_flags_and_alternatives_of_a_pattern_stay_together() -> None:
    assert picked("Error\nerror\nfine\n", Match("(?i)ERROR")) == ["Error\nerror\n"]
    assert picked("ab\nb\nba\n", Match("^a|^b$")) == ["ab\nb\n"]


@pytest.mark.parametrize("pattern", ["(", "a)|(b", "(?=x)", r"(a)\1", "x{5000}"])
def test_what_re2_refuses_is_refused_with_its_own_words(pattern: str) -> None:
    assert refusal("text", Match(pattern)).startswith(f"match {pattern!r}: no RE2 pattern: ")


def test_patterns_match_characters_not_bytes() -> None:
    assert picked("é\nab\n", Match("^.$")) == ["é\n"]


# Symbols.


def test_a_definition_comes_by_its_qualified_name() -> None:
    assert picked(PYTHON, Symbol("Store.get")) == [
        "def get(self, key):\n        return self.items[key]"
    ]


def test_an_unqualified_name_gives_every_definition_that_ends_so() -> None:
    assert len(picked(PYTHON, Symbol("get"))) == 2
    assert picked(PYTHON, Symbol("main"))[0].startswith("def main")
    assert picked(PYTHON, Symbol("Cache::get")) == ["def get(self, key):\n        return None"]


def test_an_unknown_name_is_told_the_nearest_ones() -> None:
    assert refusal(PYTHON, Symbol("Stor")) == "no definition or heading 'Stor': nearest: Store"
    assert "has none" in refusal("just some words", Symbol("x"))
    assert "the content has 6: Store, " in refusal(PYTHON, Symbol("qqqqqqqq"))


def test_a_section_of_markdown_comes_with_all_below_its_heading() -> None:
    text = "# Guide\n\n## Set up ##\nö\n### Linux\nx\n```\n# no heading\n```\n## Use\ny\n"
    assert picked(text, Symbol("Set up")) == [
        "## Set up ##\nö\n### Linux\nx\n```\n# no heading\n```\n"
    ]
    assert picked(text, Symbol("Use")) == ["## Use\ny\n"]
    assert "no heading'" in refusal(text, Symbol("no heading"))


# Search.


def test_the_passages_that_answer_come_in_the_documents_order() -> None:
    filler = "Nothing of note was said about the weather that day. " * 8
    texts = [
        filler,
        "The budget is ten euros. " * 12,
        filler,
        "A budget review comes in May. " * 12,
    ]
    text = "\n\n".join([*texts, filler])
    found = "".join(picked(text, Search("budget", limit=5)))
    assert "ten euros" in found
    assert found.index("ten euros") < found.index("review comes in May")
    assert "weather" not in found
    assert select(text, Search("zeppelin")) == []


def test_rows_of_json_are_passages() -> None:
    rows = [{"id": n, "note": "all fine"} for n in range(50)]
    rows[31]["note"] = "disk failure"
    assert (
        json.loads(picked(json.dumps({"rows": rows}), Search("which disk failed"))[0]) == rows[31]
    )


def test_what_no_row_answers_is_looked_for_in_the_whole_document() -> None:
    rows = [{"id": n} for n in range(9)]
    text = json.dumps({"rows": rows, "next_page_cursor": "abc"})
    assert "abc" in picked(text, Search("the cursor of the next page"))[0]


def test_at_most_the_limit_of_passages_is_given() -> None:
    text = "\n\n".join(f"{n} apples and pears " + "are nice fruit " * 20 for n in range(9))
    assert len(select(text, Search("pears", limit=1))) == 1
