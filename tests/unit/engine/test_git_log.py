"""git log: hashes stay usable, what is shown is exact, what is left out is named."""

import re

import pytest

from furler_engine.compressors import diff_stat, git_log, git_oneline
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Hints, Kind, Plan, Policy, Source

HASHES = [
    "96ab9662469d94061e57cd8c591339ce27c902bd",
    "98a75ae614b43179af03ac717698cdf36d9dd1c8",
    "0" * 40,
]
MEDIUM = f"""\
commit {HASHES[0]} (HEAD -> main, tag: v1)
Merge: 6612f22 04e6bb0
Author: Ann Lee <ann@x.example>
Date:   Thu Aug 20 17:02:26 2026 -0700

    feat: one (#1)
    
    commit {HASHES[1]}
    Signed-off-by: Ann Lee <ann@x.example>

 a.py      |   2 +-
 docs/b.md | 154 +++++++
 c/pic.png | Bin 0 -> 9 bytes
 3 files changed, 1 insertion(+)

commit {HASHES[1]}
Author: Ann Lee <ann@x.example>
Date:   Sat Feb 29 01:02:03 2020 -0700

    # two
    | three

commit {HASHES[2]}
Author: Ann Lee <other@x.example>
Date:   Sun Mar 1 01:02:03 2020 -0700

    four
"""  # noqa: W293 - git ends blank lines of a message with four blanks
FULLER = f"""\
commit {HASHES[0]}
Author:     Ann Lee <ann@x.example>
AuthorDate: Thu Aug 20 17:02:26 2026 -0700
Commit:     GitHub <noreply@x.example>
CommitDate: Fri Aug 21 00:02:26 2026 +0000

    one

commit {HASHES[1]}
Author:     Bo <bo@x.example>
AuthorDate: Thu Aug 20 17:02:26 2026 -0700
Commit:     Bo <bo@x.example>
CommitDate: Thu Aug 20 17:02:26 2026 -0700

    two
"""
LONG = MEDIUM.replace("    four", "\n".join(f"    line {n}" for n in range(40)))
STAT = """\
 README.md                      |  31 +-
 lib/app/main.py                |   4 +-
 lib/app/util.py                |  13 +
 .../src/transforms/detector.rs |  94 +-
 lib/{old => new}/x.py          |   0
 pic.png                        | Bin 0 -> 9 bytes
 6 files changed, 9 insertions(+), 3 deletions(-)
"""


def proven(plan: Plan, text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


LOGS = [
    MEDIUM, FULLER, LONG, MEDIUM.replace("c/pic.png", "c/p, q 9x"), MEDIUM.replace("a.py      |", "a.py  |"),
    MEDIUM.replace("Thu Aug", "Fri Aug"), MEDIUM.replace("Ann Lee <other", "Ann; Lee <other"),
    MEDIUM.replace("\n\ncommit", "\n\nnoise\n\ncommit"), FULLER.replace("Author:     Bo", "Author: Bo"),
    re.sub(r"Date:   .*", "Date:   2026-08-20 17:02:26 -0700", MEDIUM),
    MEDIUM.replace("Lee <ann", "Bo <ann", 1), MEDIUM.replace("Date:   Sat", "noise\nDate:   Sat"),
]  # fmt: skip


@pytest.mark.parametrize("text", LOGS)
def test_every_line_is_read_back_from_the_lossless_view(text: str) -> None:
    assert not proven(git_log.plan, text).elisions


@pytest.mark.parametrize("text", LOGS)
def test_every_line_is_shown_or_named_in_the_eliding_view(text: str) -> None:
    assert proven(git_log.plan_eliding, text).elisions


def test_a_commit_takes_one_line_and_its_message() -> None:
    view = proven(
        git_log.plan_eliding, MEDIUM.replace(", d.png", "").replace("pic |", "pic       |")
    )
    assert view.text.split("\n")[1:8] == [
        "# 96ab9662469d (HEAD -> main, tag: v1) Ann Lee <ann@x.example>; Aug 20 17:02:26 2026 -0700",
        "Merge: 6612f22 04e6bb0",
        " feat: one (#1)",
        " ",
        f" commit {HASHES[1]}",
        "files: a.py 2 +-, docs/b.md 154 +++++++, c/pic.png Bin 0 -> 9 bytes; 3 files +1",
        "# 98a75ae614b4 Feb 29 01:02:03 2020 -0700",
    ]


def test_hashes_are_longer_where_twelve_characters_are_ambiguous() -> None:
    text = MEDIUM.replace(HASHES[2], HASHES[0][:13] + "f" * 27)
    shown = re.findall(r"^# ([0-9a-f]+)", proven(git_log.plan_eliding, text).text, re.MULTILINE)
    assert [len(start) for start in shown] == [16, 16, 16]
    assert len(dict.fromkeys(shown)) == 3


def test_the_end_of_a_long_message_is_named_where_it_stood() -> None:
    text = proven(git_log.plan_eliding, LONG).text
    place = re.search(r"^… L(\d+)-(\d+)$", text, re.MULTILINE)
    assert place is not None
    lines = Source(LONG).lines[int(place[1]) - 1 : int(place[2])]
    assert lines == [f"    line {n}" for n in range(14, 40)]
    assert "trailers such as Signed-off-by (1)" in text


def test_a_message_that_the_query_names_stays_whole() -> None:
    text = proven(
        git_log.plan_eliding, LONG.replace("line 30", "oauth prefix"), "the OAuth prefix commit"
    ).text
    assert " oauth prefix\n" in text
    assert " line 39" in text


def _oneline(count: int) -> str:
    kinds = [
        "fix(api): mend",
        "docs: tell",
        "feat: add",
        "chore(deps): bump",
        "Plain",
        "fix!: break",
    ]
    return "".join(
        f"{n * 7919 + 17:04x}abc{n:03d} {kinds[n % 6]} thing {n} (#{n})\n" for n in range(count)
    )


def test_recent_notable_and_named_commits_stay_and_gaps_are_counted() -> None:
    text = _oneline(200).replace("mend thing 180", "mend oauth prefix")
    draft = proven(git_oneline.plan, text, "which commit touches the oauth prefix?")
    lines = text.split("\n")
    assert draft.text.split("\n")[1:41] == lines[:40]
    for line in lines:
        if "oauth" in line or "break" in line:
            assert line in draft.text
    gaps = re.findall(r"^… L(\d+)(?:-(\d+))?: (.*)$", draft.text, re.MULTILINE)
    counted = sum(int(count) for _, _, says in gaps for count in re.findall(r"(\d+) ", says))
    assert counted == draft.total - draft.shown > 50


def test_the_branches_of_a_graph_stand_between_the_commits_that_stand() -> None:
    lines = [f"* {line}" for line in _oneline(200).splitlines()]
    for at in range(195, 0, -5):
        lines[at:at] = ["|\\  ", "| * abc1234 fix: mend a branch", "|/  "]
    text = "\n".join(lines)
    assert detect(Source(text)) is Kind.GIT_LOG
    draft = proven(git_oneline.plan, text, "")
    shown = draft.text.split("\n")
    assert shown.count("|\\  ") == shown.count("|/  ") > 4
    assert draft.total == 239
    assert draft.shown == sum(line.startswith(("* ", "| * ")) for line in shown)


def test_a_short_oneline_log_is_left_alone() -> None:
    assert git_oneline.plan(Source(_oneline(60)), Policy()) is None


@pytest.mark.parametrize("text", [STAT, STAT.replace("|   0", "|   0 "), "x\n" + STAT + "\ny\n"])
def test_a_table_of_changed_files_is_read_back_or_refused(text: str) -> None:
    source = Source(text)
    draft = diff_stat.plan(source, Policy())
    if draft is not None:
        check(source, draft)
    assert (draft is None) == ("|   0 \n" in text)


def test_changed_files_stand_under_their_directory() -> None:
    assert proven(diff_stat.plan, STAT).text.split("\n")[1:] == [
        "(top): README.md 31 +-",
        "lib/app/: main.py 4 +-, util.py 13 +",
        ".../src/transforms/: detector.rs 94 +-",
        "(top): lib/{old => new}/x.py 0, pic.png Bin 0 -> 9 bytes",
        "|  6 files changed, 9 insertions(+), 3 deletions(-)",
    ]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (MEDIUM, Kind.GIT_LOG),
        (FULLER, Kind.GIT_LOG),
        (_oneline(30), Kind.GIT_LOG),
        (STAT, Kind.DIFF),
    ],
)
def test_git_output_is_detected(text: str, kind: Kind) -> None:
    assert detect(Source(text)) is kind


def commits(changes: str) -> str:
    return "\n".join(
        f"commit {digest}\nAuthor: Ann Lee <ann@x.example>\nDate:   Thu Aug 20 17:02:26 2026 -0700\n\n    one\n\n{changes}"
        for digest in HASHES
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("M\tsrc/a.py\nM\tsrc/b.py\nA\tc.md\nR100\tx/d.py\ty/d.py\n", "» M\tsrc/: a.py b.py\nA\tc.md\nR100\tx"),
        ("src/a.py\nsrc/b.py\nc.md\n", "» \tsrc/: a.py b.py\n\tc.md"),
        (" .../engine/long.py  | 2 +-\n c.md                | 3 +++\n 2 files changed, 4 insertions(+)\n", "padded to 19: "),
        (" src/a.py | 2 +-\n src/b.py | 2 +-\n c.md     | 3 +++\n 3 files changed\n", "files: src/: a.py 2 +-, b.py 2 +-; c.md 3 +++; 3"),
    ],
)  # fmt: skip
def test_changed_files_are_written_by_directory_and_read_back(changes: str, said: str) -> None:
    source = Source(commits(changes))
    draft = git_log.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert said in draft.text
    assert "\n| " not in draft.text
