"""What a query names in source code: definitions, and lines in the frames of a traceback.

What lives here: reading the query. What does not: looking the names up (syntax.py).
"""

from __future__ import annotations

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|::|#)[A-Za-z_$][\w$]*)*")
_QUESTION_WORDS: Final = """
this that file what does with from where when which how class function method code work into list
find show main test tests name value data line lines make change call called used using there here have
"""
_PLAIN_WORDS: Final = frozenset(_QUESTION_WORDS.split())
"""Words of a question that are names of functions by accident only."""
# Python's ``"a.py", line 12``, and ``a.go:12``, ``(A.java:12)`` of the others.
_FRAME: Final = re.compile(r"([\w.-]+\.\w+)(?:\", line |:)(\d{1,7})\b")
_MOST_LINES: Final = 50


def wanted_names(query: str) -> frozenset[str]:
    """Return the names in a query that may be definitions: ``Class.method``, ``some_name``, ``parse``."""
    found = [name.replace("::", ".").replace("#", ".") for name in _NAME.findall(query)]
    parts = [part for name in found for part in (name, name.rpartition(".")[2])]
    return frozenset(part for part in parts if len(part) > 3 and part.lower() not in _PLAIN_WORDS)


def wanted_lines(query: str, filename: str) -> tuple[int, ...]:
    """Return the lines that frames in a query point to.

    With a file name only those of that file; without one all of them.
    """
    name = filename.replace("\\", "/").rpartition("/")[2]
    found = [int(line) for file, line in _FRAME.findall(query) if not name or file == name]
    return tuple(dict.fromkeys(found))[:_MOST_LINES]
