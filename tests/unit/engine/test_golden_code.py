"""Skeletons as a reader sees them; the files are small enough to review by eye."""

from pathlib import Path

import pytest

from furler_engine.compressors.code import plan
from furler_engine.coverage import check
from furler_engine.types import Hints, Kind, Level, Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden" / "code"
TIGHT = Policy(levels=((Kind.CODE, Level.TIGHT),))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.in")), ids=lambda path: path.stem)
def test_a_skeleton_reads_as_reviewed(path: Path) -> None:
    source = Source(path.read_text(), Hints(filename=path.stem))
    draft = plan(source, TIGHT)
    assert draft is not None
    check(source, draft)
    assert draft.text == path.with_suffix(".out").read_text()
