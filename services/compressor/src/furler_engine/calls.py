"""What a tool call tells about its result: what was read, looked for, run.

What lives here: names of arguments as agents' tools have them. What does not: deciding
anything about a view.
"""

from __future__ import annotations

import re
from typing import Final

from furler_engine.dialects.block import Block, Call, Role
from furler_engine.types import Hints

_PATH: Final = (
    "path", "file_path", "filepath", "filename", "file", "target_file", "notebook_path",
    "absolute_path", "relative_path", "uri",
)  # fmt: skip
_COMMAND: Final = ("command", "cmd", "script", "code")
_QUERY: Final = ("query", "q", "question", "search_query")
_PATTERN: Final = ("pattern", "regex", "search", "search_term")
_RANGE: Final = frozenset((
    "offset", "limit", "start_line", "end_line", "line_number", "view_range", "start", "end",
    "range", "line_start", "line_end", "lines",
))  # fmt: skip
_READING: Final = frozenset(("read", "open", "view", "cat", "show", "get", "fetch", "load"))
_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
# One command that prints one file: cat a.py, head -50 a.py, sed -n 1,80p a.py.
_PRINT: Final = re.compile(
    r"\s*(cat|bat|nl|less|more|head|tail|sed)((?:[ \t]+[^\s|;&<>]+){0,6}?)[ \t]+([^\s|;&<>'\"-][^\s|;&<>]*)\s*"
)
_LABEL: Final = 28
"""Characters of an argument in a label: the end of a path, the beginning of a command."""


def hints(call: Call, query: str) -> Hints:
    """Return what the engine is told about a call's result; the request's query goes first."""
    printed = _PRINT.fullmatch(_command(call)) is not None
    return Hints(
        filename=path(call) if is_read(call) else "",
        tool="cat" if printed else call.name,
        query=query or call.argument(_QUERY),
    )


def path(call: Call) -> str:
    """Return the file that a call reads or edits; empty if none can be told."""
    named = call.argument(_PATH)
    if named:
        return named
    match = _PRINT.fullmatch(_command(call))
    return match[3] if match else ""


def is_ranged(call: Call) -> bool:
    """Whether the call asked for certain lines: whoever does wants to see these very lines."""
    if _RANGE.intersection(call.names):
        return True
    match = _PRINT.fullmatch(_command(call))
    return match is not None and match[1] in ("head", "tail", "sed")


def signature(call: Call) -> tuple[object, ...]:
    """Return what makes two calls the same question."""
    return (call.name, call.arguments, call.names)


def describe(block: Block) -> str:
    """Return how a view names a block of an earlier message."""
    at = f"message {block.message + 1}"
    match block.role:
        case Role.CALL:
            return f"{at}, the call of {block.call.name[:_LABEL] or 'a tool'}"
        case Role.RESULT | Role.RETRIEVED:
            return ", ".join(filter(None, (at, _question(block.call))))
        case Role.DOCUMENT | Role.CITED:
            return f"{at}, document"
    return f"{at} ({block.role})"


def is_read(call: Call) -> bool:
    """Whether a call only reads what it names: by its name, or by a command such as ``view``."""
    command = _command(call)
    words = _WORD.findall(call.name[:200]) + ([command] if command.isalpha() else [])
    reads = any(word.lower() in _READING for word in words)
    return reads or _PRINT.fullmatch(command) is not None


def _command(call: Call) -> str:
    return call.argument(_COMMAND)[:400]


def _question(call: Call) -> str:
    """Return what a call asked, in short: a command alone, else the tool and what it was given."""
    named, command = call.argument(_PATH), _beginning(_command(call))
    if command and not named:
        return command
    what = named if len(named) <= _LABEL else f"…{named[1 - _LABEL :]}"
    return f"{call.name[:_LABEL]} {what or _beginning(call.argument(_PATTERN + _QUERY))}".strip()


def _beginning(text: str) -> str:
    line = text.strip().partition("\n")[0].strip()
    return line if len(line) <= _LABEL and line == text.strip() else line[: _LABEL - 1] + "…"
