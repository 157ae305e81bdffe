import pytest

from furler_engine import tokens
from furler_engine.paging import page
from furler_engine.tokens import UnknownTokenizerError

TOKENIZER = "o200k_base"
LOG = "".join(
    f"2026-01-01 12:00:{n % 60:02} INFO request {n} served in {n * 7 % 91} ms\n" for n in range(400)
)


def pages(text: str, ranges: list[tuple[int, int]], size: int) -> list[str]:
    data, start, found = text.encode(), 0, []
    while True:
        got = page(text, ranges, size, TOKENIZER, start)
        found.append(b"".join(data[low:high] for low, high in got.ranges).decode())
        if got.next_start is None:
            return found
        assert got.next_start > start
        start = got.next_start


def test_pages_together_are_exactly_what_was_picked() -> None:
    ranges = [(10, 500), (700, 710), (5000, len(LOG))]
    whole = "".join(LOG[low:high] for low, high in ranges)
    assert "".join(pages(LOG, ranges, 300)) == whole


def test_a_page_has_no_more_than_its_tokens_and_uses_most_of_them() -> None:
    found = pages(LOG, [(0, len(LOG))], 500)
    counts = [tokens.count(text, TOKENIZER).tokens for text in found]
    assert max(counts) <= 500
    assert min(counts[:-1]) > 450


def test_pages_end_at_line_ends() -> None:
    assert all(text.endswith("\n") for text in pages(LOG, [(0, len(LOG))], 100))


def test_a_line_longer_than_a_page_is_cut_between_characters() -> None:
    text = "é€😀ü" * 300
    found = pages(text, [(0, len(text.encode()))], 50)
    assert "".join(found) == text
    assert len(found) > 5


def test_every_page_has_a_character_even_if_that_is_too_much() -> None:
    assert pages("🦄🦄", [(0, 8)], 1) == ["🦄", "🦄"]


def test_zero_tokens_are_unlimited() -> None:
    assert page(LOG, [(3, 9), (20, 30)], 0, TOKENIZER, 5).ranges == ((5, 9), (20, 30))


def test_a_start_beyond_the_end_or_inside_a_character_is_harmless() -> None:
    assert page("aé", [(0, 3)], 10, TOKENIZER, 99).ranges == ()
    assert page("aé", [(0, 3)], 10, TOKENIZER, 2).ranges == ((1, 3),)
    assert page("", [], 10, TOKENIZER).next_start is None


def test_an_unknown_tokenizer_is_an_error() -> None:
    with pytest.raises(UnknownTokenizerError):
        page("abc", [(0, 3)], 10, "nope")
