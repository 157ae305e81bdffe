"""Tables: rows that are shown are exact, what stands out is shown, the rest is named."""

import pytest

from furler_engine.compressors import table
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.rows import read
from furler_engine.types import Draft, Hints, Kind, Policy, Source

PLANS = ["free", "pro", "team"]


def users(count: int, delimiter: str = ",") -> list[list[str]]:
    rows = [["id", "day", "plan", "zip", "note"]]
    rows += [
        [
            f"usr_{n * 7919 % 9973:04d}",
            f"2026-06-{n % 28 + 1:02d}",
            PLANS[n % 3],
            str(20000 + n * 37 % 900),
            "",
        ]
        for n in range(count)
    ]
    rows[60][2] = "suspended_for_chargeback"
    rows[70][3] = "99999999"
    rows[80][4] = f'said "{delimiter} no"'
    return rows


def csv_of(rows: list[list[str]], delimiter: str = ",") -> str:
    def cell(value: str) -> str:
        return '"' + value.replace('"', '""') + '"' if delimiter in value or '"' in value else value

    return "".join(delimiter.join(map(cell, row)) + "\n" for row in rows)


def markdown_of(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def boxed(rows: list[list[str]]) -> str:
    rule = "+--------+--------+"
    lines = [f"| {row[0]:<6} | {row[2]:<6} |" for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule, "200 rows in set"])


def psql(rows: list[list[str]]) -> str:
    lines = [" " + " | ".join(f"{cell:<26}" for cell in row) for row in rows]
    rule = "+".join(["-" * 28] * len(rows[0]))
    return "\n".join([lines[0], rule, *lines[1:], f"({len(rows) - 1} rows)"])


def duckdb(rows: list[list[str]]) -> str:
    lines = ["│ " + " │ ".join(f"{cell:<26}" for cell in row) + " │" for row in rows]
    return "\n".join(
        ["┌" + "─" * 40 + "┐", lines[0], "├" + "─" * 40 + "┤", *lines[1:], "└" + "─" * 40 + "┘"]
    )


def simple(rows: list[list[str]]) -> str:
    rule = "  ".join(["=" * 26] * 4)
    lines = ["  ".join(f"{cell:<26}" for cell in row[:4]) for row in rows]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def view(text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = table.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


TEXTS = [
    csv_of(users(200)), csv_of(users(200, "\t"), "\t"), csv_of(users(200, ";"), ";"), markdown_of(users(200)),
    boxed(users(200)), csv_of(users(200)).replace("\n", "\r\n"), psql(users(200)), duckdb(users(200)), simple(users(200)),
    "# exported\n# by a tool\n" + csv_of(users(200)),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_rare_values_are_shown_in_exact_rows_and_most_rows_are_not(text: str) -> None:
    draft = view(text)
    lines = text.split("\n")
    assert draft.shown < 40
    assert sum("suspended_for_chargeback" in line for line in draft.text.split("\n")) >= 2
    for line in draft.text.split("\n"):
        number, colon, row = line.partition(":")
        if colon and number.isdigit():
            assert row == lines[int(number) - 1]


def test_an_outlier_and_a_cell_with_the_delimiter_are_shown() -> None:
    text = view(TEXTS[0]).text
    assert ",99999999," in text
    assert '"said "", no"""' in text


def test_rows_that_the_query_names_are_shown() -> None:
    row = users(200)[123]
    assert ",".join(row) in view(TEXTS[0], f"what plan has {row[0]}?").text


def test_statistics_are_over_all_rows() -> None:
    said = view(TEXTS[0]).text.split("\n")[1]
    assert said.startswith("[all 200 rows: ")
    assert "suspended_for_chargeback×1" in said


@pytest.mark.parametrize(
    "text",
    [csv_of(users(100)[:20]), 'a,b\n1,"x\ny\n' * 31, "one\ntwo\n" * 30, "a,b\n1,2,3\n" * 30],
)
def test_small_broken_and_no_tables_are_left_alone(text: str) -> None:
    assert table.plan(Source(text), Policy()) is None


def test_dates_stay_dates() -> None:
    found = read(Source(TEXTS[0]).lines)
    assert found is not None
    assert list(found.columns())[1][:2] == ["2026-06-01", "2026-06-02"]


@pytest.mark.parametrize("text", TEXTS)
def test_tables_are_detected(text: str) -> None:
    assert detect(Source(text)) is Kind.TABLE


@pytest.mark.parametrize("text", ['"' * 200_000, "a,b\n" + '"' + "x" * 200_000 + '",1\n' * 9])
def test_cells_too_long_for_a_csv_reader_are_no_reason_to_fail(text: str) -> None:
    assert table.plan(Source(text), Policy()) is None


@pytest.mark.parametrize(
    "text",
    [
        *TEXTS[6:],
        "".join(f"word{n},{n * 7}\n" for n in range(40)),
        "\n".join(",".join(f"{n * at / 7:.6f}" for at in range(60)) for n in range(1, 40)),
    ],
)
def test_tables_are_detected_by_their_frames_and_their_delimiters(text: str) -> None:
    assert detect(Source(text)) is Kind.TABLE


def test_a_row_with_line_breaks_is_shown_with_all_its_lines() -> None:
    rows = users(100)
    for n in range(1, 100):
        rows[n][4] = '"late,\nagain"' if n % 3 == 0 else "ok"
    rows[50][4] = '"customer disputes,\nnever ordered"'
    text = "".join(",".join(row) + "\n" for row in rows)
    assert detect(Source(text)) is Kind.TABLE
    draft = view(text, "disputes")
    at = text.split("\n").index(",".join(rows[50]).split("\n")[0])
    assert (
        f'{at + 1}:{",".join(rows[50]).partition(chr(10))[0]}\n{at + 2}:never ordered"'
        in draft.text
    )
    assert draft.text.startswith("[CSV of 100 rows")
