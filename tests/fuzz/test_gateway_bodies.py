"""Whatever bytes a body has, it is a request or it is refused: nothing else is ever raised."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Protocol, cast

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_gateway.api import _decode
from furler_gateway.contract import compress, usage
from furler_gateway.contract.retrieve import wanted
from furler_gateway.errors import RequestError
from furler_gateway.json_spans import BodyError, members
from furler_gateway.methods import ROWS, Row


class _Field(Protocol):
    json_name: str
    message_type: _Fielded | None


class _Fielded(Protocol):
    """A message's descriptor, in the pure or the compiled form of the library."""

    fields: Sequence[_Field]


def _check_refusal(error: RequestError) -> None:
    assert error.failure.http_status() == 400


def _names(message: _Fielded, depth: int) -> Iterator[str]:
    """Yield the names of a message's fields, and of those below."""
    for field in message.fields:
        yield field.json_name
        if field.message_type is not None and depth:
            yield from _names(field.message_type, depth - 1)


FIELDS = sorted(
    {
        name
        for row in ROWS.values()
        for name in _names(cast("_Fielded", row.method.request.DESCRIPTOR), 3)
    }
)
CONTRACT = ["messages", "input", "model", "config", "mode", "frozen_message_count", "session_id"]
CONTRACT += ["usage", "cache_read_input_tokens", "prompt_tokens_details", "cached_tokens"]
CONTRACT += ["hash", "ref", "lines", "query", "limit", "role", "content", "type"]
ODD = st.sampled_from(["", "NaN", "-1", "1e999", "Infinity", "AAAA", "A", "3s", "\ud800", "ccr"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(FIELDS + CONTRACT), inner, max_size=4)
    ),
    max_leaves=12,
)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(FIELDS + CONTRACT), VALUES, max_size=5).map(
        lambda value: json.dumps(value).encode()
    ),
)


@pytest.mark.parametrize("path", sorted(ROWS))
@settings(max_examples=25)
@given(body=BODIES)
def test_a_body_is_the_methods_message_or_refused(path: str, body: bytes) -> None:
    row: Row = ROWS[path]
    try:
        message = _decode(row, body)
    except RequestError as error:
        _check_refusal(error)
    else:
        assert isinstance(message, Message)
        assert message.DESCRIPTOR is row.method.request.DESCRIPTOR


@settings(max_examples=150)
@given(body=BODIES)
def test_a_body_is_the_contracts_or_refused(body: bytes) -> None:
    try:
        asked = compress.parse(body)
    except RequestError as error:
        _check_refusal(error)
    else:
        # What it holds goes back as it came, whatever it is.
        reply = json.loads(compress.write(asked, compress.Outcome(compress.unchanged(asked))))
        assert json.dumps(reply["messages"]) == json.dumps(json.loads(body)[asked.name])


@settings(max_examples=100)
@given(body=BODIES)
def test_usage_is_counted_or_refused(body: bytes) -> None:
    try:
        _, read, written = usage.parse(body)
    except RequestError as error:
        _check_refusal(error)
    else:
        assert min(read, written) >= 0


@settings(max_examples=100)
@given(fields=st.dictionaries(st.sampled_from(CONTRACT), VALUES, max_size=5))
def test_a_retrieval_is_read_or_refused(fields: dict[str, object]) -> None:
    try:
        assert wanted(fields).ref
    except RequestError as error:
        _check_refusal(error)


_JSON_LIKE = st.text(
    alphabet='{}[]":,\\\\ntrufalse0123456789.eE-+ é\u2028\U0001f600\ud800', max_size=40
).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=400)
@given(body=BODIES | _JSON_LIKE)
def test_the_scanner_finds_the_members_that_a_parser_finds_or_refuses(body: bytes) -> None:
    """Whatever it finds reads as the parser reads it; what it refuses is no object, or has a name twice."""
    pairs: list[tuple[str, object]] = []

    def top(found: list[tuple[str, object]]) -> dict[str, object]:
        pairs[:] = found  # the last one called is the outermost
        return dict(found)

    try:
        value = json.loads(body.decode(), object_pairs_hook=top)
    except (ValueError, RecursionError):
        value = None
    try:
        found = members(body)
    except BodyError:
        assert not isinstance(value, dict) or len(dict(pairs)) < len(pairs)
    else:
        read = {name: each.exactly(body) for name, each in found.items()}
        assert repr(read) == repr(value)  # NaN is not equal to itself
