"""The scanner: offsets in any JSON, errors for anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from furler_engine.dialects.json_scan import BodyError, Json, Span, decode, encode

texts = st.text(st.characters(codec="utf-8"), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def rebuilt(text: Json, span: Span) -> object:
    """Read a value through the scanner alone."""
    if text.is_object(span):
        return {name: rebuilt(text, value) for name, value in text.all_members(span)}
    if text.is_array(span):
        return [rebuilt(text, value) for value in text.elements(span)]
    value: object = json.loads(text.data[span.start : span.end])
    return value


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(value=values, indent=st.sampled_from([None, 1, "\t"]), ascii_only=st.booleans())
def test_the_scanner_sees_what_a_parser_sees(
    *, value: object, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    text = Json(data)
    assert rebuilt(text, text.root()) == json.loads(data)


@pytest.mark.parametrize("escapes", [31, 32, 33, 999, 1001, 5000])
def test_a_string_of_many_escapes_is_where_a_parser_sees_it_at_every_level(escapes: int) -> None:
    value = [{"a": ['\\"' * escapes, "x"], "b": ['"' * escapes]}, {"c": "\\" * escapes}]
    text = Json(json.dumps(value).encode())
    assert rebuilt(text, text.root()) == value


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n1tx', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_are_a_body_error(data: bytes) -> None:
    text = Json(data)
    try:
        span = text.root()
        list(text.elements(span) if text.is_array(span) else text.all_members(span))
    except BodyError:
        pass


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_comes_back_from_its_string(text: str) -> None:
    assert decode(encode(text)) == text
    assert json.loads(encode(text)) == text


def test_a_name_that_stands_twice_is_an_error_only_where_it_is_wanted() -> None:
    text = Json(b'{"a":1,"b":2,"a":3}')
    assert text.members(text.root(), ("b",)) == {"b": Span(11, 12)}
    with pytest.raises(BodyError):
        text.members(text.root(), ("a",))


def test_a_name_is_found_however_it_is_escaped() -> None:
    text = Json(b'{"m\\u0065ssages": []}')
    assert text.members(text.root(), ("messages",)) == {"messages": Span(18, 20)}


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 2_000_000,
        b"[" + b"[]," * 700_000,
        b'"' + b'\\"' * 1_000_000,
        b'{"a' * 700_000,
        b"[" + b'"a",' * 500_000,
    ],
)
def test_two_hostile_megabytes_are_refused(data: bytes) -> None:
    with pytest.raises(BodyError):
        Json(data).skip(0)
