"""Minified and generated lines: their starts stay, the rest is named."""

from furler_engine.compressors.long_lines import plan
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Bytes, Draft, Kind, Lines, Policy, Source

FUNCTION = "function a(b,c){return b&&c?b.d(c):null};X.prototype.publicName=a;var e=function(){};"


def view(text: str) -> Draft:
    source = Source(text)
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_a_run_of_long_lines_is_one_elision() -> None:
    draft = view("/* licence */\n" + (FUNCTION * 9 + "\n") * 5 + "short();\n")
    assert [e.place for e in draft.elisions] == [Lines(2, 6)]
    assert draft.text.endswith(" … L2-6; assigns publicName\nshort();\n")


def test_one_long_line_keeps_its_start_and_names_its_bytes() -> None:
    draft = view("x = 1\ny = '" + "é" * 1_000 + "'\n")
    assert [e.place for e in draft.elisions] == [Bytes(241, 2012)]
    assert "y = '" + "é" * 115 + "…B241-2012…\n" in draft.text


def test_lines_that_people_wrote_are_left_alone() -> None:
    assert plan(Source("x = compute(1)\n" * 500), Policy()) is None


def test_minified_code_is_code() -> None:
    assert detect(Source("/* licence */\n" + (FUNCTION * 9 + "\n") * 40)) is Kind.CODE
