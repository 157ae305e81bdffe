import json
from decimal import Decimal

import pytest

from furler_engine import json_value
from furler_engine.json_value import JsonError, dumps, is_json_lines, parse, same_value, split_texts


@pytest.mark.parametrize(
    "text",
    [
        "123456789012345678901234567890",
        "-9223372036854775809",
        "18446744073709551615",
        "1234567890123456789",
        "0.1234567890123456789",
        "12345.678901234567",
        "99.99999999999999",
        "1E+400",
        "-0.0",
        "-0",
        "0.1",
        "1e-320",
    ],
)
def test_every_digit_of_a_number_survives(text: str) -> None:
    value = parse(f'{{"n":{text}}}')
    back = dumps(value).removeprefix('{"n":').removesuffix("}")
    assert Decimal(back) == Decimal(text)
    assert back.startswith("-") == text.startswith("-")


@pytest.mark.parametrize(
    "before", ["[", "[1,", "[1, ", "[1,\n", "[1,\t", "[1,\r\n", '[{"2026-01-01":']
)
@pytest.mark.parametrize(
    "number", ["-0", "1E+400", "1.2345678901234567890E+20", "0.1234567890123456789"]
)
def test_every_digit_survives_whatever_stands_before_a_number(before: str, number: str) -> None:
    text = before + number + ("}]" if "{" in before else "]")
    assert dumps(parse(text)).endswith(text[len(before) :])


def test_one_and_one_point_zero_are_two_values() -> None:
    assert not same_value(parse("1"), parse("1.0"))
    assert not same_value(parse("0.0"), parse("-0.0"))
    assert not same_value(parse("1"), parse("true"))
    assert not same_value(parse("[1]"), parse('["1"]'))
    assert not same_value(parse("12345678901234567890123"), parse("12345678901234567890124"))


def test_members_in_another_order_are_the_same_value_and_rows_are_not() -> None:
    assert same_value(parse('{"a": 1, "b": {"x": 1, "y": 2}}'), parse('{"b":{"y":2,"x":1},"a":1}'))
    assert not same_value(parse("[1, 2]"), parse("[2, 1]"))


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a":1,"a" :2}',
        '[{"x": {"b": 1, "b": 1}}]',
        '{"a": 1, "\\u0061": 2}',
        '{"a\\\\": 1, "a\\\\": 2}',
        '{"k": "x\\":y", "k": 1}',
        '{"a": 1}\n{"b": 1, "b": 2}\n',
    ],
)
def test_duplicate_names_are_refused(text: str) -> None:
    with pytest.raises(JsonError, match="duplicate"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a\\\\": 1, "b": "\\":"}',
        '{"a\\u005c": 1}',
        '{"say \\"x\\" : ": "\\": "}',
        '{"" : {"":1}}',
    ],
)
def test_names_with_quotes_and_backslashes_are_no_duplicates(text: str) -> None:
    assert isinstance(parse(text), dict)


@pytest.mark.parametrize(
    "text",
    ["", " ", "nope", "{", '{"a": 1,}', "[1 2]", "NaN", "[Infinity]", "'a'", '"\\ud800"',
     '["\\ud800", 12345678901234567890]', "1e99999999999999999999", "[" + "9" * 5000 + "]", "{\ufeff}",
     '{"a": 1}\n{"b": \n'],
)  # fmt: skip
def test_what_no_value_can_carry_is_refused(text: str) -> None:
    with pytest.raises(JsonError):
        parse(text)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000])
def test_bottomless_documents_are_refused_not_crashed_on(text: str) -> None:
    with pytest.raises(JsonError):
        parse(text)


def test_nesting_of_two_hundred_is_read_and_of_more_is_not() -> None:
    assert parse("[" * 200 + "]" * 200)
    with pytest.raises(JsonError, match="deep"):
        parse("[" * 201 + "]" * 201)


def test_json_lines_are_a_list_of_their_lines() -> None:
    assert parse('{"a": 1}\n\n{"a": 2}\r\n') == [{"a": 1}, {"a": 2}]
    assert parse("[1]\n[2]\n") == [[1], [2]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}\n{"a": 2}\n', True),
        ("[1]\n[2]", True),
        ('{"a": 1}\n\n\n{"b": 2}', True),
        ('{"a": 1}\n', False),
        ('{"a": 1}', False),
        ('{\n"a": 1}', False),
        ('[\n{"a": 1},\n{"a": 2}]', False),
        ('{"a": {}\n}', False),
        ('{"a": 1}\ntext', False),
        ("1\n2\n", False),
        ("", False),
        ('{"a": {}\n{}', False),
    ],
)
def test_json_lines_are_told_from_documents(text: str, expected: bool) -> None:  # noqa: FBT001
    assert is_json_lines(text) == expected


def test_minified_json_keeps_the_order_of_members() -> None:
    assert dumps(parse('{ "b" : 1, "a" : [ true , null ] }')) == '{"b":1,"a":[true,null]}'
    assert dumps(parse('{"b": 123456789012345678901, "é": "\\n"}')) == (
        '{"b":123456789012345678901,"é":"\\n"}'
    )


def test_strings_that_look_like_numbers_stay_strings() -> None:
    assert parse('["12345678901234567890", "1e999"]') == ["12345678901234567890", "1e999"]


def test_the_count_of_names_does_not_depend_on_spaces() -> None:
    assert json_value._count_names('{"a" : 1, "b": 2}') == json_value._count_names('{"a":1,"b":2}')


@pytest.mark.parametrize(
    "text",
    ["[1.0,1e-7,12345678901234567890,1.00000000000000000001]", '["é\\n",null,true,{}]', "-0"],
)
def test_minified_text_loads_to_what_parse_gives(text: str) -> None:
    assert same_value(json_value.loads(text), parse(text))
    assert same_value(json_value.loads(dumps(parse(text))), parse(text))


@pytest.mark.parametrize("text", ["1.50", "1e5", "100000.0", "0.1", "1E-7"])
def test_a_fraction_is_a_float_where_a_float_has_its_value(text: str) -> None:
    assert isinstance(json_value.parse_fraction(text), float)
    assert json_value.parse_fraction("12345.678901234561") == Decimal("12345.678901234561")
    assert json_value.parse_fraction("8811437542997181e-49") == Decimal("8811437542997181e-49")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_indented_texts_below_each_other_are_a_list(end: str) -> None:
    texts = [{"id": 1, "a": [1, 2]}, {"id": 2, "a": []}, {"id": 3}]
    text = "".join(json.dumps(value, indent=2).replace("\n", end) + end for value in texts)
    assert parse(text) == texts
    assert is_json_lines(text)


def test_a_border_between_broken_texts_is_none() -> None:
    with pytest.raises(JsonError):
        parse("{\n}\n{\n")
    assert not is_json_lines("{\n1\n}\n{\n}\n")


@pytest.mark.parametrize(
    "text", ['{"a": [1, "ä"]}', '{"a": 1}\n{"a": 2}', '{\n "a": 1\n}\n{\n "a": 2\n}']
)
def test_a_byte_order_mark_belongs_to_no_value(text: str) -> None:
    assert parse(f"\ufeff{text}") == parse(text)
    assert split_texts(f"\ufeff{text}") == split_texts(text)
    with pytest.raises(JsonError):
        parse(f"\ufeff\ufeff{text}")
