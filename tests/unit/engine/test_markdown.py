"""Markdown: decoration and repeats go, a query picks blocks, nothing is cut inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from furler_engine.compressors import markdown
from furler_engine.coverage import check
from furler_engine.shared.answers import choose, relevance
from furler_engine.shared.markdown_blocks import Form, markdown_blocks
from furler_engine.types import Draft, Hints, Kind, Level, Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden" / "markdown"
FILLER = "The harbour was quiet that day and nobody came to look at the boats in the rain. "


def document(sections: int = 14) -> str:
    parts = [
        f"## Part {n}\n\nOn day {n}: {FILLER * 2}\n\n- one {n}\n- two {n}\n\n{FILLER * 6}Number {n}.\n"
        for n in range(sections)
    ]
    parts[2] += "\n```yaml\nlighthouse: key\n\n# a comment\n```\n"
    parts[-1] += "\n| key | stone |\n|---|---|\n| lighthouse | third |\n"
    return "# Title\n\nWhat this is about.\n\n" + "\n".join(parts)


def view(text: str, query: str = "", policy: Policy | None = None) -> Draft | None:
    source = Source(text, Hints(query=query))
    draft = markdown.plan(source, policy or Policy())
    if draft is not None:
        check(source, draft)
    return draft


def text_of(draft: Draft | None) -> str:
    assert draft is not None
    return draft.text


def test_a_readme_reads_as_it_was_reviewed() -> None:
    draft = view((GOLDEN / "readme.in").read_text())
    assert text_of(draft) == (GOLDEN / "readme.out").read_text().removesuffix("\n")


def test_without_a_query_plain_markdown_stays_as_it_is() -> None:
    unlike = "# Title\n\n" + "\n\n".join(
        f"Part {n} says {n * n}. {chr(97 + n) * 90}" for n in range(20)
    )
    assert view(unlike) is None


def test_with_a_query_half_goes_and_every_heading_stays() -> None:
    text = text_of(view(document(), "Where is the lighthouse key?"))
    assert len(text) < 0.55 * len(document())
    assert [f"## Part {n}\n" in text for n in range(14)] == [True] * 14


def test_fences_and_tables_stay_in_one_piece() -> None:
    text = text_of(view(document(), "Where is the lighthouse key?"))
    assert "```yaml\nlighthouse: key\n\n# a comment\n```\n" in text
    assert "| key | stone |\n|---|---|\n| lighthouse | third |\n" in text


@pytest.mark.parametrize("query", ["Summarize this.", "zzz qqq", "the and of"])
def test_a_query_that_tells_nothing_apart_keeps_what_opens_each_section(query: str) -> None:
    text = text_of(view(document(), query))
    assert "What this is about." in text
    parts = text.split("\n## ")[1:]
    assert [f"On day {n}: {FILLER}" in part for n, part in enumerate(parts)] == [True] * 14


def test_a_short_text_stays_whole_whatever_is_asked() -> None:
    assert view(document(3), "Where is the lighthouse key?") is None


def test_tight_shows_an_outline_without_a_query() -> None:
    tight = Policy(levels=((Kind.MARKDOWN, Level.TIGHT),))
    text = text_of(view(document(80), "", tight))
    assert [f"## Part {n}\n" in text for n in range(80)] == [True] * 80
    assert len(text) < 0.3 * len(document(80))


def test_a_target_decides_the_size() -> None:
    sizes = [
        len(text_of(view(document(60), "boats", Policy(target_tokens=n))))
        for n in (800, 1600, 3200)
    ]
    assert sizes == sorted(sizes)
    assert sizes[0] < 0.4 * sizes[2]


def test_chinese_is_cut_at_its_own_full_stops() -> None:
    sentences = [f"第{n}段讲的是港口的船和雨天的安静，没有人来看。" for n in range(200)]
    sentences[77] = "灯塔的钥匙在第三块石头下面。"
    text = "# 港口\n\n" + "".join(sentences) + "\n"
    assert "灯塔的钥匙在第三块石头下面。" in text_of(view(text, "灯塔的钥匙在哪里"))


# Blocks.


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("# a\n\ntext\nmore\n", [Form.HEADING, Form.TEXT]),
        ("Title\n=====\ntext\n", [Form.HEADING, Form.TEXT]),
        ("```\n# no\n\n- no\n```\nafter\n", [Form.FENCE, Form.TEXT]),
        ("~~~\nnever closed\n\n# no\n", [Form.FENCE]),
        ("- a\n\n  still a\n\n      code of a\n- b\nlazy\n\nafter\n", [Form.LIST, Form.TEXT]),
        ("1. a\n   ```\n   - no\n   ```\n2. b\n", [Form.LIST]),
        ("| a |\n|---|\n| b |\ntext\n", [Form.TABLE, Form.TEXT]),
        ("<!-- a\n\nb -->\ntext\n", [Form.COMMENT, Form.TEXT]),
        ("<!-- open\ntext\n", [Form.TEXT]),
        ("[a]: /b\n[c]: /d\n", [Form.LINKS]),
        ("[![a](/b)](/c) ![d][e]\n", [Form.BADGES]),
        ("![a](/b) a picture\n", [Form.TEXT]),
        ("- [A](#a)\n  - [B](#b)\n- [C](#c)\n", [Form.CONTENTS]),
        ("- [A](#a) says more\n", [Form.LIST]),
        ("\n\ntext\n", [Form.TEXT, Form.TEXT]),
    ],
)
def test_blocks_are_told_apart(text: str, forms: list[Form]) -> None:
    assert [block.form for block in markdown_blocks(text)] == forms


# Which blocks answer.


def test_the_words_of_a_heading_count_for_what_stands_under_it() -> None:
    texts = [
        "# Wind",
        "It blows.",
        "More of it.",
        "# Keys",
        "Under the stone.",
        "Not lost.",
        "# Boats",
        "Blue.",
        "Old.",
    ]
    scored = relevance(texts, [t.startswith("#") for t in texts], "keys")
    assert scored is not None
    assert max(range(len(texts)), key=lambda i: scored[i]) == 4


def test_nothing_to_go_by_is_no_score() -> None:
    assert relevance(["one two", "three four", "five six"], [False] * 3, "zzz") is None


def test_headings_of_an_outline_stay_and_the_best_fill_the_room() -> None:
    headings = [True, False, False, True, False]
    kept = choose([60, 500, 500, 60, 500], headings, [0.0, 0.1, 0.9, 0.0, 0.5], 0.72, outline=True)
    assert kept == [True, False, True, True, True]
