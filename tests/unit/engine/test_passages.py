from furler_engine.shared.headings import Section, sections
from furler_engine.shared.passages import LONGEST, SHORTEST, passages


def test_passages_leave_no_gap_and_are_bounded() -> None:
    text = "word " * 900 + "\n\n" + "line\n" * 900 + "x" * 5000 + "\n"
    cut = passages(text)
    assert "".join(text[start:end] for start, end in cut) == text
    assert max(end - start for start, end in cut) <= LONGEST


def test_a_short_paragraph_goes_with_the_next_one() -> None:
    first, second = "# Title\n\n" + "a" * 300 + "\n\n", "b" * 300 + "\n"
    assert [text[:1] for text in (first, second)] == ["#", "b"]
    assert passages(first + second) == [(0, len(first)), (len(first), len(first + second))]
    assert len("# Title\n\n") < SHORTEST


def test_long_paragraphs_are_cut_at_lines() -> None:
    text = "".join(f"{n:04} some log line of fifty characters, or about it\n" for n in range(200))
    assert all(text[start - 1 : start] in ("", "\n") for start, _ in passages(text))


def test_nothing_has_no_passages() -> None:
    assert passages("") == []


def test_a_section_ends_where_its_equal_begins() -> None:
    assert sections("# A\n## B\nx\n# C\n") == [
        Section("A", 1, 0, 11), Section("B", 2, 4, 11), Section("C", 1, 11, 15),
    ]  # fmt: skip
