"""Every compressor, on text that is nearly of its kind: a draft that proves itself, or none.

What people and tools write is tested per kind; here stand the readers of printed forms,
on lines in which their notations are mixed, cut short and repeated.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.coverage import check
from furler_engine.router import ROUTES
from furler_engine.types import Fidelity, Hints, Kind, Policy, Source

PIECES = st.sampled_from(
    [
        "src/app/a.py", "src/app/b c.md", "d/", "/", "total", "NAME", "READY", "STATUS  ", "%CPU", "1/1", "0", "12",
        "4.0K", ":", ":12:", ":12", "-3-", "|", "||/", "---", "--> ", "@@@ -1,2 -1 +1,3 @@@", "diff --cc x", "+", "++",
        "-", " ", "   ", "\t", "commit " + "a" * 40, "* ", "|\\", "abc1234 ", "fix: x", "error: ", "warning[E1]: ",
        "FAILED a.py::t", "E   x", ">   y", "____ t ____", "==== FAILURES ====", '  File "a.py", line 3, in f', "as L3-8",
        "# a", "! b", "| c", "[all paths start with ", "{", "[1, 2]", '"k": 1', "}", "é", "\r", "\x1b[31m",
    ]
)  # fmt: skip
LINES = st.lists(PIECES, max_size=5).map("".join)
TEXTS = st.lists(LINES, min_size=1, max_size=40).map(lambda lines: "\n".join(lines * 2))
PRINTED = (
    Kind.LISTING, Kind.SEARCH_RESULTS, Kind.TABLE, Kind.DIFF, Kind.GIT_LOG, Kind.TEST_OUTPUT, Kind.DIAGNOSTICS,
    Kind.LOG, Kind.BUILD_OUTPUT,
)  # fmt: skip


@given(TEXTS, st.sampled_from(PRINTED), st.sampled_from(["", "what of a.py?"]))
@settings(max_examples=200, deadline=None)
def test_a_draft_of_mixed_lines_proves_itself(text: str, kind: Kind, query: str) -> None:
    source = Source(text, Hints(query=query))
    for fidelity in (Fidelity.LOSSLESS, Fidelity.REVERSIBLE):
        for compressor in ROUTES[kind]:
            draft = compressor.plan(source, Policy(fidelity=fidelity))
            if draft is not None:
                check(source, draft)
