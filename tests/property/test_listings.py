"""Listings: whatever the paths, the view gives every line back."""

import contextlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import git_objects, listing, name_list, path_list, tree
from furler_engine.coverage import CoverageError, check
from furler_engine.types import Hints, Plan, Policy, Source

NAMES = st.sampled_from(
    ["a", "b", "ab", "main.py", "x y", "*", '"', "-", "(top)", "|", "[a", "é", ":", "", " ", "."]
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PATH_LISTS = st.lists(PATHS, min_size=8, max_size=30).map("\n".join)
SECTIONS = st.lists(st.tuples(PATHS, st.lists(NAMES, max_size=4)), min_size=2, max_size=6).map(
    lambda found: "\n\n".join("\n".join([f"{path}:", *names]) for path, names in found)
)
ROWS = st.builds(
    "{}{} {} {} {} {} {}".format,
    st.sampled_from(["-rw-r--r-- ", "drwxr-xr-x  ", "lrwxrwxrwx ", "srwxr-xr-x "]), st.integers(1, 12),
    st.sampled_from(["root", "bob "]), st.sampled_from(["root", "w   "]),
    st.sampled_from(["    1", "  512", "1234567"]),
    st.sampled_from(["Nov 20 07:48", "Jan  1  2025", "2026-01-02 03:04"]),
    st.sampled_from(["a.py", "a b", "x -> y/", "links=3 z", "Nov 20 07:48 q", "12 z", "d/"]),
)  # fmt: skip
LONG = st.lists(
    st.one_of(ROWS, ROWS, ROWS, st.sampled_from(["", "a:", "total 3", "# x", "ls: no"])), min_size=6
)


def proven(plan: Plan, text: str) -> bool:
    source = Source(text, Hints(query="main of ab"))
    draft = plan(source, Policy())
    if draft is not None:
        check(source, draft)
    return draft is not None


@given(PATH_LISTS)
@settings(max_examples=300)
def test_every_path_is_read_back(text: str) -> None:
    proven(path_list.plan, text)


@given(SECTIONS)
@settings(max_examples=200)
def test_every_name_is_read_back(text: str) -> None:
    proven(name_list.plan, text)


@given(st.lists(PATHS.filter(lambda p: ":" not in p and '"' not in p), min_size=8, max_size=20))
@settings(max_examples=100)
def test_plain_paths_are_always_accepted(paths: list[str]) -> None:
    text = "\n".join("a/" + path for path in paths)
    assert proven(path_list.plan, text)


@pytest.mark.parametrize("plan", [listing.plan, tree.plan])
def test_what_is_no_listing_is_left_alone(plan: Plan) -> None:
    assert not proven(plan, "one\ntwo\nthree\n" * 10)


def drawn(children: list[object], style: Sequence[str], before: str = "") -> list[str]:
    down, branch, last, parent, last_parent = style
    lines = []
    for at, child in enumerate(children):
        is_last = at == len(children) - 1
        name, inner = child if isinstance(child, tuple) else (child, [])
        sign = (last_parent if is_last else parent) if inner else last if is_last else branch
        lines.append(f"{before}{sign}{name}")
        lines += drawn(inner, style, before + (" " * len(down) if is_last else down))
    return lines


STYLES = (
    ("│   ", "├── ", "└── ", "├── ", "└── "),
    ("│ ", "├── ", "└── ", "├─┬ ", "└─┬ "),  # npm ls
    ("|    ", "+--- ", "\\--- ", "+--- ", "\\--- "),  # gradle dependencies
)
TREES = st.recursive(
    NAMES,
    lambda inner: st.tuples(st.sampled_from(["d", "e f"]), st.lists(inner, min_size=1, max_size=4)),
    max_leaves=20,
)


@given(st.lists(TREES, min_size=2, max_size=6), st.integers(0, 30), st.sampled_from(STYLES))
@settings(max_examples=400)
def test_every_branch_of_a_tree_is_read_back_also_of_its_head(
    trees: list[object], end: int, style: Sequence[str]
) -> None:
    proven(tree.plan, "\n".join([".", *drawn(trees, style)[: 7 + end]]))


@given(LONG.map("\n".join), st.sampled_from([listing.plan, tree.plan]))
@settings(max_examples=200)
def test_a_malformed_listing_is_refused_never_shown_wrong(text: str, plan: Plan) -> None:
    with contextlib.suppress(CoverageError):
        proven(plan, text)


OBJECTS = st.lists(
    st.builds(
        "{} {}\t{}".format,
        st.sampled_from(["100644 blob", "120000 blob", "040000 tree"]), st.sampled_from(["a" * 40, "0" * 40]),
        PATHS,
    ),
    min_size=4, max_size=30,
)  # fmt: skip


@given(OBJECTS)
def test_objects_of_git_are_listed_with_every_path(lines: list[str]) -> None:
    proven(git_objects.plan, "\n".join(lines))
