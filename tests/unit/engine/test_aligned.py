"""Tables lined up with blanks: whatever the columns, a cell is what stands in it, and no word is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import table
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.aligned import layout_of
from furler_engine.shared.rows import read
from furler_engine.types import Kind, Policy, Source

PODS = [["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE", "NOMINATED NODE"]] + [
    ["payments" if n % 3 else "kube-system", f"api-{n:04x}", "1/1", "Running", "0", "5d", "<none>"]
    for n in range(40)
]
PODS[17][2:5] = ["0/1", "CrashLoopBackOff", "27 (5m ago)"]
PS = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n" + "".join(
    f"root     {n:7d}  0.{n % 10}  0.0 {n * 97:6d} {n * 31:5d} ?        S    09:48   0:00 /bin/worker --n {n}\n"
    for n in range(40)
)
LONG_ROW = (
    "www-data   99999 44.3  7.5 2717092 1857552 ?     Rsl  13:12   0:58 python -m training.fit\n"
)


def lined_up(rows: list[list[str]], gap: int = 3) -> str:
    widths = [max(map(len, column)) + gap for column in zip(*rows, strict=True)]
    cells = ([c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in rows)
    return "".join("".join(row).rstrip() + "\n" for row in cells)


def test_cells_with_blanks_and_names_of_two_words_stay_whole() -> None:
    found = read(lined_up(PODS).splitlines())
    assert found is not None
    assert found.names == PODS[0]
    assert list(found.rows()) == PODS[1:]


def test_a_long_value_that_pushes_the_others_aside_is_read_by_its_words() -> None:
    found = read((PS + LONG_ROW).splitlines())
    assert found is not None
    assert found.names[5:8] == ["RSS", "TTY", "STAT"]
    assert list(found.rows())[-1] == [*LONG_ROW.split(None, 10)[:10], "python -m training.fit"]


def test_a_summary_above_and_rules_below_the_header_are_no_rows() -> None:
    rows = [["Package", "Version", "Latest"], ["-------", "-------", "------"]]
    rows += [[f"package-{n}", f"1.{n}.0", f"2.{n}.1"] for n in range(20)]
    found = read(["20 packages can be upgraded", "", *lined_up(rows, 2).splitlines()])
    assert found is not None
    assert (found.header, len(found.lines)) == (2, 20)


@pytest.mark.parametrize("text", [lined_up(PODS), PS + LONG_ROW])
def test_lined_up_tables_are_detected_and_shown_by_what_stands_out(text: str) -> None:
    source = Source(text)
    assert detect(source) is Kind.TABLE
    draft = table.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert "CrashLoopBackOff" in draft.text or "2717092" in draft.text
    assert len(draft.text) < 0.7 * len(text)


@pytest.mark.parametrize(
    "text",
    [
        "The words of a text  do not line up\n" + "Nor do these, whatever they may say here\n" * 20,
        "".join(f" src/Module{n}.java       |  {n:3} +++--\n" for n in range(30)),
        "".join(f"2026-11-20 07:{n:02}:00  INFO  [main]  started\n" for n in range(30)),
        "Name  Value  Unit\n" * 3,
    ],
)
def test_other_texts_have_no_columns(text: str) -> None:
    assert layout_of(text.splitlines()) is None


CELL = st.text(st.sampled_from("aB1-/()é"), min_size=1, max_size=9)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=8, max_size=30), st.booleans())
def test_no_word_of_a_row_is_lost(rows: list[tuple[str, str, str]], right: bool) -> None:  # noqa: FBT001
    pad = "{:>12}  {:>12}  {:>12}".format if right else "{:<12}  {:<12}  {:<12}".format
    lines = [pad("Name", "Size", "Owner"), *(pad(*row) for row in rows)]
    layout = layout_of(lines)
    assert layout is not None
    assert [layout.cells(line) for line in lines[1:]] == [list(row) for row in rows]


PPROF = "      flat  flat%   sum%        cum   cum%\n" + "".join(
    f"     {n % 7}.{n:02}s {n % 9}.10% {n % 90}.05%      {n % 5}.{n:02}s  {n % 8}.50%  runtime.f{n}\n"
    for n in range(40)
)
PANDAS = "      city  orders   total\n" + "".join(
    f"{n:<3}  {('Oslo', 'Pune')[n % 2]:>5}  {n * 7 % 40:6}  {n * 37 % 900:6}\n" for n in range(40)
)


@pytest.mark.parametrize("text", [PPROF, PANDAS])
def test_words_above_columns_of_numbers_are_a_header(text: str) -> None:
    assert detect(Source(text)) is Kind.TABLE
    table = read(text.split("\n")[:-1])
    assert table is not None
    assert len(table.lines) == 40


@pytest.mark.parametrize(
    "text",
    [
        "one  two three\n" + "a b c\n" * 30,
        "we  have seen\n" + "".join(f"item {n} of {n}\n" for n in range(30)),
    ],
)
def test_words_above_other_lines_are_none(text: str) -> None:
    assert read(text.split("\n")) is None
