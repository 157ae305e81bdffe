"""Detection that stops early: what it leaves out never changes the kind, of any mix of lines."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from furler_engine.detect import DETECTORS, SURE, THRESHOLD, detect
from furler_engine.shared.sample import Sample
from furler_engine.types import Kind, Source

FAMILIES = (
    ("import os", "def read(self, name):", "    return name", "        self.path = path", "class Store(Base):", "    # a comment", "    )"),
    ("func main() {", "\tif err != nil {", "\t}", "}", "#include <stdio.h>", "const a = require('a');", "SELECT a FROM b;", "  x = f(y);"),
    ("2026-11-20 10:00:01 INFO worker started", "10:00:02 a.b: done", "[ 12.345678] usb 1-1", "    at a.b(C.java:3)", "2026-11-20 10:00:02 120 name"),
    ("ERROR: no disk", "INFO: on", "WARN slow", "2026-11-20 10:00:01 INFO worker started", "done"),
    ("Traceback (most recent call last):", '  File "a.py", line 3, in f', "    f()", "ValueError: no", "goroutine 1 [running]:", "panic: no", "Caused by: x", "10:00:02 x"),
    ("tests/test_a.py::test_b PASSED", "E   assert 1 == 2", "ok 1 - all", "3 passed in 0.12s", "=== 2 failed in 1.0s ===", "TAP version 14", "    x"),
    ("running 3 tests", "[ERROR] a.b  Time elapsed: 1 s <<< FAILURE!", "PASS src/a.test.js", "  said"),
    ("src/a.c:3:5: warning: unused", "src/a.c:3: error: no", "  --> src/a.rs:3:5", "3 |     x", "    ^"),
    ("   Compiling a v1.0", "npm ERR! code E1", "make: *** [a] Error 1", "Step 1/3 : FROM x", "> Task :a", "x"),
    ("src/a.py:12:    return 1", "src/a.py-13-}", "--", "src/b.py:14:x"), ("src/a.py", "12:x = 1", "13-y", "14:z", "--"), ("src/a.py:text", "src/b.py:more"),
    ("diff --git a/x b/x", "@@ -1 +1 @@", " a.py | 3 +++", " 2 files changed"), ("commit 0123456789abcdef", "* 1a2b3c4 say", "| |", "    why"),
    ("a,b,c", "1,2,3", '"x, y",2,3', "1;2;3", "1,2"), ("a\tb\tc", "1\t2\t3", "a\tb"), ("| a | b |", "|---|---|", "| a |"), (" a | b ", "---+---"),
    ("NAME   READY   AGE", "web-1  1/1     3d", "db-1   0/1     4d"), ("-[ RECORD 1 ]-", "id   | 1"), ("a\tb\t2026-11-20T10:00:00.1Z x",),
    ("-rw-r--r-- 1 a b 12 Jan  1  2020 foo:", "total 8", "./src/a/b.py", "├── a", " M a.py", "On branch main", "A\ta.py", "12  2020-01-01 10:00  a.py", "name_one"),
    ("# Head", "## Below", "- one", "[x](y)", "```"), ("<p>text</p>", "<!DOCTYPE html>", "<!-- x -->"),
    ("name: ci", "  - uses: a", "a = 1", "[package]", "# yarn lockfile v1", "yes==1 \\"),
    ("Ann: so that is it, and you?", "Bob: the end of it is in sight"),
    ("It was decided to ask the team for another of the estimates.", "and the rest of it is what you see in the next"),
    ("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx", "x" * 500),
    ('{"a": 1}', "# Query_time: 3", "", "    ", "é 漢", "\x1b[31mred\x1b[0m", "["),
)  # fmt: skip
LINES = st.sampled_from(FAMILIES).flatmap(
    lambda family: st.lists(st.sampled_from(family), min_size=1, max_size=6)
)
BLOCKS = st.tuples(LINES, st.integers(1, 20))
TEXTS = st.lists(BLOCKS, min_size=1, max_size=4).map(
    lambda blocks: "\n".join(line for lines, times in blocks for line in lines * times)
)


@given(TEXTS)
@settings(max_examples=150, deadline=None)
def test_the_kind_is_that_of_all_detectors_asked_in_full(text: str) -> None:
    assert detect(Source(text)) is _asked_in_full(Sample.of(Source(text)))


@given(TEXTS, st.floats(THRESHOLD, SURE))
@example("| a | b |\n| c |\n" * 9, SURE)
@example("NAME   READY   AGE\n" + "web-1  1/1     3d\n" * 9, SURE)
@example("10:00:02 INFO done\n    at a.b\n" * 9, SURE)
@example("\n".join(f"{n}:text" for n in range(9)), SURE)
@settings(max_examples=150, deadline=None)
def test_a_score_that_is_reached_is_given_whole_and_no_other_is_raised(
    text: str, drawn: float
) -> None:
    sample = Sample.of(Source(text))
    if not sample.lines:
        return
    for kind, _, score in DETECTORS:
        whole = score(sample, 0.0)
        for least in (whole, drawn):
            early = score(sample, least)
            expected = whole if least <= whole else min(whole, early)
            assert (kind, early) == (kind, expected)


def _asked_in_full(sample: Sample) -> Kind:
    best, winner = THRESHOLD, Kind.TEXT
    for kind, ceiling, score in DETECTORS:
        if sample.lines and best < SURE and ceiling > best and score(sample, 0.0) > best:
            best, winner = score(sample, 0.0), kind
    return winner
