"""XML as an outline: every text, attribute and comment is there or named."""

from __future__ import annotations

import pytest

from furler_engine.compressors import markup, xml
from furler_engine.coverage import check
from furler_engine.shared.markup_scan import is_xml
from furler_engine.types import Bytes, Draft, Hints, Policy, Source


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


CASES = "<report><suite>" + "".join(
    f'\n  <case class="tests.{"abc"[n % 3]}" name="n{n * 7919 % 9973}" seconds="0.{n % 7}">'
    + ("<failure>assert 3 == 4</failure>" if n == 41 else f"<out>line {n % 5}</out>")
    + "</case>"
    for n in range(200)
) + "\n</suite></report>"  # fmt: skip


def test_of_many_elements_alike_those_that_stand_out_are_shown_and_all_are_counted() -> None:
    draft = view(CASES)
    lines = draft.text.split("\n")
    assert lines[1].startswith("[all 200 case, ")
    assert "@class: tests.a×67 tests.b×67 tests.c×66" in lines[1]
    assert '  case class="tests.c" name="n5543" seconds="0.6"' in lines
    assert "   failure: assert 3 == 4" in lines
    assert len(draft.text) < 0.3 * len(CASES)


def test_each_gap_gives_back_the_elements_it_counts() -> None:
    draft = view(CASES)
    counted = {e.summary for e in draft.elisions}
    assert all(summary.endswith(" case") for summary in counted)
    for elision in draft.elisions:
        assert isinstance(elision.place, Bytes)
        part = CASES.encode()[elision.place.start : elision.place.end].decode()
        assert part.count("<case ") == int(elision.summary.split()[0])
        assert part.startswith("<case ")
        assert part.endswith("</case>")


def test_an_element_that_the_query_names_is_shown() -> None:
    source = Source(CASES, Hints(query="how long did n6656 take?"))
    draft = xml.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert 'name="n6656"' in draft.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a:Envelope xmlns:a='x'><b>1</b></a:Envelope>\n", True),
        ('<!DOCTYPE node PUBLIC "x" "y">\n<node><b/></node>', True),
        ("<ListResult><b>1</b>", False),
        ("<div><b>1</b></div>", False),
        ("<!DOCTYPE html><node></node>", False),
    ],
)
def test_an_element_that_no_page_has_is_xml_without_a_declaration(
    text: str,
    expected: bool,  # noqa: FBT001
) -> None:
    assert is_xml(text) is expected
