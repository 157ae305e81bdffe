"""How bad a line says it is: explicit levels, and words that tell of trouble.

What lives here: reading a level from one line. What does not: what a view does
with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
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
_TROUBLE_SAID: Final = (
    "error", "fail", "fatal", "excepti", "traceback", "panic", "critical", "severe", "warning",
    "denied", "refused", "rejected", "timed?[ -]?out", "abort", "segfault", "out of memory", "oom",
    "killed", "invalid", "unable", "cannot", "could not", "can't", "unreachable", "corrupt",
    "not found", "broken", "unexpected", "lost", "missing", "overflow", "deadlock", "illegal",
    "unauthorized", "forbidden", '" [45]xx', "crashloop", "imagepull", "evicted", "unhealthy", "notready",
    "degraded", "unavailable",
)  # fmt: skip


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    """Compile a choice, grouped by first letters: alternatives are tried one by one, everywhere."""
    ends: dict[str, list[str]] = {}
    for pattern in patterns:
        ends.setdefault(pattern[0], []).append(pattern[1:])
    return re.compile("|".join(f"{first}(?:{'|'.join(of)})" for first, of in ends.items()))


_TROUBLE: Final = _any_of(_TROUBLE_SAID)
# Without one of these, in lower case, a line is calm: told at a tenth of the time of _LEVEL.
_TELLING: Final = _any_of([*(name for name in _LEVELS if _LEVELS[name] != CALM), *_TROUBLE_SAID])


# What no grave level is without, in ASCII: a name in capitals or in brackets, what says so, logcat's and glog's zeros.
_GRAVE: Final = tuple(name for name in _LEVELS if _LEVELS[name] in (ERROR, FATAL))
_IN_CAPITALS: Final = ("0 ", "ERR", "FATAL", "SEVERE", "CRIT", "PANIC", "ALERT", "EMERG")
_SAID_SO: Final = ("level", "severity", "lvl", "error: ", "err: ", "fatal: ")
_IN_BRACKETS: Final = re.compile(rf"[\[<(](?:{'|'.join(_GRAVE)})[\]>)]")


def may_be_grave(text: str) -> bool:
    """Whether a line of a text may be an ERROR or FATAL; False is sure, and at a fraction of the time of level."""
    if not text.isascii() or any(sign in text for sign in _IN_CAPITALS):
        return True
    lower = text.lower()
    return any(sign in lower for sign in _SAID_SO) or _IN_BRACKETS.search(lower) is not None


def level(line: str) -> str:
    """Return FATAL, ERROR, WARN, TROUBLE or CALM for a line, masked or not."""
    lower = line.lower()
    if not _TELLING.search(lower):
        letter = _lettered(line)
        return letter if letter == CALM or _LEVEL.search(line) is None else CALM
    match = _LEVEL.search(line)
    # A long s is an s where case does not matter, and stays what it is in lower case.
    found = _LEVELS.get(match[match.lastindex or 0].lower(), CALM) if match else _lettered(line)
    return TROUBLE if found == CALM and _TROUBLE.search(lower) else found


def _lettered(line: str) -> str:
    match = _LETTER.match(line)
    return _LETTERS.get(match[match.lastindex or 0], CALM) if match else CALM
