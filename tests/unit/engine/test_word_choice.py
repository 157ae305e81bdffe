"""Which words a view of running text shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.shared.prose_words import is_english, marks, spans
from furler_engine.shared.word_choice import Reading, choose


def shown(text: str, keep: float, scores: list[float] | None = None, query: str = "") -> str:
    words = spans(text)
    kept = choose(text, words, scores or [0.5] * len(words), keep, query)
    return " ".join(text[a:b] for (a, b), stays in zip(words, kept, strict=True) if stays)


def forced(text: str) -> list[str]:
    words = spans(text)
    found = marks(text, words).forced
    return [text[a:b] for (a, b), stays in zip(words, found, strict=True) if stays]


TEXTS = st.lists(
    st.sampled_from(
        [
            "the",
            "worker",
            "must",
            "not",
            "restart",
            "12",
            "a.b_c",
            "Paris",
            "of",
            '"so',
            'it"',
            "\n-",
            "end.",
            "by",
            "than",
            "more",
            "to",
            "at",
            "once",
        ]
    ),
    max_size=60,
).map(" ".join)
DIAL = st.floats(0.3, 1.0)


@given(TEXTS, DIAL, st.integers(0, 5))
def test_what_is_forced_stays_whatever_the_budget(text: str, keep: float, seed: int) -> None:
    words = spans(text)
    scores = [((i * 7 + seed) % 11) / 11 for i in range(len(words))]
    kept = choose(text, words, scores, keep)
    assert all(k for k, f in zip(kept, marks(text, words).forced, strict=True) if f)


@given(TEXTS, st.integers(0, 5), st.sampled_from([(0.3, 0.44), (0.45, 0.54), (0.55, 0.8)]))
def test_a_wider_dial_never_drops_a_word_that_a_tighter_one_shows(
    text: str, seed: int, dials: tuple[float, float]
) -> None:
    # From .45 and .55 on, words have more beside them; across these bounds there is no promise.
    words = spans(text)
    scores = [((i * 7 + seed) % 11) / 11 for i in range(len(words))]
    tight, wide = (choose(text, words, scores, keep) for keep in dials)
    markers = marks(text, words).marker
    pairs = zip(tight, wide, markers, strict=True)
    assert not [i for i, (t, w, m) in enumerate(pairs) if t and not w and not m]


@given(TEXTS)
def test_a_full_dial_shows_everything(text: str) -> None:
    assert shown(text, 1.0) == " ".join(text.split())


def test_the_dial_is_a_share_of_the_words() -> None:
    text = "workers restart pools slowly under load today while others wait"
    for keep, count in ((0.3, 3), (0.5, 5), (0.7, 7), (1.0, 10)):
        assert len(shown(text, keep).split()) == count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it took 12 minutes and 3.5% more", ["12", "3.5%"]),
        ("do not stop, never wait, don't ask", ["not", "never", "don't"]),
        ("you must wait unless it may start", ["must", "unless", "may"]),
        ("wait at most a day, at least an hour", ["at", "most", "least"]),
        (
            "set max_conns in /etc/app/pool.yaml with --force",
            ["max_conns", "/etc/app/pool.yaml", "--force"],
        ),
        ("see https://a.example/b or mail ops@a.example", ["https://a.example/b", "ops@a.example"]),
        ("run `make all quickly` and wait", ["`make", "all", "quickly`"]),
        ('it said "connection was refused" again', ['"connection', "was", 'refused"']),
        ("it said “it was refused” again", ["“it", "was", "refused”"]),
        ("call getValue of the HTTP server in US", ["getValue", "HTTP", "US"]),
        ("磁盘已满 here", ["磁盘已满"]),
        ("Support told us it could be against it", ["against"]),
        ("as long as we pay, up to a year", ["as", "long", "as", "up", "to"]),
    ],
)
def test_facts_are_forced(text: str, expected: list[str]) -> None:
    assert forced(text) == expected


def test_shades_of_meaning_stay_where_there_is_room() -> None:
    text = (
        "Support told us twice that it could sometimes be renamed but the notes of it say nothing"
    )
    scores = [
        0.1 if word in {"told", "twice", "could", "sometimes", "but"} else 0.5
        for word in text.split()
    ]
    assert {"told", "twice", "could", "sometimes", "but"} <= set(shown(text, 0.6, scores).split())
    assert {"told", "twice", "could", "sometimes", "but"}.isdisjoint(
        shown(text, 0.4, scores).split()
    )


def test_a_quotation_mark_that_never_closes_forces_nothing() -> None:
    assert forced('it was 5" wide and then it was really very long indeed') == ['5"']
    assert forced('a "b c\nd" e') == []


def test_articles_go_first_even_where_they_score_best() -> None:
    text = "the worker restarts a pool"
    assert shown(text, 0.6, [0.9, 0.2, 0.2, 0.9, 0.2]) == "worker restarts pool"


def test_a_name_stays_whole() -> None:
    text = "people of the Bank of England asked for the help of others today"
    scores = [0.9 if word in {"Bank", "England", "help"} else 0.3 for word in text.split()]
    assert shown(text, 0.3, scores) == "Bank of England help"


def test_a_pair_stays_joined() -> None:
    text = "they saw the rise and fall. It was there too"
    scores = [0.9 if word in {"rise", "fall."} else 0.3 for word in text.split()]
    assert shown(text, 0.3, scores) == "rise and fall."
    assert "and" not in shown("saw a rise, and fall", 0.3, [0.1, 0.1, 0.9, 0.1, 0.9]).split()


@pytest.mark.parametrize(
    ("text", "keep", "low", "expected"),
    [
        # by, from, into: who does it, and whence to where
        ("the officer is assisted by the parliamentary clerks", 0.5, "the is", "officer assisted by parliamentary"),
        ("turning the code into a tree of many nodes", 0.5, "turning the of many", "code into tree nodes"),
        ("a rack keeps them from coming in contact with it", 0.5, "a them in with it", "rack keeps from coming contact"),
        # what is denied, and how much of it
        ("it launches without many of its promised features and such", 0.5, "it of its and such", "launches without many promised features"),
        ("our lawyer advises against the extension of it", 0.5, "our the of it", "lawyer advises against extension"),
        ("a token is created but never checked there", 0.6, "a is there", "token created but never checked"),
        # who tries has not done; what has been sent has not sent
        ("when an application tries to check the key", 0.6, "an the to tries", "when application tries to check"),
        ("refunds have already been sent by them", 0.6, "already by them been", "refunds have been sent"),
        # particles, bounds, comparisons
        ("leave the fan switched on and go home now", 0.6, "the on and now", "leave fan switched on"),
        ("return it within a month of the purchase", 0.6, "it a of the", "return within month of purchase"),
        ("there are more important things in life than the screen", 0.55, "there are more in the", "more important things life than screen"),
        ("they can be joined at once with it", 0.55, "they can be with it at", "be joined at once"),
    ],
)  # fmt: skip
def test_what_is_left_says_the_same(text: str, keep: float, low: str, expected: str) -> None:
    scores = [0.1 if word in low.split() else 0.9 for word in text.split()]
    assert shown(text, keep, scores) == expected


@given(TEXTS, st.integers(0, 5))
def test_what_stays_has_what_it_needs_beside_it(text: str, seed: int) -> None:
    reading = Reading.of(text, spans(text))
    scores = [((i * 7 + seed) % 11) / 11 for i in range(len(reading.spans))]
    kept = reading.choose(scores, 0.6)
    missing = [n for n in reading.needs(0.6) if kept[n.left] and kept[n.right] and not kept[n.word]]
    assert missing == []


def test_what_opens_a_line_stays_with_the_line() -> None:
    text = "- worker restarts\n- really\nProject Manager: so\nPM: pool restarts"
    words = text.split()
    scores = [0.9 if w in {"worker", "restarts", "pool"} else 0.1 for w in words]
    assert shown(text, 0.5, scores) == "- worker restarts PM: pool restarts"


def test_a_sentence_that_answers_the_query_stays_whole() -> None:
    text = (
        "The office opened in spring and people liked it. The cause of the outage was a full disk. "
        "Others went home early after that and slept. Nothing else was seen by anybody."
    )
    found = shown(text, 0.5, query="what was the cause of the outage?")
    assert "The cause of the outage was a full disk." in found


def test_names_of_the_query_are_forced() -> None:
    text = "people say that Bremen is nice and that others went home early with them today"
    scores = [0.0 if word == "Bremen" else 0.5 for word in text.split()]
    assert "Bremen" in shown(text, 0.3, scores, query="who likes Bremen")


def test_scores_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="scores: 1 for 2 words"):
        choose("a b", spans("a b"), [0.5], 0.5)


@pytest.mark.parametrize("keep", [0.29, 1.01, float("nan")])
def test_a_dial_out_of_range_is_refused(keep: float) -> None:
    with pytest.raises(ValueError, match=r"keep: .* is not within 0\.3 and 1"):
        choose("a", spans("a"), [0.5], keep)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The worker was restarted because the disk of the host was full, and it is back now. "
            * 2,
            True,
        ),
        (
            "Der Arbeiter wurde neu gestartet, weil die Platte des Rechners voll war und nicht mehr. "
            * 2,
            False,
        ),
        (
            "Le serveur a redémarré parce que le disque de la machine était plein, on ne sait pas. "
            * 2,
            False,
        ),
        (
            "El servidor se reinició porque el disco de la máquina estaba lleno y no hay más. " * 2,
            False,
        ),
        ("Сервер перезапущен", False),
        ("磁盘已满", False),
        ("disk full", True),
    ],
)
def test_only_english_is_judged(text: str, expected: bool) -> None:  # noqa: FBT001
    assert is_english(text) is expected
