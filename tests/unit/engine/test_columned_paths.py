"""Paths behind columns: every column and path is read back, each directory stands once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import columned_paths
from furler_engine.coverage import check
from furler_engine.types import Draft, Policy, Source

NAMES = [f"src/app/{part}/{name}.py" for part in ("api", "core", "store") for name in "abcdefgh"]
FIND = "".join(
    f"{6866393 + n:9} {n % 3 * 4:6} -rw-r--r--   1 root     root     {n * 97:8} Nov 20 16:07 {name}\n"
    for n, name in enumerate(NAMES)
)
TAR = "".join(
    f"-rw-r--r-- runner/docker {n * 97:5} 2026-03-01 18:35 {name}\n" for n, name in enumerate(NAMES)
)
ZIP = (
    "Archive:  a.jar\n  Length      Date    Time    Name\n---------  ---------- -----   ----\n"
    + "".join(f"{n * 97:9}  2026-04-26 19:47   {name}\n" for n, name in enumerate(NAMES))
    + "---------                     -------\n     9999                     24 files\n"
)
LS = "total 4\n" + "".join(
    f"{6866393 + n} -rw-r--r-- 1 ann ann {n * 97:5} Nov 20 16:0{n // 20} {name.replace('/', '-')}\n"
    for n, name in enumerate(NAMES)
)


def view(text: str) -> Draft:
    source = Source(text)
    draft = columned_paths.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize(
    "text", [FIND, TAR, ZIP, LS, TAR.replace("-rw-r--r-- ru", "lrwxrwxrwx ru", 3)]
)
def test_nothing_is_left_out_and_it_is_shorter(text: str) -> None:
    draft = view(text)
    assert draft.elisions == ()
    assert len(draft.text) < 0.8 * len(text)


def test_what_is_usual_is_said_once() -> None:
    lines = view(TAR).text.split("\n")
    assert "columns not said are 1=-rw-r--r-- 2=runner/docker 4=2026-03-01 18:35;" in lines[0]
    assert lines[2] == "api/: a.py:0 b.py:97 c.py:194 d.py:291 e.py:388 f.py:485 g.py:582 h.py:679"


@pytest.mark.parametrize(
    "text",
    [
        TAR.replace(" src/app/api/c", "  src/app/api/c"),
        "".join(f"2026-03-01 18:35 worker {n} is done\n" for n in range(30)),
        "\n".join(NAMES),
        "",
    ],
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert columned_paths.plan(Source(text), Policy()) is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "22", "a/b", "x=y", "-rw-r--r--"]),
            st.sampled_from(["Nov 20 16:07", "2026-03-01 18:35", "7"]),
            st.sampled_from(["a/b", "a/b/c d", "é", 'q"r', "a:b", "| x/y", "[a/b", "  z/"]),
        ),
        min_size=8,
        max_size=30,
    )
)
def test_a_draft_of_any_columns_is_proven_or_not_made(rows: list[tuple[str, str, str]]) -> None:
    source = Source("\n".join(f"{a:>6} {b:<18} {path}" for a, b, path in rows))
    draft = columned_paths.plan(source, Policy())
    if draft is not None:
        check(source, draft)
