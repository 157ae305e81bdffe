import json

import pytest

from furler_engine.json_value import JsonError
from furler_engine.shared.json_offsets import byte_offsets, spans


def test_each_node_is_found_where_it_stands() -> None:
    text = '{ "a": [ {"x": "é"}, [2, 3], "s,]\\"q" ], "b": -1.5e3 }'
    data = text.encode()
    found = spans(text, [("a", 0, "x"), ("a", 1), ("a", 1, 1), ("a", 2), ("b",), ()])
    assert {place: data[start:end].decode() for place, (start, end) in found.items()} == {
        ("a", 0, "x"): '"é"',
        ("a", 1): "[2, 3]",
        ("a", 1, 1): "3",
        ("a", 2): '"s,]\\"q"',
        ("b",): "-1.5e3",
        (): text,
    }


def test_what_is_not_there_is_absent() -> None:
    places = [("b",), ("a", 2), ("a", "x"), (0,), ("a", 0, 0), ("e", "x")]
    assert spans('{"a": [1, 2], "e": {}}', places) == {}


def test_json_lines_are_an_array_of_their_lines() -> None:
    text = '{"a":1}\n\n[2]\n'
    assert spans(text, [(0,), (1,), (1, 0), ()]) == {
        (0,): (0, 7), (1,): (9, 12), (1, 0): (10, 11), (): (0, 12),
    }  # fmt: skip


def test_of_members_with_one_name_the_last_counts() -> None:
    assert spans('{"a": 1, "a": 22}', [("a",)]) == {("a",): (14, 16)}


def test_depth_costs_no_stack() -> None:
    depth = 100_000
    text = "[" * depth + "]" * depth
    assert spans(text, [(0,)]) == {(0,): (1, 2 * depth - 1)}
    place = (0,) * 5000
    assert spans(text, [place]) == {place: (5000, 2 * depth - 5000)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "[",
        '{"a"',
        '{"a":',
        '{"a": 1',
        "[1 2]",
        '{"a" 1}',
        "{1: 2}",
        '["x',
        "[1,",
        "]",
        "[[1]",
    ],
)
def test_a_text_that_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(JsonError):
        spans(text, [(5,), ("a", 5)])


def test_a_long_run_of_escapes_is_read_once() -> None:
    text = json.dumps(['"' * 500_000, 7])
    assert spans(text, [(1,)]) == {(1,): (len(text) - 2, len(text) - 1)}


def test_characters_become_bytes() -> None:
    assert byte_offsets("aé€😀z", [5, 1, 2, 3, 4, 0]) == {0: 0, 1: 1, 2: 3, 3: 6, 4: 10, 5: 11}
    assert byte_offsets("abc", [3]) == {3: 3}


def test_places_count_a_byte_order_mark() -> None:
    for text in ('{"a": ["ä", 2]}', '{"a": 1}\n{"a": 2}'):
        place = ("a", 1) if text.count("{") == 1 else (1, "a")
        start, end = spans(text, [place])[place]
        assert spans(f"\ufeff{text}", [place]) == {place: (start + 3, end + 3)}
