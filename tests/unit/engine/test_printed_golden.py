"""Views of printed output, small enough to be read: each stands as a reader gets it.

A view that changes on purpose is written anew by hand, after reading it.
"""

from pathlib import Path

import pytest

from furler_engine.coverage import check
from furler_engine.router import ROUTES
from furler_engine.types import Kind, Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = [
    (kind, case.stem)
    for kind in (Kind.LOG, Kind.STACK_TRACE, Kind.TEST_OUTPUT, Kind.DIAGNOSTICS)
    for case in sorted((GOLDEN / kind.value).glob("*.in"))
]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_view_stands_as_it_was_read(kind: Kind, name: str) -> None:
    folder = GOLDEN / kind.value
    source = Source((folder / f"{name}.in").read_text(encoding="utf-8"))
    drafts = [compressor.plan(source, Policy()) for compressor in ROUTES[kind]]
    (draft,) = filter(None, drafts)
    check(source, draft)
    assert (folder / f"{name}.out").read_text(encoding="utf-8") == draft.text + "\n"
