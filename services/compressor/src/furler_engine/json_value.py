"""JSON values exactly as the content has them.

A document is one JSON text, JSON Lines read as the array of its lines, or indented texts
one below the other, as jq prints them, read as the array of these.
Parsing refuses what a value cannot carry without loss: duplicate names.
Integers beyond 64 bits and floats beyond double precision keep their digits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import TypeAlias

import orjson

from furler_engine.text_lines import TextLines

# Fifteen significant digits always survive a double (IEEE 754), 18 always fit a signed
# 64-bit integer; three-digit exponents may overflow, and -0 has no integer. What has
# more is parsed digit by digit. Such numbers are looked for as runs in a copy that has 0
# for each digit and point: most texts have none, and searching goes at the speed of a copy.
_MASK = bytes.maketrans(b"123456789.E", b"0000000000e")
_RUNS = (b"0" * 17, b"0" * 16 + b"e", b"0e000", b"0e+000", b"0e-000")
_ZEROS = re.compile(rb"0++")
_NUMBER = re.compile(rb"(\d++)(?:\.(\d++))?(?:[eE][+-]?(\d++))?")
_BEFORE_NUMBER = frozenset(b"-[,: \t\r\n")
_MINUS_ZERO = re.compile(rb"(?:^|[\[,:\s])-0(?![.\deE])")
# What may stand before a number is a colon in a copy, so that it is looked for once.
_COLONS = bytes.maketrans(b" ,[\n\t\r", b"::::::")
# In JSON an unescaped quote before a colon always ends a member name.
_NAME_END = re.compile(r'(?<!\\)"\s*:')
_FILLED = re.compile(r"\S")
_SPACED_COLON = re.compile(r'"\s+:')
# No JSON text has these: within one a comma follows a bracket, and strings have no line breaks.
_BORDERS = ("\n}\n{", "\n}\r\n{", "\n]\n[", "\n]\r\n[")
_BETWEEN = re.compile(r"(?<=\n[}\]])\r?\n(?=[{\[])")
_SEARCHED_AT_ONCE = 1 << 18
"""Characters: what is made of a text to search it is as large as what is searched."""
_Container: TypeAlias = dict[str, object] | list[object]
_CONTAINERS = frozenset({dict, list})
BYTE_ORDER_MARK = "\ufeff"
"""What programs on Windows put before a text; it belongs to no value."""
_MAX_DEPTH = 200
"""Deeper documents are data for a machine, not for a reader; encoders recurse."""


class JsonError(ValueError):
    """The text is not JSON, or is JSON that a value cannot carry without loss."""


def parse(text: str) -> object:
    """Return the value of one JSON text, or of several, below each other, as a list.

    Raises JsonError for anything else, for duplicate names, and for nesting
    deeper than 200.
    """
    text = text.removeprefix(BYTE_ORDER_MARK)
    value: object = _parse_all(text, _texts) if is_json_lines(text) else _parse_all(text, _one)[0]
    if _depth_exceeds(value, _MAX_DEPTH):
        raise JsonError("nested too deeply")
    return value


def is_json_lines(text: str) -> bool:
    """Whether the text is read as several JSON texts, by line or indented, rather than as one."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    return _looks_like_lines(text) or _looks_like_texts(text)


def split_texts(text: str) -> list[str]:
    """Return the JSON texts that stand below each other; none for a document."""
    return list(_texts(text.removeprefix(BYTE_ORDER_MARK))) if is_json_lines(text) else []


def loads(text: str) -> object:
    """Return the value of minified JSON that dumps wrote, every digit kept.

    Raises ValueError for anything that is no JSON.
    """
    try:
        value: object = orjson.loads(text)
        if dumps(value) == text:
            return value
    except orjson.JSONDecodeError:
        pass
    return _loads_exact(text)


def parse_fraction(digits: str) -> float | Decimal:
    """Return the number with these digits: a float where one has exactly this value.

    >>> parse_fraction("1.50"), parse_fraction("1.00000000000000000001")
    (1.5, Decimal('1.00000000000000000001'))
    """
    number = float(digits)
    exact = Decimal(digits)
    # A float's value is taken to be its shortest digits: 0.1 is 0.1.
    return number if exact == Decimal(repr(number)) else exact


def dumps(value: object) -> str:
    """Return minified JSON with every digit and in the value's own order."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return _dumps_exact(value)


def _dumps_utf8(value: object) -> bytes:
    r"""Return minified JSON. Raises ValueError for a lone surrogate, "\\ud800": no text has one."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _dumps_exact(value).encode()


def same_value(a: object, b: object) -> bool:
    """Whether two values are the same JSON, member order aside, types included."""
    try:
        return orjson.dumps(a, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
            b, option=orjson.OPT_SORT_KEYS
        )
    except TypeError:
        return _dumps_exact(a, sort=True) == _dumps_exact(b, sort=True)


def _looks_like_lines(text: str) -> bool:
    opening = _FILLED.search(text)
    if opening is None or opening[0] not in ("{", "["):
        return False
    end = text.find("\n", opening.start())
    following = _FILLED.search(text, end) if end >= 0 else None
    if following is None or following[0] not in ("{", "["):
        return False
    first = text[opening.start() : end].rstrip()
    if first[0] + first[-1] not in ("{}", "[]"):
        return False
    try:
        orjson.loads(first)
    except ValueError:
        return False
    return True


def _looks_like_texts(text: str) -> bool:
    if not any(mark in text for mark in _BORDERS):
        return False
    try:
        orjson.loads(_BETWEEN.split(text, 1)[0])
    except ValueError:
        return False
    return True


def _one(text: str) -> Iterator[str]:
    yield text


def _texts(text: str) -> Iterator[str]:
    if _looks_like_lines(text):
        return (line for line in TextLines(text) if line and not line.isspace())
    return iter(_BETWEEN.split(text))


def _parse_all(text: str, parts_of: Callable[[str], Iterator[str]]) -> list[object]:
    """Return the values of a text's parts; the checks run over the whole, once."""
    delicate = any(map(_has_delicate_number, _pieces(text)))
    loads = _loads_exact if delicate else orjson.loads
    try:
        values = [loads(part) for part in parts_of(text)]
        minified = _dumps_utf8(values)
    except (ValueError, RecursionError) as error:
        raise JsonError(str(error)) from error
    names = minified.count(b'":') - minified.count(b'\\":')
    if '\\\\"' in text or _count_names(text) != names:
        for part in parts_of(text):
            _loads_exact(part)  # names with backslashes fool the count; this decides
    return values


def _pieces(text: str) -> Iterator[str]:
    """Cut a text after commas: no number goes on there, and one may begin."""
    at = 0
    while at < len(text):
        end = text.find(",", at + _SEARCHED_AT_ONCE) + 1 or len(text)
        yield text[at:end]
        at = end


def _has_delicate_number(text: str) -> bool:
    data = text.encode(errors="surrogatepass")
    zeros = data.startswith(b"-0") or b":-0" in data.translate(_COLONS)
    if zeros and _MINUS_ZERO.search(data):
        return True
    masked = data.translate(_MASK)
    runs = _RUNS if b"0e" in masked else _RUNS[:1]
    return any(_has_long_number(data, masked, run) for run in runs)


def _has_long_number(data: bytes, masked: bytes, run: bytes) -> bool:
    at = masked.find(run)
    while at >= 0:
        start = at
        # Longer digits before an exponent are a long run, and were found as one.
        while 0 < start > at - 20 and masked[start - 1] == 0x30:  # 0
            start -= 1
        match = _NUMBER.match(data, start)
        if match and (start == 0 or data[start - 1] in _BEFORE_NUMBER) and _is_delicate(match):
            return True
        zeros = _ZEROS.match(masked, at)
        at = masked.find(run, zeros.end() if zeros else at + 1)
    return False


def _is_delicate(number: re.Match[bytes]) -> bool:
    whole, fraction, exponent = number.groups(b"")
    digits = len(whole) + len(fraction)
    return digits > (15 if fraction or exponent else 18) or len(exponent) > 2


def _count_names(text: str) -> int:
    """Count member names; a quote that is escaped before a colon counts where it is rare."""
    if _SPACED_COLON.search(text):
        return sum(1 for _ in _NAME_END.finditer(text))
    return text.count('":') - text.count('\\":')


def _loads_exact(text: str) -> object:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        members = dict(items)
        if len(members) != len(items):
            raise JsonError("duplicate member name")
        return members

    def integer(digits: str) -> object:
        return int(digits) if digits != "-0" else Decimal(digits)

    try:
        return json.loads(
            text,
            object_pairs_hook=pairs,
            parse_float=parse_fraction,
            parse_int=integer,
            parse_constant=_reject,
        )
    except InvalidOperation as error:
        raise JsonError("an exponent beyond all bounds") from error
    except RecursionError as error:
        raise JsonError("nested too deeply") from error


def _reject(constant: str) -> object:
    raise JsonError(f"{constant} is not JSON")


def _dumps_exact(value: object, *, sort: bool = False) -> str:
    if isinstance(value, dict):
        items = sorted(value.items()) if sort else value.items()
        return "{" + ",".join(f"{_string(k)}:{_dumps_exact(v, sort=sort)}" for k, v in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_dumps_exact(v, sort=sort) for v in value) + "]"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    return json.dumps(value)


def _string(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def has_containers(values: Iterable[object]) -> bool:
    """Whether there is an object or an array among values.

    A parser makes no subclasses, and which types there are takes half the time of a look at each.
    """
    return not _CONTAINERS.isdisjoint(map(type, values))


def _depth_exceeds(value: object, limit: int) -> bool:
    level = _containers([value])
    for _ in range(limit):
        if not has_containers(_children(level)):
            return False
        level = _containers(_children(level))
    return bool(level)


def _containers(values: Iterable[object]) -> list[_Container]:
    return [value for value in values if type(value) is dict or type(value) is list]


def _children(level: Iterable[_Container]) -> Iterator[object]:
    return chain.from_iterable(node.values() if isinstance(node, dict) else node for node in level)
