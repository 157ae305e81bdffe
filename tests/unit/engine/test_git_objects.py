"""git ls-tree and git ls-files -s: every path is shown, what is unusual is named, each row can be had back."""

import pytest

from furler_engine.compressors import git_objects
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.pipeline import compress
from furler_engine.select import select
from furler_engine.shared.git_objects import read
from furler_engine.types import BytesShown, Draft, Hints, Kind, Match, Policy, Source

HASH = "290a95517feb85962e6bea9903d98803d5f3fcd9"
TREE = "".join(
    f"100{755 if n == 7 else 644} blob {n:040x}\tsrc/{'abc'[n % 3]}/part_{n}.py\n"
    for n in range(40)
)
INDEX = "".join(f"100644 {n:040x} 0\tdocs/größe {n}.md\n" for n in range(40)) + "".join(
    f"100644 {HASH} {stage}\tdocs/torn.md\n" for stage in (1, 2, 3)
)
SIZED = "".join(f"100644 blob {n:040x} {n * n:7}\tlib/f{n}.go\n" for n in range(40))


def proven(text: str, query: str = "") -> Draft | None:
    source = Source(text, Hints(query=query))
    draft = git_objects.plan(source, Policy())
    if draft is not None:
        check(source, draft)
    return draft


@pytest.mark.parametrize("text", [TREE, INDEX, SIZED])
def test_every_path_is_shown_and_proved(text: str) -> None:
    draft = proven(text)
    assert draft is not None
    assert isinstance(draft.coverage, BytesShown)
    names = [text.encode()[place.start : place.end].decode() for place in draft.coverage.ranges]
    assert names == [line.rpartition("/")[2] for line in text.splitlines()]
    assert len(draft.text) < len(text) / 2


@pytest.mark.parametrize("text", [TREE, INDEX, SIZED])
def test_it_is_a_listing_and_no_table_whose_rows_are_sampled(text: str) -> None:
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert (view.kind, view.compressors) == (Kind.LISTING, ("git_objects",))


def test_what_is_unusual_is_named() -> None:
    for text, said in (
        (TREE, "[100755 blob: src/b/part_7.py]"),
        (INDEX, "[100644 stage 2: docs/torn.md]"),
        (SIZED, "[20,540 bytes in all; largest: lib/f39.go 1521, lib/f38.go 1444,"),
    ):
        draft = proven(text)
        assert draft is not None
        assert said in draft.text


def test_a_row_that_the_query_names_stands_whole() -> None:
    text = TREE.replace("part_9.py", "ledger.py")
    draft = proven(text, "what is the hash of the ledger?")
    assert draft is not None
    assert f"\n100644 blob {9:040x}\tsrc/a/ledger.py" in draft.text


def test_the_pattern_that_a_view_tells_gives_a_row() -> None:
    ranges = select(TREE, Match("part_11.py$"))
    assert [TREE.encode()[a:b].decode() for a, b in ranges] == [TREE.splitlines(keepends=True)[11]]


@pytest.mark.parametrize(
    "line",
    [
        f"100644 blob {HASH[:12]}\ta.py",
        f"100644 blob {HASH} a.py",
        f"100644 blob {HASH} 0 0\ta.py",
        f"100644 {HASH}\ta.py",
        f"{HASH}  a.py",
        "",
    ],
)
def test_what_only_looks_like_a_row_is_none(line: str) -> None:
    assert read(line) is None
    assert proven(f"{TREE}{line}\n") is None


def test_hashes_of_files_are_no_rows() -> None:
    sums = "".join(f"{n:064x}  src/part_{n}.py\n" for n in range(40))
    assert detect(Source(sums)) is not Kind.LISTING or proven(sums) is None
