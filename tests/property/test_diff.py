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
            ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -1,9 +1 @@", "+a", "-b", " c", ""]
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
