"""How bad a line says it is: explicit levels, and words that tell of trouble.

What lives here: reading a level from one line. What does not: what a view does
with it.
"""

from __future__ import annotations

import re
from typing import Final

FATAL: Final = "FATAL"
ERROR: Final = "ERROR"
WARN: Final = "WARN"
TROUBLE: Final = "trouble"
"""No level of its own, but words such as failed, denied, timeout."""
CALM: Final = ""
SEVERE: Final = (FATAL, ERROR, WARN, TROUBLE)

_LEVELS: Final = {
    **dict.fromkeys(("fatal", "critical", "crit", "emerg", "emergency", "alert", "panic"), FATAL),
    **dict.fromkeys(("error", "err", "severe"), ERROR),
    **dict.fromkeys(("warn", "warning"), WARN),
    **dict.fromkeys(("info", "notice", "debug", "trace", "verbose"), CALM),
}
_NAMES: Final = "|".join(_LEVELS)
# A level stands in capitals, in brackets, after level= or severity:, or opens a message.
_LEVEL: Final = re.compile(
    rf"\b({_NAMES.upper()})\b"
    rf"|(?i:[\[<(]({_NAMES})[\]>)])"
    rf"|(?i:\b(?:level|severity|lvl)[\"']?[=:] ?[\"']?({_NAMES})\b)"
    rf"|(?i:(?:^|[:\]] )(error|err|warn|warning|fatal): )"
)
# Android's logcat and glog: one letter between the process ids and the tag, or before the date.
_LETTER: Final = re.compile(r"\S+ +\S+ +0 +0 ([VDIWEF]) |([IWEF])0 \d")
_LETTERS: Final = {"E": ERROR, "F": FATAL, "W": WARN}
_TROUBLE: Final = re.compile(
    r"error|fail|fatal|excepti|traceback|panic|critical|severe|warning|denied|refused|rejected"
    r"|time[d]?[ -]?out|abort|segfault|out of memory|oom|killed|invalid|unable|cannot|could not|can't"
    r"|unreachable|corrupt|not found|broken|unexpected|lost|missing|overflow|deadlock|illegal|unauthorized|forbidden"
    r"|\" [45]xx"
)


def level(line: str) -> str:
    """Return FATAL, ERROR, WARN, TROUBLE or CALM for a line, masked or not."""
    match = _LEVEL.search(line)
    if match:
        found = _LEVELS[match[match.lastindex or 0].lower()]
    else:
        match = _LETTER.match(line)
        found = _LETTERS.get(match[match.lastindex or 0], CALM) if match else CALM
    if found == CALM and _TROUBLE.search(line.lower()):
        return TROUBLE
    return found
