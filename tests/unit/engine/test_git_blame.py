"""git blame: a commit stands once above its lines, and every row is read back."""

import pytest

from furler_engine.compressors import git_blame
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.pipeline import compress
from furler_engine.shared.blame_rows import is_row
from furler_engine.types import Draft, Hints, Kind, Policy, Source

AUTHORS = (("^55e3be4", "Ann Lee"), ("1f20d5a3", "Bo (x)"), ("00000000", "Not Committed Yet"))


def blame(count: int, *, path: bool = False, short: bool = False, first: int = 1) -> str:
    rows = []
    for n in range(first, first + count):
        commit, author = AUTHORS[n // 7 % 3]
        where = f" {'src/a.py' if n % 14 < 7 else 'b.py':<8}" if path else ""
        date = "2026-11-20" if short else "2026-11-20 10:10:09 +0000"
        text = ["", "    return 1", "# 1-2 x|y|z", "def f(): (Bo 2026-11-20  3) "][n % 4]
        rows.append(f"{commit}{where} ({author:<17} {date} {n:>{len(str(first + count))}}) {text}")
    return "\n".join(rows) + "\n"


TEXTS = [
    blame(60),
    blame(60, path=True),
    blame(60, short=True),
    blame(12, first=990),
    blame(30) + blame(20, first=70),
]


def proven(text: str) -> Draft | None:
    source = Source(text)
    draft = git_blame.plan(source, Policy())
    if draft is not None:
        check(source, draft)
    return draft


@pytest.mark.parametrize("text", TEXTS)
def test_every_row_is_read_back_and_a_commit_stands_once_in_full(text: str) -> None:
    draft = proven(text)
    assert draft is not None
    assert not draft.elisions
    assert draft.text.count("Ann Lee") == 1 + (" b.py" in text)
    assert len(draft.text) < len(text) * 0.7


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_known_and_no_line_of_code_is_taken_for_a_message(text: str) -> None:
    assert detect(Source(text)) is Kind.GIT_LOG
    if len(text) > 2_000:
        view = compress(text, Hints(), Policy(), "a" * 16)
        assert (view.compressors, view.elisions) == (("git_blame",), ())


@pytest.mark.parametrize(
    "text",
    [
        blame(60) + "fatal: no such ref\n",
        blame(60).replace(" 40)", " 041)"),
        blame(60).replace("Ann Lee ", "Ann|Lee "),
        blame(3),
        "",
    ],
)
def test_what_would_not_be_read_back_is_left_alone(text: str) -> None:
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert "git_blame" not in view.compressors


@pytest.mark.parametrize(
    "line",
    ["2608e7df   1) # a", "see 1f20d5a3 (Bo 2026-11-20 1) x", "1f20d5a3 (Bo) x", "a" * 9_000],
)
def test_other_lines_are_no_rows(line: str) -> None:
    assert not is_row(line)
