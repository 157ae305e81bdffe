"""G5 and G9 of docs/guarantees.md: what patterns take is what a plain reading takes, on every Python.

The readings here are written without regular expressions: on Python up to 3.11.4 a possessive
repetition of a group ends in the wrong place.
"""

from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from furler_engine.compressors.sql_dump import _VALUE
from furler_engine.markers import MarkerError, format_path, parse_place
from furler_engine.shared.digest import _TEXT, calls
from furler_engine.shared.json_skip import BYTES, TEXT
from furler_engine.shared.markup_scan import _TAG_END
from furler_engine.shared.quoted import Quoted
from furler_engine.shared.running_text import _PLAIN
from furler_engine.types import Lines, Within

NAMES = st.text(st.sampled_from("ab'\\\n]"), max_size=6)
PIECES = ('"', '"', "\\", "\\", '\\"', "\n", "é", "a", "1", ":", ",", " ", "[", "]", "{", "}")
JSON_LIKE = st.lists(st.sampled_from(PIECES), max_size=60).map("".join)
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
AROUND = 1000
"""Escapes of one match: strings are tried with so many, with one less and with one more."""


def string_end(text: str, at: int, quote: str = '"') -> int:
    if text[at : at + 1] != quote:
        return -1
    at += 1
    while at < len(text):
        if text[at] == quote:
            return at + 1
        at += 2 if text[at] == "\\" else 1
    return -1


def container_end(text: str, at: int) -> int:
    depth = 1
    while 0 <= at < len(text):
        if text[at] == '"':
            at = string_end(text, at)
            continue
        depth += (text[at] in "[{") - (text[at] in "]}")
        at += 1
        if not depth:
            return at
    return -1


def blank_end(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\n", "\r"):
        at += 1
    return at


def name_end(text: str, at: int) -> tuple[int, int]:
    end = string_end(text, at)
    colon = blank_end(text, end)
    if end < 0 or text[colon : colon + 1] != ":":
        return -1, -1
    return end, blank_end(text, colon + 1)


def value_end(text: str, at: int) -> int:
    if text[at : at + 1] in ("[", "{"):
        return container_end(text, at + 1)
    if text[at : at + 1] == '"':
        return string_end(text, at)
    end = at
    while end < len(text) and text[end] not in '"[]{},:' and not text[end].isspace():
        end += 1
    return end if end > at else -1


@settings(max_examples=400, deadline=None)
@given(JSON_LIKE)
@example('"' + '\\"' * 33 + '",' + '"\\\\"' * 3 + "]")
@example('"",' * 101 + "]]")
def test_json_is_skipped_as_a_plain_reading_skips_it(text: str) -> None:
    data = text.encode()
    offsets = [len(text[:at].encode()) for at in range(len(text) + 1)]

    def in_bytes(end: int) -> int:
        return offsets[end] if end >= 0 else -1

    for at in range(len(text) + 1):
        byte = offsets[at]
        assert TEXT.container_end(text, at) == (end := container_end(text, at))
        assert BYTES.container_end(data, byte) == in_bytes(end)
        assert TEXT.value_end(text, at) == (end := value_end(text, at))
        assert BYTES.value_end(data, byte) == in_bytes(end)
        ends = name_end(text, at)
        assert TEXT.name_end(text, at) == ends
        assert BYTES.name_end(data, byte) == tuple(map(in_bytes, ends))


@pytest.mark.parametrize("count", [0, 31, 32, 33, AROUND - 1, AROUND, AROUND + 1, 2 * AROUND])
@pytest.mark.parametrize("escape", ["\\n", '\\"', "\\\\", '\\\\\\"', '\\\\\\\\\\"'])
@pytest.mark.parametrize("end", ['"', "", "\\", '\\"'])
def test_a_string_ends_where_it_does_however_many_escapes_it_has(
    count: int, escape: str, end: str
) -> None:
    text = '"' + f"a{escape}" * count + end + ', "b"'
    assert Quoted('"', str).end(text, 0) == string_end(text, 0)
    assert TEXT.value_end(text, 0) == string_end(text, 0)
    assert TEXT.container_end(text + "]", 0) == container_end(text + "]", 0)


@given(st.lists(NAMES | st.integers(0, 9), max_size=4), NAMES)
def test_a_path_is_read_as_it_is_printed_and_nothing_else_is_one(
    path: list[str | int], text: str
) -> None:
    place = Within(tuple(path), Lines(1, 2))
    assert parse_place(f"{format_path(tuple(path))}:L1-2") == place
    end = string_end(f"'{text}']", 0, "'")
    if end == len(text) + 2:
        parse_place(f"$['{text}']:L1")
    else:
        with pytest.raises(MarkerError):
            parse_place(f"$['{text}']:L1")


def sql_values(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        start = at
        if text[at] == "'":
            while text[at : at + 1] == "'" and (end := text.find("'", at + 1)) >= 0:
                at = end + 1
            if text[at : at + 1] == "'":  # doubled, and never closed: no value opens there
                at = start
        else:
            while at < len(text) and text[at] not in ",()'" and not text[at].isspace():
                at += 1
        if at > start:
            yield text[start:at]
        else:
            at += 1


@settings(max_examples=400)
@given(st.text(st.sampled_from("'',()a \\"), max_size=30))
@example("(1,'it''s','b')")
@example("('it\\'s', 'a''b''c")
def test_values_of_sql_are_read_with_their_doubled_quotes(text: str) -> None:
    assert _VALUE.findall(text) == list(sql_values(text))


def test_a_value_of_sql_is_cut_where_a_match_would_remember_too_much() -> None:
    piece = "'a'"
    assert [len(value) for value in _VALUE.findall(piece * 2500)] == [3000, 3000, 1500]
    assert _VALUE.findall(piece * 1000) == [piece * 1000]


def called(text: str) -> set[str]:
    """Names that a bracket follows, read from each bracket back."""
    found = set()
    for at, char in enumerate(text):
        if char != "(":
            continue
        end = at - 1 if text[at - 1 : at] == "!" else at
        start = end
        while start and (text[start - 1] in "abc$.:"):
            start -= 1
        parts = text[start:end].replace("::", ".").split(".")
        if all(part and ":" not in part for part in parts):
            found.add(parts[-1])
    return found


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(["a", "b$", "c", ".", "::", ":", "(", "!", " "]), max_size=20).map(
        "".join
    )
)
@example("a.(a::(a.b::c!(")
def test_calls_are_names_whose_parts_are_all_there(text: str) -> None:
    assert calls(text.encode()) == called(text)


def literals(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        quote = text[at]
        end = -1
        if quote in "\"'" and text[at - 1 : at] != "\\":
            line = text[at:].partition("\n")[0]
            end = string_end(line, 0, quote)
        if end < 0:
            at += 1
            continue
        inside = text[at + 1 : at + end - 1]
        yield (inside, "") if quote == '"' else ("", inside)
        at += end


@settings(max_examples=400)
@given(st.text(st.sampled_from("\"\"''\\\\\na "), max_size=30))
def test_literals_of_a_line_are_read_with_their_escapes(text: str) -> None:
    assert _TEXT.findall(text) == list(literals(text))


def tag_end(text: str) -> int:
    at = 0
    while at < len(text):
        if text[at] == ">":
            return at + 1
        end = text.find(text[at], at + 1) if text[at] in "\"'" else at
        if end < 0:
            return -1
        at = end + 1
    return -1


@given(st.text(st.sampled_from("\"'>a ="), max_size=30))
def test_a_tag_ends_outside_its_quotes(text: str) -> None:
    match = _TAG_END.match(text)
    assert (match.end() if match else -1) == tag_end(text)


def is_plain(word: str) -> bool:
    word = word[:-1] if word[-1:] in (",", ".", ";", "!") else word
    first, *rest = word.replace("'", "-").split("-")
    opens = first in ("A", "I", "O") or (
        first != "" and set(first[1:]) <= LOWER and (first[0] in LOWER or len(first) > 1)
        and (first[0] in LOWER or first[0].isupper())
    )  # fmt: skip
    return opens and all(part and set(part) <= LOWER for part in rest)


@settings(max_examples=400)
@given(st.text(st.sampled_from("aabAI-',.1_"), max_size=10))
@example("ab-,")
@example("ab-c,")
def test_a_plain_word_has_no_part_that_is_missing(text: str) -> None:
    assert (_PLAIN.fullmatch(text) is not None) == is_plain(text)
