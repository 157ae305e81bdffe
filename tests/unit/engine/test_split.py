"""Content of several kinds: each part in its own way, the whole proved, every gap retrievable."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from furler_engine.coverage import CoverageError, check
from furler_engine.markers import MarkerError, format_place, parse_place
from furler_engine.pipeline import compress
from furler_engine.select import SelectorError, select
from furler_engine.types import (
    Bytes,
    Draft,
    Elision,
    Fidelity,
    Hints,
    JsonPath,
    Lines,
    LinesShown,
    Part,
    PartsShown,
    Place,
    Policy,
    Source,
    View,
    Within,
    placeholder,
)

REF = "a" * 16


def log(lines: int = 300) -> str:
    rows = [
        f"2026-11-20 10:{n // 60:02}:{n % 60:02} INFO worker-{n % 4} served /items/{n} in {n % 17} ms"
        for n in range(lines)
    ]
    rows[123] = '2026-11-20 10:02:03 ERROR worker-1 lost "Zürich": \\ disk full'
    return "\n".join(rows)


def matches() -> str:
    return "\n".join(
        f"src/package/module_{n // 9}.py:{n * 7}:    raise ValueError(code_{n})" for n in range(90)
    )


def view(text: str, policy: Policy | None = None) -> View:
    return compress(text, Hints(), policy or Policy(), REF)


def picked(text: str, path: str) -> str:
    data = text.encode()
    return "".join(data[a:b].decode() for a, b in select(text, JsonPath(path)))


def test_a_log_in_a_json_string_is_shown_as_a_log() -> None:
    text = json.dumps({"exit_code": 3, "stdout": log(), "stderr": ""})
    seen = view(text)
    assert seen.compressors == ("split",)
    assert '{"exit_code":3,"stdout":"(below: 1)","stderr":""}' in seen.text
    assert '124:2026-11-20 10:02:03 ERROR worker-1 lost "Zürich": \\ disk full' in seen.text
    assert seen.tokens_after < 0.2 * seen.tokens_before


@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_a_part_leaves_out_comes_back_by_its_printed_selector(*, ascii_only: bool) -> None:
    text = json.dumps([{"type": "text", "text": log()}], ensure_ascii=ascii_only)
    seen = view(text)
    lines = log().split("\n")
    for elision in seen.elisions:
        assert isinstance(elision.place, Within)
        assert isinstance(elision.place.place, Lines)
        part = lines[elision.place.place.first - 1 : elision.place.place.last]
        back = picked(text, format_place(elision.place))
        assert json.loads(f'"{back}"').rstrip("\n") == "\n".join(part)


def test_the_trailer_shows_a_selector_that_works() -> None:
    text = json.dumps({"stdout": log()})
    assert 'path="$.stdout:L' in view(text).text.rsplit("\n", 1)[-1]


def test_two_texts_stand_one_below_the_other_with_their_own_numbers() -> None:
    text = json.dumps({"stdout": log(), "stderr": log(200).replace("INFO", "WARN")})
    seen = view(text).text
    assert (
        0 < seen.index("[$.stdout, log of 300 lines;") < seen.index("[$.stderr, log of 200 lines;")
    )


def test_outputs_of_a_transcript_are_encoded_each_in_its_own_way() -> None:
    text = f"$ grep -rn ValueError src\n{matches()}\n$ echo done\ndone\n"
    seen = view(text)
    assert (seen.compressors, seen.elisions) == (("split",), ())
    assert seen.text.startswith("$ grep -rn ValueError src\n")
    assert "\n$ echo done\ndone" in seen.text


@pytest.mark.parametrize("indent", [None, 2])
def test_json_between_warnings_is_encoded_as_json(indent: int | None) -> None:
    rows = [
        {"id": n, "status": "ok", "path": f"/var/lib/data/{n}", "owner": None} for n in range(90)
    ]
    text = f"npm warn old lockfile\n\n{json.dumps(rows, indent=indent)}\nnpm notice done\n"
    got = view(text)
    assert got.compressors == ("split",)
    assert got.text.startswith("npm warn old lockfile\n\n[JSON as an outline: ")
    assert "\nnpm notice done\n[furler: same content, re-encoded; " in got.text
    assert got.tokens_after < 0.6 * got.tokens_before


def test_a_large_fence_of_markdown_is_encoded() -> None:
    rows = json.dumps(
        [{"id": n, "name": f"name {n}", "state": "open"} for n in range(80)], indent=2
    )
    text = f"# Reply\n\nIt says:\n\n```json\n{rows}\n```\n\nThat is all.\n"
    seen = view(text)
    assert (seen.compressors, seen.elisions) == (("split",), ())
    assert seen.text.startswith("# Reply\n\nIt says:\n\n```json\n[")
    assert "\n```\n\nThat is all." in seen.text


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"stdout": "short\n" * 20}),
        json.dumps([{"id": n, "name": f"n{n}"} for n in range(90)]),
        json.dumps("\n".join(["no", "member"] * 400)),
        "# Title\n\n```\n" + "x = 1\n" * 30 + "```\n" + "Words and words of a text. " * 300,
        log(),
    ],
)
def test_content_without_large_parts_is_not_split(text: str) -> None:
    assert "split" not in view(text).compressors


@pytest.mark.parametrize("before", [0, 1, 198, 199, 200, 399, 400, 401])
def test_a_text_of_one_line_is_a_part_wherever_its_string_starts(before: int) -> None:
    rows = "\n".join(f"{n},{n * n % 97}" for n in range(5))
    text = json.dumps(
        {"id": "x" * before, "page": rows + " A sentence of some length, twice. " * 60}
    )
    assert text.count("\\n") < 6
    assert "$.page" in view(text, Policy(target_tokens=200)).text


def test_a_policy_turns_it_off() -> None:
    text = json.dumps({"stdout": log()})
    assert "split" not in view(text, Policy(disabled=frozenset({"split"}))).compressors
    assert "split" not in view(text, Policy(fidelity=Fidelity.LOSSLESS)).compressors


# The claim.

SAID = json.dumps({"a": 1, "out": "x\ny\nz"})
ENVELOPE = json.dumps({"a": 1, "out": placeholder(0)})
INNER = Draft("x\n… L2-3", LinesShown((Lines(1, 1),)), "lines", 3, 1, (Elision(Lines(2, 3), ""),))
WHOLE = Draft(
    f"{ENVELOPE}\n{INNER.text}", PartsShown((Part(("out",), INNER),), ENVELOPE), "lines", 3, 1,
    (Elision(Within(("out",), Lines(2, 3)), ""),),
)  # fmt: skip


def lie(source: str, told: Draft) -> str:
    with pytest.raises(CoverageError) as caught:
        check(Source(source), told)
    return str(caught.value)


def test_a_true_claim_about_strings_passes() -> None:
    check(Source(SAID), WHOLE)


def test_lies_about_strings_are_caught() -> None:
    part = Part(("out",), INNER)
    assert "another" in lie(SAID.replace("1", "2"), WHOLE).replace("something else", "another")
    assert "not what the draft" in lie(SAID, replace(WHOLE, elisions=()))
    assert "not in the text" in lie(SAID, replace(WHOLE, text=ENVELOPE))
    assert "lies nowhere" in lie(
        SAID, replace(WHOLE, coverage=PartsShown((Part(("b",), INNER),), ENVELOPE))
    )
    assert "no placeholder" in lie(
        SAID, replace(WHOLE, coverage=PartsShown((Part(("a",), INNER),), ENVELOPE))
    )
    assert "lines among strings" in lie(
        SAID, replace(WHOLE, coverage=PartsShown((part, Part(Lines(1, 1), None)), ENVELOPE))
    )
    hidden = replace(INNER, elisions=())
    assert "neither shown" in lie(
        SAID, replace(WHOLE, coverage=PartsShown((Part(("out",), hidden),), ENVELOPE))
    )


def test_lies_about_lines_are_caught() -> None:
    whole = (Part(Lines(1, 1), None), Part(Lines(2, 3), None))
    check(Source("a\nb\nc"), Draft("a\nb\nc", PartsShown(whole), "lines", 3, 3))
    assert "neither shown" in lie("a\nb\nc", Draft("a\nb\nc", PartsShown(whole[:1]), "lines", 3, 3))
    assert "not in the text" in lie("a\nb\nc", Draft("a\nb", PartsShown(whole), "lines", 3, 3))
    inner = (Part(Lines(1, 3), replace(INNER, text="a", elisions=(Elision(Lines(2, 3), ""),))),)
    assert "leaves nothing out" in lie("a\nb\nc", Draft("a", PartsShown(inner), "lines", 3, 3))


# The selector.


@pytest.mark.parametrize(
    "place",
    [
        Within(("stdout",), Lines(5, 9)),
        Within((0, "a.b: c", "text"), Lines(5, 5)),
        Within(("x:L1-2",), Bytes(0, 7)),
    ],
)
def test_a_place_within_a_string_reads_back_as_printed(place: Place) -> None:
    assert parse_place(format_place(place)) == place


@pytest.mark.parametrize("text", ["$.a:", "$.a:L", "$.a:x5", "$:Q1", "L1:L2", "$.a:$.b[0:1]"])
def test_no_other_text_is_such_a_place(text: str) -> None:
    with pytest.raises(MarkerError):
        parse_place(text)


def test_a_selector_beyond_the_text_says_what_there_is() -> None:
    text = json.dumps({"out": "a\nb", "n": 1})
    assert picked(text, "$.out:L2") == "b"
    with pytest.raises(SelectorError, match="2 lines"):
        picked(text, "$.out:L9")
    with pytest.raises(SelectorError, match="no text"):
        picked(text, "$.n:L1")
    with pytest.raises(SelectorError, match="no 'zz'"):
        picked(text, "$.zz:L1")
