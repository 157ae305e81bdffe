"""A tool's name decides what its output is for; an explicit level decides over the name."""

from __future__ import annotations

import pytest

from furler_engine.pipeline import compress
from furler_engine.tools import normal, policy_for, why_exact
from furler_engine.types import Hints, Kind, Level, Policy

SOURCE = "".join(
    f"def function_{n}(argument):\n" + "    argument += 1\n" * 9 + "    return argument\n\n\n"
    for n in range(60)
)
LOG = "".join(f"2026-03-14T09:00:{n % 60:02d}Z INFO request {n} done\n" for n in range(400))


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        ("Read", "read"),
        ("read_file", "readfile"),
        ("mcp__files__read-file", "readfile"),
        ("fs.cat", "cat"),
        ("", ""),
    ],
)
def test_names_are_compared_in_one_form(tool: str, name: str) -> None:
    assert normal(tool) == name


def view(text: str, tool: str, **levels: Level) -> tuple[bool, str]:
    policy = Policy(levels=tuple((Kind[k], level) for k, level in levels.items()))
    made = compress(
        text, Hints(tool=tool, filename="a.py" if text is SOURCE else ""), policy, "a" * 16
    )
    return made.is_passthrough, made.decisions[0].reason


def test_a_source_file_that_is_read_stays_exact() -> None:
    assert view(SOURCE, "Read")[0]
    assert not view(SOURCE, "grep")[0]


def test_a_level_of_the_policy_beats_the_tool() -> None:
    assert not view(SOURCE, "Read", CODE=Level.CAREFUL)[0]


def test_a_log_that_is_read_is_still_a_log() -> None:
    assert not view(LOG, "Read")[0]


def test_what_an_edit_shows_stays_as_it_is() -> None:
    assert view(LOG, "str_replace_editor") == (
        True,
        "the output of strreplaceeditor is for the next edit",
    )


def test_a_large_file_is_looked_through_first() -> None:
    assert why_exact("Read", Kind.CODE, 8_000) != ""
    assert why_exact("Read", Kind.CODE, 8_001) == ""


def test_retrieved_content_is_never_compressed_again_under_any_spelling() -> None:
    for tool in ("retrieve", "furler_retrieve", "mcp__furler__retrieve"):
        assert view(LOG, tool) == (True, "retrieved content is never compressed again")


@pytest.mark.parametrize(
    ("tools", "level"),
    [
        ((), Level.CAREFUL),
        ((("bash", Level.OFF),), Level.OFF),
        ((("BASH", Level.OFF),), Level.CAREFUL),
        ((("mcp__*", Level.OFF), ("ba??", Level.LOSSLESS), ("*", Level.TIGHT)), Level.LOSSLESS),
    ],
)
def test_the_first_tool_that_fits_sets_the_level_of_every_kind(
    tools: tuple[tuple[str, Level], ...], level: Level
) -> None:
    policy = policy_for("bash", Policy(levels=((Kind.LOG, Level.CAREFUL),), tools=tools))
    assert policy.level(Kind.LOG) is level
    assert policy.tools == ()


def test_a_level_by_tool_beats_one_by_kind_in_a_view() -> None:
    kinds = ((Kind.LOG, Level.TIGHT),)
    hints = Hints(tool="journal")
    off = Policy(levels=kinds, tools=(("journal", Level.OFF),))
    assert compress(LOG, hints, off, "a" * 16).is_passthrough
    assert not compress(LOG, Hints(tool="cat"), off, "a" * 16).is_passthrough
