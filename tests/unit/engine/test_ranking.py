from furler_engine.shared import ranking
from furler_engine.shared.ranking import Passages


def test_inflected_words_meet_in_their_stem() -> None:
    scores = Passages(["it was retrying", "we retried twice", "nothing here"]).scores("retries")
    assert [score > 0 for score in scores] == [True, True, False]


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    texts = ["the disk is full", "the disk is fine", "the disk is new", "the quota is full"]
    scores = Passages(texts).scores("quota disk")
    assert scores.index(max(scores)) == 3


def test_stop_words_alone_score_nothing() -> None:
    assert Passages(["what is it", "that was this"]).scores("what is that") == [0.0, 0.0]


def test_neighbours_of_an_answer_are_raised_by_smoothing_and_not_without() -> None:
    texts = ["alpha"] * 5 + ["budget"] + ["alpha"] * 5
    assert [i for i, s in enumerate(Passages(texts).scores("budget")) if s] == [5]
    smooth = Passages(texts).scores("budget", smoothing=1.0)
    assert [i for i, s in enumerate(smooth) if s] == [3, 4, 5, 6, 7]
    assert smooth.index(max(smooth)) == 5


def test_feedback_finds_texts_that_share_the_answers_words_but_not_the_querys() -> None:
    texts = [
        "remote control with rubber buttons",
        "rubber buttons wear out",
        "lunch is at noon",
        "remote control rubber buttons",
        *["other matters entirely"] * 6,
    ]
    assert Passages(texts).scores("remote")[1] == 0
    assert Passages(texts).scores("remote", feedback=True)[1] > 0
    assert Passages(texts).scores("remote", feedback=True)[2] == 0


def test_names_in_code_are_several_words() -> None:
    assert ranking.words("getHTTPStatus user_id E4042 Zähler") == [
        "get", "http", "status", "user", "id", "e4042", "zähler",
    ]  # fmt: skip


def test_scripts_without_spaces_match_by_pairs_of_characters() -> None:
    scores = Passages(["日本語の検索エンジン", "天気予報"]).scores("検索")
    assert [score > 0 for score in scores] == [True, False]


def test_ids_paths_and_addresses_of_a_query_are_literals() -> None:
    query = "Why did request 7f3a-b1 to 10.0.0.7 fail in src/app.py for bo@x.example?"
    assert ranking.literals(query) == ["7f3a-b1", "10.0.0.7", "src/app.py", "bo@x.example"]


def test_the_row_a_query_names_is_hit_among_rows_that_share_its_words() -> None:
    rows = [f"user {n} user{n}@corp.example plan free" for n in range(200)]
    assert ranking.hits(rows, "What is the plan of user77@corp.example?") == [77]


def test_a_word_that_most_texts_have_hits_none_of_them() -> None:
    rows = ["service ok"] * 30 + ["service died"]
    assert ranking.hits(rows, "Why did the service die?") == [30]


def test_hits_are_at_most_the_limit_and_ascending() -> None:
    rows = ["fine"] * 100 + ["timeout"] * 10
    assert ranking.hits(rows, "timeout", limit=3) == [100, 101, 102]


def test_no_texts_and_no_query_give_no_scores_and_no_hits() -> None:
    assert Passages([]).scores("x", smoothing=2.0, feedback=True) == []
    assert Passages(["", "!!"]).scores("", smoothing=2.0, feedback=True) == [0.0, 0.0]
    assert ranking.hits([], "x") == []
    assert ranking.hits(["a", "b"], "") == []
