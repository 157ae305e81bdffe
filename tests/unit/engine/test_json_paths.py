"""JSON that lists paths: every path is shown, each directory once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import json_paths, json_rows
from furler_engine.coverage import check
from furler_engine.pipeline import compress
from furler_engine.types import Draft, Hints, Kind, Level, Policy, Source

FILES = [
    f"src/app/{part}/{name}.py" for part in ("api", "core", "store") for name in "abcdefghijklmn"
]


def view(value: object) -> Draft:
    source = Source(json.dumps(value, indent=1))
    draft = json_paths.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_every_path_is_shown_under_its_directory() -> None:
    lines = view(FILES).text.split("\n")
    assert lines[1:] == [
        "[all paths start with src/app/]",
        f"api/: {' '.join(f'{name}.py' for name in 'abcdefghijklmn')}",
        f"core/: {' '.join(f'{name}.py' for name in 'abcdefghijklmn')}",
        f"store/: {' '.join(f'{name}.py' for name in 'abcdefghijklmn')}",
    ]


def test_what_stands_around_the_list_is_shown_too() -> None:
    text = view({"result": {"files": FILES, "truncated": False}, "took": 1.5}).text
    assert text.startswith("[JSON; $.result.files is a list of 42 paths, in their order, ")
    assert '\n{"result":{"files":"(paths below)","truncated":false},"took":1.5}\n' in text


def test_paths_are_kept_where_rows_would_be_left_out() -> None:
    text = json.dumps({"files": [f"{path}{n}" for path in FILES for n in range(9)]})
    got = compress(text, Hints(), Policy(), "abcdefghijklmnop")
    assert (got.kind, got.compressors, got.elisions) == (Kind.JSON, ("json_paths",), ())
    tight = Policy(levels=((Kind.JSON, Level.TIGHT),))
    assert json_rows.plan(Source(text), tight) is not None


@pytest.mark.parametrize(
    "value",
    [
        FILES[:19],
        [f"word {n}" for n in range(90)],
        [f"https://a.example/{n}" for n in range(90)],
        [*FILES, 3],
        [*FILES, "a/\ud800"],
        [*FILES, "a\n/b"],
        {"files": FILES, "text": "x" * 5000},
    ],
)
def test_other_lists_are_left_alone(value: object) -> None:
    assert json_paths.plan(Source(json.dumps(value)), Policy()) is None


NAMES = st.sampled_from(["a", "b c", "*", "é", "-", "|", "[x", "(top)", "", ".", ":", '"'])
PATHS = st.lists(NAMES, min_size=2, max_size=4).map("/".join)


@given(st.lists(PATHS, min_size=20, max_size=60), st.sampled_from([None, "files", "a b"]))
def test_any_list_of_paths_is_read_back(paths: list[str], name: str | None) -> None:
    source = Source(json.dumps(paths if name is None else {name: paths, "n": 1}, indent=4))
    draft = json_paths.plan(source, Policy())
    if draft is not None:
        check(source, draft)
