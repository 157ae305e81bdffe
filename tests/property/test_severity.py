"""Levels of any line: what is told at once of many lines is what each says of itself."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from furler_engine.shared.severity import CALM, ERROR, FATAL, SEVERE, level, may_be_grave

PIECES = st.sampled_from([
    "ERR", "err", "Error", "[err]", "<Fatal>", "(severe)", "level", "severity", "lvl", "=", ":", " ", "error", '"', "'", "E", "0 1", "0", "1",
    "a", "x.y", "error: ", "warn", "PANIC", "alert", "[", "]", "severe", "info", "failed", "Error(", "emergency", "CRITICAL", "crit", "0 0 E ", "  ",
    "\N{LATIN SMALL LETTER LONG S}evere", "é",
])  # fmt: skip
LINES = st.lists(PIECES, max_size=8).map("".join)


@given(LINES, LINES)
@example("10:00 1  0 0 E tag", "")
@example("E0 1", "x")
@settings(max_examples=300, deadline=None)
def test_a_grave_line_may_be_grave_alone_and_among_others(one: str, two: str) -> None:
    grave = level(one) in (ERROR, FATAL)
    assert (one, grave) == (one, grave and may_be_grave(one) and may_be_grave(f"{two}\n{one}"))


@given(LINES)
@example("failed [\N{LATIN SMALL LETTER LONG S}evere]")
@settings(max_examples=100, deadline=None)
def test_every_line_has_a_level(line: str) -> None:
    assert level(line) in (*SEVERE, CALM)
