"""What programs print: whatever it is, a view accounts for every line and invents nothing."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.clean import clean_line
from furler_engine.compressors import diagnostics, log, test_output
from furler_engine.coverage import check
from furler_engine.shared import severity
from furler_engine.shared.templates import mine
from furler_engine.types import Draft, Hints, LinesShown, Plan, Policy, Source

PLANS = pytest.mark.parametrize("plan", [log.plan, diagnostics.plan, test_output.plan])
WORDS = st.sampled_from(
    ["opened", "closed", "user", "root", "10.0.0.1:80", "0x1f", "deadbeef01", "id=7", "'a b'", "ERROR",
     "failed", "12:", "40~12", "|", ":", "×3", "é", "404", "\x00", "\x1b[31mred\x1b[0m"]
)  # fmt: skip
HEADS = st.sampled_from(
    ["", "2026-11-20 07:57:51,123 INFO ", "Nov 20 03:00:55 web-1 cron[77]: ", "12:", "12|", ":", " ", "\t"]
)  # fmt: skip
STEADY = st.sampled_from(
    ["2026-11-20 07:57:51 INFO request served in 12 ms", "    at com.acme.A.b(A.java:7)", "a.c:3:1: warning: unused 'x'",
     "Traceback (most recent call last):", '  File "/srv/a.py", line 3, in f', "    return g(1)", "KeyError: 'k'",
     "test_a.py::test_b PASSED    [ 10%]", "E   assert 1 == 2", ">   assert f() == 2", "=== FAILURES ===", "", "   ",
     "===================== FAILURES =====================", " 10 %\r 99 %\rdone", "[furler: 3 of 9 lines shown]"]
)  # fmt: skip
LINES = st.one_of(
    STEADY, st.builds(lambda h, w: h + " ".join(w), HEADS, st.lists(WORDS, min_size=1, max_size=6))
)
BLOCKS = st.builds(lambda line, n: [line] * n, LINES, st.integers(1, 12))
PRINTED = st.lists(BLOCKS, min_size=1, max_size=25).map(
    lambda blocks: "\n".join(line for block in blocks for line in block)
)
QUERIES = st.sampled_from(["", "why did root fail", "404", "deadbeef01"])


def _shown(draft: Draft) -> set[int]:
    assert isinstance(draft.coverage, LinesShown)
    return {n for span in draft.coverage.lines for n in range(span.first, span.last + 1)}


@PLANS
@given(PRINTED, QUERIES)
@settings(max_examples=150)
def test_every_line_is_shown_or_named(plan: Plan, text: str, query: str) -> None:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    if draft is not None:
        check(source, draft)


@given(PRINTED)
@settings(max_examples=150)
def test_every_pattern_of_a_log_shows_a_line(text: str) -> None:
    source = Source(text)
    draft = log.plan(source, Policy())
    if draft is None or "stack traces" in draft.text:
        return
    shown = _shown(draft)
    lines = [clean_line(line) for line in source.lines]
    for pattern in mine(lines, severity.level):
        if pattern.words and pattern.label in (severity.FATAL, severity.ERROR):
            assert any(row + 1 in shown for row in pattern.rows)


@given(PRINTED)
@settings(max_examples=150)
def test_every_line_that_is_not_empty_has_one_pattern(text: str) -> None:
    lines = text.split("\n")
    patterns = mine(lines, severity.level)
    filled = [row for row, line in enumerate(lines) if line]
    assert sorted(row for p in patterns for row in p.rows) == filled
    assert [p.rows[0] for p in patterns] == sorted(p.rows[0] for p in patterns)


@PLANS
@given(PRINTED)
@settings(max_examples=100)
def test_every_value_in_a_note_is_in_the_content(plan: Plan, text: str) -> None:
    draft = plan(Source(text), Policy())
    if draft is None:
        return
    seen = "\n".join(map(clean_line, text.split("\n")))
    for note in (line for line in draft.text.split("\n") if line.startswith("  ×")):
        for value in re.findall(r" (\S+)×\d+", note.partition(": ")[2]):
            assert value.rstrip("…") in seen


@PLANS
@given(PRINTED)
@settings(max_examples=50)
def test_the_same_text_gives_the_same_view(plan: Plan, text: str) -> None:
    assert plan(Source(text), Policy()) == plan(Source(text), Policy()) or _text(
        plan, text
    ) == _text(plan, text)


def _text(plan: Plan, text: str) -> str:
    draft = plan(Source(text), Policy())
    return draft.text if draft else ""
