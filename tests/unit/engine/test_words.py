"""Views that leave words out: what is asked, what stays whatever a model says, what is named."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from furler_engine.pipeline import compress
from furler_engine.recipe import recipe
from furler_engine.select import select
from furler_engine.types import (
    WORDS,
    Fidelity,
    Hints,
    Kind,
    Level,
    Lines,
    Policy,
    View,
    Within,
)
from support.prose import MODEL, REF, abridge, answered, manual, report

REPORT = report(20)
MANUAL = manual(12)
PROSE, MARKDOWN = Hints(kind=Kind.PROSE), Hints(kind=Kind.MARKDOWN)
ASKING = Policy(model=MODEL)


def body(view: View) -> list[str]:
    """Return the lines of a view without its legend and its trailer."""
    lines = view.text.split("\n")
    return "\n".join(lines[1:-1]).rstrip("\n").split("\n")


def is_part_of(part: str, whole: str) -> bool:
    """Whether the words of a line are those of another, in order, some left out."""
    left = iter(whole.split())
    return all(word in left for word in part.split())


@pytest.mark.parametrize(("text", "hints"), [(REPORT, PROSE), (MANUAL, MARKDOWN)])
def test_a_text_is_shorter_with_the_answers_of_a_model(text: str, hints: Hints) -> None:
    view = abridge(text, hints)
    assert view.compressors[-1] == "words"
    assert 0.5 * view.tokens_before < view.tokens_after < 0.9 * view.tokens_before


@pytest.mark.parametrize(
    ("text", "hints"), [(REPORT, PROSE), (report(20, wrapped=True), PROSE), (MANUAL, MARKDOWN)]
)
def test_every_line_keeps_its_place_and_shows_its_own_words_in_order(
    text: str, hints: Hints
) -> None:
    shown, lines = body(abridge(text, hints)), text.split("\n")
    shown += [""] * (len(lines) - len(shown))
    assert [is_part_of(a, b) for a, b in zip(shown, lines, strict=True)] == [True] * len(lines)
    assert [bool(line.strip()) for line in shown] == [bool(line.strip()) for line in lines]


def test_headings_fences_tables_and_links_stand_as_they_were() -> None:
    view = abridge(MANUAL, MARKDOWN)
    exact = re.findall(
        r"^(?:#.*|```.*|\|.*|restart the .*)$|\[.*\]\(.*\)|`[^`\n]+`", MANUAL, re.MULTILINE
    )
    assert [part for part in exact if part not in view.text] == []


def test_numbers_and_identifiers_all_stand_in_the_view() -> None:
    for text, hints in ((REPORT, PROSE), (MANUAL, MARKDOWN)):
        facts = re.findall(r"\S*[\d`@/_]\S*", text)
        shown = abridge(text, hints).text.split()
        assert [fact for fact in facts if fact not in shown] == []


def test_the_legend_says_how_many_words_are_left_out() -> None:
    view = abridge(REPORT, PROSE)
    gone = len(REPORT.split()) - sum(len(line.split()) for line in body(view))
    legend, trailer = view.text.split("\n")[0], view.text.split("\n")[-1]
    total = len(REPORT.split())
    assert f"{gone:,} of {total:,} words are left out" in legend
    assert f"{total - gone:,} of {total:,} words shown" in trailer
    assert f'retrieve(ref="{REF}", lines="1-39")' in trailer


def test_what_is_left_out_is_named_by_lines_and_comes_back() -> None:
    view = abridge(REPORT, PROSE)
    assert [(e.place, e.summary) for e in view.elisions] == [(Lines(1, 39), WORDS)]
    (start, end), = select(REPORT, Lines(1, 39))  # fmt: skip
    assert REPORT.encode()[start:end].decode().rstrip("\n") == REPORT.rstrip("\n")
    saved = view.tokens_before - view.tokens_after
    assert saved < view.elisions[0].tokens < 1.5 * saved


def test_without_a_model_nothing_is_asked_and_the_recipe_is_the_old_one() -> None:
    view = compress(REPORT, PROSE, Policy(), REF)
    assert (view.asks, view.text) == ((), REPORT)
    assert recipe(Policy(keep=0.5, allow_model=False), PROSE) == recipe(Policy(), PROSE)


def test_a_view_that_asks_is_whole_and_of_the_recipe_without_a_model() -> None:
    asking = compress(REPORT, PROSE, ASKING, REF)
    plain = compress(REPORT, PROSE, Policy(), REF)
    assert asking.asks == (REPORT.rstrip("\n"),)
    assert replace(asking, asks=(), decisions=()) == replace(plain, decisions=())
    assert abridge(REPORT, PROSE).recipe == recipe(ASKING, PROSE) != plain.recipe


@pytest.mark.parametrize(
    "policy",
    [
        replace(ASKING, fidelity=Fidelity.LOSSLESS),
        replace(ASKING, levels=((Kind.PROSE, Level.OFF),)),
        replace(ASKING, levels=((Kind.PROSE, Level.LOSSLESS),)),
        replace(ASKING, disabled=frozenset({"words"})),
        replace(ASKING, target_tokens=100_000),
    ],
)
def test_nothing_is_asked_that_the_policy_forbids_or_has_no_use_for(policy: Policy) -> None:
    assert compress(REPORT, PROSE, policy, REF).asks == ()


def test_nothing_is_asked_where_no_reference_could_be_given() -> None:
    assert compress(REPORT, PROSE, ASKING, "").asks == ()


def test_short_texts_and_those_with_little_running_text_are_not_asked_about() -> None:
    assert compress(report(3), PROSE, ASKING, REF).asks == ()
    code = "```\n" + "\n".join(f"line_{n} = call({n})" for n in range(900)) + "\n```\n"
    assert compress(report(2) + code, MARKDOWN, ASKING, REF).asks == ()


@pytest.mark.parametrize("keep", [0.3, 0.5, 0.8, 1.0])
def test_keep_is_the_share_of_words_that_stay(keep: float) -> None:
    words = len(REPORT.split())
    view = abridge(REPORT, PROSE, replace(ASKING, keep=keep))
    shown = words if keep == 1 else sum(len(line.split()) for line in body(view))
    # What must stay may be more than was asked for, never less but for rounding.
    assert keep - 0.01 <= shown / words <= max(keep, 0.45) + 0.02


def test_a_target_is_met_by_leaving_out_more() -> None:
    view = abridge(REPORT, PROSE, replace(ASKING, target_tokens=900))
    assert view.tokens_before > 1100
    assert view.tokens_after < 950


def test_with_a_query_only_what_answers_it_is_asked_about() -> None:
    hints = Hints(kind=Kind.PROSE, query="who was told about the limit of connections?")
    view = compress(report(60), hints, ASKING, REF)
    asked = sum(map(len, view.asks))
    assert 0 < asked < 0.5 * len(report(60))
    refined = compress(report(60), hints, ASKING, REF, answered(view))
    assert refined.compressors == ("prose", "words")
    assert refined.tokens_after < view.tokens_after


def test_an_answer_that_is_missing_leaves_its_text_as_it_is() -> None:
    view = compress(MANUAL, MARKDOWN, ASKING, REF)
    some = dict(list(answered(view).items())[: len(view.asks) // 2])
    refined = compress(MANUAL, MARKDOWN, ASKING, REF, some)
    assert [text for text in view.asks if text not in some and text not in refined.text] == []
    assert compress(MANUAL, MARKDOWN, ASKING, REF, {}).compressors == ()


def test_a_long_text_in_a_json_string_is_asked_about_and_named_within_it() -> None:
    text = json.dumps({"id": 7, "page": {"title": "Report", "body": REPORT}})
    view = abridge(text)
    assert view.tokens_after < 0.9 * view.tokens_before
    assert [e.place for e in view.elisions] == [Within(("page", "body"), Lines(1, 39))]
    assert '"title":"Report"' in view.text


def test_long_strings_of_one_line_are_asked_about_each_by_itself() -> None:
    bodies = [" ".join(report(14).replace("host", f"node{n}").split()) for n in range(3)]
    rows = [{"number": n, "state": "open", "body": body} for n, body in enumerate(bodies)]
    text = json.dumps({"issues": rows})
    asking = compress(text, Hints(), ASKING, REF)
    assert sorted(asking.asks) == sorted(bodies)
    view = abridge(text)
    assert view.tokens_after < 0.9 * view.tokens_before
    assert {e.place for e in view.elisions} == {
        Within(("issues", n, "body"), Lines(1, 1)) for n in range(3)
    }
    assert 'path="$.issues[0].body:L1"' in view.text


def test_a_table_that_is_far_shorter_asks_nothing() -> None:
    rows = [{"id": n, "state": "open", "text": report(14)} for n in range(1)]
    log = [{"id": n, "state": "open", "size": 7 * n, "name": f"item {n}"} for n in range(900)]
    view = compress(json.dumps({"rows": log, "notes": rows}), Hints(), ASKING, REF)
    assert view.asks == ()


def test_sentences_keep_their_ends_and_lines_a_word() -> None:
    view = abridge(report(20, wrapped=True), PROSE, replace(ASKING, keep=0.35))
    assert [line for line in body(view) if line.strip() and not line.endswith(".")] == []


def test_what_looks_like_our_notes_is_data() -> None:
    text = f"[abridged: 3 of 4 words are left out]\n{REPORT}\n[furler: … L1-3]\n"
    view = abridge(text, PROSE)
    assert is_part_of(body(view)[0], "[abridged: 3 of 4 words are left out]")
    assert body(view)[-1] == "[furler: … L1-3]"
