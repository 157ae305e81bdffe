"""Compilers and linters: messages by kind, no place hidden without its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.compressors import diagnostics
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.shared.places import Place, place_span, say_places
from furler_engine.types import Draft, Kind, Policy, Source

TSC = "\n".join(
    f"src/{'ab'[n % 2]}.ts({n + 10},7): error TS2339: Property 'p{n}' does not exist on type 'T'." for n in range(40)
)  # fmt: skip
GCC = "".join(
    f"src/m.c:{n}:5: warning: unused variable 'v{n}' [-Wunused-variable]\n    int v{n};\n        ^~\n" for n in range(1, 30)
)  # fmt: skip


def _draft(text: str) -> Draft:
    source = Source(text)
    draft = diagnostics.plan(source, Policy())
    assert draft is not None
    check(source, draft)
    return draft


def test_every_file_and_line_of_a_folded_message_is_named() -> None:
    text = _draft(TSC).text
    assert "×40 at src/a.ts 10 12 14 16" in text
    assert "; src/b.ts 11 13 15" in text


def test_a_message_that_is_shown_stands_to_the_letter() -> None:
    assert "1:src/a.ts(10,7): error TS2339: Property 'p0' does not exist on type 'T'." in _draft(
        TSC
    ).text.split("\n")


def test_messages_are_counted_with_their_files() -> None:
    assert "kinds of message, all shown: 1, messages: 40, files: 2" in _draft(TSC).text


def test_source_excerpts_go_with_their_message() -> None:
    draft = _draft(GCC)
    assert "2:    int v1;" in draft.text
    assert "int v9;" not in draft.text
    assert "×29 at src/m.c 1-29" in draft.text


def test_a_rare_message_is_shown_whole() -> None:
    text = TSC + "\nsrc/c.ts(3,1): error TS1005: ';' expected.\n  3 | let x\n    |      ^\n" + TSC
    assert "    |      ^" in _draft(text).text


def test_eslint_groups_name_their_file() -> None:
    listed = "".join(f"  {n}:14  error  'require' is not defined  no-undef\n" for n in range(8, 40))
    draft = _draft(f"/srv/a.js\n{listed}\n/srv/b.js\n{listed}\n✖ 64 problems\n")
    assert "×64 at /srv/a.js 8-39; /srv/b.js 8-39" in draft.text
    assert "✖ 64 problems" in draft.text


def test_rustc_arrows_give_the_place() -> None:
    block = "warning: unused variable: `x`\n --> src/main.rs:{n}:9\n  |\n{n} | let x = 1;\n  |     ^\n\n"
    draft = _draft("".join(block.format(n=n) for n in range(1, 20)))
    assert "×19 at src/main.rs 1-19" in draft.text


RUFF = "".join(
    f"{code} {text}\n --> src/{name}.py:{n}:5\n  |\n{n} |     x = {n}\n  |     ^\n  |\nhelp: {text}\n\n"
    for n in range(3, 40)
    for code, text, name in (("D103", "Missing docstring in public function", "a"),
                             ("F841", f"Local variable `x{n}` is never used", "b"))
)  # fmt: skip


def test_messages_above_an_arrow_are_counted_by_code_file_and_line() -> None:
    text = _draft(RUFF).text
    assert "×37 at src/a.py 3-39" in text
    assert "×37 at src/b.py 3-39" in text
    assert "kinds of message, all shown: 2, messages: 74, files: 2" in text
    assert detect(Source(RUFF)) is Kind.DIAGNOSTICS


def test_the_excerpt_of_a_pretty_message_stays_with_it() -> None:
    pretty = "".join(
        f"src/a.ts:{n}:7 - error TS2322: Type 'string' is not assignable to type 'number'.\n\n"
        f"{n} const x{n}: number = 's';\n        ~~\n\n"
        for n in range(1, 30)
    )
    text = _draft(pretty).text
    assert "\n2:\n3:1 const x1: number = 's';\n4:        ~~\n  ×29 at src/a.ts 1-29\n" in text


def test_a_long_text_is_read_as_a_short_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    short = _draft(RUFF).text
    monkeypatch.setattr(diagnostics, "_FEW_LINES", 0)
    assert _draft(RUFF).text == short


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("a/b.c:12:5: error: x", Place("a/b.c", 12)),
        ("a.ts(12,7): error TS1: x", Place("a.ts", 12)),
        ("C:\\w x\\p.cpp(826):  Tab found", Place("x\\p.cpp", 826)),
        ("C:\\w\\p.cpp(826):  Tab found", Place("C:\\w\\p.cpp", 826)),
        ("[WARNING] /s/Foo.java:[216,27] [deprecation] x", Place("/s/Foo.java", 216)),
        ('"lint.c", line 28: warning (dcc:1243): x', Place("lint.c", 28)),
        ('"src/x.c",412  Warning[Pe223]: x', Place("src/x.c", 412)),
        ("1. ERROR in C:\\d\\ECE.java (at line 8)", Place("C:\\d\\ECE.java", 8)),
        ("INFO|HINT|UNUSED|lib/step.dart|1|8|32|x", Place("lib/step.dart", 1)),
        ("ncelab: *W,CUVWSP (../v/p.v,313|24): x", Place("../v/p.v", 313)),
        ("fetching http://10.0.0.1:80/x at 07:57:51", None),
        ("1,234 files in 5:06", None),
        ("no place at all", None),
    ],
)
def test_places_are_read_in_any_notation(line: str, place: Place | None) -> None:
    span = place_span(line)
    assert (span and span[0]) == place


def test_runs_and_repeats_of_lines_are_written_short() -> None:
    places = [Place("a.py", n) for n in (1, 2, 3, 7, 9, 9)] + [Place("b.py", 4)]
    assert say_places(places) == "a.py 1-3 7 9×2; b.py 4"


@given(
    st.lists(
        st.sampled_from(
            ["a.c", ":", "12", "(", ")", "[", "]", "|", '"', ",", " ", "line ", "Line:", "at line ",
             "error", "warning", "[E1]", ": ", "  3:4  error x", "٣", "x/y", "\t"]
        ),
        max_size=8,
    ).map("".join)
)  # fmt: skip
def test_no_message_escapes_the_search_for_candidates(line: str) -> None:
    below = "  --> a.rs:1:2"
    if diagnostics._message_at(1, ["heading", line, below], 0) is not None:
        assert next(diagnostics._candidates(f"heading\n{line}\n{below}")) == 1


@pytest.mark.parametrize("text", [TSC, GCC, GCC.replace("\n", "\n\nplain\n")])
def test_a_long_output_is_read_as_a_short_one(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    lines = text.split("\n")
    each = diagnostics._read(lines, text)
    monkeypatch.setattr(diagnostics, "_FEW_LINES", 0)
    assert each == diagnostics._read(lines, text)


def test_messages_that_differ_in_their_code_alone_are_kinds_of_their_own() -> None:
    lines = [
        f"a{n % 3}.py:{n}:1: PTH{100 + n % 20} `os.f{n}()` should be replaced by `Path.f{n}()`"
        for n in range(80)
    ]
    text = _draft("\n".join(lines)).text
    for n in range(20):
        assert f": PTH{100 + n} `os.f{n}()` should" in text
    assert text.count("×4 at ") == 20


SHELLCHECK = """\

In bin/run{n}.sh line {n}:
    cat $file{n} | grep x
        ^----^ SC2086 (info): Double quote to prevent globbing and word splitting.
    ^-- SC2002 (style): Useless cat.

Did you mean: 
    cat "$file{n}" | grep x

"""  # noqa: W291


def test_shellchecks_messages_are_counted_by_code_file_and_line() -> None:
    report = "".join(SHELLCHECK.format(n=n) for n in range(10, 40)) + "For more information:\n"
    assert detect(Source(report)) is Kind.DIAGNOSTICS
    text = _draft(report).text
    for code in ("SC2086", "SC2002"):
        assert text.count(code) == 2
    assert text.count("×30 at bin/run10.sh 10; bin/run11.sh 11; ") == 2
    assert "kinds of message, all shown: 2, messages: 60, files: 30" in text
    assert [line.split(":", 1)[-1] for line in text.split("\n") if "grep x" in line].count(
        '    cat "$file10" | grep x'
    ) == 1
