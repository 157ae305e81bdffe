"""SQL dumps: what is rare or asked for stays, everything is counted."""

from furler_engine.compressors.sql_dump import plan
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.types import Draft, Hints, Kind, Policy, Source

ROWS = [
    f"INSERT INTO `orders` (id, name, state) VALUES ({n},'it''s-no.{n + 1000}','{'lost' if n == 57 else 'paid'}');"  # noqa: S608 -- a dump to read, no query
    for n in range(120)
]
DUMP = "\n".join(["CREATE TABLE `orders` (id int, name text, state text);", *ROWS, "COMMIT;", ""])


def view(text: str, query: str = "") -> Draft:
    source = Source(text, Hints(query=query))
    draft = plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_a_row_with_a_rare_value_stays() -> None:
    assert "57,'it''s-no.1057','lost');" in view(DUMP).text


def test_the_values_of_a_category_are_counted() -> None:
    assert "[orders: 120 rows, 5 shown; state: 'paid' 119, 'lost' 1]" in view(DUMP).text


def test_a_row_that_the_query_names_stays() -> None:
    assert "no.1083'" not in view(DUMP).text
    assert "no.1083'" in view(DUMP, "who is 1083?").text


def test_what_inserts_nothing_stays() -> None:
    text = view(DUMP).text
    assert "1:CREATE TABLE `orders` (id int, name text, state text);" in text
    assert "122:COMMIT;" in text


def test_rows_of_one_statement_are_rows() -> None:
    rows = ",\n".join(f"({n}, 'a')" for n in range(60))
    draft = view(f"INSERT INTO t VALUES\n{rows};\n")
    assert "[t: 60 rows, 4 shown]" in draft.text


def test_a_dump_is_told_by_its_statements() -> None:
    assert detect(Source(DUMP)) is Kind.CODE


def test_sql_without_rows_is_left_alone() -> None:
    assert plan(Source("SELECT 1 FROM inserts;\n" * 50), Policy()) is None
