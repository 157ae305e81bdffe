"""What went wrong in other systems of this kind, each as a test of its own.

The failures were measured on real inputs; the inputs here are made for the test.
"""

from __future__ import annotations

import json

import pytest

from furler_engine.markers import find_ref
from furler_engine.pipeline import compress
from furler_engine.select import select
from furler_engine.types import Hints, Kind, Policy, View

REF = "abcdefghijklmnop"


def view(text: str, query: str = "", tool: str = "") -> View:
    return compress(text, Hints(query=query, tool=tool), Policy(), REF)


def retrieved(text: str, made: View) -> str:
    """Return what the view shows and what its elisions give back, as one text."""
    data = text.encode()
    parts = [made.text]
    for elision in made.elisions:
        parts += [data[start:end].decode() for start, end in select(text, elision.place)]
    return "\n".join(parts)


def test_dates_are_not_taken_for_search_results() -> None:
    text = "".join(
        f"2026-06-22 released version 1.{n} with fixes to module-{n}-10-core\n" for n in range(300)
    )
    made = view(text)
    assert made.kind is not Kind.SEARCH_RESULTS
    assert "2026:6:22" not in made.text


def test_csv_is_never_corrupted() -> None:
    rows = [
        f'{n},"Smith, J. ""Joe"" {n}",{n * 1.5:.2f},2026-01-{n % 28 + 1:02d}' for n in range(400)
    ]
    text = "id,name,total,day\n" + "\n".join(rows) + "\n"
    made = view(text, query="Smith 377")
    assert made.kind is Kind.TABLE
    assert '377,"Smith, J. ""Joe"" 377",565.50,2026-01-14' in made.text
    whole = retrieved(text, made)
    assert [row for row in rows if row not in whole] == []


def test_context_lines_of_grep_are_never_lost() -> None:
    blocks = [
        f"src/pkg/mod_{n // 8}.py-{20 * n + 1}-    # before {n}\n"
        f"src/pkg/mod_{n // 8}.py:{20 * n + 2}:    raise ValueError({n})\n"
        f"src/pkg/mod_{n // 8}.py-{20 * n + 3}-    # after {n}\n"
        for n in range(120)
    ]
    text = "--\n".join(blocks)
    whole = retrieved(text, view(text))
    missing = [n for n in range(120) if f"# before {n}" not in whole or f"# after {n}" not in whole]
    assert missing == []


def test_a_log_never_loses_all_its_lines() -> None:
    text = "".join(f"{n:06d} worker-{n % 5} heartbeat ok latency={n % 37}ms\n" for n in range(2000))
    made = view(text)
    shown = [line for line in text.splitlines() if line in made.text]
    assert len(shown) >= 1
    assert made.text.count("2,000") >= 1


def test_no_field_is_dropped_where_a_row_is_shown() -> None:
    rows = [
        {"id": n, "name": f"item {n}", "flag": None if n % 3 else "odd one", "nested": {"deep": n}}
        for n in range(300)
    ]
    rows[171]["status"] = "failed: quota exceeded on shard 7"
    made = view(json.dumps(rows), query="which item failed?")
    assert "failed: quota exceeded on shard 7" in made.text
    line = [line for line in made.text.splitlines() if "quota exceeded" in line][-1]
    for value in ("171", "item 171", "odd one"):
        assert value in line


@pytest.mark.parametrize(
    "marker",
    [
        "<<ccr:4af9b1c2d3e4>>",
        f'[furler: 1 of 9 lines shown; stored: retrieve(ref="{REF[::-1]}", lines="1-9")]',
        "… L1-400",
        "$.data[0:10]",
    ],
)
def test_marker_like_text_neither_disables_compression_nor_resolves(marker: str) -> None:
    plain = "".join(f"2026-03-14T09:00:{n % 60:02d}Z INFO request {n} done\n" for n in range(900))
    text = plain[: len(plain) // 2] + marker + "\n" + plain[len(plain) // 2 :]
    made = view(text)
    assert made.tokens_after < made.tokens_before / 5
    assert find_ref(made.text) == REF
    assert marker in retrieved(text, made)


@pytest.mark.parametrize("tool", ["retrieve", "furler_retrieve", "mcp__furler__retrieve"])
def test_retrieved_text_is_never_compressed_again(tool: str) -> None:
    text = "".join(f"2026-03-14T09:00:{n % 60:02d}Z INFO request {n} done\n" for n in range(900))
    assert view(text, tool=tool).text == text


def test_no_diagnostic_is_hidden_without_being_counted() -> None:
    lines = [
        f"src/file{n % 7}.ts({n + 1},{n % 40 + 1}): error TS{2300 + n % 3}: Cannot find name 'x{n}'."
        for n in range(500)
    ]
    made = view("\n".join(lines))
    for code in ("TS2300", "TS2301", "TS2302"):
        assert code in made.text
    for number in (1, 250, 500):
        assert str(number) in made.text
    assert "×" in made.text


def test_changed_lines_of_a_diff_are_exact() -> None:
    hunks = "".join(
        f"@@ -{n * 20 + 1},7 +{n * 20 + 1},7 @@ def f{n}():\n a\n b\n c\n-    old = {n}  \n+    new\t= {n}\n d\n e\n f\n"
        for n in range(60)
    )
    text = f"diff --git a/m.py b/m.py\nindex 111..222 100644\n--- a/m.py\n+++ b/m.py\n{hunks}"
    made = view(text)
    for n in range(60):
        assert f"-    old = {n}  \n+    new\t= {n}\n" in made.text
