r"""Terminal control sequences: what a person at the terminal would not have seen.

Colours, cursor movement and text overwritten after a carriage return carry no
information for a reader. A view may drop them; the original keeps them.
"""

from __future__ import annotations

import re

# CSI, OSC and two-byte escapes (ECMA-48 5.4, 8.3.89); linear, no nesting.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


def clean_line(line: str) -> str:
    r"""Return the line as a terminal would show it at its end.

    >>> clean_line("\x1b[31mred\x1b[0m\r")
    'red'
    >>> clean_line(" 10 %\r 99 %\rdone")
    'done'
    """
    if "\x1b" in line:
        line = _ESCAPE.sub("", line)
    if "\r" in line:
        line = line.rstrip("\r")
        line = line[line.rfind("\r") + 1 :]
    return line


def needs_cleaning(text: str) -> bool:
    """Whether any line of the text would change under clean_line."""
    return "\x1b" in text or "\r" in text
