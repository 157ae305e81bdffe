"""git status, long and short: fewer characters, every line read back."""

from __future__ import annotations

import pytest

from furler_engine.compressors import git_status
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.pipeline import compress
from furler_engine.types import Hints, Kind, Policy, Source

LONG = (
    "On branch main\nYour branch is up to date with 'origin/main'.\n\n"
    'Changes not staged for commit:\n  (use "git add <file>..." to update what will be committed)\n'
    + "".join(f"\tmodified:   services/app/src/module/part_{n}.py\n" for n in range(40))
    + "\tdeleted:    docs/old name.md\n\nUntracked files:\n"
    + "".join(f"\ttests/unit/module/test_part_{n}.py\n" for n in range(40))
    + '\nno changes added to commit (use "git add" and/or "git commit -a")\n'
)
SHORT = "".join(
    f"{state} services/app/src/module/part_{n}.py\n"
    for state in (" M", "A ", "??")
    for n in range(30)
)


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_status_is_recognised_shortened_and_read_back(text: str) -> None:
    source = Source(text)
    assert detect(source) is Kind.LISTING
    draft = git_status.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert view.compressors == ("git_status",)
    assert view.tokens_after < 0.55 * view.tokens_before


def test_what_cannot_be_joined_stands_as_it_is() -> None:
    draft = git_status.plan(Source(LONG), Policy())
    assert draft is not None
    for line in ("\tdeleted:    docs/old name.md", "On branch main", "Untracked files:"):
        assert line in draft.text.split("\n")


@pytest.mark.parametrize("line", ["» modified: a/: b", "\tmodified:   a/: b/c.py"])
def test_lines_like_our_own_are_read_back_all_the_same(line: str) -> None:
    source = Source(LONG + line + "\n")
    draft = git_status.plan(source, Policy())
    if draft is not None:
        check(source, draft)


def test_a_text_with_few_entries_is_left_alone() -> None:
    assert git_status.plan(Source("On branch main\nnothing to commit\n"), Policy()) is None
