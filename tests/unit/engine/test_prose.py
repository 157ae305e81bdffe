"""Running text: passages are verbatim and in order, gaps are named, the query decides."""

import re

import pytest

from furler_engine.compressors import prose
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.units import is_talk, units
from furler_engine.types import Draft, Hints, Kind, Level, Lines, Policy, Source

FILLER = "The harbour was quiet that day and nobody came to look at the boats in the rain. "


def paragraphs(count: int) -> str:
    parts = [f"{FILLER}Number {n} of the boats was blue. {FILLER}" * 3 for n in range(count)]
    parts[min(7, count - 1)] += (
        "The captain keeps the lighthouse key under the third stone. " + FILLER
    )
    return "\n\n".join(parts) + "\n"


def markdown() -> str:
    sections = [f"## Part {n}\n\n{FILLER * 3}\n\n- one {n}\n- two {n}\n" for n in range(12)]
    sections[5] += "\n```yaml\nlighthouse: key\n\n# a comment\n```\n"
    return "# Title\n\n" + "\n".join(sections)


def talk() -> str:
    lines = [
        f"Speaker {n % 3}: Well, I think that the boats of day {n} are fine." for n in range(90)
    ]
    lines[44] = "Speaker 1: And where do we keep the key of the lighthouse?"
    return "\n".join(lines)


def view(text: str, query: str, policy: Policy | None = None) -> Draft:
    source = Source(text, Hints(query=query))
    draft = prose.plan(source, policy or Policy())
    assert draft is not None
    check(source, draft)
    return draft


TEXTS = [
    paragraphs(20), markdown(), talk(), paragraphs(20).replace("harbour", "Höhe"), paragraphs(20).replace("\n", "\r\n"),
    "\n\n" + paragraphs(20).rstrip("\n"), paragraphs(30).replace("\n\n", " "),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_what_answers_the_query_stays_and_half_goes(text: str) -> None:
    draft = view(text, "Where is the key of the lighthouse?")
    assert "lighthouse" in draft.text.partition("\n")[2]
    assert len(draft.text) < 0.6 * len(text)


@pytest.mark.parametrize("text", TEXTS)
def test_passages_are_verbatim_in_order_and_every_gap_is_named(text: str) -> None:
    draft = view(text, "Where is the key of the lighthouse?")
    at = 0
    for piece in re.split(r" ?… L\d+(?:-\d+)?[ \n]?", draft.text.partition("\n")[2]):
        found = text.find(piece, at)
        assert found >= 0
        at = found + len(piece)
    named = re.findall(r"… (L\d+(?:-\d+)?)", draft.text.partition("\n")[2])
    assert len(named) == len(draft.elisions)


def test_a_target_decides_the_size() -> None:
    text = paragraphs(40)
    small = view(text, "lighthouse key", Policy(target_tokens=300))
    tight = view(text, "lighthouse key", Policy(levels=((Kind.PROSE, Level.TIGHT),)))
    assert len(small.text) < len(tight.text) < len(view(text, "lighthouse key").text)


def test_headings_stay_and_fences_stay_in_one_piece() -> None:
    text = view(markdown(), "lighthouse key").text
    assert [f"## Part {n}" in text for n in range(12)] == [True] * 12
    assert "```yaml\nlighthouse: key\n\n# a comment\n```\n" in text


def test_a_gap_names_the_lines_it_stands_for() -> None:
    text = talk()
    draft = view(text, "Where is the key of the lighthouse?")
    for elision in draft.elisions:
        assert isinstance(elision.place, Lines)
        for line in text.split("\n")[elision.place.first - 1 : elision.place.last]:
            assert line not in draft.text


def test_without_a_query_only_repeats_go() -> None:
    unlike = "\n\n".join(f"Paragraph {n}. " + chr(97 + n) * 150 for n in range(9))
    assert prose.plan(Source(unlike), Policy()) is None
    repeated = unlike + "\n\n" + unlike
    draft = prose.plan(Source(repeated), Policy())
    assert draft is not None
    check(Source(repeated), draft)
    assert draft.text.endswith("… L19-35 = L1-18")


@pytest.mark.parametrize("text", TEXTS)
def test_units_cover_the_text_without_gaps(text: str) -> None:
    found = units(text)
    assert "".join(text[unit.start : unit.end] for unit in found) == text


def test_turns_of_a_talk_are_units_however_long() -> None:
    long_talk = "\n".join(f"Speaker {n % 2}: " + FILLER * 8 for n in range(20))
    assert is_talk(long_talk)
    assert len(units(long_talk)) == 20


@pytest.mark.parametrize(
    ("text", "kind"),
    [(paragraphs(20), Kind.PROSE), (markdown(), Kind.MARKDOWN), (talk(), Kind.PROSE)],
)
def test_running_text_is_detected(text: str, kind: Kind) -> None:
    assert detect(Source(text)) is kind


@pytest.mark.parametrize("query", ["zzz qqq", "the and of", "harbour"])
def test_a_query_that_tells_no_passage_apart_cuts_nothing(query: str) -> None:
    text = "\n\n".join(f"{FILLER}Number {n} of the boats was blue. {FILLER}" for n in range(40))
    assert prose.plan(Source(text, Hints(query=query)), Policy()) is None
