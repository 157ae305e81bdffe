from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from furler_engine import tokens
from furler_engine.tokens import (
    UnknownTokenizerError,
    VocabularyCorruptError,
    count,
    estimate,
    verify,
)
from furler_engine.types import TOKENIZERS

SAMPLES = [
    "",
    "hello world",
    "def f(x):\n    return x ** 2  # comment\n\n\n" * 30,
    '{"id": 12345, "name": "Ünïcödé", "ok": true}\n' * 20,
    "2026-01-01T00:00:00Z INFO  [main] started in 1,234 ms\r\n" * 20,
    "日本語テキスト、混在 text と絵文字 👩‍👩‍👧‍👦🏳️‍🌈" * 5,
    "مرحبا بالعالم שלום עולם नमस्ते दुनिया",
    "<|endoftext|><|fim_prefix|> are plain text here",
    "   \n \t\n\n   x    \r\n\r\n  y \u00a0\u2003z",
    "It's they'RE we'll I'd 'Tis",
    "a\u0301e\u0301 \u200b\ufeff\x00\x07 \U0010ffff",
    "/usr/lib//x/\n/etc\n---\n/a",
]


@pytest.fixture(scope="module", params=TOKENIZERS)
def published(request: pytest.FixtureRequest) -> tiktoken.Encoding:
    """Return tiktoken's own encoding: its pattern, its special tokens, our copy of its ranks."""
    name = str(request.param)
    ranks = {
        tokens._load(name).decode_single_token_bytes(rank): rank
        for rank in range({"cl100k_base": 100_256, "o200k_base": 199_998}[name])
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: ranks)
        return tiktoken.Encoding(**getattr(openai_public, name)())


@pytest.mark.parametrize("text", SAMPLES)
def test_a_count_is_what_tiktoken_itself_counts(published: tiktoken.Encoding, text: str) -> None:
    assert count(text, published.name).tokens == len(published.encode_ordinary(text))


@given(
    st.text(
        st.sampled_from(" \n\r\t'sdmLREvltAÉéß\u0301\u3000中١Ⅷǅʰ7./-_\x85\u2028🙂\x00"), max_size=40
    )
)
def test_awkward_text_is_counted_as_tiktoken_itself_counts_it(
    published: tiktoken.Encoding, text: str
) -> None:
    assert count(text, published.name).tokens == len(published.encode_ordinary(text))


def test_a_text_counted_in_pieces_has_the_same_count(
    published: tiktoken.Encoding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_ENCODED_AT_ONCE", 50)
    monkeypatch.setattr(tokens, "_RUN_BLOCK", 1000)
    text = "\n".join(SAMPLES[index * index % len(SAMPLES)] for index in range(200))
    assert count(text, published.name).tokens == len(published.encode_ordinary(text))
    assert not count(text, published.name).estimated


@given(st.text(st.sampled_from("\n\r /'sdRaÉ\u0301١7.|_-\x1b"), min_size=4, max_size=60))
def test_awkward_text_counted_in_pieces_has_the_same_count(
    published: tiktoken.Encoding, text: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_ENCODED_AT_ONCE", 3)
        counted = tokens._encoded(tokens._load(published.name), text)
    assert counted == len(published.encode_ordinary(text))


@pytest.mark.parametrize("run", ["a", " ", "\n", "=", "7", "é", "漢", "Ab"])
def test_a_giant_run_is_estimated_well_and_quickly(published: tiktoken.Encoding, run: str) -> None:
    text = "before " + run * (250_000 // len(run)) + " after"
    counted = count(text, published.name)
    exact = sum(
        len(published.encode_ordinary(text[i : i + 25_000])) for i in range(0, 250_007, 25_000)
    )
    assert counted.estimated
    assert abs(counted.tokens - exact) <= 0.03 * exact + 10


def test_a_million_blanks_do_not_overflow_anything() -> None:
    assert count(" " * 3_000_000, "o200k_base").estimated
    assert estimate(" " * 3_000_000, "o200k_base") > 0


@pytest.mark.parametrize(("index", "error"), [(1, 0.2), (2, 0.2), (3, 0.4), (4, 0.2), (5, 0.4)])
def test_an_estimate_is_near(published: tiktoken.Encoding, index: int, error: float) -> None:
    exact = len(published.encode_ordinary(SAMPLES[index]))
    assert abs(estimate(SAMPLES[index], published.name) - exact) <= error * exact + 3


def test_an_estimate_of_something_is_never_zero_and_of_nothing_always() -> None:
    assert estimate("", "o200k_base") == 0
    assert estimate("a", "o200k_base") >= 1
    assert estimate("\r", "o200k_base") >= 1


def test_an_estimate_made_in_pieces_is_the_same_but_for_the_seams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "one two three 4\n" * 1000
    whole = estimate(text, "o200k_base")
    monkeypatch.setattr(tokens, "_ESTIMATED_AT_ONCE", 1000)
    assert abs(estimate(text, "o200k_base") - whole) <= 16


def test_an_unknown_tokenizer_names_the_known_ones() -> None:
    for ask in (lambda: count("x", "gpt9"), lambda: estimate("x", "gpt9"), lambda: verify("gpt9")):
        with pytest.raises(UnknownTokenizerError, match="cl100k_base, o200k_base"):
            ask()


def test_a_damaged_vocabulary_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens._load.cache_clear()
    monkeypatch.setattr("furler_engine.tokens.gzip.decompress", lambda _: b"IQ== 0\n")
    try:
        with pytest.raises(VocabularyCorruptError, match="o200k_base"):
            verify("o200k_base")
    finally:
        monkeypatch.undo()
        tokens._load.cache_clear()
    verify("o200k_base")


def test_both_vocabularies_travel_with_the_package() -> None:
    folder = Path(str(tokens.__file__)).parent / "vocabularies"
    assert sorted(path.name for path in folder.glob("*.gz")) == [
        f"{name}.tiktoken.gz" for name in TOKENIZERS
    ]


def test_every_tokenizer_of_the_engine_has_a_vocabulary() -> None:
    assert tuple(sorted(tokens._VOCABULARIES)) == TOKENIZERS


def test_a_text_that_the_encoder_gives_up_on_is_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    # Named as the encoder's own is, which cannot be imported either.
    panic = type("PanicException", (BaseException,), {})

    class Panicking:
        def encode_to_tiktoken_buffer(self, _text: str, _allowed: frozenset[str]) -> bytes:
            raise panic

    monkeypatch.setattr(tokens, "_load", lambda _tokenizer: Panicking())
    expected = tokens.Count(estimate("some words", "o200k_base"), estimated=True)
    assert count("some words", "o200k_base") == expected


def test_an_interrupt_while_counting_is_not_taken_for_a_panic(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Interrupted:
        def encode_to_tiktoken_buffer(self, _text: str, _allowed: frozenset[str]) -> bytes:
            raise KeyboardInterrupt

    monkeypatch.setattr(tokens, "_load", lambda _tokenizer: Interrupted())
    with pytest.raises(KeyboardInterrupt):
        count("some words", "o200k_base")
