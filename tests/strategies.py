"""What property tests draw from: contents of every kind, hints, policies, selectors."""

import json

from hypothesis import strategies as st

from furler_engine.types import (
    TOKENIZERS,
    Bytes,
    Fidelity,
    Hints,
    JsonPath,
    Kind,
    Level,
    Lines,
    Match,
    Policy,
    Rows,
    Search,
    Selector,
    Symbol,
)

COMPRESSORS = ("json_tables", "json_rows", "log", "search", "search_brief", "code", "diagnostics")
WORDS = (
    "error",
    "user",
    "timeout",
    "done",
    "é",
    "αβγ",
    "日本",
    "x_1",
    "getName",
    "42",
    "0.5",
    "-1e9",
)
MARKERS = (
    "… L120-188",
    "$.data[3:480]",
    '[furler: 1 of 2 lines shown; stored: retrieve(ref="abcdefgh234567ab", lines="1-2")]',
    "[furler: same content, re-encoded]",
    "<<ccr:abcdef>>",
)

texts = st.text(st.characters(codec="utf-8"), max_size=400)
"""Any text that UTF-8 can write."""

words = st.sampled_from(WORDS) | st.text(
    st.characters(categories=("L", "N"), max_codepoint=0x2FFF), min_size=1, max_size=8
)
lines = st.lists(words, max_size=8).map(" ".join) | st.sampled_from(MARKERS)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | words,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words, inner, max_size=5),
    max_leaves=20,
)


# A few drawn parts, repeated by rule: long enough to be compressed, quick to draw.
_counts = st.integers(1, 20) | st.integers(50, 250)


@st.composite
def row_documents(draw: st.DrawFn) -> str:
    """Return an array of records alike, alone, enveloped or as JSON Lines, in some layout."""
    names = draw(st.lists(words, min_size=1, max_size=5, unique=True))
    cell: st.SearchStrategy[object] = (
        st.integers(-5, 5) | words | st.none() | st.lists(st.integers(0, 3), max_size=2)
    )
    shapes = draw(
        st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(names, cell)), min_size=1, max_size=5
        )
    )
    rows = [{"id": n, **shapes[n * n % len(shapes)]} for n in range(draw(_counts))]
    rows += draw(st.lists(st.dictionaries(words, json_values, max_size=3), max_size=2))
    form = draw(st.sampled_from(["plain", "indented", "envelope", "lines"]))
    if form == "lines":
        return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    value = {"total": len(rows), "rows": rows} if form == "envelope" else rows
    return json.dumps(value, indent=2 if form == "indented" else None, ensure_ascii=False)


@st.composite
def logs(draw: st.DrawFn) -> str:
    """Return lines of a few patterns, with other lines and terminal control between."""
    patterns = draw(st.lists(lines, min_size=1, max_size=4))
    levels = draw(st.lists(st.sampled_from(["INFO", "WARN", "ERROR"]), min_size=1, max_size=4))
    end = draw(st.sampled_from(["\n", "\r\n", "\x1b[0m\n"]))
    found = [
        f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z {levels[n % len(levels)]} "
        f"{patterns[n * n % len(patterns)]} id={n * 7919}"
        for n in range(draw(_counts))
    ]
    for line in draw(st.lists(lines, max_size=4)):
        found.insert(len(line) * 7 % (len(found) + 1), line)
    return end.join(found) + draw(st.sampled_from(["", end]))


@st.composite
def sources(draw: st.DrawFn) -> str:
    """Return Python functions and classes with bodies of some length."""
    statement = st.sampled_from(["x += 1", "return x", "# é", "call(x)", "pass", "if x:"])
    body = draw(st.lists(statement, min_size=1, max_size=6))
    parts = [f"{draw(lines)}\n" if draw(st.integers(0, 5)) == 0 else "import os\n"]
    for n in range(draw(st.integers(1, 40))):
        inner = "".join(f"    {line}\n" for line in body * (1 + n * n % 9))
        parts.append(f"\n\ndef function_{n}(x: int) -> int:\n{inner}")
    return "".join(parts)


@st.composite
def searches(draw: st.DrawFn) -> str:
    """Return hits of a search tool in a few files."""
    paths = st.sampled_from(["src/a.py", "src/b/c.ts", "é.md", "src/app/services/deep/f.go"])
    hits = draw(st.lists(st.tuples(paths, lines), min_size=1, max_size=6))
    ordered = sorted(hits * draw(st.integers(1, 25)))
    return "".join(f"{path}:{n}:{text}\n" for n, (path, text) in enumerate(ordered, 1))


markdown = st.lists(
    st.sampled_from(["# Title", "## Part", "- item", "```", "| a | b |", ""]) | lines, max_size=30
).map("\n".join)

contents = (
    texts
    | row_documents()
    | json_values.map(lambda value: json.dumps(value, ensure_ascii=False))
    | logs()
    | sources()
    | searches()
    | markdown
    | st.lists(lines, max_size=40).map("\n".join)
)
"""A content of any kind, marker-like text included."""

hints = st.builds(
    Hints,
    kind=st.sampled_from([None] * 30 + list(Kind)),
    filename=st.sampled_from([""] * 8 + ["a.py", "b.log", "c.json", "d.diff"]),
    tool=st.sampled_from(["", "bash", "grep"]),
    query=st.sampled_from(["", "why the timeout?"]) | lines,
)

policies = st.builds(
    Policy,
    fidelity=st.sampled_from(Fidelity),
    target_tokens=st.sampled_from([0, 0, 20, 500]),
    min_tokens=st.sampled_from([0, 0, 0, 200]),
    tokenizer=st.sampled_from(TOKENIZERS),
    disabled=st.frozensets(st.sampled_from(COMPRESSORS), max_size=2),
    levels=st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from(Level)), max_size=3).map(
        tuple
    ),
)
"""Any policy; small contents are compressed too."""

_numbers = st.integers(-3, 60) | st.integers(-(10**15), 10**15)
_paths = st.lists(words | st.integers(0, 3), max_size=3).map(tuple)
_queries = st.sampled_from(
    ["$", "$[*]", "$..*", "$.rows[1:3]", "$[?@.a > 1]", "$['é'][0]", "$[", "rows", "$[::-1]",
     "$..[?search(@, '(a+)+$')]", "$[0, 1, 0]"]
)  # fmt: skip
selectors: st.SearchStrategy[Selector] = (
    st.builds(Lines, _numbers, _numbers)
    | st.builds(Bytes, _numbers, _numbers)
    | st.builds(Rows, _paths, _numbers, _numbers)
    | st.builds(
        JsonPath, _queries | st.text("$.[]*?@'\"()&|<=>!:,0123ab ", max_size=20).map("$".__add__)
    )
    | st.builds(Match, words | st.text("ab.*+?()[]{}|^$\\d1,", max_size=12), st.integers(-1, 3))
    | st.builds(Symbol, st.sampled_from(["function_1", "Title", "Part", "function", ""]) | words)
    | st.builds(Search, lines, st.integers(0, 6))
)
"""Selectors of every sort, most of which fit no content."""
