import pytest

from furler_engine.clean import clean_line, needs_cleaning


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("plain", "plain"),
        ("\x1b[1;31merror\x1b[0m: x", "error: x"),
        ("\x1b]8;;https://x.example\x07link\x1b]8;;\x1b\\", "link"),
        (" 10 %\r 99 %\rdone", "done"),
        ("windows\r", "windows"),
        ("\x1b[2K\x1b[1Gnpm", "npm"),
        ("\x1b", "\x1b"),
        ("\x1b[", "\x1b["),
        ("", ""),
    ],
)
def test_a_line_is_what_a_terminal_shows_at_its_end(line: str, seen: str) -> None:
    assert clean_line(line) == seen


def test_only_texts_with_control_sequences_need_cleaning() -> None:
    assert needs_cleaning("a\r\n")
    assert needs_cleaning("\x1b[0m")
    assert not needs_cleaning("a\n\tb ü\n")


@pytest.mark.parametrize(
    ("line", "seen"), [("\x1b]a" * 500_000, "a" * 500_000), ("\x1b[" * 500_000, "\x1b[" * 500_000)]
)
def test_a_line_of_nothing_but_openings_takes_one_pass(line: str, seen: str) -> None:
    assert clean_line(line) == seen
