"""Search results without line numbers: nothing is left out, each path stands once."""

import pytest

from furler_engine.compressors import search_plain
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Kind, Policy, Source

GREP = "".join(
    f"src/app/{name}.py:{' ' * 8}raise {name.title()}Error({n}) from error\n"
    for name in ("reader", "writer")
    for n in range(16)
)


def view(text: str) -> Draft:
    source = Source(text)
    draft = search_plain.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_each_path_stands_once_above_its_lines() -> None:
    lines = view(GREP).text.split("\n")
    assert lines[:4] == [
        "[search results: 32 lines in 2 files, below each # path its lines; no line numbers were printed]",
        "[all paths start with src/app/]",
        "# reader.py",
        "        raise ReaderError(0) from error",
    ]
    assert lines.count("# writer.py") == 1


def test_texts_that_look_like_paths_and_notes_are_read_back() -> None:
    odd = "".join(f"src/app/reader.py:{text}\n" for text in ("# a", "! b", "| c", "", ": d"))
    assert "\n| # a\n| ! b\n| | c\n\n: d\n" in view(GREP + odd + GREP).text


def test_a_note_of_the_tool_keeps_its_place() -> None:
    note = "grep: src/bin: binary file matches\n"
    assert "\n! grep: src/bin: binary file matches\n# reader.py\n" in view(GREP + note + GREP).text


@pytest.mark.parametrize("text", [GREP, GREP * 20])
def test_they_are_detected(text: str) -> None:
    assert detect(Source(text)) is Kind.SEARCH_RESULTS


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"example.com/key-{n}: value\n" for n in range(20)),
        "".join(f"nginx: [emerg] {n}\n" for n in range(20)),
        "".join(f"http://a.example/{n}: ok\n" for n in range(20)),
    ],
)
def test_keys_and_addresses_are_not_taken_for_them(text: str) -> None:
    assert detect(Source(text)) is not Kind.SEARCH_RESULTS


def test_numbered_results_are_left_to_their_own_view() -> None:
    text = "".join(f"src/a.c:{n}: text\n" for n in range(20))
    assert search_plain.plan(Source(text), Policy()) is None


def test_counts_of_grep_are_a_list_of_paths() -> None:
    text = "".join(f"services/gateway/module_{n}.py:{n % 3}\n" for n in range(40))
    assert detect(Source(text)) is Kind.LISTING
