"""What a page says of all that was picked."""

from __future__ import annotations

from furler_compressor.app.engine import Picked, SelectJob
from furler_compressor.app.work import perform
from furler_engine.places import Lines
from furler_engine.tokens import count
from support.inputs import service_log

LOG = service_log(400)
TOKENIZER = "o200k_base"


def _pages(max_tokens: int, lines: Lines | None) -> list[Picked]:
    found, start = [], 0
    while True:
        page = perform(SelectJob(LOG, lines, max_tokens, TOKENIZER, start))
        assert isinstance(page, Picked)
        found.append(page)
        if page.next_start is None:
            return found
        start = page.next_start


def test_one_page_has_the_count_of_its_tokens() -> None:
    lines = Lines(3, 100)
    (page,) = _pages(0, lines)
    text = "".join(LOG.splitlines(keepends=True)[2:100])
    assert (page.tokens, page.is_estimate) == (count(text, TOKENIZER).tokens, False)


def test_every_page_tells_the_tokens_of_all() -> None:
    for lines, text in ((None, LOG), (Lines(1, 300), "".join(LOG.splitlines(keepends=True)[:300]))):
        pages = _pages(2000, lines)
        exact = count(text, TOKENIZER).tokens
        assert len(pages) > exact // 2000
        assert {page.is_estimate for page in pages} == {True}
        assert all(abs(page.tokens - exact) < exact / 10 for page in pages)
