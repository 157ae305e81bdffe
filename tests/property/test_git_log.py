"""git log: whatever the files of its commits, each view gives back what it shows and names the rest."""

from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import git_blame, git_files, git_log
from furler_engine.coverage import check
from furler_engine.shared.change_counts import Change, pad
from furler_engine.types import Hints, Plan, Policy, Source

NAMES = st.sampled_from(
    ["a", "b.py", "x y", "a, b", "c; d", "é", "{a => b}", "= c", "files: 1", "3", "+1-2"]
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
SIZES = st.integers(0, 2000).map(str)
CHANGES = st.builds(
    Change, PATHS, SIZES | st.just("Bin"), st.sampled_from(["", "+", "-", "++--", "0 -> 9 bytes"])
)
SUM = st.sampled_from(
    [" 1 file changed, 1 insertion(+)", " 20 files changed", " 3 files changed, 0 deletions(-)"]
)
MODES = st.lists(
    st.sampled_from([" create mode 100644 a b", " rename {a => b}/c (90%)", " delete mode 1"]),
    max_size=2,
)
TABLES = st.builds(
    lambda changes, extra, total, modes: [*pad(changes, extra and extra + 30), total, *modes],
    st.lists(CHANGES, max_size=20), st.integers(0, 2), SUM, MODES,
)  # fmt: skip
NUMSTAT = st.lists(
    st.builds("{}\t{}\t{}".format, SIZES | st.just("-"), SIZES | st.just("-"), PATHS), max_size=20
)
STATES = st.lists(
    st.builds("{}\t{}".format, st.sampled_from(["M", "A", "D", "R90\tq", "X"]), PATHS), max_size=20
)
LISTS = st.one_of(TABLES, NUMSTAT, STATES, st.lists(PATHS, max_size=20), st.just(["", " "]))
BLANK = st.sampled_from([[], [""]])


def _proven(plan: Plan, lines: list[str], query: str) -> None:
    source = Source("\n".join(lines), Hints(query=query))
    draft = plan(source, Policy())
    if draft is not None:
        check(source, draft)


@given(st.lists(LISTS, min_size=2, max_size=5), BLANK, BLANK, st.sampled_from(["", "b.py"]))
def test_commits_of_a_line_are_read_back(
    lists: list[list[str]], above: list[str], below: list[str], query: str
) -> None:
    lines = [
        line
        for n, rows in enumerate(lists)
        for line in (f"{n}abc{n:04} why", *(above if rows else []), *rows, *(below if rows else []))
    ]
    for plan in (git_files.plan, git_files.plan_eliding):
        _proven(plan, lines, query)


@given(st.lists(LISTS, min_size=2, max_size=5), st.sampled_from(["Ann", "Ann", "Bo", "N; o"]))
def test_commits_with_messages_are_read_back(lists: list[list[str]], author: str) -> None:
    lines = []
    for n, rows in enumerate(lists):
        name = author if n % 2 else "Ann"
        lines += [
            f"commit {n:040x}",
            f"Author: {name} <a@x>",
            "Date:   Thu Aug 20 17:02:26 2026 +0000",
            "",
        ]
        lines += [f"    why {n}", *([""] if rows else []), *rows, ""]
    for plan in (git_log.plan, git_log.plan_eliding):
        _proven(plan, lines[:-1], "b.py")


BLAMED = st.builds(
    "{} ({} 2026-11-20 10:10:09 +0000 {}) {}".format,
    st.sampled_from(["^55e3be4", "1f20d5a3", "1f20d5a3 a/b.py  "]),
    st.sampled_from(["Ann Lee", "Bo     ", "N|o 1) "]),
    st.sampled_from([" 8", " 9", "10", "11"]),
    st.sampled_from(["", "x = 1 ", "# 1-2 ^55e3be4", "# 3 1f20d5a3|x|y", "é"]),
)


@given(st.lists(BLAMED, min_size=4, max_size=30))
def test_rows_of_blame_are_read_back(lines: list[str]) -> None:
    _proven(git_blame.plan, lines, "")
