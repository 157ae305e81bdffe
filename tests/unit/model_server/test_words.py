"""Words and shapes of the prose model."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from furler_engine.shared import prose_words
from furler_kompress.words import Shape, core, opens_line, shapes, spans

TEXTS = st.text(st.sampled_from("aB3.,-'\" \n\t\u00a0\u2003\u2028\x1c\x85é木ก`_/"), max_size=80)


@given(TEXTS)
def test_words_are_what_the_service_and_the_engine_call_words(text: str) -> None:
    found = [text[start:end] for start, end in spans(text)]
    assert found == text.split()
    assert spans(text) == [tuple(span) for span in prose_words.spans(text)]


@given(TEXTS)
def test_every_word_has_a_shape_and_a_place_in_its_line(text: str) -> None:
    words = spans(text)
    assert len(shapes(text, words)) == len(opens_line(text, words)) == len(words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the", Shape.ARTICLE),
        ("is", Shape.AUXILIARY),
        ("of", Shape.LINK),
        ("which", Shape.FUNCTION),
        ("don't", Shape.LIMIT),
        ("“must”", Shape.LIMIT),
        ("3,000", Shape.NUMBER),
        ("—", Shape.MARK),
        ("pool.yaml,", Shape.IDENTIFIER),
        ("getValue", Shape.IDENTIFIER),
        ("--force", Shape.IDENTIFIER),
        ("__init__", Shape.IDENTIFIER),
        ("HTTP", Shape.CAPS),
        ("read-only", Shape.COMPOUND),
    ],
)
def test_a_word_has_the_shape_that_the_model_was_trained_on(text: str, expected: Shape) -> None:
    sentence = f"so {text} so"
    assert shapes(sentence, spans(sentence))[1] is expected


@example([":__:a"])
@given(st.lists(st.text(st.sampled_from("aBnotN3._-/'\"`@$:(),xy"), min_size=1, max_size=9)))
def test_what_the_model_takes_for_a_fact_the_engine_never_drops(words: list[str]) -> None:
    text = " ".join(["not", *words, "must"])
    found = prose_words.spans(text)
    facts = {Shape.NUMBER, Shape.IDENTIFIER, Shape.LIMIT}
    needed = [shape in facts for shape in shapes(text, found)]
    forced = prose_words.marks(text, found).forced
    assert [
        text[a:b] for (a, b), n, f in zip(found, needed, forced, strict=True) if n and not f
    ] == []


def test_a_capital_that_opens_a_sentence_is_no_name() -> None:
    text = "Workers ask Redis.\nNobody waits. Then Paris answers\nlate"
    assert shapes(text, spans(text)) == [
        Shape.OPENING,
        Shape.LOWER,
        Shape.TITLE,
        Shape.LIMIT,
        Shape.LOWER,
        Shape.FUNCTION_TITLE,
        Shape.TITLE,
        Shape.LOWER,
        Shape.LINE_START,
    ]


def test_the_core_of_a_word_has_no_punctuation_around_it() -> None:
    assert [core(word) for word in ("(see", "end.", '"x-1",', "...")] == ["see", "end", "x-1", ""]
