"""XML as an outline: every text, attribute and comment is there or named."""

from __future__ import annotations

import pytest

from furler_engine.compressors import markup, xml
from furler_engine.coverage import check
from furler_engine.types import Bytes, Draft, Policy, Source


def view(text: str) -> Draft:
    source = Source(text)
    draft = xml.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def outline(text: str) -> str:
    return view(text).text.partition("\n")[2]


def test_elements_attributes_texts_and_comments_stand_in_an_outline() -> None:
    text = """<?xml version="1.0"?>
    <project a='1'
             b="2">
      <!-- why -->
      <Name>x &lt; y</Name> <empty/> <flag on="yes"/>
      <list><item>1</item><item>2</item></list>
      <code><![CDATA[if (a<b)]]></code>
    </project>"""
    assert outline(text).split("\n") == [
        "project a='1' b=\"2\"",
        " <!-- why -->",
        " Name: x < y",
        " empty",
        ' flag on="yes"',
        " list",
        "  item: 1",
        "  item: 2",
        " code: <![CDATA[if (a<b)]]>",
    ]


def test_text_between_elements_keeps_its_place() -> None:
    assert outline("<rss><a>x<b>y</b>z</a></rss>") == "rss\n a: x\n  b: y\n  z"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"<svg><path d='{'M1 2 ' * 300}'/></svg>", " path d='M1 2"),
        (f"<rss><a>{'word ' * 300}</a></rss>", " a: word word"),
        (f"<rss><a>{'&amp; ' * 300}</a></rss>", " a: & &"),
        (f"<rss><!-- {'word ' * 300}--></rss>", "<!-- word"),
        (f"<rss><a><![CDATA[{'word ' * 300}]]></a></rss>", " a: <![CDATA[word"),
    ],
)
def test_what_is_too_long_to_read_is_named(text: str, shown: str) -> None:
    draft = view(text)
    (elision,) = draft.elisions
    assert isinstance(elision.place, Bytes)
    assert shown in draft.text
    assert f"… B{elision.place.start}-{elision.place.end}" in draft.text
    assert len(draft.text) < len(text) / 3


@pytest.mark.parametrize(
    "text",
    [
        "<html><body>a</body></html>",
        "a < b",
        "",
        "<?xml version='1.0'?><html><p>a</html>",
        "<?xml?>",
    ],
)
def test_pages_and_other_text_are_no_xml(text: str) -> None:
    assert xml.plan(Source(text), Policy()) is None


def test_xml_is_no_page() -> None:
    assert markup.plan(Source("<rss><item><p>text</p></item></rss>"), Policy()) is None


def test_elements_that_never_close_are_read_in_bounded_depth() -> None:
    assert (
        max(len(line) - len(line.lstrip()) for line in outline("<rss>" + "<a>b" * 500).split("\n"))
        == 40
    )
