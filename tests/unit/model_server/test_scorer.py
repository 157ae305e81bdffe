"""The model in this process: what it promises whoever asks it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from furler_kompress import artefact
from furler_kompress.encode import encode, pool
from furler_kompress.scorer import Scorer
from furler_kompress.words import spans

PASSAGE = (
    "Please note that in order to restart the worker you will basically need to set the "
    "KOMPRESS_RELOAD variable to 1, otherwise it will not pick up the new weights."
)
LONG = " ".join(f"{PASSAGE} Attempt {i}." for i in range(30))


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load()


def test_every_word_has_a_score_within_zero_and_one(scorer: Scorer) -> None:
    for text in ("", " \n", "word", PASSAGE, LONG, "磁盘已满 这 台 机器", "\x01 a"):
        scores = scorer.score(text)
        assert len(scores) == len(text.split())
        assert all(0 <= score <= 1 for score in scores)


def test_what_a_sentence_says_scores_above_what_it_says_it_with(scorer: Scorer) -> None:
    words = PASSAGE.split()
    score = dict(zip(words, scorer.score(PASSAGE).tolist(), strict=True))
    facts = ("restart", "KOMPRESS_RELOAD", "1,", "not", "weights.")
    fillers = ("Please", "that", "basically", "the", "will")
    assert min(score[word] for word in facts) > max(score[word] for word in fillers)


def test_the_same_text_has_the_same_scores_in_any_thread(scorer: Scorer) -> None:
    alone = scorer.score(LONG).tolist()
    with ThreadPoolExecutor(4) as pool_:
        beside = list(pool_.map(lambda text: scorer.score(text).tolist(), [LONG, PASSAGE] * 4))
    assert [scores for scores in beside if len(scores) == len(alone)] == [alone] * 4


def test_the_number_of_threads_does_not_change_what_stays(scorer: Scorer) -> None:
    other = Scorer.load(threads=2).score(LONG)
    np.testing.assert_allclose(other, scorer.score(LONG), atol=1e-5)


def test_words_that_the_caller_has_found_are_not_looked_for_again(scorer: Scorer) -> None:
    assert scorer.score(PASSAGE, spans(PASSAGE)).tolist() == scorer.score(PASSAGE).tolist()


def test_a_chunk_is_answered_as_long_as_it_is(scorer: Scorer) -> None:
    chunks = encode(LONG)
    answers = [scorer.run(chunk) for chunk in chunks]
    assert [answer.shape for answer in answers] == [(chunk.length,) for chunk in chunks]
    assert pool(chunks, answers).tolist() == scorer.score(LONG).tolist()


def test_the_version_says_which_files_answer(scorer: Scorer) -> None:
    assert scorer.version == artefact.version()
    assert scorer.version.startswith("kompress-")
