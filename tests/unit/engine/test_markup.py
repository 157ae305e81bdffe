"""Web pages: the main text stands in order, what is left out is named, hostile pages end soon."""

import pytest

from furler_engine.compressors import markup
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.main_text import main_text
from furler_engine.shared.page import blocks
from furler_engine.types import Draft, Hints, Kind, Policy, Source

SENTENCE = "The ferry left the harbour at noon, and the captain waved to the people on the pier. "


def article(paragraphs: int = 6, newline: str = "\n") -> str:
    body = newline.join(
        f"<p>{SENTENCE} Crossing {n} was &quot;calm&quot; &amp; <a href='/x'>short</a>.</p>"
        for n in range(paragraphs)
    )
    menu = "".join(f"<li><a href='/{n}'>Section {n}</a></li>" for n in range(20))
    return newline.join([
        "<!DOCTYPE html><html><head><title>The ferry of the northern islands | Site</title>",
        "<style>p { color: red }</style><script>var x = '<p>no text</p>';</script></head>",
        f"<body class='one-sidebar'><nav><ul>{menu}</ul></nav><!-- <p>hidden</p> -->",
        "<div class='sidebar'><p>Subscribe to our newsletter today, it is free and comes weekly to you.</p></div>",
        f"<article class='post sidebar-none'><h2>On time</h2>{body}",
        "<blockquote class='social-embed'><p>What a ride!</p></blockquote>",
        "<table><tr><th>Port</th><th>Time</th></tr><tr><td>North</td><td>12:00</td></tr></table>",
        "<pre><code>ferry --port north\n  &lt;now&gt;</code></pre>",
        "<ul><li>Bring a coat, it is cold and windy on the upper deck of the ship.</li></ul></article>",
        "<footer><p>Copyright 2026 by the Site and its owners, all rights reserved, of course.</p></footer>",
        "</body></html>",
    ])  # fmt: skip


def view(text: str, query: str = "", policy: Policy | None = None) -> Draft:
    source = Source(text, Hints(query=query))
    draft = markup.plan(source, policy or Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_the_article_is_shown_and_what_stands_around_it_is_not() -> None:
    text = view(article()).text
    assert text.startswith(
        "# The ferry of the northern islands\n[main text; left out: before … B0-"
    )
    assert "\n## On time\n" in text
    assert f'\n{SENTENCE}Crossing 3 was "calm" & short.\n' in text
    assert "\nWhat a ride!\n" in text
    assert "Port | Time\nNorth | 12:00\n" in text
    assert "```\nferry --port north\n  <now>\n```" in text
    assert "\n- Bring a coat" in text
    for gone in ("Section 3", "newsletter", "Copyright", "no text", "hidden", "color: red"):
        assert gone not in text


def test_a_page_on_one_line_names_its_parts_by_byte() -> None:
    text = view(article(newline=" ").replace("north\n  ", "north ")).text
    assert "before … B0-" in text


def test_a_long_page_is_cut_to_what_answers_the_query() -> None:
    page = article(120).replace("Crossing 77", "The lighthouse key is below deck. Crossing 77")
    draft = view(page, "where is the key of the lighthouse?")
    assert "The lighthouse key is below deck." in draft.text
    assert len(draft.text) < 0.6 * len(view(page).text)
    assert "\n… L" in draft.text


@pytest.mark.parametrize(
    "page",
    [article(), article().replace("ferry", "fähre 漢字"), article().replace("\n", "\r\n"), "<p>" + SENTENCE + "<p>" + SENTENCE,
     "<html><body>" + "<div>" * 500 + SENTENCE + "</div>" * 500, "<table><tr><td>" + SENTENCE * 2 + "</table>"],
)  # fmt: skip
def test_what_is_claimed_stands_in_the_page(page: str) -> None:
    assert view(page).elisions


@pytest.mark.parametrize(
    "page",
    [
        "",
        "<svg><path d='M0'/></svg>",
        "<?xml version='1.0'?><a><b>1</b></a>",
        "<html><body><script>run()",
        "<p></p>",
    ],
)
def test_what_has_no_text_is_left_alone(page: str) -> None:
    assert markup.plan(Source(page), Policy()) is None


@pytest.mark.parametrize(
    "page",
    ["<p" * 100_000, "<!--" * 100_000, "<a href='" * 50_000, "<div>" * 100_000, "<p>&" * 50_000, "</div>" * 100_000, "<script>" * 50_000],
)  # fmt: skip
def test_hostile_markup_is_read_to_its_end(page: str) -> None:
    title, found = blocks(page)
    assert title == ""
    assert len(main_text(found)) <= len(found)


@pytest.mark.parametrize("page", [article(), article(newline=""), "<html>\n<p>" + SENTENCE])
def test_pages_are_detected(page: str) -> None:
    assert detect(Source(page)) is Kind.MARKUP
