"""The scanner: offsets in any JSON, errors for anything else."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from furler_engine.dialects.json_scan import (
    BodyError,
    Span,
    all_members,
    decode,
    elements,
    encode,
    members,
    root,
    skip,
)

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


def rebuilt(data: bytes, span: Span) -> object:
    """Read a value through the scanner alone."""
    match data[span.start : span.start + 1]:
        case b"{":
            return {name: rebuilt(data, value) for name, value in all_members(data, span)}
        case b"[":
            return [rebuilt(data, value) for value in elements(data, span)]
    value: object = json.loads(data[span.start : span.end])
    return value


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(value=values, indent=st.sampled_from([None, 1, "\t"]), ascii_only=st.booleans())
def test_the_scanner_sees_what_a_parser_sees(
    *, value: object, indent: int | str | None, ascii_only: bool
) -> None:
    data = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert rebuilt(data, root(data)) == json.loads(data)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]",:\\ \n1tx', max_size=60).map(str.encode))
def test_any_bytes_are_read_or_are_a_body_error(data: bytes) -> None:
    try:
        span = root(data)
        list(
            elements(data, span)
            if data[span.start : span.start + 1] == b"["
            else all_members(data, span)
        )
    except BodyError:
        pass


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_comes_back_from_its_string(text: str) -> None:
    assert decode(encode(text)) == text
    assert json.loads(encode(text)) == text


def test_a_name_that_stands_twice_is_an_error_only_where_it_is_wanted() -> None:
    data = b'{"a":1,"b":2,"a":3}'
    assert members(data, root(data), ("b",)) == {"b": Span(11, 12)}
    with pytest.raises(BodyError):
        members(data, root(data), ("a",))


def test_a_name_is_found_however_it_is_escaped() -> None:
    data = b'{"m\\u0065ssages": []}'
    assert members(data, root(data), ("messages",)) == {"messages": Span(18, 20)}


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
        skip(data, 0)
