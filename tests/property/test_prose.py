"""Running text: whatever it is, units cover it and every line is shown or named."""

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import prose
from furler_engine.coverage import check
from furler_engine.shared.units import units
from furler_engine.types import Hints, Policy, Source

LINES = st.sampled_from([
    "", "# Head", "```", "~~~", "| a | b |", "- item", "One. Two! Three? " * 12, "Ann: yes", "é 漢字。次。", "… L3-4", "\r", "a\x0bb",
])  # fmt: skip
TEXTS = st.lists(LINES, min_size=1, max_size=60).map("\n".join)


@given(TEXTS)
@settings(max_examples=300)
def test_units_cover_the_text_without_gaps(text: str) -> None:
    assert "".join(text[unit.start : unit.end] for unit in units(text)) == text


@given(TEXTS, st.sampled_from(["", "item two", "次 yes"]), st.sampled_from([0, 1, 40]))
@settings(max_examples=300)
def test_every_line_is_shown_or_named(text: str, query: str, target: int) -> None:
    source = Source(text, Hints(query=query))
    draft = prose.plan(source, Policy(target_tokens=target))
    if draft is not None:
        check(source, draft)
