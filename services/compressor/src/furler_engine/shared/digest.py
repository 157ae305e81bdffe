"""What a long body of code does, in its own words: what it defines, calls, raises, says.

What lives here: picking those words. Every word stands in the body; nothing is
inferred. What does not: deciding what is cut (compressors/code.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

LONG: Final = 60
"""Lines from which a body gets a digest. Readers found the right body among plain
skeletons in 23 of 24 questions; the one they missed was a very long one."""
_LINES_PER_WORD: Final = 12
_FEWEST: Final = 4
_MOST: Final = 24
_MOST_NAMES: Final = 200

# Tried once a name: linear. A name of more parts than a match should remember is none.
_CALL: Final = re.compile(
    r"(?<![\w$.:])([A-Za-z_$][\w$]*+(?:(?:\.|::)[A-Za-z_$][\w$]*+){0,200})!?\("
)
_ERROR: Final = re.compile(
    r"\b(raise|throw new|throw|except|catch|panic!|bail!|rescue)\b[ (]*(?:const )?([A-Z][\w.:]*|\w+\.[A-Z]\w*)"
)
# Literals on one line, short ones too, so that a closing quote opens none; nor does an escaped
# one, of which a line could have thousands and no end. A match remembers each escape: 10,000.
_TEXT: Final = re.compile(
    r"(?<!\\)\"([^\"\\\n]*+(?:\\.[^\"\\\n]*+){0,10000})\""
    r"|(?<!\\)'([^'\\\n]*+(?:\\.[^'\\\n]*+){0,10000})'"
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


def digest(body: str, lines: int) -> str:
    """Return ``; calls a, b; errors raise X; says "…"``, or '' for a short body.

    Calls with the longest names come in: they are the most particular ones.
    """
    if lines <= LONG:
        return ""
    room = max(_FEWEST, min(_MOST, lines // _LINES_PER_WORD))
    calls = [name for name in dict.fromkeys(_CALL.findall(body)) if _last(name) not in _COMMON]
    longest = sorted(calls, key=lambda name: -len(_last(name)))[:room]
    return "".join(
        (
            _listed("calls", [name for name in calls if name in longest]),
            _listed(
                "errors", _distinct((f"{how} {what}" for how, what in _ERROR.findall(body)), room)
            ),
            _listed("says", _distinct(_texts(body), room // 2)),
        )
    )


def calls(body: str) -> set[str]:
    """Return the last names of what a body calls: ``c`` of ``a.b.c()``."""
    return {_last(name) for name in _CALL.findall(body)}


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


def _texts(body: str) -> Iterator[str]:
    for double, single in _TEXT.findall(body):
        text = double or single
        if " " in text and _SHORTEST_TEXT <= len(text) <= _LONGEST_TEXT:
            yield f'"{text}"'
