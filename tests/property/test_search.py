"""Search results: whatever the output, the lossless view gives it back and the eliding one is proven."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import search, search_json, search_plain
from furler_engine.coverage import check
from furler_engine.types import Hints, Policy, Source

PATHS = st.sampled_from(
    ["src/a.py", "src/b-2-c.py", "C:\\x y\\z.c", "# odd.md", "12/a.py", "Makefile", "ü/:1:/q.rs", "also 3"]
)  # fmt: skip
TEXTS = st.sampled_from(
    ["", "import os", "=A", " [L3]", "x" * 90, "x" * 300, "# a", "12:3:", "é"]
) | (st.text(max_size=40).map(lambda s: s.replace("\n", " ")))
NUMBERS = st.integers(0, 60).map(str)
HITS = st.builds(
    lambda p, n, t, m: f"{p}{m}{n}{m}{t}", PATHS, NUMBERS, TEXTS, st.sampled_from(":-")
)
LINES = st.one_of(HITS, HITS, HITS, st.sampled_from(["--", "", "Binary file matches", "a.py"]))
FILES = st.lists(LINES, min_size=3, max_size=40)
ROWS = st.lists(st.tuples(st.integers(1, 30), st.sampled_from("::-"), TEXTS), max_size=12)


def _numbered(rows: list[tuple[int, str, str]], gap: str) -> list[str]:
    """Lines of one file as they rise, with ``gap`` where a number does not follow the one before."""
    lines: list[str] = []
    at = 0
    for step, mark, text in rows:
        lines += [gap] * (bool(gap and at) and step > 1)
        at += step
        lines.append(f"{at}{mark}{text}")
    return lines


GAPS = st.sampled_from(["", "--"])
ONE_FILE = st.builds(_numbered, ROWS, GAPS)
HEADED = st.lists(
    st.builds(lambda p, r, g: [p, *_numbered(r, g), ""], PATHS, ROWS, GAPS), max_size=4
).map(lambda files: [line for lines in files for line in lines][:-1])
ALL = st.one_of(FILES, ONE_FILE, HEADED)
COLOURED = ALL.map(lambda lines: [f"\x1b[35m{line}\x1b[0m" for line in lines])
OUTPUTS = st.one_of(ALL, ALL, COLOURED).map("\n".join)


@given(OUTPUTS)
@settings(max_examples=300)
def test_the_lossless_view_gives_every_line_back(text: str) -> None:
    source = Source(text)
    draft = search.plan(source, Policy())
    if draft is not None:
        check(source, draft)


@given(OUTPUTS, st.sampled_from(["", "import", "what of x"]), st.sampled_from([0, 10, 10_000]))
@settings(max_examples=300)
def test_the_eliding_view_accounts_for_every_line(text: str, query: str, target: int) -> None:
    source = Source(text, Hints(query=query))
    draft = search.plan_eliding(source, Policy(target_tokens=target))
    if draft is not None:
        check(source, draft)


PLAIN_LINES = st.lists(
    st.one_of(
        st.builds(
            "{}:{}".format,
            st.sampled_from(["src/a.py", "src/b/c.md", "d.go"]),
            st.sampled_from(["x = 1", "# y", "| z", "! w", "", ":", "12", "src/a.py:x"]),
        ),
        st.sampled_from(
            ["", "# p", "| q", "! r", "grep: s: Is a directory", "[all paths start with "]
        ),
    ),
    max_size=40,
)


@given(PLAIN_LINES)
def test_results_without_numbers_are_read_back(lines: list[str]) -> None:
    source = Source("\n".join(lines))
    draft = search_plain.plan(source, Policy())
    if draft is not None:
        check(source, draft)


def _event(kind: str, data: dict[str, object]) -> str:
    return json.dumps({"type": kind, "data": data}, separators=(",", ":"), ensure_ascii=False)


def _found(path: str, text: str, number: int, offset: int, spans: list[tuple[int, int]]) -> str:
    data = text.encode()
    said = [
        {"match": {"text": data[a:b].decode(errors="ignore")}, "start": a, "end": b}
        for a, b in spans
    ]
    place = {"line_number": number, "absolute_offset": offset, "submatches": said}
    return _event(
        "match" if spans else "context",
        {"path": {"text": path}, "lines": {"text": text + "\n"}, **place},
    )


SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30)), max_size=2)
EVENTS = st.one_of(
    st.builds(lambda p: _event("begin", {"path": {"text": p}}), PATHS),
    st.builds(_found, PATHS, TEXTS, st.integers(0, 60), st.integers(0, 99), SPANS),
    st.builds(_found, st.just("a.py"), TEXTS, st.integers(0, 9), st.integers(0, 9), SPANS),
    st.sampled_from(["", "{", "rg: x", '{"data":{"elapsed_total":', '{"type":"end","data":{}}']),
)


@given(st.lists(EVENTS, max_size=20))
def test_events_of_ripgrep_are_read_back(events: list[str]) -> None:
    first = _event("begin", {"path": {"text": "a.py"}})
    source = Source("\n".join([first, *events]))
    for draft in (
        search_json.plan(source, Policy()),
        search_json.plan_eliding(source, Policy(target_tokens=10)),
    ):
        if draft is not None:
            check(source, draft)
