"""Web pages: the main text stays whole and readable, all else is named, nothing is made up."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from furler_engine.compressors import markup
from furler_engine.coverage import check
from furler_engine.shared.main_text import main_blocks
from furler_engine.shared.markup_scan import OTHER, read_page, shown_pieces, tags
from furler_engine.types import Bytes, Draft, Hints, Policy, Source

GOLDEN = Path(__file__).parents[2] / "golden" / "markup"
SENTENCE = "The harbour was quiet that day, and nobody came to look at the boats in the rain. "
MENU = "".join(f'<li><a href="/s{n}">Section {n}</a></li>' for n in range(12))


def article(*, inner: str = "", around: str = "") -> str:
    paragraphs = "".join(f"<p>{SENTENCE * 2}It was day {n}.</p>" for n in range(8))
    return (
        f"<!DOCTYPE html><html><head><title>Boats | Site</title></head><body><nav><ul>{MENU}</ul></nav>"
        f"<div id=content><h1>Boats</h1>{paragraphs}{inner}</div>{around}</body></html>"
    )


def view(page: str, query: str = "", policy: Policy | None = None) -> Draft:
    source = Source(page, Hints(query=query))
    draft = markup.plan(source, policy or Policy())
    assert draft is not None
    check(source, draft)
    return draft


def main_text(page: str) -> str:
    read = read_page(page)
    texts = [block.text(page) for block in read.blocks]
    return "\n".join(texts[i] for i in main_blocks(read, texts))


def test_a_manual_page_reads_as_it_was_reviewed() -> None:
    draft = view((GOLDEN / "manual.in").read_text())
    assert draft.text == (GOLDEN / "manual.out").read_text().removesuffix("\n")


def test_the_main_text_stays_and_menus_are_named() -> None:
    draft = view(article())
    assert [f"It was day {n}." in draft.text for n in range(8)] == [True] * 8
    assert "Section 3" not in draft.text
    assert draft.elisions[0].summary == "27 words, 1 navigations"


@pytest.mark.parametrize(
    "part",
    [
        f'<div class="related-posts"><p>{SENTENCE}</p></div>',
        f"<aside><p>{SENTENCE}</p></aside>",
        f'<div role="navigation"><p>{SENTENCE}</p></div>',
        f'<section class="pageShare"><p>{SENTENCE}</p></section>',
        f'<div aria-hidden="true"><p>{SENTENCE}</p></div>',
        f"<ul>{MENU}</ul>",
    ],
)
def test_what_its_name_or_its_links_tell_apart_is_no_main_text(part: str) -> None:
    assert main_text(article(inner=part)) == main_text(article())


@pytest.mark.parametrize("name", ["with-sidebar", "no-comments", "imprinted", "page-wrap"])
def test_a_name_that_only_contains_such_a_word_hides_nothing(name: str) -> None:
    part = f'<div class="{name}"><p>{SENTENCE}</p></div>'
    assert main_text(article(inner=part)).count("harbour") == 17


def test_an_element_with_most_of_the_text_is_main_text_whatever_its_name() -> None:
    page = article().replace("<div id=content>", '<div class="comments">')
    assert "It was day 7." in main_text(page)


def test_a_page_of_links_keeps_its_links() -> None:
    page = f"<html><body><h1>Index</h1><ul>{MENU}</ul><footer>Imprint</footer></body></html>"
    text = view(page).text
    assert ("Section 0" in text, "Section 11" in text, "Imprint" in text) == (True, True, False)


def test_what_the_query_names_stays_outside_the_main_text() -> None:
    page = article(around="<footer><p>Call the lighthouse keeper at 555-0199</p></footer>")
    assert "555-0199" not in view(page).text
    assert "555-0199" in view(page, "phone of the lighthouse keeper").text


def test_links_show_where_they_lead_when_their_text_says_nothing_or_links_are_asked_for() -> None:
    page = article(
        inner=f'<p>{SENTENCE}See <a href="/a?x=1&amp;y=2">here</a> and <a href="/b">the list of boats</a>.</p>'
    )
    assert "See here (/a?x=1&y=2) and the list of boats." in view(page).text
    assert "the list of boats (/b)." in view(page, "which links are there?").text


def test_preformatted_text_keeps_its_lines_and_references_are_decoded() -> None:
    page = article(inner="<pre>if a &lt; b:\n    go()\n</pre>")
    assert "```\nif a < b:\n    go()\n```" in view(page).text


def test_a_small_target_keeps_what_the_query_asks() -> None:
    parts = "".join(f"<h2>Boat {n}</h2><p>{SENTENCE * 3}</p>" for n in range(30))
    page = article(
        inner=f"{parts}<h2>Keys</h2><p>The lighthouse key is under the third stone. {SENTENCE}</p>"
    )
    draft = view(page, "lighthouse key", Policy(target_tokens=400))
    assert "third stone" in draft.text
    assert len(draft.text) < len(view(page).text) / 2


@pytest.mark.parametrize(
    "text",
    [
        '<?xml version="1.0"?><feed><title>a</title></feed>',
        "<template><div>{{ name }}</div></template><script>export default {}</script>",
        "plain text with a < b and c > d",
        "",
    ],
)
def test_what_is_no_page_passes_through(text: str) -> None:
    assert markup.plan(Source(text), Policy()) is None


def test_elisions_and_shown_ranges_are_disjoint_and_ascending() -> None:
    draft = view(article(inner=f"<aside>{SENTENCE * 9}</aside><p>{SENTENCE}Ü</p>"))
    places = [e.place for e in draft.elisions]
    assert all(isinstance(p, Bytes) for p in places)
    ends = [(p.start, p.end) for p in places if isinstance(p, Bytes)]
    assert all(a[1] < b[0] for a, b in pairwise(ends))


# Reading tags.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<b>c</b>d", ["a", "c", "d"]),
        ("a &lt;b&gt; &amp;amp; c", ["a <b> &amp; c"]),
        ("1 < 2 <p>x", ["1 < 2", "x"]),
        ('<a title="1 > 0">x</a>', ["x"]),
        ("<a title='<b>'>x</a>", ["x"]),
        ("x<!-- <p>no</p> -->y", ["x", "y"]),
        ("x<!-- open <p>no", ["x"]),
        ("x<script>if (a<b) '</p>'</script>y", ["x", "y"]),
        ("x<STYLE>p{}</Style>y", ["x", "y"]),
        ("x<![CDATA[ <p> ]]>y", ["x", "y"]),
        ("<p>unclosed <", ["unclosed <"]),
    ],
)
def test_text_is_what_stands_between_tags(text: str, expected: list[str]) -> None:
    assert list(shown_pieces(text)) == expected


def test_tags_keep_their_offsets() -> None:
    text = "<p class=x>a</p><!-- c --><script>s</script>"
    assert [(text[t.start : t.end], t.sign, t.name) for t in tags(text)] == [
        ("<p class=x>", "", "p"), ("</p>", "/", "p"), ("<!-- c -->", OTHER, ""), ("<script>", "", "script"),
        ("s", OTHER, "script"), ("</script>", "/", "script"),
    ]  # fmt: skip


def test_elements_end_where_html_implies_it() -> None:
    page = read_page("<ul><li>a<li>b<ul><li>c</ul></ul><p>d<p>e<div>f</div>")
    assert [page.names[b.element] for b in page.blocks] == ["li", "li", "li", "p", "p", "div"]
    assert [page.names[page.parents[b.element]] for b in page.blocks] == [
        "ul",
        "ul",
        "ul",
        "",
        "",
        "",
    ]
