"""What a long body of code does, in its own words: what it defines, calls, raises, says.

What lives here: picking those words. Every word stands in the body; nothing is
inferred. What does not: deciding what is cut (compressors/code.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import ascii_letters, digits
from typing import Final

LONG: Final = 60
"""Lines from which a body gets a digest. Readers found the right body among plain
skeletons in 23 of 24 questions; the one they missed was a very long one."""
_LINES_PER_WORD: Final = 12
_FEWEST: Final = 4
_MOST: Final = 24
_MOST_NAMES: Final = 200

_NAME_BYTES: Final = (ascii_letters + digits + "_$.:(").encode() + bytes(range(128, 256))
_NAMES_APART: Final = bytes(byte if byte in _NAME_BYTES else ord(" ") for byte in range(256))
_ERROR_WORDS: Final = (b"raise", b"throw", b"except", b"catch", b"panic!", b"bail!", b"rescue")
_ERROR: Final = re.compile(
    rb"\b(throw new|raise|throw|except|catch|panic!|bail!|rescue)\b[ (]*(?:const )?([A-Z][\w.:]*|\w+\.[A-Z]\w*)"
)
# Literals on one line, short ones too, so that a closing quote opens none; nor does an escaped
# one, of which a line could have thousands and no end. A match remembers each escape: 10,000.
_TEXT: Final = re.compile(
    r"\"(?<!\\\")([^\"\\\n]*+(?:\\.[^\"\\\n]*+){0,10000})\""
    r"|'(?<!\\')([^'\\\n]*+(?:\\.[^'\\\n]*+){0,10000})'"
)
_SHORTEST_TEXT: Final = 8
_LONGEST_TEXT: Final = 60
_COMMON_WORDS: Final = """
if for while switch return catch function sizeof assert len str int print isinstance range list dict set
tuple super getattr setattr hasattr String Number Boolean Array Object push append Some Ok Err None format
println vec to_string into clone unwrap iter collect map len make new nil get set and or not in elif except
with def fn func assert_eq defined typeof await require bool float enumerate zip sorted min max
"""
_COMMON: Final = frozenset(_COMMON_WORDS.split())


def digest(body: bytes, lines: int) -> str:
    """Return ``; calls a, b; errors raise X; says "…"``, or '' for a short body.

    Calls with the longest names come in: they are the most particular ones.
    """
    if lines <= LONG:
        return ""
    room = max(_FEWEST, min(_MOST, lines // _LINES_PER_WORD))
    called = [name for name in _called(body) if _last(name) not in _COMMON]
    longest = sorted(called, key=lambda name: -len(_last(name)))[:room]
    return "".join(
        (
            _listed("calls", [name for name in called if name in longest]),
            _listed("errors", _distinct(_errors(body), room)),
            _listed("says", _distinct(_texts(body.decode()), room // 2)),
        )
    )


def calls(body: bytes) -> set[str]:
    """Return the last names of what a body calls: ``c`` of ``a.b.c()``."""
    return {_last(name) for name in _called(body)}


def names(found: list[str]) -> str:
    """Return ``; defines a, b``, or '' where there is nothing; beyond 200 names they are counted."""
    return _listed("defines", found[:_MOST_NAMES]) + (
        f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    )


def _listed(label: str, words: list[str]) -> str:
    return f"; {label} {', '.join(words)}" if words else ""


def _distinct(words: Iterable[str], room: int) -> list[str]:
    return list(dict.fromkeys(words))[:room]


def _last(name: str) -> str:
    return name.replace("::", ".").rpartition(".")[2]


def _called(body: bytes) -> list[str]:
    """Return the distinct names right before a parenthesis, ``!`` of Rust's macros left out.

    With every byte that no name has made a blank, each parenthesis ends one split and the
    last blank before it begins the name: a fifth of a regular expression's time.
    """
    before = body.replace(b"!(", b"(").translate(_NAMES_APART).split(b"(")[:-1]
    found = dict.fromkeys(text[text.rfind(b" ") + 1 :] for text in before)
    return [name for name in (text.decode() for text in found) if _is_name(name)]


def _is_name(text: str) -> bool:
    parts = text.replace("$", "_").replace("::", ".").split(".")
    return all(map(str.isidentifier, parts))


def _errors(body: bytes) -> Iterator[str]:
    end = 0
    for start in sorted(at for word in _ERROR_WORDS for at in _places(body, word)):
        match = _ERROR.match(body, start)
        if match is not None and start >= end:
            end = match.end()
            yield f"{match[1].decode()} {match[2].decode().rstrip(':.')}"


def _places(body: bytes, word: bytes) -> Iterator[int]:
    at = body.find(word)
    while at >= 0:
        yield at
        at = body.find(word, at + len(word))


def _texts(body: str) -> Iterator[str]:
    for double, single in _TEXT.findall(body):
        text = double or single
        if " " in text and _SHORTEST_TEXT <= len(text) <= _LONGEST_TEXT:
            yield f'"{text}"'
