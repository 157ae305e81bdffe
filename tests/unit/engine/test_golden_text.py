"""Views of search results, listings, git, tables, settings: as a reader gets them.

A file is named after its compressor, and what it shows besides. A view that changes on purpose is written
anew by hand, after reading it.
"""

from pathlib import Path

import pytest

from furler_engine.coverage import check
from furler_engine.router import ROUTES
from furler_engine.types import Kind, Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden"
KINDS = (
    Kind.SEARCH_RESULTS, Kind.LISTING, Kind.DIFF, Kind.GIT_LOG, Kind.TABLE, Kind.CONFIG, Kind.BLOB,
)  # fmt: skip
CASES = [(kind, case.stem) for kind in KINDS for case in sorted((GOLDEN / kind.value).glob("*.in"))]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_view_stands_as_it_was_read(kind: Kind, name: str) -> None:
    folder = GOLDEN / kind.value
    source = Source((folder / f"{name}.in").read_text(encoding="utf-8"))
    compressor = next(c for c in ROUTES[kind] if c.name == name.partition("-")[0])
    draft = compressor.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert (folder / f"{name}.out").read_text(encoding="utf-8") == draft.text + "\n"


def test_every_kind_has_a_view() -> None:
    assert list(dict.fromkeys(kind for kind, _ in CASES)) == list(KINDS)
