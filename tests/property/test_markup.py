"""Pages and Markdown of any shape: every byte is shown or named, and time is bounded."""

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import markdown, markup, xml
from furler_engine.coverage import check
from furler_engine.shared.markdown_blocks import markdown_blocks
from furler_engine.types import Hints, Kind, Level, Policy, Source

TEXT = "The harbour was quiet, and nobody came to look at the boats. " * 3
MARKUP = st.sampled_from([
    "<p>", "</p>", "<div class=share>", "<div>", "</div>", "<ul><li>", "<li>", "</ul>", "<pre>", "</pre>", "<table><tr><td>",
    "<td>", "</tr>", "</table>", "<a href=/x>", "<a title='>", "</a>", "<h1>", "</h1>", "<br>", "<!--", "-->", "<script>",
    "</script>", "<title>", "</title>", "<nav>", "</nav>", "&amp;", "&#x1F600;", "&", "<", ">", '"', "é 漢字。", "\n", "  ", "\x1e", "\xa0",
    "| a", "… B0-9", "here", TEXT, f"<p>{TEXT}</p>", "<html><body>", "<![CDATA[", "]]>", "<svg>", "</svg>", "\r\n", "\x00",
])  # fmt: skip
LINES = st.sampled_from([
    "", "# Head", "Head\n===", "```", "~~~", "| a | b |", "- item", "  - below", "1. one", TEXT, "- [A](#a)", "[a]: /b",
    "![a](/b)", "<!-- c", "-->", "é 漢字。次。" * 20, "… L3-4", "\r", "a\x0bb", "\t- tab", "<div>", "---",
])  # fmt: skip
QUERIES = st.sampled_from(["", "boats", "次", "links here"])
POLICIES = st.sampled_from([
    Policy(), Policy(target_tokens=1), Policy(target_tokens=60),
    Policy(levels=((Kind.MARKDOWN, Level.TIGHT), (Kind.MARKUP, Level.TIGHT))),
])  # fmt: skip


@given(st.lists(MARKUP, min_size=1, max_size=50).map("".join), QUERIES, POLICIES)
@settings(max_examples=400, deadline=None)
def test_every_byte_of_a_page_is_shown_as_text_or_named(
    page: str, query: str, policy: Policy
) -> None:
    source = Source(page, Hints(query=query))
    draft = markup.plan(source, policy)
    if draft is not None:
        check(source, draft)


@given(st.lists(MARKUP, max_size=50).map("".join))
@settings(max_examples=300, deadline=None)
def test_every_byte_of_xml_is_shown_as_text_or_named(body: str) -> None:
    source = Source(f"<rss>{body}{TEXT * 6}<a b='{TEXT * 3}'>{body}")
    draft = xml.plan(source, Policy())
    if draft is not None:
        check(source, draft)


@given(st.lists(LINES, min_size=1, max_size=50).map("\n".join), QUERIES, POLICIES)
@settings(max_examples=400, deadline=None)
def test_every_byte_of_markdown_is_shown_or_named(text: str, query: str, policy: Policy) -> None:
    source = Source(text, Hints(query=query))
    draft = markdown.plan(source, policy)
    if draft is not None:
        check(source, draft)


@given(st.lists(LINES, max_size=50).map("\n".join))
@settings(max_examples=300, deadline=None)
def test_blocks_cover_the_text_without_gaps(text: str) -> None:
    assert "".join(text[block.start : block.end] for block in markdown_blocks(text)) == text
