"""JSON values exactly as the content has them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from furler_engine.json_value import JsonError, dumps, loads, parse, parse_fraction, same_value


def test_numbers_keep_their_digits_where_a_double_would_lose_them() -> None:
    assert parse("[12345.678901234561, 0.1, 1e400, 123456789012345678901]") == [
        Decimal("12345.678901234561"),
        0.1,
        Decimal("1e400"),
        123456789012345678901,
    ]


@pytest.mark.parametrize("text", ["1.50", "1e5", "100000.0", "0.1", "1E-7"])
def test_a_number_is_a_float_where_a_float_has_its_value(text: str) -> None:
    assert isinstance(parse_fraction(text), float)
    assert isinstance(parse(f"[{text}]"), list)


def test_types_and_signs_tell_values_apart() -> None:
    assert not same_value([1], [1.0])
    assert not same_value([0.0], [-0.0])
    assert not same_value([1], [True])
    assert same_value({"a": 1, "b": 2}, {"b": 2, "a": 1})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '{"a":1,"a":2,"b" :3}', '[{"x":{"b":1 ,"b":2}}]',
        '{"a":1,"a":2,"b":"\\u0022:"}', "[NaN]", "[Infinity]", '["\\ud800"]',
        '["\\ud800", 12345678901234567890]', "[1,]", "", "[" * 100_000, '{"a":' * 100_000,
    ],
)  # fmt: skip
def test_what_a_value_cannot_carry_is_a_json_error(text: str) -> None:
    with pytest.raises(JsonError):
        parse(text)


def test_names_that_look_doubled_are_fine() -> None:
    for text in ('{"a":{"a":1}}', '{"a\\"":1,"a":"\\":"}', '{ "a" : 1 , "b" : "x :" }'):
        assert parse(text)


def test_json_lines_are_the_list_of_their_lines() -> None:
    assert parse('{"a":1}\n{"a":2}\n\n{"a":3}\n') == [{"a": 1}, {"a": 2}, {"a": 3}]


@pytest.mark.parametrize(
    "text", ["[1.0,1e-7,12345678901234567890,1.00000000000000000001]", '["é\\n",null,true,{}]']
)
def test_minified_text_loads_to_what_parse_gives(text: str) -> None:
    assert same_value(loads(text), parse(text))
    assert same_value(loads(dumps(parse(text))), parse(text))
