"""Chunks of a text, and scores of its words from the answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_kompress.encode import CHUNK, LENGTHS, encode, pool
from furler_kompress.words import spans

SENTENCE = "The worker of the second pool restarts, because its disk was really full. "
WORDS = st.lists(
    st.sampled_from(
        ["the", "restart.", "naïve", "x" * 300, "a/b" * 90, "\x01", "木木木", "\n\n", "v1.2"]
    ),
    max_size=400,
)


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_every_word_of_any_text_gets_one_score(words: list[str]) -> None:
    text = " ".join(words)
    chunks = encode(text)
    scores = pool(chunks, [np.full(len(c.words), 0.25, np.float32) for c in chunks])
    assert len(scores) == len(text.split())
    assert set(scores.tolist()) <= {0.25, 1.0}


@settings(max_examples=40, deadline=None)
@given(WORDS)
def test_every_sub_token_is_judged_once_in_order(words: list[str]) -> None:
    chunks = encode(" ".join(words))
    judged = [int(word) for chunk in chunks for word in chunk.words if word >= 0]
    whole = encode_uncut(" ".join(words))
    assert judged == whole


def encode_uncut(text: str) -> list[int]:
    """The word of each sub-token, found word by word: an oracle that never cuts."""
    found: list[int] = []
    for i, (start, end) in enumerate(spans(text)):
        pieces = encode(text[start:end])
        found += [i for chunk in pieces for word in chunk.words if word >= 0]
    return found


def test_a_chunk_is_padded_to_a_length_that_a_server_can_join() -> None:
    for repeats in (1, 5, 10, 20, 100):
        for chunk in encode(SENTENCE * repeats):
            assert len(chunk.input_ids) in LENGTHS
            assert chunk.length <= CHUNK
            assert not chunk.attention_mask[chunk.length :].any()
            assert not chunk.input_ids[chunk.length :].any()


def test_a_long_text_is_cut_where_sentences_end() -> None:
    chunks = encode(SENTENCE * 100)
    assert len(chunks) > 1
    stop = int(encode("x.")[0].input_ids[2])
    for chunk in chunks[:-1]:
        assert chunk.input_ids[chunk.length - 2] == stop


def test_a_word_near_a_cut_is_judged_with_context_on_both_sides() -> None:
    for chunk in encode(SENTENCE * 100)[1:]:
        assert int((chunk.words >= 0).argmax()) > 8


def test_a_word_scores_what_its_best_sub_token_scores() -> None:
    chunks = encode("kompressor unquestionably")
    answer = np.linspace(0, 1, len(chunks[0].words), dtype=np.float32)
    owners = chunks[0].words
    scores = pool(chunks, [answer])
    assert scores.tolist() == [float(answer[owners == i].max()) for i in (0, 1)]


def test_an_answer_may_be_as_long_as_its_tokens_or_as_its_padding() -> None:
    chunks = encode(SENTENCE)
    answer = np.linspace(0, 1, len(chunks[0].words), dtype=np.float32)
    assert pool(chunks, [answer]).tolist() == pool(chunks, [answer[: chunks[0].length]]).tolist()


def test_a_text_without_words_has_no_chunks_and_no_scores() -> None:
    assert encode(" \n\t") == []
    assert pool([], []).tolist() == []


def test_a_wrong_number_of_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="0 answers for 1 chunks"):
        pool(encode("one"), [])


def test_an_answer_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        pool(encode("one"), [np.zeros(7, np.float32)])
