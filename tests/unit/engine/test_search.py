"""Search results: every place stays visible, what is shown is exact, what is not is named."""

import re

import pytest

from furler_engine.compressors import search
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.grep import Form, Group, is_match, read, write
from furler_engine.types import Draft, Hints, Kind, Level, Lines, LinesShown, Policy, Source

GREP = """\
src/app/main.py:3:import os
src/app/main.py:40:import sys
src/app/util/io.py:7:import os
src/app/util/io.py:9:    import re
src/app/util/io.py:12:import os
"""
CONTEXT = """\
src/a-1-b/x.py-9-    try:
src/a-1-b/x.py:10:        raise ValueError("no")
src/a-1-b/x.py-11-    finally: 12:13:
--
src/a-1-b/x.py-30-def f():
src/a-1-b/x.py:31:        raise ValueError(kind)
--
src/y.py:4:        raise ValueError(kind)
src/y.py-5-
"""
HEADINGS = """\
src/app/main.py
3:import os
40:import sys

src/app/io.py
7:import os
8-import re
--
99:import os
"""

HEADINGS_WITHOUT_CONTEXT = """\
src/app/main.py
3:import os
40:import sys

src/app/io.py
7:import os
99:import os
"""
"""As rg and git grep --heading --break print matches alone: no -- between their numbers."""
HEADINGS_WITHOUT_BLANK_LINES = HEADINGS_WITHOUT_CONTEXT.replace("\n\n", "\n")
ONE_FILE = """\
3:import os
40:    def read(self, kind: str) -> bytes:
77:        raise ValueError(kind)
78:        raise ValueError(kind)
"""
ONE_FILE_WITH_CONTEXT = """\
9-    try:
10:        raise ValueError("no")
11-    finally:
--
30-def f():
31:        raise ValueError(kind)
"""


def draft_of(text: str, query: str = "", policy: Policy | None = None) -> Draft | None:
    return search.plan(Source(text, Hints(query=query)), policy or Policy())


def eliding(text: str, query: str = "", policy: Policy | None = None) -> Draft:
    source = Source(text, Hints(query=query))
    draft = search.plan_eliding(source, policy or Policy())
    assert draft is not None
    check(source, draft)
    return draft


@pytest.mark.parametrize(
    "text",
    [
        GREP,
        CONTEXT,
        HEADINGS,
        GREP.replace("\n", "\r\n"),
        GREP.replace("src/app", "C:\\Program Files\\app"),
        GREP.replace("src/app", "src/a b:c/ünï-5-x"),
        GREP.replace(":", ":5:", 1) + "Binary file x.bin matches\n\n",
        "# a.py:1:x\n| b.py:2:y\n[c].py:3:z\nalso 4.py:4:=A\n=A.py:5:w\n",
        "a.py:5:one\na.py:5:one\na.py:2:two\na.py:007:three\n",
        "2x/a.py:1:" + "same text that is long enough to be named " * 2 + "\n" + "b.py:7:=B\n"
        + "".join(f"c{n}.py:4:" + "same text that is long enough to be named " * 2 + "\n" for n in range(4)),
        'a.py:1:[furler: 3 of 9 lines shown; ref="aaaaaaaaaaaaaaaa"]\na.py:2:x\nb.py:3:# a.py\n',
        HEADINGS_WITHOUT_CONTEXT,
        HEADINGS_WITHOUT_BLANK_LINES,
        HEADINGS_WITHOUT_CONTEXT + "\n6 matches\n2 files contained matches\n",
        ONE_FILE + "102:12:30 is a time\n",
        ONE_FILE_WITH_CONTEXT,
        ONE_FILE.replace("import", "# also 7,8"),
    ],
)  # fmt: skip
def test_every_line_of_the_output_is_read_back_from_the_lossless_view(text: str) -> None:
    source = Source(text)
    draft = search.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    assert isinstance(draft.coverage, LinesShown)
    assert draft.coverage.decode is not None
    assert list(enumerate(source.lines, 1)) == list(draft.coverage.decode(draft.text))


def test_paths_are_written_once_and_repeated_texts_merged() -> None:
    draft = draft_of(GREP)
    assert draft is not None
    assert draft.text.split("\n")[1:] == [
        "[all paths start with src/app/]",
        "# main.py",
        "3:import os",
        "40:import sys",
        "# util/io.py",
        "7,12:import os",
        "9:    import re",
    ]


def test_context_belongs_to_its_file_even_when_the_path_looks_numbered() -> None:
    results = read(Source(CONTEXT).lines)
    assert results is not None
    assert [g.path for g in results.groups] == ["src/a-1-b/x.py", "src/y.py"]
    assert results.form == Form(gaps=True)


def test_separators_in_unusual_places_stay_where_they_are() -> None:
    text = CONTEXT.replace("--\nsrc/y.py", "src/y.py")
    results = read(Source(text).lines)
    assert results is not None
    assert results.form == Form()
    assert list(write(results.parts, Form())) == Source(text).lines


@pytest.mark.parametrize(
    "line",
    [
        "2026-06-22 12:30:15 INFO started",
        "2026-06-22T12:30:15 started",
        "12:30:15 started",
        "Jun 22 12:30:15 host sshd: x",
        "host Jun 22 12:30:15 x",
        "2026/06/22 12:30:15 x",
        "[2026-06-22 12:30:15] x",
        "1,2,3:4:5",
        "a,b,2026-06-22,x",
        "usr_1,2026-06-22T12:30:15Z,free",
        "src/main.c:12:5: error: expected ';'",
        "pkg/x.py:3:1: F401 unused import",
        "10.0.0.1:8080:up",
        "see part-12-b for more",
    ],
)
def test_dates_clocks_tables_and_diagnostics_are_no_matches(line: str) -> None:
    assert not is_match(line)


def test_the_form_of_an_output_is_known() -> None:
    forms = {
        CONTEXT: Form(gaps=True),
        HEADINGS.replace("40:", "4-"): Form(headings=True, spaced=True, gaps=True),
        HEADINGS_WITHOUT_CONTEXT: Form(headings=True, spaced=True),
        HEADINGS_WITHOUT_BLANK_LINES: Form(headings=True),
        ONE_FILE: Form(one_file=True),
        ONE_FILE_WITH_CONTEXT: Form(gaps=True, one_file=True),
    }
    for text, form in forms.items():
        results = read(Source(text).lines)
        assert results is not None
        assert results.form == form
        assert all(isinstance(part, Group) for part in results.parts)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{n}:line {n} of a file that was printed\n" for n in range(1, 90)),
        "".join(f"{n}-a line of context and nothing else\n" for n in range(1, 90, 3)),
        "".join(f"{9 - n % 9}:a number that does not rise {n}\n" for n in range(90)),
        "".join(f"{n}:text\nnote\n" for n in range(40)),
    ],
)
def test_numbers_before_lines_are_no_search_when_they_can_be_anything_else(text: str) -> None:
    assert read(Source(text).lines) is None


def test_colours_are_taken_out() -> None:
    text = "".join(
        f"\x1b[0m\x1b[35msrc/a.py\x1b[0m:\x1b[32m{n}\x1b[0m:    \x1b[1m\x1b[31mraise\x1b[0m E({n})\n"
        for n in range(9)
    )
    draft = draft_of(text)
    assert draft is not None
    check(Source(text), draft)
    assert draft.text.split("\n")[1:3] == ["# src/a.py", "0:    raise E(0)"]


def _one_long_file() -> str:
    names = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(200)]
    return "".join(
        f"{n * 10}:    def {name}_method(self, store: Store, rows: int = {n}) -> None:\n"
        if n % 3 == 0
        else f"{n * 10}:        self.{name}_store.put(key, self.value_{n}, rows={n})\n"
        for n, name in enumerate(names, 1)
    )


@pytest.mark.parametrize("level", [Level.CAREFUL, Level.TIGHT])
def test_of_one_file_every_match_is_listed_and_every_definition_named(level: Level) -> None:
    text = _one_long_file()
    draft = eliding(text, policy=Policy(levels=((Kind.SEARCH_RESULTS, level),)))
    numbers = set(re.findall(r"\d+", draft.text.partition("\n")[2]))
    for line in text.splitlines():
        assert line.partition(":")[0] in numbers
        if name := re.search(r"def (\w+)", line):
            assert name[1] in draft.text
    assert len(draft.text) < len(text) / 2


def test_of_one_file_texts_from_all_over_it_are_shown() -> None:
    shown = [int(n) for n in re.findall(r"^(\d+):", eliding(_one_long_file()).text, re.MULTILINE)]
    assert len(shown) == 48
    assert min(shown) < 100
    assert max(shown) > 1900


def test_a_file_whose_only_match_is_hidden_is_named_below_headings_too() -> None:
    text = "\n\n".join(f"src/a{n}.py\n{n}:{'value ' * 50}" for n in range(1, 20))
    draft = eliding(text)
    assert draft.text.split("\n")[2:4] == ["a1.py:1 [L2]", "a2.py:2 [L5]"]
    assert "src/a7.py" not in draft.text


def test_a_rare_error_keeps_its_text() -> None:
    rows = [f"{n * 7}:request {n} of the tenant took {n * 3} ms in the end" for n in range(1, 300)]
    rows[200] = rows[200].replace("request", "ERROR disk full, request")
    assert rows[200] in eliding("\n".join(rows)).text


@pytest.mark.parametrize(
    "text", [GREP, CONTEXT, HEADINGS, HEADINGS_WITHOUT_CONTEXT, ONE_FILE, "C:\\src\\a.c:3:x\n" * 5]
)
def test_search_results_are_detected(text: str) -> None:
    assert detect(Source(text)) is Kind.SEARCH_RESULTS


def test_columns_below_a_path_are_no_clocks() -> None:
    text = "src/a.py\n53:11:warn(x)\n60:10:warn(y)\n\nsrc/b.py\n7:24:warn(z)\n8:13:warn(w)\n"
    assert detect(Source(text)) is Kind.SEARCH_RESULTS
    clocks = "logs/a.log\n" + "".join(f"12:30:{n:02} job {n} done\n" for n in range(30))
    assert detect(Source(clocks)) is not Kind.SEARCH_RESULTS


def test_a_log_is_not_taken_for_search_results() -> None:
    log = "".join(f"2026-06-22 12:30:{n:02}:app:job {n} done\n" for n in range(40))
    assert draft_of(log) is None
    assert detect(Source(log)) is not Kind.SEARCH_RESULTS


def _long_search() -> str:
    lines = [
        f"src/mod_{f}.py:{n}:    raise ValueError(f'value {f}.{n} of the request is not allowed')"
        for f in range(12)
        for n in range(10, 60, 10)
    ]
    lines.insert(
        30, "src/mod_5.py:61:    raise ValueError('chargeback suspended: " + "x" * 400 + "')"
    )
    return "\n".join(lines)


@pytest.mark.parametrize("level", [Level.CAREFUL, Level.TIGHT])
def test_the_eliding_view_shows_file_and_line_of_every_match(level: Level) -> None:
    text = _long_search()
    draft = eliding(text, policy=Policy(levels=((Kind.SEARCH_RESULTS, level),)))
    assert draft.elisions
    places = [line.split(":")[:2] for line in text.split("\n")]
    for path, number in places:
        assert path.removeprefix("src/") in draft.text
        assert re.search(rf"\b{number}\b", draft.text)
    assert len(draft.text) < len(text) / 2


def test_a_left_out_text_is_covered_by_the_range_printed_beside_its_file() -> None:
    draft = eliding(_long_search())
    printed = [
        range(int(a), int(b or a) + 1)
        for a, b in re.findall(r" \[L(\d+)(?:-(\d+))?\]$", draft.text, re.MULTILINE)
    ]
    for elision in draft.elisions:
        assert isinstance(elision.place, Lines)
        assert any(elision.place.first in span and elision.place.last in span for span in printed)


def test_matches_that_the_query_names_keep_their_text() -> None:
    draft = eliding(_long_search(), query="why was the chargeback suspended")
    assert "chargeback suspended: " + "x" * 400 in draft.text


def test_a_target_makes_the_view_shorter() -> None:
    text = _long_search()
    assert len(eliding(text, policy=Policy(target_tokens=200)).text) < len(eliding(text).text)


def test_context_is_counted_when_it_is_left_out() -> None:
    text = "\n".join(
        f"src/a.py{mark}{n}{mark}{'some line of code' if mark == '-' else chr(97 + start // 20) * 50}"
        for start in range(10, 200, 20)
        for n, mark in zip(range(start, start + 7), "---:---", strict=True)
    )
    draft = eliding(text)
    assert "40 lines of context are left out" in draft.text
    assert draft.shown == 30


@pytest.mark.parametrize(("count", "is_brief"), [(100_000, True), (100_001, False)])
def test_beyond_a_hundred_thousand_matches_there_is_no_second_view(
    count: int,
    is_brief: bool,  # noqa: FBT001 - a parameter
) -> None:
    rows = (
        f"src/a{n // 100}.py:{n + 1}:    {n:07} the same words in every line\n"
        for n in range(count)
    )
    draft = search.plan_eliding(Source("".join(rows)), Policy())
    assert (draft is not None) is is_brief


def test_every_path_stands_whole_below_the_root_that_is_said_once() -> None:
    paths = [f"src/services/checkout/handlers/part_{n}.py" for n in range(40)] + ["src/top.py"]
    text = "".join(
        f"{path}:7:    raise PaymentError({n}, 'the customer has no card on file')\n"
        for n, path in enumerate(paths)
    )
    for draft in (draft_of(text), eliding(text, policy=Policy(target_tokens=400))):
        assert draft is not None
        _legend, root, *rows = draft.text.split("\n")
        assert root == "[all paths start with src/]"
        assert [path for path in paths if path.removeprefix("src/") not in "\n".join(rows)] == []
