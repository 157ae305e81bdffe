"""Paths with numbers, as du and wc print them: every path and number is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import sized_paths
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Kind, Policy, Source

NAMES = [
    f"services/app/src/{part}/{name}.py" for part in ("api", "core", "store") for name in "abcdefgh"
]
DU = "".join(f"{n * 4}.0K\t{name}\n" for n, name in enumerate(NAMES, 1))
WC = "".join(f"{n * 97:6d} {name}\n" for n, name in enumerate(NAMES, 1)) + f"{9999:6d} total\n"
NUMSTAT = (
    "".join(f"{n * 3}\t{n}\t{name}\n" for n, name in enumerate(NAMES, 1)) + "-\t-\tapp/a.png\n"
)


def view(text: str) -> Draft:
    source = Source(text)
    draft = sized_paths.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_numbers_stand_behind_the_names_of_their_directory() -> None:
    assert view(DU).text.split("\n")[1:3] == [
        "[all paths start with services/app/src/]",
        "api/: a.py:4.0K b.py:8.0K c.py:12.0K d.py:16.0K e.py:20.0K f.py:24.0K g.py:28.0K h.py:32.0K",
    ]


def test_both_numbers_of_numstat_are_kept() -> None:
    text = view(NUMSTAT).text
    assert "api/: a.py:3+1 b.py:6+2" in text
    assert "a.png:-+-" in text


def test_a_total_without_a_directory_is_kept() -> None:
    assert "total:9999" in view(WC).text


@pytest.mark.parametrize("text", [DU, WC, NUMSTAT])
def test_they_are_detected(text: str) -> None:
    assert detect(Source(text)) is Kind.LISTING


@pytest.mark.parametrize(
    "text",
    [
        DU.replace("\t", "  ", 1),
        WC.replace("    97 ", "  97 ", 1),
        DU + "du: cannot read directory 'src/x': Permission denied\n",
        "".join(f"{n} bottles of beer\n" for n in range(30)),
        "",
    ],
)
def test_lines_that_could_not_be_put_together_again_are_left_alone(text: str) -> None:
    assert sized_paths.plan(Source(text), Policy()) is None


PATHS = st.lists(
    st.sampled_from(["a", "b c", "*", "é", "|", "[x", " ", "."]), min_size=2, max_size=4
)
ROWS = st.tuples(st.integers(0, 10**6), PATHS.map("/".join))


@given(st.lists(ROWS, min_size=8, max_size=40), st.sampled_from(["{}\t{}", "{:>8} {}"]))
def test_any_numbers_and_paths_are_read_back(rows: list[tuple[int, str]], form: str) -> None:
    source = Source("\n".join(form.format(*row) for row in rows))
    draft = sized_paths.plan(source, Policy())
    if draft is not None:
        check(source, draft)
