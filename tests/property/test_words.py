"""Texts with words left out: whatever the text and the scores, lines and facts stand, all is named."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine import tokens
from furler_engine.compressors.words import refine
from furler_engine.coverage import check
from furler_engine.pipeline import compress
from furler_engine.shared.running_text import stretches, words
from furler_engine.types import Hints, Kind, Policy, Source
from support.prose import MODEL, REF

_WORDS = st.sampled_from([
    "the", "of", "restart", "worker", "was", "not", "never", "because", "host-7", "`a b`", "12", "and,", "full.",
    "naïve", "é", "the  disk", "a\u00a0b", "\u2003", "(see", "end)", '"it was refused"', "[a b](c d)", "x" * 40,
    "漢字", "\r", "\x0b", "|", "``", "'", "Ann:", "\x1f",
])  # fmt: skip
_LINES = st.lists(_WORDS, min_size=0, max_size=25).map(" ".join)
_BLOCKS = st.sampled_from(
    ["", "# Head", "```", "~~~", "| a | b |", "- ", "   ", "    ", "===", "<p>", "… L3-4"]
)
TEXTS = st.lists(st.one_of(_LINES, _LINES, _BLOCKS), min_size=1, max_size=30).map("\n".join)
FIXED = re.compile(r"\d+|(?<!`)`[^`]+`(?!`)")  # numbers, and code between single backquotes
POLICY = Policy(model=MODEL, keep=0.4)


def answers(text: str, seed: int) -> dict[str, tuple[float, ...]]:
    """Return scores for whatever may be asked of a text, in no order that means anything."""
    found = [text[a:b] for a, b in stretches(text, [(0, len(text))])]
    return {
        part: tuple((seed * (n + 7) * 2654435761 % 1000) / 1000 for n in range(len(part.split())))
        for part in found
    }


@given(TEXTS)
@settings(max_examples=300)
def test_stretches_are_in_order_and_their_words_those_of_str_split(text: str) -> None:
    at = 0
    for start, end in stretches(text, [(0, len(text))]):
        assert at <= start < end
        at = end
        assert [text[w.start : w.end] for w in words(text, start, end)] == text[start:end].split()


@given(TEXTS, st.integers(1, 10**6))
@settings(max_examples=300, deadline=None)
def test_whatever_is_left_out_is_whole_words_and_named(text: str, seed: int) -> None:
    # Long enough to be worth it, so that the writer is tried and not the doorkeeper.
    whole = "the worker of the host was restarted, because it was full. " * 60 + f"\n\n{text}"
    source = Source(whole, Hints(kind=Kind.MARKDOWN))
    refined = refine(source, POLICY, None, answers(whole, seed))
    assert refined.draft is not None
    check(source, refined.draft)
    shown = refined.draft.text.split("\n")[1:]
    lines = whole.split("\n")
    assert len(shown) == len(lines)
    for line, original in zip(shown, lines, strict=True):
        left = iter(original.split())
        assert all(word in left for word in line.split())
        assert FIXED.findall(line) == FIXED.findall(original)


@given(TEXTS, st.integers(1, 10**6), st.sampled_from(["", "why was the worker restarted"]))
@settings(max_examples=100, deadline=None)
def test_a_view_with_words_left_out_is_never_longer(text: str, seed: int, query: str) -> None:
    whole = f"{text}\n\n" * 8
    hints = Hints(kind=Kind.PROSE, query=query)
    asking = compress(whole, hints, POLICY, REF)
    view = compress(whole, hints, POLICY, REF, answers(whole, seed))
    assert tokens.count(view.text, POLICY.tokenizer).tokens <= view.tokens_before
    assert view.tokens_after <= asking.tokens_after
