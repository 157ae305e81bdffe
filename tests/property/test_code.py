"""Source code: whatever the text, a skeleton is proven, repeats itself and keeps every name."""

from hypothesis import given, settings
from hypothesis import strategies as st

from furler_engine.compressors import code, long_lines, sql_dump
from furler_engine.coverage import check
from furler_engine.shared.languages import CODE_SUFFIXES
from furler_engine.shared.syntax import definitions
from furler_engine.types import Hints, Kind, Level, Lines, Policy, Source

TIGHT = Policy(levels=((Kind.CODE, Level.TIGHT),))
SUFFIXES = st.sampled_from(sorted(CODE_SUFFIXES))
NAMES = st.text("abcxyzäß", min_size=1, max_size=6).map(lambda name: f"f_{name}")
PIECES = st.sampled_from(
    ["def f(x):\n", "class A:\n", "    ", "\t", "x = 1\n", "{", "}", "(", ")", "\r\n", "\n", "/*", "*/", "//", "#", '"""', "'", '"', "`",
     "func g() {\n", "fn h() {\n", "function k() {\n", "import a\n", "<?php\n", "end\n", "\x00", "\ufeff", "é", "…", "L1-9", ";", "=>"]
)  # fmt: skip
SOUP = st.lists(PIECES | st.text(max_size=8), max_size=120).map("".join)


@given(SOUP, SUFFIXES)
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_proven_draft_or_none(text: str, suffix: str) -> None:
    for plan in (code.plan, long_lines.plan, sql_dump.plan):
        source = Source(text, Hints(filename=f"a.{suffix}"))
        draft = plan(source, TIGHT)
        if draft is not None:
            check(source, draft)
            assert draft == plan(Source(text, source.hints), TIGHT)


def python(names: list[str], size: int) -> str:
    return "\n".join(
        f"class C{i}:\n    def {name}(self):\n" + "        call(self, other)\n" * size
        for i, name in enumerate(names)
    )


def braces(names: list[str], size: int) -> str:
    return "\n".join(
        f"class C{i} {{\n  {name}(x) {{\n" + "    call(this, other);\n" * size + "  }\n}\n"
        for i, name in enumerate(names)
    )


@given(
    names=st.lists(NAMES, min_size=1, max_size=8),
    size=st.integers(5, 90),
    is_python=st.booleans(),
    has_returns=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_names_stay_and_cuts_give_their_lines_back(
    names: list[str], size: int, *, is_python: bool, has_returns: bool
) -> None:
    text, filename = (python(names, size), "a.py") if is_python else (braces(names, size), "a.js")
    text = text.replace("\n", "\r\n") if has_returns else text
    source = Source(text, Hints(filename=filename))
    draft = code.plan(source, TIGHT)
    assert draft is not None
    check(source, draft)
    found = definitions(text, "python" if is_python else "javascript")
    assert [d.name for d in found if d.name not in draft.text] == []
    assert len(draft.elisions) == len(names)
    for elision in draft.elisions:
        assert isinstance(elision.place, Lines)
        part = source.lines[elision.place.first - 1 : elision.place.last]
        assert sum("call(" in line for line in part) == size
