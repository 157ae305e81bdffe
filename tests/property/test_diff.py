"""Diffs: of whatever two texts, changes are exact and every line is accounted for."""

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import diff
from furler_engine.coverage import check
from furler_engine.types import Fidelity, Kind, Level, Policy, Source

LINES = st.lists(
    st.sampled_from(["a", "b", "", "-", "+ c", "-- x", "++ y", "@@ -1 +1 @@", "## z", "d e"]),
    max_size=30,
)


LOSSLESS = Policy(fidelity=Fidelity.LOSSLESS)


def unified(old: list[str], new: list[str], context: int, path: str) -> list[str]:
    body = list(difflib.unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="", n=context))
    return [f"diff --git a/{path} b/{path}", "index 1..2 100644", *body] if body else []


@given(LINES, LINES, st.integers(0, 5), st.sampled_from([Level.CAREFUL, Level.TIGHT]))
@settings(max_examples=300)
def test_changes_are_exact_and_every_line_is_accounted_for(
    old: list[str], new: list[str], context: int, level: Level
) -> None:
    lines = unified(old, new, context, "x y.py") + unified(new, old, context, "z.py")
    source = Source("\n".join(lines))
    lossless = diff.plan(source, LOSSLESS)
    eliding = diff.plan_eliding(source, Policy(levels=((Kind.DIFF, level),)))
    if lossless is not None:
        check(source, lossless)
    if eliding is not None:
        check(source, eliding)
        changed = [
            line for line in lines if line[:1] in "+-" and not line.startswith(("+++ b", "--- a"))
        ]
        assert [line for line in eliding.text.split("\n") if line[:1] in ("+", "-")] == [
            c for c in changed if c
        ]


@given(
    st.lists(
        st.sampled_from(
            [
                "diff --git a/x b/x",
                "--- a/x",
                "+++ b/x",
                "@@ -1,9 +1 @@",
                "+a",
                "-b",
                " c",
                "",
                "diff --cc x",
                "@@@ -1,3 -1,2 +1 @@@",
                "@@@ -1 +1 @@@",
                "++a",
                " -b",
            ]
        )
    )
)
@settings(max_examples=200)
def test_broken_diffs_are_accounted_for_too(lines: list[str]) -> None:
    source = Source("\n".join(lines))
    for plan in (diff.plan, diff.plan_eliding):
        draft = plan(source, Policy())
        if draft is not None:
            check(source, draft)


MERGED = st.lists(
    st.tuples(
        st.sampled_from(["   ", "   ", "   ", "+  ", " + ", "+++", "-  ", "- -", "---"]),
        st.sampled_from(["a", "", "- b", "+ c", "@@@@ -1 -1 -1 +1 @@@@", "## z"]),
    ),
    min_size=1,
    max_size=40,
)


def combined(marked: list[tuple[str, str]]) -> list[str]:
    """Write one hunk of a merge of three parents."""
    new = sum("-" not in marks for marks, _ in marked)
    old = [sum(marks[n] == ("-" if "-" in marks else " ") for marks, _ in marked) for n in range(3)]
    ranges = " ".join(f"-7,{count}" for count in old)
    header = ["diff --cc x y.py", "index 1,2,3..4", "--- a/x y.py", "+++ b/x y.py"]
    return [*header, f"@@@@ {ranges} +9,{new} @@@@ def f():", *map("".join, marked)]


@given(MERGED)
@settings(max_examples=200)
def test_changes_of_a_merge_are_exact_and_every_line_is_accounted_for(
    marked: list[tuple[str, str]],
) -> None:
    lines = combined(marked)
    source = Source("\n".join([*lines, "commit of another", *lines]))
    draft = diff.plan_eliding(source, Policy())
    assert draft is not None
    check(source, draft)
    changed = ["".join(pair) for pair in marked if pair[0].strip()]
    shown = [line for line in draft.text.split("\n") if not line.startswith(("--- a/", "+++ b/"))]
    marked_lines = [line for line in shown if {*line[:3]} <= {*" +-"} and line[:3].strip()]
    assert marked_lines == changed * 2
