"""The files of commits: what is shown is exact, a long list says what it leaves out, a query's files stay."""

import re

import pytest

from furler_engine.compressors import git_files, git_log
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared import commit_files
from furler_engine.types import Draft, Hints, Kind, Lines, Plan, Policy, Source

STAT = """\
 README.md                      |   31 +-
 lib/app/main.py                |    4 +-
 lib/app/util.py                | 1013 +
 .../src/transforms/detector.rs |   94 +-
 lib/{old => new}/x.py          |    0
 pic.png                        |  Bin 0 -> 9 bytes
 6 files changed, 9 insertions(+), 3 deletions(-)
"""
MODES = """\
 create mode 100644 pic.png
 delete mode 120000 a link
 rename lib/{old => new}/x.py (100%)
 mode change 100644 => 100755 lib/app/main.py
"""
NUMSTAT = "31\t0\tREADME.md\n4\t13\tlib/app/main.py\n0\t2\tlib/app/util.py\n-\t-\tpic.png\n0\t0\tlib/{old => new}/x.py\n"
STATES = "M\tREADME.md\nA\tlib/app/main.py\nA\tlib/app/util.py\nR100\told.py\tnew.py\nD\tz\n"
NAMES = "README.md\nlib/app/main.py\nlib/app/util.py\n"
SHORT = " 3 files changed, 9 insertions(+)\n"
LISTS = [STAT, STAT + MODES, SHORT, SHORT + MODES, NUMSTAT, STATES]
MANY = "".join(f"{n * n}\t{n}\tsrc/{'abc'[n % 3]}/part_{n}.py\n" for n in range(60))
MANY_STATES = "".join(f"M\tsrc/part_{n}.py\n" for n in range(40)) + "D\tdocs/gone.md\n"


def proven(plan: Plan, text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def oneline(rows: str, *, above: str = "", below: str = "") -> str:
    commits = [f"{n}a3bc{n:02} commit {n}\n{above}{rows}" for n in range(4)]
    return below.join([*commits, f"1234abc a merge: no files\n5234abc another\n{above}{rows}"])


def medium(rows: str) -> str:
    return "\n".join(
        f"commit {n:040x}\nAuthor: Ann <a@x.example>\nDate:   Thu Aug 20 17:02:{n:02} 2026 -0700\n\n    why {n}\n\n{rows}"
        for n in range(4)
    )


@pytest.mark.parametrize("plan", [git_files.plan, git_files.plan_eliding])
@pytest.mark.parametrize("rows", LISTS)
@pytest.mark.parametrize(("above", "below"), [("", ""), ("\n", ""), ("", "\n"), ("\n", "\n")])
def test_a_log_of_a_line_per_commit_is_read_back(
    plan: Plan, rows: str, above: str, below: str
) -> None:
    view = proven(plan, oneline(rows, above=above, below=below)).text
    assert ("after a blank line" in view, "before a blank line" in view) == (
        bool(above),
        bool(below),
    )


@pytest.mark.parametrize("plan", [git_log.plan, git_log.plan_eliding])
@pytest.mark.parametrize("rows", [*LISTS, NAMES])
def test_a_log_with_messages_is_read_back_and_understood(plan: Plan, rows: str) -> None:
    view = proven(plan, medium(rows)).text
    assert "\n| " not in view


def test_one_author_is_said_once() -> None:
    view = proven(git_log.plan_eliding, medium(SHORT)).text
    assert view.count("Ann <a@x.example>") == 1
    assert "\n# 000000000000000000000000 Aug 20 17:02:03\n" not in view
    assert re.findall(r"^# [0-9a-f]+ (.*)", view, re.MULTILINE)[1:] == [
        f"Aug 20 17:02:{n:02}" for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("plan", "log"), [(git_files.plan_eliding, oneline), (git_log.plan_eliding, medium)]
)
def test_of_a_long_list_the_largest_changes_stand_and_the_others_are_counted(
    plan: Plan, log: object
) -> None:
    assert callable(log)
    text = log(MANY)
    draft = proven(plan, text)
    assert "part_59.py +3481-59" in draft.text
    assert "part_3.py " not in draft.text
    place = re.search(
        r"^… 52 more of 60 files, in L(\d+)-(\d+): 52 in src$", draft.text, re.MULTILINE
    )
    assert place is not None
    assert Source(text).lines[int(place[1]) - 1 : int(place[2])] == MANY.splitlines()
    places = [e.place for e in draft.elisions if isinstance(e.place, Lines)]
    assert sum(place.last - place.first + 1 for place in places) >= 4 * 52


def test_of_one_commit_more_of_its_files_stand() -> None:
    one = medium(MANY).split("\n\ncommit")[0]
    assert " more of " not in proven(git_log.plan_eliding, one).text
    rows = MANY + MANY.replace("src/", "lib/")
    view = proven(git_log.plan_eliding, medium(rows).split("\n\ncommit")[0]).text
    assert "… 64 more of 120 files, in L7-126: 32 in src, 32 in lib" in view


@pytest.mark.parametrize(
    ("total", "short"),
    [
        ("1 file changed, 1 insertion(+)", "1 file +1"),
        ("20 files changed, 1 insertion(+), 12 deletions(-)", "20 files +1 -12"),
        ("2 files changed, 0 insertions(+), 0 deletions(-)", "2 files +0 -0"),
        ("2 files changed", "2 files"),
        ("2 files changed, 1 insertions(+)", "2 files changed, 1 insertions(+)"),
        ("2 files changed, much", "2 files changed, much"),
    ],
)
def test_a_sum_is_short_and_read_back(total: str, short: str) -> None:
    view = proven(git_log.plan, medium(f" {total}\n")).text
    assert view.count(f"\n{short}\n") + view.endswith(f"\n{short}") == 4


def test_a_file_that_the_query_names_stands() -> None:
    text = oneline(MANY.replace("part_3.py", "ledger.py"), above="\n")
    text = text.replace("ledger.py", "part_3.py", 3)
    assert "ledger.py +9-3" in proven(git_files.plan_eliding, text, "who changed the ledger?").text


def test_what_is_new_or_gone_stands_before_what_was_edited() -> None:
    view = proven(git_log.plan_eliding, medium(MANY_STATES)).text
    assert "D\tdocs/gone.md" in view
    assert "… 33 more of 41 files, in L7-47: 33 in src" in view


@pytest.mark.parametrize(
    "rows",
    [
        STAT.replace("|    4", "|   4"),
        STAT + "noise\n",
        NUMSTAT.replace("README.md", "a 4, b.md"),
        NUMSTAT + SHORT,
        "",
    ],
)
def test_what_would_not_be_read_back_is_no_list(rows: str) -> None:
    assert commit_files.read(rows.splitlines(), 1) is None


@pytest.mark.parametrize("rows", [STAT, STAT + MODES, NUMSTAT, STATES])
def test_a_log_of_lines_with_files_is_detected(rows: str) -> None:
    assert detect(Source(oneline(rows))) is Kind.GIT_LOG
    assert detect(Source(oneline(rows, above="\n"))) is Kind.GIT_LOG
    assert detect(Source(rows * 9)) is not Kind.GIT_LOG
